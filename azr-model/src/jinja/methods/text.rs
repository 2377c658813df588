//! Methods of strings.

mod search;

use crate::jinja::digits;
use crate::jinja::fault::{Construct, Result, type_error, unsupported};
use crate::jinja::format;
use crate::jinja::given::{self, Given, index, index_or, unless_none};
use crate::jinja::machine::Machine;
use crate::jinja::stream;
use crate::jinja::text::{self as characters, is_space};
use crate::jinja::value::Value;
use std::sync::Arc;

/// `text.name(given)`.
pub(super) fn call(
    machine: &Machine<'_>,
    text: &Arc<str>,
    name: &'static str,
    given: Given,
) -> Result<Value> {
    match name {
        "format" => return format::format(machine, text, &given),
        "format_map" => return format_map(machine, text, given),
        "split" | "rsplit" | "splitlines" | "replace" => {}
        "expandtabs" => {}
        _ if !given.keyword.is_empty() => {
            return type_error(format!("str.{name}() takes no keyword arguments"));
        }
        _ => {}
    }
    match name {
        "count" | "endswith" | "find" | "index" | "rfind" | "rindex" | "startswith" => {
            search::call(machine, text, name, given)
        }
        "partition" | "rpartition" | "split" | "rsplit" | "splitlines" => {
            search::cut(machine, text, name, given)
        }
        "join" => join(machine, text, given),
        "replace" => {
            let [old, new, count] = given.bind(name, ["", "", "count"], 2)?;
            let (old, new) = (old.unwrap_or(Value::None), new.unwrap_or(Value::None));
            let count = index_or(count.as_ref(), -1)?;
            replaced(machine, text, given::text(&old)?, given::text(&new)?, count)
        }
        "strip" | "lstrip" | "rstrip" | "removeprefix" | "removesuffix" => {
            trimmed(machine, text, name, given)
        }
        "center" | "ljust" | "rjust" | "zfill" | "expandtabs" => filled(machine, text, name, given),
        _ if name.starts_with("is") => {
            given.none(name)?;
            is_class(text, name).map(Value::Bool)
        }
        _ => {
            given.none(name)?;
            machine.budget.text(in_case(text, name)?)
        }
    }
}

fn format_map(machine: &Machine<'_>, text: &str, given: Given) -> Result<Value> {
    let [mapping] = given.bind("format_map", [""], 1)?;
    let Some(Value::Dict(dict)) = mapping else {
        return unsupported(Construct::Attribute, "str.format_map without a dictionary");
    };
    let mut named = Given::default();
    for (key, value) in dict.entries() {
        if let Value::Str(name) = key {
            named.keyword.push((name.clone(), value.clone()));
        }
    }
    format::format(machine, text, &named)
}

fn in_case(text: &str, name: &str) -> Result<String> {
    match name {
        "lower" => Ok(text.to_lowercase()),
        "upper" => Ok(text.to_uppercase()),
        "capitalize" => characters::capitalized(text),
        "title" => characters::titled(text),
        "casefold" => {
            characters::ascii_only(text, "str.casefold")?;
            Ok(text.to_ascii_lowercase())
        }
        "swapcase" => {
            characters::ascii_only(text, "str.swapcase")?;
            Ok(text
                .chars()
                .map(|it| {
                    if it.is_ascii_uppercase() {
                        it.to_ascii_lowercase()
                    } else {
                        it.to_ascii_uppercase()
                    }
                })
                .collect())
        }
        other => unsupported(Construct::Attribute, format!("str.{other}")),
    }
}

/// `str.islower` or `str.isupper`.
pub(in crate::jinja) fn has_case(text: &str, is_upper: bool) -> bool {
    let mut found = false;
    for it in text.chars() {
        // Letters such as U+01C5 are in neither case and count against both.
        let is_title = matches!(u32::from(it), 0x1c5 | 0x1c8 | 0x1cb | 0x1f2 | 0x1f88..=0x1f8f | 0x1f98..=0x1f9f | 0x1fa8..=0x1faf | 0x1fbc | 0x1fcc | 0x1ffc);
        let (wanted, other) = if is_upper {
            (it.is_uppercase(), it.is_lowercase())
        } else {
            (it.is_lowercase(), it.is_uppercase())
        };
        if other || is_title {
            return false;
        }
        found |= wanted;
    }
    found
}

fn is_class(text: &str, name: &str) -> Result<bool> {
    let holds: fn(char) -> bool = match name {
        "islower" => return Ok(has_case(text, false)),
        "isupper" => return Ok(has_case(text, true)),
        "isascii" => return Ok(text.is_ascii()),
        "isspace" => is_space,
        _ => {
            characters::ascii_only(text, &format!("str.{name}"))?;
            match name {
                "isalpha" => |it| it.is_ascii_alphabetic(),
                "isalnum" => |it| it.is_ascii_alphanumeric(),
                "isdigit" | "isdecimal" | "isnumeric" => |it| it.is_ascii_digit(),
                "isidentifier" => {
                    let starts = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
                    let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_';
                    return Ok(starts && text.chars().all(is_part));
                }
                "istitle" => return Ok(is_title(text)),
                other => return unsupported(Construct::Attribute, format!("str.{other}")),
            }
        }
    };
    Ok(!text.is_empty() && text.chars().all(holds))
}

