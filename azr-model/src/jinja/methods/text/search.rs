//! Methods of strings that look for text, or cut where they find it.

use crate::jinja::fault::{Result, type_error, value_error};
use crate::jinja::given::{self, Given, index_or, truth, unless_none};
use crate::jinja::machine::Machine;
use crate::jinja::methods::bounds;
use crate::jinja::text::{is_space, lines};
use crate::jinja::value::Value;
use std::sync::Arc;

/// `find`, `count`, `startswith` and their like.
pub(super) fn call(
    machine: &Machine<'_>,
    text: &Arc<str>,
    name: &str,
    given: Given,
) -> Result<Value> {
    let [part, start, stop] = given.bind(name, ["", "", ""], 1)?;
    let part = part.unwrap_or(Value::None);
    let has_bounds = start.is_some() || stop.is_some();
    let length = if has_bounds { text.chars().count() } else { 0 };
    let (first, last) = bounds(length, start.as_ref(), stop.as_ref())?;
    // Beyond its end there is nothing, not even an empty text.
    let is_outside = has_bounds && (length < first || last < first);
    let searched = if has_bounds {
        between(text, first, last.max(first))
    } else {
        text
    };
    if name == "startswith" || name == "endswith" {
        let holds = |part: &str| match name {
            "startswith" => searched.starts_with(part),
            _ => searched.ends_with(part),
        };
        let parts = match &part {
            Value::Tuple(items) => &items.values[..],
            single => std::slice::from_ref(single),
        };
        for part in parts {
            if holds(given::text(part)?) && !is_outside {
                return Ok(Value::Bool(true));
            }
        }
        return Ok(Value::Bool(false));
    }
    let part = given::text(&part)?;
    if name == "count" {
        let count = if is_outside {
            0
        } else {
            searched.matches(&**part).count()
        };
        return Ok(Value::from_length(count));
    }
    let found = match name {
        "find" | "index" => searched.find(&**part),
        _ => searched.rfind(&**part),
    };
    machine.budget.bytes(searched.len())?;
    match found.filter(|_| !is_outside) {
        Some(at) => Ok(Value::from_length(
            first.min(length) + searched[..at].chars().count(),
        )),
        None if name.ends_with("index") => value_error("substring not found"),
        None => Ok(Value::from_i64(-1)),
    }
}

/// The characters from `first` to before `last`.
fn between(text: &str, first: usize, last: usize) -> &str {
    let place = |index: usize| {
        let mut places = text.char_indices().map(|(at, _)| at);
        places.nth(index).unwrap_or(text.len())
    };
    let start = place(first);
    &text[start..place(last).max(start)]
}

/// `split`, `partition` and their like.
pub(super) fn cut(machine: &Machine<'_>, text: &str, name: &str, given: Given) -> Result<Value> {
    match name {
        "splitlines" => {
            let [keeps] = given.bind(name, ["keepends"], 0)?;
            let lines = lines(text, truth(keeps.as_ref()));
            list(machine, lines)
        }
        "partition" | "rpartition" => {
            let [separator] = given.bind(name, [""], 1)?;
            let separator = separator.unwrap_or(Value::None);
            let separator = separator_text(&separator)?;
            let parts = match (name, text.split_once(&*separator)) {
                ("partition", Some((before, after))) => [before, &separator, after],
                ("partition", None) => [text, "", ""],
                _ => match text.rsplit_once(&*separator) {
                    Some((before, after)) => [before, &separator, after],
                    None => ["", "", text],
                },
            };
            machine.budget.tuple(parts.map(Value::str).to_vec())
        }
        _ => {
            let [separator, count] = given.bind(name, ["sep", "maxsplit"], 0)?;
            let count = usize::try_from(index_or(count.as_ref(), -1)?).unwrap_or(usize::MAX);
            let parts = match unless_none(separator) {
                Some(separator) => {
                    let separator = separator_text(&separator)?;
                    let pieces = count.saturating_add(1);
                    if name == "split" {
                        text.splitn(pieces, &*separator).collect()
                    } else {
                        let mut parts: Vec<&str> = text.rsplitn(pieces, &*separator).collect();
                        parts.reverse();
                        parts
                    }
                }
                None if name == "split" => words(text, count),
                None => words_from_end(text, count),
            };
            list(machine, parts)
        }
    }
}

fn list(machine: &Machine<'_>, parts: Vec<&str>) -> Result<Value> {
    machine.budget.steps(parts.len())?;
    machine
        .budget
        .list(parts.into_iter().map(Value::str).collect())
}

fn separator_text(separator: &Value) -> Result<Arc<str>> {
    let text = match separator {
        Value::Str(text) | Value::Markup(text) => text.clone(),
        other => return type_error(format!("must be str or None, not {}", other.class())),
    };
    if text.is_empty() {
        return value_error("empty separator");
    }
    Ok(text)
}

/// `text.split(None, count)`.
fn words(text: &str, count: usize) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        if words.len() == count {
            words.push(rest);
            break;
        }
        let end = rest.find(is_space).unwrap_or(rest.len());
        words.push(&rest[..end]);
        rest = rest[end..].trim_start_matches(is_space);
    }
    words
}

/// `text.rsplit(None, count)`.
fn words_from_end(text: &str, count: usize) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_end_matches(is_space);
    while !rest.is_empty() {
        if words.len() == count {
            words.push(rest);
            break;
        }
        let start = rest
            .char_indices()
            .rev()
            .find(|(_, it)| is_space(*it))
            .map_or(0, |(at, it)| at + it.len_utf8());
        words.push(&rest[start..]);
        rest = rest[..start].trim_end_matches(is_space);
    }
    words.reverse();
    words
}
