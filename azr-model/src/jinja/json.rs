//! The filter `tojson` as transformers defines it: `json.dumps` without HTML.

use super::fault::{Result, type_error};
use super::given::Given;
use super::machine::Machine;
use super::value::{Value, compare, float, repr};
use crate::jinja::ast::Comparison;

/// What `json.dumps` is told.
struct Layout {
    is_ascii: bool,
    /// None for one line.
    indent: Option<String>,
    between_items: String,
    behind_key: String,
    is_sorted: bool,
}

/// `value | tojson(ensure_ascii, indent, separators, sort_keys)`.
pub(super) fn tojson(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let names = ["ensure_ascii", "indent", "separators", "sort_keys"];
    let [ascii, indent, separators, sorted] = given.bind("tojson", names, 0)?;
    let indent = match super::given::unless_none(indent) {
        None => None,
        Some(Value::Str(text)) => Some(text.to_string()),
        Some(Value::Float(_)) => return type_error("can't multiply sequence by non-int"),
        Some(width) => {
            let width = super::digits::check_width(super::given::index(&width)?.max(0) as usize)?;
            Some(" ".repeat(width))
        }
    };
    let (between_items, behind_key) = match super::given::unless_none(separators) {
        None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
        None => (", ".to_owned(), ": ".to_owned()),
        Some(pair) => {
            let parts = super::stream::collect(&pair, machine)?;
            let [between, behind] = &parts[..] else {
                return super::fault::value_error("separators are two");
            };
            let between = super::given::text(between)?.to_string();
            (between, super::given::text(behind)?.to_string())
        }
    };
    let layout = Layout {
        is_ascii: super::given::truth(ascii.as_ref()),
        indent,
        between_items,
        behind_key,
        is_sorted: super::given::truth(sorted.as_ref()),
    };
    let mut out = String::new();
    write(machine, &value, &layout, 0, &mut out)?;
    machine.budget.text(out)
}

fn write(
    machine: &Machine<'_>,
    value: &Value,
    layout: &Layout,
    depth: usize,
    out: &mut String,
) -> Result<()> {
    machine.budget.steps(1)?;
    match value {
        Value::None => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(int) => out.push_str(&repr::decimal(int)?),
        Value::Float(value) => out.push_str(&real(*value)),
        Value::Str(text) | Value::Markup(text) => {
            machine.budget.bytes(text.len())?;
            quote(text, layout.is_ascii, out);
        }
        Value::List(items) | Value::Tuple(items) => {
            if items.values.is_empty() {
                out.push_str("[]");
                return Ok(());
            }
            out.push('[');
            for (at, item) in items.values.iter().enumerate() {
                separate(machine, at, layout, depth + 1, out)?;
                write(machine, item, layout, depth + 1, out)?;
            }
            end_line(machine, layout, depth, out)?;
            out.push(']');
        }
        Value::Dict(dict) => {
            if dict.len() == 0 {
                out.push_str("{}");
                return Ok(());
            }
            let mut entries: Vec<&(Value, Value)> = dict.entries().iter().collect();
            if layout.is_sorted {
                entries = super::filters::order::sorted(entries, |left, right| {
                    compare::ordered(&left.0, Comparison::Less, &right.0, &machine.budget)
                })?;
            }
            out.push('{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                separate(machine, at, layout, depth + 1, out)?;
                quote(&key_text(key)?, layout.is_ascii, out);
                out.push_str(&layout.behind_key);
                write(machine, value, layout, depth + 1, out)?;
            }
            end_line(machine, layout, depth, out)?;
            out.push('}');
        }
        other => {
            return type_error(format!(
                "Object of type {} is not JSON serializable",
                other.class()
            ));
        }
    }
    Ok(())
}

fn separate(
    machine: &Machine<'_>,
    at: usize,
    layout: &Layout,
    depth: usize,
    out: &mut String,
) -> Result<()> {
    if 0 < at {
        out.push_str(&layout.between_items);
    }
    end_line(machine, layout, depth, out)
}

fn end_line(machine: &Machine<'_>, layout: &Layout, depth: usize, out: &mut String) -> Result<()> {
    if let Some(indent) = &layout.indent {
        machine.budget.bytes(1 + indent.len() * depth)?;
        out.push('\n');
        for _ in 0..depth {
            out.push_str(indent);
        }
    }
    Ok(())
}

fn real(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value < 0.0 { "-Infinity" } else { "Infinity" }.to_owned()
    } else {
        float::repr(value)
    }
}

fn key_text(key: &Value) -> Result<String> {
    Ok(match key {
        Value::Str(text) | Value::Markup(text) => text.to_string(),
        Value::Bool(true) => "true".to_owned(),
        Value::Bool(false) => "false".to_owned(),
        Value::None => "null".to_owned(),
        Value::Int(int) => repr::decimal(int)?,
        Value::Float(value) => real(*value),
        other => {
            return type_error(format!(
                "keys must be str, int, float, bool or None, not {}",
                other.class()
            ));
        }
    })
}

fn quote(text: &str, is_ascii: bool, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            it if it < ' ' || (is_ascii && '~' < it) => {
                for unit in it.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            it => out.push(it),
        }
    }
    out.push('"');
}
