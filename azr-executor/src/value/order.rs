//! A total order over values that agrees with Python's `==` on all that can be hashed: what Python calls equal compares as
//! equal here. (On dictionaries with an order or with counts no order agrees, for there `==` is not transitive.)
//!
//! It gives sets their canonical order and finds equal keys without a hash, so no value can make it quadratic. Sets inside
//! of what is compared are in that order already: to sort them for each comparison would double the work a level.

use std::cmp::Ordering;

use super::{Value, number};

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

/// Total order: by kind, then by content. Numbers of all types without an imaginary part are one kind, compared exactly;
/// NaN equals itself and is the greatest number.
pub(super) fn compare(left: &Value, right: &Value) -> Ordering {
    let by_kind = kind(left).cmp(&kind(right));
    by_kind.then_with(|| match (left, right) {
        (Value::Str(left), Value::Str(right)) => left.cmp(right),
        (Value::Bytes(left), Value::Bytes(right)) => left.cmp(right),
        (Value::List(left), Value::List(right))
        | (Value::Tuple(left), Value::Tuple(right))
        | (Value::Deque(left, _), Value::Deque(right, _)) => compare_all(left.iter(), right.iter()),
        (
            Value::Set(left) | Value::FrozenSet(left),
            Value::Set(right) | Value::FrozenSet(right),
        ) => compare_all(left.iter(), right.iter()),
        (Value::Dict(left), Value::Dict(right))
        | (Value::Counter(left), Value::Counter(right))
        | (Value::OrderedDict(left), Value::OrderedDict(right))
        | (Value::DefaultDict(_, left), Value::DefaultDict(_, right)) => compare_dicts(left, right),
        (Value::Range(left), Value::Range(right)) => left.compare(right),
        (Value::Complex(left_real, left_imag), Value::Complex(right_real, right_imag)) => {
            number::compare_floats(*left_real, *right_real)
                .then_with(|| number::compare_floats(*left_imag, *right_imag))
        }
        // `None` and `Ellipsis`, alone in their kinds, land here too.
        _ => number::compare(left, right),
    })
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::None => 0,
        Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Decimal(_)
        | Value::Fraction(_) => 1,
        Value::Complex(_, imag) if *imag == 0.0 => 1,
        Value::Complex(..) => 2,
        Value::Str(_) => 3,
        Value::Bytes(_) => 4,
        Value::Tuple(_) => 5,
        Value::Set(_) | Value::FrozenSet(_) => 6,
        Value::List(_) => 7,
        Value::Dict(_) => 8,
        Value::Ellipsis => 9,
        Value::Range(_) => 10,
        Value::Counter(_) => 11,
        Value::OrderedDict(_) => 12,
        Value::DefaultDict(..) => 13,
        Value::Deque(..) => 14,
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
fn sorted_items(items: &[(Value, Value)]) -> Vec<&(Value, Value)> {
    let mut sorted = items.iter().collect();
    sort_items(&mut sorted);
    sorted
}

/// Puts items in the total order of their keys.
pub(super) fn sort_items(items: &mut Vec<&(Value, Value)>) {
    items.sort_by(|left, right| compare(&left.0, &right.0));
}
