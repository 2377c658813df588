//! Methods of strings, lists, dictionaries and of what Jinja2 adds.

mod text;

use super::fault::{Construct, Result, type_error, unsupported, value_error};
use super::given::{Given, index_or, int};
use super::machine::Machine;
use super::value::{Function, Value, ViewKind, compare};
use super::{functions, loops};

pub(super) use text::{centered, has_case, replaced};

const STR: [&str; 43] = [
    "capitalize",
    "center",
    "count",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
    "casefold",
];
/// Methods of safe text that do not look at the safety of what they are given.
const MARKUP: [&str; 12] = [
    "strip",
    "lstrip",
    "rstrip",
    "upper",
    "lower",
    "startswith",
    "endswith",
    "split",
    "find",
    "count",
    "isspace",
    "splitlines",
];

const MARKUP_NOT_BUILT: [&str; 38] = [
    "capitalize",
    "casefold",
    "center",
    "encode",
    "escape",
    "expandtabs",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "striptags",
    "swapcase",
    "title",
    "translate",
    "unescape",
    "zfill",
];
const INT_NOT_BUILT: [&str; 9] = [
    "real",
    "imag",
    "numerator",
    "denominator",
    "conjugate",
    "bit_length",
    "bit_count",
    "to_bytes",
    "from_bytes",
];

/// Methods that change their object, which the sandbox of Jinja2 withholds, by class.
pub(super) const MUTATING: [(&str, &[&str]); 2] = [
    (
        "list",
        &[
            "append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove",
        ],
    ),
    ("dict", &["clear", "pop", "popitem", "setdefault", "update"]),
];

/// The methods of a value that can be called.
pub(super) fn built(value: &Value) -> &'static [&'static str] {
    match value {
        Value::Str(_) => &STR,
        Value::Markup(_) => &MARKUP,
        Value::List(_) => &["copy", "count", "index"],
        Value::Tuple(_) | Value::Range(_) => &["count", "index"],
        Value::Dict(_) => &["copy", "fromkeys", "get", "items", "keys", "values"],
        Value::Loop(_) => &loops::LOOP_METHODS,
        Value::Cycler(_) => &["next", "reset"],
        Value::Function(Function::Dict) => &["fromkeys"],
        _ => &[],
    }
}

/// Attributes that Python has and this engine does not.
pub(super) fn not_built(value: &Value) -> &'static [&'static str] {
    match value {
        Value::Str(_) => &["encode", "isprintable", "maketrans", "translate"],
        Value::Markup(_) => &MARKUP_NOT_BUILT,
        Value::Int(_) | Value::Bool(_) => &INT_NOT_BUILT,
        Value::Float(_) => &[
            "real",
            "imag",
            "conjugate",
            "as_integer_ratio",
            "is_integer",
            "hex",
            "fromhex",
        ],
        Value::Tuple(items) if items.is_group => &["_asdict", "_fields", "_make", "_replace"],
        Value::Range(_) => &["start", "stop", "step"],
        Value::View(..) => &["mapping", "isdisjoint"],
        Value::Macro(_) => &[
            "arguments",
            "caller",
            "catch_kwargs",
            "catch_varargs",
            "explicit_caller",
        ],
        Value::Cycler(_) => &["items", "pos"],
        Value::Joiner(_) => &["sep", "used"],
        Value::Stream(_) => &["send", "throw", "close", "gi_running", "gi_yieldfrom"],
        _ => &[],
    }
}

