//! `str(value)` and `repr(value)`.

use super::printable::is_printable;
use super::{Items, Value, ViewKind, float};
use crate::jinja::budget::Budget;
use crate::jinja::fault::{Construct, Result, unsupported, value_error};
use crate::jinja::literal::INT_DIGITS_MAX;
use num_bigint::BigInt;
use std::sync::Arc;

/// Bits of an integer that surely stays within [`INT_DIGITS_MAX`] digits.
const DECIMAL_BITS_MAX: u64 = 14_280;

/// `str(value)`, charged to the budget.
pub(in crate::jinja) fn str(value: &Value, budget: &Budget) -> Result<Arc<str>> {
    if let Some(text) = value.text() {
        return Ok(text.clone());
    }
    let mut out = String::new();
    match value {
        Value::Undefined(_) => {}
        _ => write(value, budget, &mut out)?,
    }
    Ok(out.into())
}

/// Appends `str(value)`.
pub(in crate::jinja) fn print(value: &Value, budget: &Budget, out: &mut String) -> Result<()> {
    match value {
        Value::Undefined(_) => Ok(()),
        Value::Str(text) | Value::Markup(text) => {
            budget.bytes(text.len())?;
            out.push_str(text);
            Ok(())
        }
        _ => write(value, budget, out),
    }
}

/// Appends `repr(value)`.
pub(in crate::jinja) fn write(value: &Value, budget: &Budget, out: &mut String) -> Result<()> {
    budget.steps(1)?;
    let start = out.len();
    match value {
        Value::Undefined(_) => out.push_str("Undefined"),
        Value::None => out.push_str("None"),
        Value::Bool(bit) => out.push_str(if *bit { "True" } else { "False" }),
        Value::Int(value) => out.push_str(&decimal(value)?),
        Value::Float(value) => out.push_str(&float::repr(*value)),
        Value::Str(text) => quote(text, out),
        Value::Markup(text) => {
            out.push_str("Markup(");
            quote(text, out);
            out.push(')');
        }
        Value::List(items) => elements("[", items, "]", budget, out)?,
        Value::Tuple(items) if items.values.len() == 1 => {
            elements("(", items, ",)", budget, out)?;
        }
        Value::Tuple(items) => elements("(", items, ")", budget, out)?,
        Value::Dict(dict) => entries(dict.entries(), budget, out)?,
        Value::View(kind, dict) => {
            out.push_str(value.class());
            out.push_str("([");
            for (at, (key, value)) in dict.entries().iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                match kind {
                    ViewKind::Keys => write(key, budget, out)?,
                    ViewKind::Values => write(value, budget, out)?,
                    ViewKind::Items => {
                        out.push('(');
                        write(key, budget, out)?;
                        out.push_str(", ");
                        write(value, budget, out)?;
                        out.push(')');
                    }
                }
            }
            out.push_str("])");
        }
        Value::Range(range) if range.step == 1 => {
            out.push_str(&format!("range({}, {})", range.start, range.stop));
        }
        Value::Range(range) => {
            let (start, stop, step) = (range.start, range.stop, range.step);
            out.push_str(&format!("range({start}, {stop}, {step})"));
        }
        _ => objects(value, budget, out)?,
    }
    budget.bytes(out.len() - start)
}

fn objects(value: &Value, budget: &Budget, out: &mut String) -> Result<()> {
    match value {
        Value::Namespace(namespace) => {
            let Ok(attributes) = namespace.attributes.try_borrow() else {
                return unsupported(Construct::Expression, "a namespace that is being changed");
            };
            out.push_str("<Namespace {");
            for (at, (name, value)) in attributes.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                quote(name, out);
                out.push_str(": ");
                write(value, budget, out)?;
            }
            out.push_str("}>");
            Ok(())
        }
        Value::Macro(closure) => {
            out.push_str("<Macro ");
            match &closure.definition.name {
                Some(name) => quote(name, out),
                None => out.push_str("anonymous"),
            }
            out.push('>');
            Ok(())
        }
        // Python prints addresses, which are never the same.
        _ => unsupported(
            Construct::Expression,
            format!("the text of a {}", value.class()),
        ),
    }
}

fn elements(
    open: &str,
    items: &Items,
    close: &str,
    budget: &Budget,
    out: &mut String,
) -> Result<()> {
    out.push_str(open);
    for (at, item) in items.values.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { ", " });
        write(item, budget, out)?;
    }
    out.push_str(close);
    Ok(())
}

fn entries(entries: &[(Value, Value)], budget: &Budget, out: &mut String) -> Result<()> {
    out.push('{');
    for (at, (key, value)) in entries.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { ", " });
        write(key, budget, out)?;
        out.push_str(": ");
        write(value, budget, out)?;
    }
    out.push('}');
    Ok(())
}

/// The digits of an integer, of which Python converts only so many.
pub(in crate::jinja) fn decimal(value: &BigInt) -> Result<String> {
    let digits = if value.bits() <= DECIMAL_BITS_MAX + 16 {
        value.to_string()
    } else {
        String::new()
    };
    let length = digits.trim_start_matches('-').len();
    if length == 0 || INT_DIGITS_MAX < length {
        return value_error("Exceeds the limit (4300 digits) for integer string conversion");
    }
    Ok(digits)
}

/// Appends `repr(text)`.
pub(in crate::jinja) fn quote(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            it if it == quote => {
                out.push('\\');
                out.push(it);
            }
            it if is_printable(it) => out.push(it),
            it => match u32::from(it) {
                code @ 0..0x100 => out.push_str(&format!("\\x{code:02x}")),
                code @ 0x100..0x10000 => out.push_str(&format!("\\u{code:04x}")),
                code => out.push_str(&format!("\\U{code:08x}")),
            },
        }
    }
    out.push(quote);
}
