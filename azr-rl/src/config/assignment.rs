//! `section.key=value` on top of a run file, before it is read.

use toml::{Table, Value};

use super::ConfigError;
use super::error::quoted;

/// Sets one key of a run file. The key must be there already (run files are complete), so a slip of the pen is found out
/// here and not passed over. Text needs no quotes, and `1` will do where the file has `1.0`. A section can be replaced by a
/// word or an inline table: `evaluation.held_out=none`.
///
/// # Errors
/// [`ConfigError::Assignment`], [`ConfigError::NoSuchKey`].
pub fn set(table: &mut Table, assignment: &str) -> Result<(), ConfigError> {
    let malformed = || ConfigError::Assignment {
        assignment: quoted(assignment),
    };
    let (key, text) = assignment.split_once('=').ok_or_else(malformed)?;
    let (key, text) = (key.trim(), text.trim());
    if key.is_empty() || text.is_empty() {
        return Err(malformed());
    }
    let slot = find(table, key)?;
    *slot = value_like(slot, text).ok_or_else(|| {
        if is_whole_number(text) {
            let assignment = quoted(assignment);
            ConfigError::TooLarge { assignment }
        } else {
            malformed()
        }
    })?;
    Ok(())
}

fn find<'t>(table: &'t mut Table, key: &str) -> Result<&'t mut Value, ConfigError> {
    let (section, rest) = match key.split_once('.') {
        Some((section, rest)) => (section, Some(rest)),
        None => (key, None),
    };
    let no_such_key = |table: &Table| ConfigError::NoSuchKey {
        key: quoted(key),
        known: format!(
            "there are: {}",
            table.keys().cloned().collect::<Vec<_>>().join(", ")
        ),
    };
    if !table.contains_key(section) {
        return Err(no_such_key(table));
    }
    let known = no_such_key(table);
    let value = table.get_mut(section).ok_or(known)?;
    match (value, rest) {
        (Value::Table(inner), Some(rest)) => find(inner, rest),
        (_, Some(_)) => Err(ConfigError::NoSuchKey {
            key: quoted(key),
            known: format!("`{section}` is a value, not a section"),
        }),
        (value, None) => Ok(value),
    }
}

/// One that TOML did not take has too many digits.
fn is_whole_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit() || it == b'_')
}

fn value_like(old: &Value, text: &str) -> Option<Value> {
    let parsed = toml::from_str::<Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut it| it.remove("value"));
    match (old, parsed) {
        (Value::String(_), Some(Value::String(new))) => Some(Value::String(new)),
        (Value::String(_), Some(Value::Table(new))) => Some(Value::Table(new)),
        (Value::String(_), _) | (Value::Table(_), None) => Some(Value::String(text.to_owned())),
        (Value::Float(_), Some(Value::Integer(new))) => Some(Value::Float(new as f64)),
        (_, parsed) => parsed,
    }
}
