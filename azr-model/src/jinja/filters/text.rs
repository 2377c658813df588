//! Filters that make text of text.

use crate::jinja::fault::{
    Construct, Exception, Result, raised, type_error, unsupported, value_error,
};
use crate::jinja::given::{self, Given, index_or, truth, unless_none};
use crate::jinja::machine::Machine;
use crate::jinja::methods;
use crate::jinja::percent;
use crate::jinja::stream;
use crate::jinja::text as characters;
use crate::jinja::value::Value;
use crate::jinja::value::dict::Dict;
use std::rc::Rc;
use std::sync::Arc;

/// `str(value)`, and text that is as safe as `value`: `markupsafe.soft_str`.
fn soft(machine: &Machine<'_>, value: &Value) -> Result<Arc<str>> {
    machine.str(value)
}

fn as_safe_as(machine: &Machine<'_>, value: &Value, text: String) -> Result<Value> {
    machine.budget.bytes(text.len())?;
    Ok(match value {
        Value::Markup(_) => Value::Markup(text.into()),
        _ => Value::Str(text.into()),
    })
}

/// `upper`.
pub(super) fn upper(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("upper")?;
    let text = soft(machine, &value)?.to_uppercase();
    as_safe_as(machine, &value, text)
}

/// `lower`.
pub(super) fn lower(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("lower")?;
    let text = soft(machine, &value)?.to_lowercase();
    as_safe_as(machine, &value, text)
}

/// `capitalize`.
pub(super) fn capitalize(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("capitalize")?;
    let text = characters::capitalized(&soft(machine, &value)?)?;
    as_safe_as(machine, &value, text)
}

/// `title`: not the method, but words that begin after spaces, hyphens and opening brackets.
pub(super) fn title(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("title")?;
    let text = soft(machine, &value)?;
    let is_border = |it: char| characters::is_space(it) || "-({[<".contains(it);
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(first) = rest.chars().next() {
        let end = if is_border(first) {
            first.len_utf8()
        } else {
            rest.find(is_border).unwrap_or(rest.len())
        };
        out.extend(first.to_uppercase());
        out.push_str(&rest[first.len_utf8()..end].to_lowercase());
        rest = &rest[end..];
    }
    Ok(Value::from(out))
}

/// `trim`.
pub(super) fn trim(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [chars] = given.bind("trim", ["chars"], 0)?;
    let text = soft(machine, &value)?;
    let trimmed = match unless_none(chars) {
        None => text.trim_matches(characters::is_space).to_owned(),
        Some(chars) => {
            let chars = given::text(&chars)?.clone();
            text.trim_matches(|it| chars.contains(it)).to_owned()
        }
    };
    as_safe_as(machine, &value, trimmed)
}

/// `replace`.
pub(super) fn replace(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [old, new, count] = given.bind("replace", ["old", "new", "count"], 2)?;
    let old = machine.str(&old.unwrap_or(Value::None))?;
    let new = machine.str(&new.unwrap_or(Value::None))?;
    let count = index_or(unless_none(count).as_ref(), -1)?;
    methods::replaced(machine, &machine.str(&value)?, &old, &new, count)
}

/// `string`.
pub(super) fn string(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("string")?;
    match value {
        Value::Markup(_) => Ok(value),
        other => Ok(Value::Str(machine.str(&other)?)),
    }
}

/// `safe`.
pub(super) fn safe(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("safe")?;
    Ok(Value::Markup(machine.str(&value)?))
}

/// `escape`.
pub(super) fn escape(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    match value {
        Value::Markup(_) => {
            given.none("escape")?;
            Ok(value)
        }
        other => forceescape(machine, other, given),
    }
}

/// `forceescape`.
pub(super) fn forceescape(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("escape")?;
    let text = characters::escaped(&machine.str(&value)?);
    machine.budget.bytes(text.len())?;
    Ok(Value::Markup(text.into()))
}

/// `striptags`.
pub(super) fn striptags(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("striptags")?;
    let text = machine.str(&value)?;
    let (mut out, mut rest) = (String::new(), &*text);
    while let Some(start) = rest.find('<') {
        let end = if rest[start..].starts_with("<!--") {
            rest[start + 4..].find("-->").map(|at| start + 4 + at + 3)
        } else {
            rest[start..].find('>').map(|at| start + at + 1)
        };
        let Some(end) = end else {
            break;
        };
        out.push_str(&rest[..start]);
        rest = &rest[end..];
    }
    out.push_str(rest);
    if out.contains('&') {
        return unsupported(Construct::Filter, "striptags of text with '&'");
    }
    let words: Vec<&str> = characters::words(&out).collect();
    machine.budget.text(words.join(" "))
}

/// `center`.
pub(super) fn center(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [width] = given.bind("center", ["width"], 0)?;
    let text = soft(machine, &value)?;
    let centered = methods::centered(&text, index_or(width.as_ref(), 80)?, ' ')?;
    as_safe_as(machine, &value, centered)
}

/// `format`.
pub(super) fn format(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let text = match &value {
        Value::Markup(_) => return unsupported(Construct::Filter, "format of safe text"),
        other => machine.str(other)?,
    };
    if given.keyword.is_empty() {
        let values = machine.budget.tuple(given.positional)?;
        return percent::format(machine, &text, &values);
    }
    if !given.positional.is_empty() {
        return raised(
            Exception::FilterArgumentError,
            "can't handle positional and keyword arguments at the same time",
        );
    }
    let pairs = given.keyword.into_iter();
    let pairs = pairs
        .map(|(name, value)| (Value::Str(name), value))
        .collect();
    let values = Value::Dict(Rc::new(Dict::new(pairs, &machine.budget)?));
    percent::format(machine, &text, &values)
}

