//! `value.name`, `value[key]` and `value[a:b]`, as a sandboxed environment of Jinja2 looks them up.

use super::fault::{Construct, Exception, Result, raised, type_error, unsupported, value_error};
use super::given;
use super::machine::Machine;
use super::methods;
use super::value::{Absence, Range, Value, compare};
use std::rc::Rc;

/// What `getattr` finds.
enum Found {
    Value(Value),
    /// It exists and a template may not have it.
    Unsafe,
    Nothing,
}

/// `value.name`: the attribute, or the element, or an undefined value.
pub(super) fn attribute(machine: &Machine<'_>, value: &Value, name: &str) -> Result<Value> {
    match find(machine, value, name)? {
        Found::Value(found) => Ok(found),
        Found::Unsafe => Ok(not_safe(value, name)),
        Found::Nothing => {
            if let Value::Dict(dict) = value
                && let Some(found) = dict.get_str(name)
            {
                return Ok(found.clone());
            }
            value.defined()?;
            Ok(missing(value, &format!("attribute '{name}'")))
        }
    }
}

/// `value[key]`: the element, or the attribute, or an undefined value.
pub(super) fn item(machine: &Machine<'_>, value: &Value, key: &Value) -> Result<Value> {
    value.defined()?;
    if let Some(found) = element(machine, value, key)? {
        return Ok(found);
    }
    if let Some(name) = key.text() {
        match find(machine, value, name)? {
            Found::Value(found) => return Ok(found),
            Found::Unsafe => return Ok(not_safe(value, name)),
            Found::Nothing => {}
        }
    }
    let words = match key {
        Value::Str(name) => format!("attribute '{name}'"),
        _ => "element of this key".to_owned(),
    };
    Ok(missing(value, &words))
}

/// Only the attribute: the filter `attr`.
pub(super) fn only_attribute(machine: &Machine<'_>, value: &Value, name: &str) -> Result<Value> {
    Ok(match find(machine, value, name)? {
        Found::Value(found) => found,
        Found::Unsafe => not_safe(value, name),
        Found::Nothing => missing(value, &format!("attribute '{name}'")),
    })
}

fn missing(value: &Value, words: &str) -> Value {
    Value::undefined(format!("'{} object' has no {words}", value.class()))
}

fn not_safe(value: &Value, name: &str) -> Value {
    Value::Undefined(Rc::new(Absence {
        exception: Exception::SecurityError,
        words: format!(
            "access to attribute '{name}' of '{}' object is unsafe.",
            value.class()
        ),
    }))
}

/// `value[key]` where it exists.
fn element(machine: &Machine<'_>, value: &Value, key: &Value) -> Result<Option<Value>> {
    if let Value::Dict(dict) = value {
        if compare::hashable(key).is_err() {
            return Ok(None);
        }
        return Ok(dict.get(key, &machine.budget)?.cloned());
    }
    let Some(index) = key.int().and_then(|it| i64::try_from(it).ok()) else {
        return Ok(None);
    };
    Ok(match value {
        Value::List(items) | Value::Tuple(items) => {
            place(index, items.values.len()).map(|at| items.values[at].clone())
        }
        Value::Range(range) => place(index, range.length() as usize).map(|at| range.at(at as u64)),
        Value::Str(text) | Value::Markup(text) => {
            machine.budget.bytes(text.len())?;
            let length = text.chars().count();
            place(index, length)
                .and_then(|at| text.chars().nth(at))
                .map(|it| Value::str(it.encode_utf8(&mut [0; 4])))
        }
        _ => None,
    })
}

fn place(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let index = if index < 0 { index + length } else { index };
    usize::try_from(index)
        .ok()
        .filter(|it| (*it as i64) < length)
}

/// `getattr(value, name)`.
fn find(machine: &Machine<'_>, value: &Value, name: &str) -> Result<Found> {
    let is_internal = name.starts_with("__") && name.ends_with("__");
    if let Value::Undefined(_) = value {
        if !is_internal {
            value.defined()?;
        }
        return Ok(Found::Nothing);
    }
    if is_internal {
        return internal(value, name);
    }
    let found = match value {
        Value::Namespace(namespace) => {
            let attributes = namespace.attributes.borrow();
            let mut attributes = attributes.iter();
            let found = attributes.find(|(it, _)| **it == *name);
            found.map(|(_, value)| value.clone())
        }
        Value::Loop(state) => state.attribute(name, machine)?,
        Value::Cycler(cycler) if name == "current" => {
            Some(cycler.items.values[cycler.at.get()].clone())
        }
        Value::Tuple(items) if items.is_group && name == "grouper" => Some(items.values[0].clone()),
        Value::Tuple(items) if items.is_group && name == "list" => Some(items.values[1].clone()),
        Value::Macro(closure) if name == "name" => Some(match &closure.definition.name {
            Some(name) => Value::Str(name.clone()),
            None => Value::None,
        }),
        _ => None,
    };
    if let Some(found) = found {
        return Ok(Found::Value(found));
    }
    if methods::MUTATING
        .iter()
        .any(|(class, names)| *class == value.class() && names.contains(&name))
    {
        return Ok(Found::Unsafe);
    }
    if let Some(method) = methods::built(value).iter().find(|it| **it == name) {
        let method = Value::Method(Rc::new((value.clone(), *method)));
        machine.budget.shape([method.shape()].into_iter())?;
        return Ok(Found::Value(method));
    }
    if methods::not_built(value).contains(&name) {
        return unsupported(Construct::Attribute, format!("{}.{name}", value.class()));
    }
    Ok(Found::Nothing)
}

