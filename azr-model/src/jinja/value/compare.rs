//! `==`, `<`, `in` and which values can be keys.

use super::{Value, ViewKind};
use crate::jinja::ast::Comparison;
use crate::jinja::budget::Budget;
use crate::jinja::fault::{Construct, Result, type_error, unsupported};
use num_bigint::BigInt;
use std::cmp::Ordering;
use std::rc::Rc;

/// `left == right`.
pub(in crate::jinja) fn equal(left: &Value, right: &Value, budget: &Budget) -> Result<bool> {
    budget.steps(1)?;
    Ok(match (left, right) {
        (Value::Undefined(_), Value::Undefined(_)) | (Value::None, Value::None) => true,
        (Value::Str(a) | Value::Markup(a), Value::Str(b) | Value::Markup(b)) => {
            budget.bytes(a.len().min(b.len()))?;
            a == b
        }
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            Rc::ptr_eq(a, b) || all_equal(&a.values, &b.values, budget)?
        }
        (Value::Dict(a), Value::Dict(b)) => {
            if Rc::ptr_eq(a, b) {
                return Ok(true);
            }
            if a.len() != b.len() {
                return Ok(false);
            }
            for (key, value) in a.entries() {
                match b.get(key, budget)? {
                    Some(other) if equal(value, other, budget)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Value::Range(a), Value::Range(b)) => {
            let length = a.length();
            length == b.length()
                && (length == 0 || (a.start == b.start && (length == 1 || a.step == b.step)))
        }
        (Value::View(kind, a), Value::View(other, b)) => {
            if *kind != ViewKind::Values && *other != ViewKind::Values {
                return unsupported(Construct::Expression, "== of views of dictionaries");
            }
            kind == other && Rc::ptr_eq(a, b) && std::ptr::eq(left, right)
        }
        (Value::Namespace(a), Value::Namespace(b)) => Rc::ptr_eq(a, b),
        (Value::Macro(a), Value::Macro(b)) => Rc::ptr_eq(a, b),
        (Value::Stream(a), Value::Stream(b)) => Rc::ptr_eq(a, b),
        (Value::Loop(a), Value::Loop(b)) => Rc::ptr_eq(a, b),
        (Value::Cycler(a), Value::Cycler(b)) => Rc::ptr_eq(a, b),
        (Value::Joiner(a), Value::Joiner(b)) => Rc::ptr_eq(a, b),
        (Value::Function(a), Value::Function(b)) => a == b,
        (Value::Method(_), Value::Method(_)) => {
            return unsupported(Construct::Expression, "== of methods");
        }
        _ => numbers(left, right) == Some(Some(Ordering::Equal)),
    })
}

fn all_equal(left: &[Value], right: &[Value], budget: &Budget) -> Result<bool> {
    if left.len() != right.len() {
        return Ok(false);
    }
    for (a, b) in left.iter().zip(right) {
        if !equal(a, b, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The order of two numbers, which NaN has not; None if one is no number.
fn numbers(left: &Value, right: &Value) -> Option<Option<Ordering>> {
    match (left, right) {
        (Value::Float(a), Value::Float(b)) => Some(a.partial_cmp(b)),
        (Value::Float(a), b) => Some(float_and_int(*a, &b.int()?)),
        (a, Value::Float(b)) => Some(float_and_int(*b, &a.int()?).map(Ordering::reverse)),
        (a, b) => Some(Some(a.int()?.cmp(&b.int()?))),
    }
}

/// Exact, as Python compares them.
fn float_and_int(float: f64, int: &BigInt) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float.is_infinite() {
        return Some(if float < 0.0 {
            Ordering::Less
        } else {
            Ordering::Greater
        });
    }
    let whole = super::float::to_int(float.floor());
    let fraction = if float.floor() < float {
        Ordering::Greater
    } else {
        Ordering::Equal
    };
    Some(whole.cmp(int).then(fraction))
}

/// One of `<`, `<=`, `>`, `>=`.
pub(in crate::jinja) fn ordered(
    left: &Value,
    comparison: Comparison,
    right: &Value,
    budget: &Budget,
) -> Result<bool> {
    budget.steps(1)?;
    left.defined()?;
    right.defined()?;
    if let Some(order) = numbers(left, right) {
        return Ok(order.is_some_and(|it| holds(it, comparison)));
    }
    match (left, right) {
        (Value::Str(a) | Value::Markup(a), Value::Str(b) | Value::Markup(b)) => {
            budget.bytes(a.len().min(b.len()))?;
            Ok(holds(a.cmp(b), comparison))
        }
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            for (left, right) in a.values.iter().zip(&b.values) {
                if !equal(left, right, budget)? {
                    return ordered(left, comparison, right, budget);
                }
            }
            Ok(holds(a.values.len().cmp(&b.values.len()), comparison))
        }
        (Value::View(..), Value::View(..)) => {
            unsupported(Construct::Expression, "the order of views of dictionaries")
        }
        _ => type_error(format!(
            "'{}' not supported between instances of '{}' and '{}'",
            symbol(comparison),
            left.class(),
            right.class()
        )),
    }
}

fn holds(order: Ordering, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Equal | Comparison::In => order.is_eq(),
        Comparison::NotEqual | Comparison::NotIn => order.is_ne(),
    }
}

fn symbol(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Equal => "==",
        Comparison::NotEqual => "!=",
        Comparison::In => "in",
        Comparison::NotIn => "not in",
    }
}