/// `value.name(given)`.
pub(super) fn call(
    machine: &Machine<'_>,
    value: &Value,
    name: &'static str,
    given: Given,
) -> Result<Value> {
    match value {
        Value::Str(it) => {
            machine.budget.bytes(it.len())?;
            text::call(machine, it, name, given)
        }
        Value::Markup(it) => {
            machine.budget.bytes(it.len())?;
            safe(machine, text::call(machine, it, name, given)?)
        }
        Value::Dict(_) => dict(machine, value, name, given),
        Value::List(items) if name == "copy" => {
            given.none(name)?;
            machine.budget.list(items.values.clone())
        }
        Value::List(_) | Value::Tuple(_) | Value::Range(_) => sequence(machine, value, name, given),
        Value::Loop(state) => state.call_method(name, given, machine),
        Value::Cycler(cycler) => {
            given.none(name)?;
            if name == "reset" {
                cycler.at.set(0);
                return Ok(Value::None);
            }
            let at = cycler.at.get();
            cycler.at.set((at + 1) % cycler.items.values.len());
            Ok(cycler.items.values[at].clone())
        }
        Value::Function(_) => functions::call(machine, Function::DictFromKeys, given),
        other => unsupported(Construct::Attribute, format!("{}.{name}", other.class())),
    }
}

/// What a method of safe text returns is safe, too.
fn safe(machine: &Machine<'_>, value: Value) -> Result<Value> {
    Ok(match value {
        Value::Str(text) => Value::Markup(text),
        Value::List(items) => {
            let values = items.values.iter().cloned();
            let values: Result<_> = values.map(|it| safe(machine, it)).collect();
            machine.budget.list(values?)?
        }
        other => other,
    })
}

fn dict(machine: &Machine<'_>, value: &Value, name: &'static str, given: Given) -> Result<Value> {
    let Value::Dict(dict) = value else {
        return unsupported(Construct::Attribute, name);
    };
    match name {
        "get" => {
            if !given.keyword.is_empty() {
                return type_error("dict.get() takes no keyword arguments");
            }
            let [key, default] = given.bind("get", ["key", "default"], 1)?;
            let found = dict.get(&key.unwrap_or(Value::None), &machine.budget)?;
            Ok(found.cloned().or(default).unwrap_or(Value::None))
        }
        "items" | "keys" | "values" => {
            given.none(name)?;
            let kind = match name {
                "items" => ViewKind::Items,
                "keys" => ViewKind::Keys,
                _ => ViewKind::Values,
            };
            Ok(Value::View(kind, dict.clone()))
        }
        "copy" => {
            given.none(name)?;
            let entries = dict.entries().to_vec();
            let copy = super::value::dict::Dict::new(entries, &machine.budget)?;
            Ok(Value::Dict(std::rc::Rc::new(copy)))
        }
        _ => functions::call(machine, Function::DictFromKeys, given),
    }
}

fn sequence(
    machine: &Machine<'_>,
    value: &Value,
    name: &'static str,
    given: Given,
) -> Result<Value> {
    let values = super::stream::collect(value, machine)?;
    let [item, start, stop] = given.bind(name, ["", "", ""], 1)?;
    let item = item.unwrap_or(Value::None);
    if name == "count" {
        if start.is_some() {
            return type_error("count() takes exactly one argument");
        }
        let mut count = 0;
        for it in &values {
            count += usize::from(compare::equal(it, &item, &machine.budget)?);
        }
        return Ok(Value::from_length(count));
    }
    if matches!(value, Value::Range(_)) && start.is_some() {
        return type_error("range.index() takes exactly one argument");
    }
    let bounds = bounds(values.len(), start.as_ref(), stop.as_ref())?;
    for (at, it) in values.iter().enumerate().take(bounds.1).skip(bounds.0) {
        if compare::equal(it, &item, &machine.budget)? {
            return Ok(Value::from_length(at));
        }
    }
    value_error("the value is not in the sequence")
}

/// The places that the bounds of a search mean: negative ones count from the end.
fn bounds(length: usize, start: Option<&Value>, stop: Option<&Value>) -> Result<(usize, usize)> {
    let place = |value: Option<&Value>, default: usize| -> Result<usize> {
        let Some(value) = value.filter(|it| !it.is_none()) else {
            return Ok(default);
        };
        int(value)?;
        let index = index_or(Some(value), 0)?;
        let index = if index < 0 {
            index.saturating_add(length as i64).max(0)
        } else {
            index
        };
        Ok(usize::try_from(index).unwrap_or(usize::MAX))
    };
    Ok((place(start, 0)?, place(stop, length)?.min(length)))
}
