//! What differs between two run files.

use std::collections::BTreeMap;

use super::{Config, ConfigError, table};

/// A value that is another one than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The key, with its section.
    pub key: String,
    /// What it was, as TOML; none if the key is new.
    pub before: Option<String>,
    /// What it is, as TOML; none if the key is gone.
    pub after: Option<String>,
}

impl Config {
    /// The values that are not what they are in `before`, the text of an earlier run file.
    ///
    /// # Errors
    /// When that text is not TOML, or this configuration cannot be written.
    pub fn changes_since(&self, before: &str) -> Result<Vec<Change>, ConfigError> {
        let (mut before, after) = (values(before)?, values(&self.to_toml()?)?);
        let mut changes = Vec::new();
        for (key, after) in after {
            let before = before.remove(&key);
            if before.as_ref() != Some(&after) {
                changes.push(Change {
                    key,
                    before,
                    after: Some(after),
                });
            }
        }
        let gone = |(key, before)| Change {
            key,
            before: Some(before),
            after: None,
        };
        changes.extend(before.into_iter().map(gone));
        Ok(changes)
    }
}

/// All values of a run file by their keys, with their sections.
fn values(text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut values = BTreeMap::new();
    let mut sections = vec![(String::new(), table(text)?)];
    while let Some((section, table)) = sections.pop() {
        for (name, value) in table {
            let key = format!("{section}{name}");
            match value {
                toml::Value::Table(inner) => sections.push((format!("{key}."), inner)),
                value => {
                    values.insert(key, value.to_string());
                }
            }
        }
    }
    Ok(values)
}
