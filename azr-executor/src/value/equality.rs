//! When two values count as equal.

use serde::{Deserialize, Serialize};

use super::{Value, number, order};

/// When two values count as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Equality {
    /// Python's `==` (`1 == True == 1.0`, dictionary order ignored), except that NaN equals NaN.
    #[default]
    Python,
    /// The same, and at every node types must match: with the order of an `OrderedDict`, the factory of a `defaultdict`, the
    /// `maxlen` of a `deque`, the digits and the exponent of a `Decimal`, and the counts of zero of a `Counter`.
    Strict,
}

impl Equality {
    /// Whether `left` and `right` are equal. Numbers are compared exactly; sets in their canonical order, dictionaries in
    /// any order but for two `OrderedDict`s. Takes n log n time, whatever the values are.
    pub fn equal(self, left: &Value, right: &Value) -> bool {
        match (left, right) {
            (Value::None, Value::None) | (Value::Ellipsis, Value::Ellipsis) => true,
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
            (Value::Range(left), Value::Range(right)) => left.compare(right).is_eq(),
            (Value::Deque(left, left_max), Value::Deque(right, right_max)) => {
                (left_max == right_max || self == Self::Python) && self.equal_all(left, right)
            }
            _ if number::is_number(left) && number::is_number(right) => {
                self.equal_numbers(left, right)
            }
            _ => match (left.items(), right.items()) {
                (Some(left_items), Some(right_items)) => {
                    (is_same_type(left, right) || self == Self::Python)
                        && self.equal_dictionaries((left, left_items), (right, right_items))
                }
                _ => false,
            },
        }
    }

    fn equal_all(self, left: &[Value], right: &[Value]) -> bool {
        let mut pairs = left.iter().zip(right);
        left.len() == right.len() && pairs.all(|(left, right)| self.equal(left, right))
    }

    fn equal_dictionaries(self, left: (&Value, &[Item]), right: (&Value, &[Item])) -> bool {
        match (left.0, right.0) {
            (Value::OrderedDict(left), Value::OrderedDict(right)) => {
                self.equal_pairs(left.iter(), right.iter())
            }
            (Value::DefaultDict(left, _), Value::DefaultDict(right, _))
                if left != right && self == Self::Strict =>
            {
                false
            }
            (Value::Counter(left), Value::Counter(right)) if self == Self::Python => {
                self.equal_items(present(left), present(right))
            }
            _ => self.equal_items(left.1.iter().collect(), right.1.iter().collect()),
        }
    }

    fn equal_items(self, mut left: Vec<&Item>, mut right: Vec<&Item>) -> bool {
        order::sort_items(&mut left);
        order::sort_items(&mut right);
        self.equal_pairs(left.into_iter(), right.into_iter())
    }

    fn equal_pairs<'value>(
        self,
        left: impl ExactSizeIterator<Item = &'value Item>,
        right: impl ExactSizeIterator<Item = &'value Item>,
    ) -> bool {
        left.len() == right.len()
            && left
                .zip(right)
                .all(|(left, right)| self.equal(&left.0, &right.0) && self.equal(&left.1, &right.1))
    }

    fn equal_numbers(self, left: &Value, right: &Value) -> bool {
        match (left, right) {
            (Value::Decimal(left), Value::Decimal(right)) if self == Self::Strict => left == right,
            _ => {
                (is_same_type(left, right) || self == Self::Python)
                    && order::compare(left, right).is_eq()
            }
        }
    }
}

type Item = (Value, Value);

fn is_same_type(left: &Value, right: &Value) -> bool {
    std::mem::discriminant(left) == std::mem::discriminant(right)
}

/// What is counted at all: an element that is missing counts as zero.
fn present(items: &[Item]) -> Vec<&Item> {
    let zero = Value::from(0);
    let is_zero = |count: &Value| number::is_number(count) && order::compare(count, &zero).is_eq();
    items.iter().filter(|(_, count)| !is_zero(count)).collect()
}
