//! Numbers of configuration files as Python's programs write and accept them: `128.0` is 128, and -1 can mean none.

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};
use std::fmt;

/// A whole number, at least 0; `128.0` is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole(pub usize);

/// A whole number of any sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signed(pub i64);

/// One token id, several, or none: `null`, an empty list, or -1, which stands for none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TokenIds(pub Vec<u32>);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = deserializer.deserialize_any(Integral("a whole number, at least 0"))?;
        let unexpected =
            || Error::invalid_value(Unexpected::Signed(number), &"a whole number, at least 0");
        usize::try_from(number).map(Self).map_err(|_| unexpected())
    }
}

impl<'de> Deserialize<'de> for Signed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(Integral("a whole number"))
            .map(Self)
    }
}

impl<'de> Deserialize<'de> for TokenIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Ids).map(Self)
    }
}

/// Reads a number without a fraction; the text says what is wanted.
struct Integral(&'static str);

impl Visitor<'_> for Integral {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<i64, E> {
        // All integers below this are exact in f64.
        const EXACT: f64 = (1_u64 << 53) as f64;
        if number.fract() == 0.0 && number.abs() < EXACT {
            Ok(number as i64)
        } else {
            Err(E::invalid_value(Unexpected::Float(number), &self))
        }
    }
}

const AN_ID_OR_SEVERAL: &str = "a token id, a list of them, or null";

struct Ids;

impl<'de> Visitor<'de> for Ids {
    type Value = Vec<u32>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(AN_ID_OR_SEVERAL)
    }

    fn visit_unit<E: Error>(self) -> Result<Vec<u32>, E> {
        Ok(Vec::new())
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<Vec<u32>, E> {
        let unexpected = || E::invalid_value(Unexpected::Unsigned(id), &self);
        u32::try_from(id)
            .map(|id| vec![id])
            .map_err(|_| unexpected())
    }

    fn visit_i64<E: Error>(self, id: i64) -> Result<Vec<u32>, E> {
        match u64::try_from(id) {
            Ok(id) => self.visit_u64(id),
            Err(_) if id == -1 => Ok(Vec::new()),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(id), &self)),
        }
    }

    fn visit_f64<E: Error>(self, id: f64) -> Result<Vec<u32>, E> {
        Integral(AN_ID_OR_SEVERAL)
            .visit_f64(id)
            .and_then(|id| self.visit_i64(id))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u32>, A::Error> {
        let mut ids = Vec::new();
        while let Some(TokenIds(more)) = list.next_element()? {
            ids.extend(more);
        }
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<T: for<'de> Deserialize<'de> + fmt::Debug>(json: &str) -> String {
        serde_json::from_str::<T>(json).unwrap_err().to_string()
    }

    #[test]
    fn a_number_without_a_fraction_is_a_whole_one() {
        for json in ["128", "128.0", "1.28e2"] {
            assert_eq!(serde_json::from_str::<Whole>(json).unwrap(), Whole(128));
        }
        assert_eq!(serde_json::from_str::<Signed>("-1").unwrap(), Signed(-1));
        for json in ["128.5", "-1", "\"128\"", "1e300", "null", "true"] {
            assert!(
                words::<Whole>(json).contains("expected a whole number"),
                "{json}"
            );
        }
    }

    #[test]
    fn ids_are_one_or_several_or_none() {
        for (json, ids) in [
            ("2", vec![2]),
            ("2.0", vec![2]),
            ("[2, 3]", vec![2, 3]),
            ("[]", vec![]),
            ("-1", vec![]),
            ("[-1, 4]", vec![4]),
            ("null", vec![]),
        ] {
            assert_eq!(
                serde_json::from_str::<TokenIds>(json).unwrap(),
                TokenIds(ids)
            );
        }
        for json in ["\"2\"", "-2", "2.5", "{}", "[\"2\"]", "4294967296"] {
            assert!(words::<TokenIds>(json).contains("a token id"), "{json}");
        }
    }
}