/// `item in container`, for containers that are not read by it.
pub(in crate::jinja) fn contains(
    container: &Value,
    item: &Value,
    budget: &Budget,
) -> Result<Option<bool>> {
    let found = match container {
        Value::Undefined(_) => false,
        Value::Str(text) | Value::Markup(text) => {
            let Some(part) = item.text() else {
                return type_error(format!(
                    "'in <string>' requires string as left operand, not {}",
                    item.class()
                ));
            };
            budget.bytes(text.len())?;
            text.contains(&**part)
        }
        Value::List(items) | Value::Tuple(items) => {
            for it in &items.values {
                if equal(it, item, budget)? {
                    return Ok(Some(true));
                }
            }
            false
        }
        Value::Dict(dict) | Value::View(ViewKind::Keys, dict) => dict.get(item, budget)?.is_some(),
        Value::View(ViewKind::Values, dict) => {
            for (_, it) in dict.entries() {
                if equal(it, item, budget)? {
                    return Ok(Some(true));
                }
            }
            false
        }
        Value::View(ViewKind::Items, dict) => match item {
            Value::Tuple(pair) if pair.values.len() == 2 => {
                match dict.get(&pair.values[0], budget)? {
                    Some(value) => equal(value, &pair.values[1], budget)?,
                    None => false,
                }
            }
            _ => false,
        },
        Value::Range(range) => {
            let length = range.length();
            budget.steps(length as usize / 16)?;
            for index in 0..length {
                if equal(&range.at(index), item, budget)? {
                    return Ok(Some(true));
                }
            }
            false
        }
        Value::Stream(_) | Value::Loop(_) => return Ok(None),
        other => {
            return type_error(format!(
                "argument of type '{}' is not iterable",
                other.class()
            ));
        }
    };
    Ok(Some(found))
}

/// Refuses what cannot be a key.
pub(in crate::jinja) fn hashable(key: &Value) -> Result<()> {
    match key {
        Value::List(_) | Value::Dict(_) => {
            type_error(format!("unhashable type: '{}'", key.class()))
        }
        Value::View(ViewKind::Keys | ViewKind::Items, _) => {
            type_error(format!("unhashable type: '{}'", key.class()))
        }
        Value::Tuple(items) => items.values.iter().try_for_each(hashable),
        _ => Ok(()),
    }
}
