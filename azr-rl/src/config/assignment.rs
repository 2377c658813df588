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
    let slot = find(table, key, key)?;
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

/// The value of `rest`, the part of the key `whole` that is left below this table.
fn find<'t>(table: &'t mut Table, rest: &str, whole: &str) -> Result<&'t mut Value, ConfigError> {
    let no_such_key = |known: String| ConfigError::NoSuchKey {
        key: quoted(whole),
        known,
    };
    let (name, below) = match rest.split_once('.') {
        Some((name, below)) => (name, Some(below)),
        None => (rest, None),
    };
    let section = whole
        .strip_suffix(rest)
        .unwrap_or_default()
        .trim_end_matches('.');
    let names: Vec<&str> = table.keys().map(String::as_str).collect();
    let place = match section {
        "" => "there are".to_owned(),
        section => format!("[{}] has", quoted(section)),
    };
    let known = format!("{place}: {}", names.join(", "));
    match (table.get_mut(name), below) {
        (None, _) => Err(no_such_key(known)),
        (Some(Value::Table(inner)), Some(below)) => find(inner, below, whole),
        (Some(_), Some(_)) => Err(no_such_key(format!(
            "`{}` is a value, not a section",
            quoted(name)
        ))),
        (Some(value), None) => Ok(value),
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