fn is_title(text: &str) -> bool {
    let (mut found, mut follows_letter) = (false, false);
    for it in text.chars() {
        let is_wrong = (it.is_ascii_uppercase() && follows_letter)
            || (it.is_ascii_lowercase() && !follows_letter);
        if is_wrong {
            return false;
        }
        follows_letter = it.is_ascii_alphabetic();
        found |= follows_letter;
    }
    found
}

/// `text.replace(old, new, count)`; a negative count is no limit.
pub(in crate::jinja) fn replaced(
    machine: &Machine<'_>,
    text: &str,
    old: &str,
    new: &str,
    count: i64,
) -> Result<Value> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let found = text.matches(old).take(count).count();
    machine
        .budget
        .bytes(text.len() + found.saturating_mul(new.len()))?;
    Ok(Value::from(text.replacen(old, new, count)))
}

fn join(machine: &Machine<'_>, separator: &str, given: Given) -> Result<Value> {
    let [values] = given.bind("join", [""], 1)?;
    let mut reader = match stream::read(&values.unwrap_or(Value::None)) {
        Ok(reader) => reader,
        Err(_) => return type_error("can only join an iterable"),
    };
    let mut out = String::new();
    let mut at = 0;
    while let Some(item) = reader.next(machine)? {
        let Value::Str(text) = &item else {
            return type_error(format!(
                "sequence item {at}: expected str instance, {} found",
                item.class()
            ));
        };
        machine.budget.bytes(text.len() + separator.len())?;
        if 0 < at {
            out.push_str(separator);
        }
        out.push_str(text);
        at += 1;
    }
    Ok(Value::from(out))
}

fn trimmed(machine: &Machine<'_>, text: &str, name: &str, given: Given) -> Result<Value> {
    let is_part = name.starts_with("remove");
    let [chars] = given.bind(name, [""], usize::from(is_part))?;
    let chars = match unless_none(chars) {
        Some(chars) => Some(given::text(&chars)?.clone()),
        None if is_part => return type_error(format!("{name}() argument must be str, not None")),
        None => None,
    };
    let part = chars.as_deref().unwrap_or("");
    let is_stripped = |it: char| match &chars {
        Some(chars) => chars.contains(it),
        None => is_space(it),
    };
    let rest = match name {
        "strip" => text.trim_matches(is_stripped),
        "lstrip" => text.trim_start_matches(is_stripped),
        "rstrip" => text.trim_end_matches(is_stripped),
        "removeprefix" => text.strip_prefix(part).unwrap_or(text),
        _ => text.strip_suffix(part).unwrap_or(text),
    };
    machine.budget.text(rest.to_owned())
}

/// `text.center(width, fill)`, whose odd space stands where CPython puts it.
pub(in crate::jinja) fn centered(text: &str, width: i64, fill: char) -> Result<String> {
    let length = text.chars().count();
    let width = digits::check_width(width.max(0) as usize)?;
    let missing = width.saturating_sub(length);
    let left = missing / 2 + (missing & width & 1);
    let pad = |count: usize| fill.to_string().repeat(count);
    Ok(format!("{}{text}{}", pad(left), pad(missing - left)))
}

fn filled(machine: &Machine<'_>, text: &str, name: &str, given: Given) -> Result<Value> {
    if name == "expandtabs" {
        let [size] = given.bind(name, ["tabsize"], 0)?;
        return expanded(machine, text, index_or(size.as_ref(), 8)?);
    }
    let [width, fill] = given.bind(name, ["", ""], 1)?;
    let width = index(&width.unwrap_or(Value::None))?;
    let fill = match &fill {
        None => ' ',
        Some(fill) => {
            let mut letters = given::text(fill)?.chars();
            match (letters.next(), letters.next()) {
                (Some(fill), None) if name != "zfill" => fill,
                _ => return type_error("The fill character must be exactly one character long"),
            }
        }
    };
    if name == "center" {
        return machine.budget.text(centered(text, width, fill)?);
    }
    let length = text.chars().count();
    let missing = digits::check_width(width.max(0) as usize)?.saturating_sub(length);
    let pad = if name == "zfill" { '0' } else { fill };
    let padding = pad.to_string().repeat(missing);
    machine.budget.text(match name {
        "ljust" => format!("{text}{padding}"),
        "zfill" if text.starts_with(['+', '-']) => {
            format!("{}{padding}{}", &text[..1], &text[1..])
        }
        _ => format!("{padding}{text}"),
    })
}

fn expanded(machine: &Machine<'_>, text: &str, size: i64) -> Result<Value> {
    let size = digits::check_width(size.max(0) as usize)?;
    let tabs = text.matches('\t').count();
    machine
        .budget
        .bytes(text.len() + tabs.saturating_mul(size))?;
    let (mut out, mut column) = (String::new(), 0);
    for it in text.chars() {
        match it {
            '\t' if 0 < size => {
                let missing = size - column % size;
                out.push_str(&" ".repeat(missing));
                column += missing;
            }
            '\t' => {}
            '\n' | '\r' => {
                out.push(it);
                column = 0;
            }
            _ => {
                out.push(it);
                column += 1;
            }
        }
    }
    Ok(Value::from(out))
}
