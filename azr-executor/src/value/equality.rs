//! When two values count as equal.

use serde::{Deserialize, Serialize};

use super::{Value, order};

/// When two values count as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Equality {
    /// Python's `==` (`1 == True == 1.0`, dictionary order ignored), except that NaN equals NaN.
    #[default]
    Python,
    /// The same, and types must match at every node.
    Strict,
}

impl Equality {
    /// Whether `left` and `right` are equal. Integers and floats are compared exactly; sets in their canonical order,
    /// dictionaries in any order. Takes n log n time, whatever the values are.
    pub fn equal(self, left: &Value, right: &Value) -> bool {
        match (left, right) {
            (Value::None, Value::None) => true,
            (Value::Str(left), Value::Str(right)) => left == right,
            (Value::Bytes(left), Value::Bytes(right)) => left == right,
            // Sets too: both are in canonical order.
            (Value::List(left), Value::List(right))
            | (Value::Tuple(left), Value::Tuple(right))
            | (Value::Set(left), Value::Set(right))
            | (Value::FrozenSet(left), Value::FrozenSet(right)) => self.equal_all(left, right),
            (Value::Set(left), Value::FrozenSet(right))
            | (Value::FrozenSet(left), Value::Set(right)) => {
                self == Self::Python && self.equal_all(left, right)
            }
            (Value::Dict(left), Value::Dict(right)) => self.equal_dicts(left, right),
            _ if is_number(left) && is_number(right) => self.equal_numbers(left, right),
            _ => false,
        }
    }

    fn equal_all(self, left: &[Value], right: &[Value]) -> bool {
        let mut pairs = left.iter().zip(right);
        left.len() == right.len() && pairs.all(|(left, right)| self.equal(left, right))
    }

    fn equal_dicts(self, left: &[(Value, Value)], right: &[(Value, Value)]) -> bool {
        let pairs = || {
            order::sorted_items(left)
                .into_iter()
                .zip(order::sorted_items(right))
        };
        left.len() == right.len()
            && pairs()
                .all(|(left, right)| self.equal(&left.0, &right.0) && self.equal(&left.1, &right.1))
    }

    fn equal_numbers(self, left: &Value, right: &Value) -> bool {
        let same_type = std::mem::discriminant(left) == std::mem::discriminant(right);
        (same_type || self == Self::Python) && order::compare(left, right).is_eq()
    }
}

fn is_number(value: &Value) -> bool {
    matches!(
        value,
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Complex(..)
    )
}