/// `indent`.
pub(super) fn indent(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [width, first, blank] = given.bind("indent", ["width", "first", "blank"], 0)?;
    let indention = match &width {
        Some(Value::Str(text)) => text.to_string(),
        other => {
            let width = index_or(other.as_ref(), 4)?.max(0) as usize;
            " ".repeat(crate::jinja::digits::check_width(width)?)
        }
    };
    let text = match value.defined()? {
        Value::Str(text) => format!("{text}\n"),
        Value::Markup(_) => return unsupported(Construct::Filter, "indent of safe text"),
        other => {
            return type_error(format!(
                "unsupported operand type for +=: '{}'",
                other.class()
            ));
        }
    };
    let lines = characters::lines(&text, false);
    machine
        .budget
        .bytes(text.len() + lines.len().saturating_mul(indention.len()))?;
    let mut out = String::with_capacity(text.len() + lines.len() * indention.len());
    if truth(first.as_ref()) {
        out.push_str(&indention);
    }
    for (at, line) in lines.into_iter().enumerate() {
        if 0 < at {
            out.push('\n');
            if truth(blank.as_ref()) || !line.is_empty() {
                out.push_str(&indention);
            }
        }
        out.push_str(line);
    }
    machine.budget.text(out)
}

/// `truncate`.
pub(super) fn truncate(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let names = ["length", "killwords", "end", "leeway"];
    let [length, kills_words, end, leeway] = given.bind("truncate", names, 0)?;
    let length = index_or(length.as_ref(), 255)?;
    let leeway = index_or(unless_none(leeway).as_ref(), 5)?;
    let end = match &end {
        Some(end) => given::text(end)?.clone(),
        None => "...".into(),
    };
    let end_length = end.chars().count() as i64;
    if length < end_length || leeway < 0 {
        return raised(
            Exception::AssertionError,
            format!("expected length >= {end_length}, got {length}"),
        );
    }
    if value.is_undefined() {
        return Ok(value);
    }
    let Value::Str(text) = &value else {
        return unsupported(
            Construct::Filter,
            format!("truncate of a {}", value.class()),
        );
    };
    if text.chars().count() as i64 <= length.saturating_add(leeway) {
        return Ok(value);
    }
    let kept: String = text.chars().take((length - end_length) as usize).collect();
    let kept = match kept.rsplit_once(' ') {
        Some((before, _)) if !truth(kills_words.as_ref()) => before,
        _ => &kept,
    };
    machine.budget.text(format!("{kept}{end}"))
}

/// `wordcount`.
pub(super) fn wordcount(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("wordcount")?;
    let text = machine.str(&value)?;
    characters::ascii_only(&text, "wordcount")?;
    let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    Ok(Value::from_length(
        words.filter(|it| !it.is_empty()).count(),
    ))
}

fn quoted(text: &str, safe: &str, space: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        let it = char::from(byte);
        if it.is_ascii_alphanumeric() || "_.-~".contains(it) || safe.contains(it) {
            out.push(it);
        } else if it == ' ' {
            out.push_str(space);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// `urlencode`.
pub(super) fn urlencode(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("urlencode")?;
    let pairs = match &value {
        Value::Str(_) | Value::Markup(_) => None,
        Value::Dict(dict) => Some(
            dict.entries()
                .iter()
                .map(|(key, value)| vec![key.clone(), value.clone()])
                .collect(),
        ),
        other if stream::read(other).is_ok() => {
            let mut pairs = Vec::new();
            for pair in stream::collect(other, machine)? {
                pairs.push(stream::collect(&pair, machine)?);
            }
            Some(pairs)
        }
        _ => None,
    };
    let Some(pairs) = pairs else {
        return machine
            .budget
            .text(quoted(&machine.str(&value)?, "/", "%20"));
    };
    let mut parts = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let [key, value] = &pair[..] else {
            return value_error("not enough or too many values to unpack (expected 2)");
        };
        let key = quoted(&machine.str(key)?, "", "+");
        parts.push(format!("{key}={}", quoted(&machine.str(value)?, "", "+")));
    }
    machine.budget.text(parts.join("&"))
}

/// `xmlattr`.
pub(super) fn xmlattr(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [autospace] = given.bind("xmlattr", ["autospace"], 0)?;
    let Value::Dict(dict) = value.defined()? else {
        return type_error(format!(
            "'{}' object has no attribute 'items'",
            value.class()
        ));
    };
    let mut parts = Vec::new();
    for (key, value) in dict.entries() {
        if value.is_none() || value.is_undefined() {
            continue;
        }
        let key = given::text(key)?;
        let is_wrong = |it: char| it.is_ascii_whitespace() || "/>=\x0b".contains(it);
        if key.contains(is_wrong) {
            return value_error(format!("Invalid character in attribute name: '{key}'"));
        }
        let text = machine.str(value)?;
        let shown = match value {
            Value::Markup(_) => text.to_string(),
            _ => characters::escaped(&text),
        };
        parts.push(format!("{}=\"{shown}\"", characters::escaped(key)));
    }
    let joined = parts.join(" ");
    let leads = autospace.is_none_or(|it| it.is_true()) && !joined.is_empty();
    machine
        .budget
        .text(format!("{}{joined}", if leads { " " } else { "" }))
}
