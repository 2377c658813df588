//! JSON as Python reads it: integers of any size, objects in the order of their keys.

use num_bigint::BigInt;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Nested lists and objects; more are refused.
const DEPTH_MAX: usize = 100;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without a fraction and an exponent.
    Int(BigInt),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Data>),
    /// An object. No key occurs twice.
    Object(Vec<(String, Data)>),
}

impl Data {
    /// The value of a key of an object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries
                .iter()
                .find(|(it, _)| it == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Sets a key of an object as Python does: a new value stands where the old one stood.
pub(crate) fn insert(entries: &mut Vec<(String, Data)>, key: String, value: Data) {
    match entries.iter_mut().find(|(it, _)| *it == key) {
        Some((_, old)) => *old = value,
        None => entries.push((key, value)),
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        read(raw.get(), DEPTH_MAX).map_err(D::Error::custom)
    }
}

/// Reads JSON that is known to be valid.
fn read(text: &str, depth: usize) -> Result<Data, serde_json::Error> {
    let text = text.trim();
    let numeric = |it: u8| it == b'-' || it.is_ascii_digit();
    match text.bytes().next() {
        Some(b'{') if 0 < depth => {
            let Raw(raw) = serde_json::from_str(text)?;
            let mut entries = Vec::with_capacity(raw.len());
            for (key, value) in raw {
                insert(&mut entries, key, read(value.get(), depth - 1)?);
            }
            Ok(Data::Object(entries))
        }
        Some(b'[') if 0 < depth => {
            let raw: Vec<Box<RawValue>> = serde_json::from_str(text)?;
            let items = raw.iter().map(|it| read(it.get(), depth - 1));
            Ok(Data::List(items.collect::<Result<_, _>>()?))
        }
        Some(b'{' | b'[') => Err(serde_json::Error::custom(format!(
            "it is nested more than {DEPTH_MAX} deep"
        ))),
        Some(b'"') => Ok(Data::Text(serde_json::from_str(text)?)),
        Some(byte) if numeric(byte) => match text.parse::<BigInt>() {
            Ok(int) => Ok(Data::Int(int)),
            Err(_) => Ok(Data::Float(serde_json::from_str(text)?)),
        },
        Some(b't') => Ok(Data::Bool(true)),
        Some(b'f') => Ok(Data::Bool(false)),
        _ => Ok(Data::Null),
    }
}

/// The entries of an object in their order, with repeated keys.
struct Raw(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Raw;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Raw, A::Error> {
                let mut map = map;
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Raw(entries))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_python_reads_them() {
        let data: Data =
            serde_json::from_str(r#"[123456789012345678901234567890, -0, 1.0, 1e2]"#).unwrap();
        let big: BigInt = "123456789012345678901234567890".parse().unwrap();
        let expected = vec![
            Data::Int(big),
            Data::Int(0.into()),
            Data::Float(1.0),
            Data::Float(100.0),
        ];
        assert_eq!(data, Data::List(expected));
    }

    #[test]
    fn a_repeated_key_keeps_its_place_and_takes_the_last_value() {
        let data: Data = serde_json::from_str(r#"{"a": 1, "b": {}, "a": null}"#).unwrap();
        let expected = vec![
            ("a".to_owned(), Data::Null),
            ("b".to_owned(), Data::Object(Vec::new())),
        ];
        assert_eq!(data, Data::Object(expected));
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let text = "[".repeat(110) + &"]".repeat(110);
        assert!(serde_json::from_str::<Data>(&text).is_err());
    }
}