/// Names such as `__class__`: every object has many of them, and templates may have none.
fn internal(value: &Value, name: &str) -> Result<Found> {
    match value {
        Value::Dict(dict) if dict.get_str(name).is_some() => {
            unsupported(Construct::Attribute, format!("dict.{name}"))
        }
        _ => Ok(Found::Unsafe),
    }
}

/// `value[start:stop:step]`, which is Python's and knows no undefined values.
pub(super) fn slice(
    machine: &Machine<'_>,
    value: &Value,
    bounds: &[Option<Value>; 3],
) -> Result<Value> {
    value.defined()?;
    let length = match value {
        Value::Str(text) | Value::Markup(text) => {
            machine.budget.bytes(text.len())?;
            text.chars().count()
        }
        Value::List(items) | Value::Tuple(items) => items.values.len(),
        Value::Range(range) => range.length() as usize,
        Value::Dict(_) => return type_error("unhashable type: 'slice'"),
        other => return type_error(format!("'{}' object is not subscriptable", other.class())),
    };
    let (start, step, count) = indices(length as i64, bounds)?;
    let places = (0..count as i64).map(|at| (start + at * step) as usize);
    match value {
        Value::Str(text) | Value::Markup(text) => {
            let taken: String = if step == 1 {
                text.chars().skip(start as usize).take(count).collect()
            } else {
                let characters: Vec<char> = text.chars().collect();
                places.map(|at| characters[at]).collect()
            };
            machine.budget.bytes(taken.len())?;
            Ok(match value {
                Value::Markup(_) => Value::Markup(taken.into()),
                _ => Value::Str(taken.into()),
            })
        }
        Value::Range(range) => Ok(Value::Range(Rc::new(Range {
            start: range.start + start * range.step,
            stop: range.start + (start + count as i64 * step) * range.step,
            step: range.step * step,
        }))),
        Value::List(items) => machine
            .budget
            .list(places.map(|at| items.values[at].clone()).collect()),
        Value::Tuple(items) => machine
            .budget
            .tuple(places.map(|at| items.values[at].clone()).collect()),
        _ => type_error("the value is not subscriptable"),
    }
}

/// `slice.indices`: the first index, the step and the number of elements.
fn indices(length: i64, bounds: &[Option<Value>; 3]) -> Result<(i64, i64, usize)> {
    let [start, stop, step] = [bound(&bounds[0])?, bound(&bounds[1])?, bound(&bounds[2])?];
    let step = step.unwrap_or(1);
    if step == 0 {
        return value_error("slice step cannot be zero");
    }
    let (lowest, highest) = if step < 0 {
        (-1, length - 1)
    } else {
        (0, length)
    };
    let clamp = |it: i64| {
        let it = if it < 0 {
            it.saturating_add(length)
        } else {
            it
        };
        it.clamp(lowest, highest)
    };
    let (first, last) = if step < 0 {
        (highest, lowest)
    } else {
        (lowest, highest)
    };
    let start = start.map_or(first, clamp);
    let stop = stop.map_or(last, clamp);
    let span = if step < 0 { start - stop } else { stop - start };
    let stride = step.unsigned_abs().min(1 << 62) as i64;
    let count = if span <= 0 {
        0
    } else {
        (span - 1) / stride + 1
    };
    let step = if count <= 1 { step.signum() } else { step };
    Ok((start, step, count as usize))
}

fn bound(value: &Option<Value>) -> Result<Option<i64>> {
    let Some(value) = value else {
        return Ok(None);
    };
    if value.is_none() {
        return Ok(None);
    }
    if value.int().is_none() {
        return raised(
            Exception::TypeError,
            "slice indices must be integers or None or have an __index__ method",
        );
    }
    let int = given::int(value)?;
    let is_negative = int.sign() == num_bigint::Sign::Minus;
    let far = if is_negative { -(1 << 61) } else { 1 << 61 };
    Ok(Some(
        i64::try_from(int).map_or(far, |it| it.clamp(-(1 << 61), 1 << 61)),
    ))
}
