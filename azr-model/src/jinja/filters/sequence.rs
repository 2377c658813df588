//! Filters that read values: `first`, `length`, `join`, `default` and their like.

use super::order::Attribute;
use crate::jinja::attributes;
use crate::jinja::fault::Exception;
use crate::jinja::fault::{Result, raised, type_error};
use crate::jinja::given::{Given, text, truth, unless_none};
use crate::jinja::machine::Machine;
use crate::jinja::stream::{self, Kind, Stream};
use crate::jinja::value::Value;

/// `attr`.
pub(super) fn attr(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [name] = given.bind("attr", ["name"], 1)?;
    let name = name.unwrap_or(Value::None);
    attributes::only_attribute(machine, &value, text(&name)?)
}

/// `length`.
pub(super) fn length(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("len")?;
    Ok(Value::from_length(stream::length(&value, machine)?))
}

/// `default`.
pub(super) fn default(_: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [default, boolean] = given.bind("default", ["default_value", "boolean"], 0)?;
    let is_replaced = value.is_undefined() || (truth(boolean.as_ref()) && !value.is_true());
    Ok(if is_replaced {
        default.unwrap_or_else(|| Value::str(""))
    } else {
        value
    })
}

/// `list`.
pub(super) fn list(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("list")?;
    let values = stream::collect(&value, machine)?;
    machine.budget.list(values)
}

/// `first`.
pub(super) fn first(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("first")?;
    Ok(match stream::read(&value)?.next(machine)? {
        Some(item) => item,
        None => Value::undefined("No first item, sequence was empty."),
    })
}

/// The elements from the last to the first; None if the value can only be read forwards.
fn reversed(machine: &Machine<'_>, value: &Value) -> Result<Option<Vec<Value>>> {
    match value {
        Value::Undefined(_) => Ok(Some(Vec::new())),
        Value::Str(_)
        | Value::Markup(_)
        | Value::List(_)
        | Value::Tuple(_)
        | Value::Dict(_)
        | Value::View(..)
        | Value::Range(_) => {
            let mut values = stream::collect(value, machine)?;
            values.reverse();
            Ok(Some(values))
        }
        _ => Ok(None),
    }
}

/// `last`.
pub(super) fn last(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("last")?;
    match reversed(machine, &value)? {
        Some(values) => Ok(values
            .into_iter()
            .next()
            .unwrap_or_else(|| Value::undefined("No last item, sequence was empty."))),
        None => type_error(format!("'{}' object is not reversible", value.class())),
    }
}

/// `reverse`.
pub(super) fn reverse(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("reverse")?;
    match &value {
        Value::Str(text) => return machine.budget.text(text.chars().rev().collect()),
        Value::Markup(text) => {
            let text: String = text.chars().rev().collect();
            return Ok(Value::Markup(text.into()));
        }
        _ => {}
    }
    if let Some(values) = reversed(machine, &value)? {
        let list = machine.budget.list(values)?;
        return Stream::value(list, Kind::Plain, machine);
    }
    if stream::read(&value).is_err() {
        return raised(Exception::FilterArgumentError, "argument must be iterable");
    }
    let mut values = stream::collect(&value, machine)?;
    values.reverse();
    machine.budget.list(values)
}

/// `join`.
pub(super) fn join(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [separator, attribute] = given.bind("join", ["d", "attribute"], 0)?;
    let separator = match separator {
        Some(separator) => machine.str(&separator)?,
        None => "".into(),
    };
    let attribute = Attribute::new(unless_none(attribute).as_ref(), None)?;
    let mut out = String::new();
    let mut reader = stream::read(&value)?;
    let mut is_first = true;
    while let Some(item) = reader.next(machine)? {
        if !is_first {
            machine.budget.bytes(separator.len())?;
            out.push_str(&separator);
        }
        is_first = false;
        let item = attribute.of(machine, item)?;
        machine.print(&item, &mut out)?;
    }
    machine.budget.text(out)
}
