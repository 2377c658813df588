//! A total order over values that agrees with Python's `==`: what Python calls equal compares as equal here.
//!
//! It gives sets their canonical order and finds equal keys without a hash, so no value can make it quadratic. Sets inside
//! of what is compared are in that order already: to sort them for each comparison would double the work a level.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use super::Value;

/// The elements of a set: the first of equal ones, sorted.
pub(super) fn canonical(mut elements: Vec<Value>) -> Vec<Value> {
    elements.sort_by(compare);
    elements.dedup_by(|later, first| compare(later, first) == Ordering::Equal);
    elements
}

/// The items of a dictionary: of equal keys the first, at its place, with the last value.
pub(super) fn last_value_wins(items: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    let mut by_key: Vec<usize> = (0..items.len()).collect();
    by_key.sort_by(|&left, &right| compare(&items[left].0, &items[right].0));
    // For each item, the place whose value it gets; none for a repeated key.
    let mut value_from: Vec<Option<usize>> = vec![None; items.len()];
    for run in
        by_key.chunk_by(|&left, &right| compare(&items[left].0, &items[right].0) == Ordering::Equal)
    {
        if let (Some(&first), Some(&last)) = (run.first(), run.last()) {
            value_from[first] = Some(last);
        }
    }
    if value_from.iter().all(Option::is_some) {
        return items;
    }
    let (keys, values): (Vec<_>, Vec<_>) = items.into_iter().unzip();
    let kept = keys.into_iter().zip(&value_from);
    kept.filter_map(|(key, from)| from.map(|from| (key, values[from].clone())))
        .collect()
}

/// Total order: by kind, then by content. Booleans, integers, floats and complex numbers without an imaginary part are
/// one kind, compared exactly; NaN equals itself and is the greatest number.
pub(super) fn compare(left: &Value, right: &Value) -> Ordering {
    let by_kind = kind(left).cmp(&kind(right));
    by_kind.then_with(|| match (left, right) {
        (Value::Str(left), Value::Str(right)) => left.cmp(right),
        (Value::Bytes(left), Value::Bytes(right)) => left.cmp(right),
        (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
            compare_all(left.iter(), right.iter())
        }
        (
            Value::Set(left) | Value::FrozenSet(left),
            Value::Set(right) | Value::FrozenSet(right),
        ) => compare_all(left.iter(), right.iter()),
        (Value::Dict(left), Value::Dict(right)) => compare_dicts(left, right),
        (Value::Complex(left_real, left_imag), Value::Complex(right_real, right_imag)) => {
            compare_floats(*left_real, *right_real)
                .then_with(|| compare_floats(*left_imag, *right_imag))
        }
        _ => compare_numbers(left, right),
    })
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::None => 0,
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => 1,
        Value::Complex(_, imag) if *imag == 0.0 => 1,
        Value::Complex(..) => 2,
        Value::Str(_) => 3,
        Value::Bytes(_) => 4,
        Value::Tuple(_) => 5,
        Value::Set(_) | Value::FrozenSet(_) => 6,
        Value::List(_) => 7,
        Value::Dict(_) => 8,
    }
}

fn compare_all<'value>(
    mut left: impl ExactSizeIterator<Item = &'value Value>,
    mut right: impl ExactSizeIterator<Item = &'value Value>,
) -> Ordering {
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => match compare(left, right) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

fn compare_dicts(left: &[(Value, Value)], right: &[(Value, Value)]) -> Ordering {
    let (left, right) = (sorted_items(left), sorted_items(right));
    let pairs = left.iter().zip(&right);
    let differing = pairs
        .map(|(left, right)| compare(&left.0, &right.0).then_with(|| compare(&left.1, &right.1)));
    differing
        .into_iter()
        .find(|order| order.is_ne())
        .unwrap_or(left.len().cmp(&right.len()))
}

/// References to items in the total order of their keys.
pub(super) fn sorted_items(items: &[(Value, Value)]) -> Vec<&(Value, Value)> {
    let mut sorted: Vec<&(Value, Value)> = items.iter().collect();
    sorted.sort_by(|left, right| compare(&left.0, &right.0));
    sorted
}

/// Compares two values of the number kind exactly. `None` is alone in its kind and lands here too.
fn compare_numbers(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (
            Value::Float(left) | Value::Complex(left, _),
            Value::Float(right) | Value::Complex(right, _),
        ) => compare_floats(*left, *right),
        (Value::Float(left) | Value::Complex(left, _), right) => integer(right)
            .map_or(Ordering::Equal, |right| {
                compare_integer(&right, *left).reverse()
            }),
        (left, Value::Float(right) | Value::Complex(right, _)) => {
            integer(left).map_or(Ordering::Equal, |left| compare_integer(&left, *right))
        }
        (left, right) => integer(left).cmp(&integer(right)),
    }
}

fn integer(value: &Value) -> Option<BigInt> {
    match value {
        Value::Bool(bit) => Some(BigInt::from(u8::from(*bit))),
        Value::Int(int) => Some(int.clone()),
        _ => None,
    }
}

fn compare_floats(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right)
        .unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

/// An integer against a float without rounding either: by the float's integral part, then by its fraction.
fn compare_integer(left: &BigInt, right: f64) -> Ordering {
    if right.is_nan() || right == f64::INFINITY {
        return Ordering::Less;
    }
    if right == f64::NEG_INFINITY {
        return Ordering::Greater;
    }
    let by_integral_part = left.cmp(&integral(right.trunc()));
    by_integral_part.then_with(|| {
        0.0_f64
            .partial_cmp(&right.fract())
            .unwrap_or(Ordering::Equal)
    })
}

/// A finite float without a fraction as an integer.
fn integral(float: f64) -> BigInt {
    let bits = float.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1_075;
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    if float.abs() < 1.0 {
        return BigInt::ZERO;
    }
    let magnitude = BigInt::from(mantissa);
    let magnitude = if exponent < 0 {
        magnitude >> exponent.unsigned_abs()
    } else {
        magnitude << exponent.unsigned_abs()
    };
    if float.is_sign_negative() {
        BigInt::from_biguint(Sign::Minus, magnitude.into_parts().1)
    } else {
        magnitude
    }
}
