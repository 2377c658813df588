//! `value is test`.

use super::arithmetic;
use super::ast::{Comparison, Operator};
use super::fault::{Construct, Exception, Result, raised, unsupported};
use super::given::Given;
use super::machine::Machine;
use super::value::{Value, compare};
use super::{filters, stream};
use std::rc::Rc;

/// Tests of Jinja2, by name.
const NAMES: [&str; 39] = [
    "odd",
    "even",
    "divisibleby",
    "defined",
    "undefined",
    "filter",
    "test",
    "none",
    "boolean",
    "false",
    "true",
    "integer",
    "float",
    "lower",
    "upper",
    "string",
    "mapping",
    "number",
    "sequence",
    "iterable",
    "callable",
    "sameas",
    "escaped",
    "in",
    "==",
    "eq",
    "equalto",
    "!=",
    "ne",
    ">",
    "gt",
    "greaterthan",
    "ge",
    ">=",
    "<",
    "lt",
    "lessthan",
    "<=",
    "le",
];

/// Whether Jinja2 has a test of this name.
pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// `value is name(given)`.
pub(super) fn apply(
    machine: &Machine<'_>,
    name: &str,
    value: Value,
    given: Given,
) -> Result<Value> {
    machine.budget.steps(1)?;
    if !is_known(name) {
        return raised(
            Exception::TemplateRuntimeError,
            format!("No test named '{name}' found."),
        );
    }
    if let Some(comparison) = comparison(name) {
        let [other] = given.bind(name, ["other"], 1)?;
        let other = other.unwrap_or(Value::None);
        return machine.compare(&value, comparison, &other).map(Value::Bool);
    }
    let holds = match name {
        "in" => {
            let [container] = given.bind(name, ["seq"], 1)?;
            machine.compare(&value, Comparison::In, &container.unwrap_or(Value::None))?
        }
        "divisibleby" => {
            let [number] = given.bind(name, ["num"], 1)?;
            remainder_is(machine, &value, &number.unwrap_or(Value::None), 0)?
        }
        "odd" | "even" => {
            given.none(name)?;
            remainder_is(
                machine,
                &value,
                &Value::from_i64(2),
                i64::from(name == "odd"),
            )?
        }
        "sameas" => {
            let [other] = given.bind(name, ["other"], 1)?;
            is_same(&value, &other.unwrap_or(Value::None))?
        }
        "lower" | "upper" => {
            given.none(name)?;
            let text = machine.str(&value)?;
            super::methods::has_case(&text, name == "upper")
        }
        "filter" | "test" => {
            given.none(name)?;
            let Some(asked) = value.text() else {
                compare::hashable(&value)?;
                return Ok(Value::Bool(false));
            };
            if name == "filter" {
                filters::is_known(asked)
            } else {
                is_known(asked)
            }
        }
        _ => {
            given.none(name)?;
            is_kind(machine, name, &value)?
        }
    };
    Ok(Value::Bool(holds))
}

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        "==" | "eq" | "equalto" => Comparison::Equal,
        "!=" | "ne" => Comparison::NotEqual,
        ">" | "gt" | "greaterthan" => Comparison::Greater,
        ">=" | "ge" => Comparison::GreaterOrEqual,
        "<" | "lt" | "lessthan" => Comparison::Less,
        "<=" | "le" => Comparison::LessOrEqual,
        _ => return None,
    })
}

fn is_kind(machine: &Machine<'_>, name: &str, value: &Value) -> Result<bool> {
    let is_number = matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_));
    Ok(match name {
        "defined" => !value.is_undefined(),
        "undefined" => value.is_undefined(),
        "none" => value.is_none(),
        "boolean" => matches!(value, Value::Bool(_)),
        "true" => matches!(value, Value::Bool(true)),
        "false" => matches!(value, Value::Bool(false)),
        "integer" => matches!(value, Value::Int(_)),
        "float" => matches!(value, Value::Float(_)),
        "number" => is_number,
        "string" => value.text().is_some(),
        "mapping" => matches!(value, Value::Dict(_)),
        "escaped" => matches!(value, Value::Markup(_)),
        "iterable" => stream::read(value).is_ok(),
        "sequence" => match value {
            // It has `__len__`, and its `__getitem__` is looked up as an attribute.
            Value::Undefined(_) => true,
            Value::View(..) | Value::Loop(_) => false,
            other => stream::length(other, machine).is_ok(),
        },
        "callable" => matches!(
            value,
            // An undefined value has `__call__`, which raises.
            Value::Undefined(_)
                | Value::Macro(_)
                | Value::Function(_)
                | Value::Method(_)
                | Value::Joiner(_)
                | Value::Loop(_)
        ),
        _ => return unsupported(Construct::Test, name),
    })
}

fn remainder_is(
    machine: &Machine<'_>,
    value: &Value,
    divisor: &Value,
    expected: i64,
) -> Result<bool> {
    let remainder = arithmetic::binary(machine, Operator::Modulo, value, divisor)?;
    compare::equal(&remainder, &Value::from_i64(expected), &machine.budget)
}

/// `value is other`, which for numbers and strings depends on what CPython keeps.
fn is_same(value: &Value, other: &Value) -> Result<bool> {
    Ok(match (value, other) {
        (Value::None, Value::None) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::List(a), Value::List(b)) => Rc::ptr_eq(a, b),
        (Value::Dict(a), Value::Dict(b)) => Rc::ptr_eq(a, b),
        (Value::Namespace(a), Value::Namespace(b)) => Rc::ptr_eq(a, b),
        (Value::Macro(a), Value::Macro(b)) => Rc::ptr_eq(a, b),
        (Value::Function(a), Value::Function(b)) => a == b,
        (Value::Int(a), Value::Int(b)) if a != b => false,
        (Value::Str(a), Value::Str(b)) if a != b => false,
        (a, b) if a.class() != b.class() => false,
        (a, _) => {
            return unsupported(Construct::Test, format!("sameas of a {}", a.class()));
        }
    })
}
