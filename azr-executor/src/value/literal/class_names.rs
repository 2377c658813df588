//! CPython's spelling of a class, `<class 'int'>`, which is no Python: it stands in the text of a `defaultdict`.

use std::borrow::Cow;

use crate::value::Factory;

const OPENING: &str = "<class '";
const CLOSING: &str = "'>";

/// The text with the names of classes in the place of that spelling, outside of strings and comments. All else stays where
/// it is.
pub(super) fn as_names(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains(OPENING) {
        return text;
    }
    let mut named = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some(at) = rest.find(['<', '\'', '"', '#']) {
        let (before, from_here) = rest.split_at(at);
        named.push_str(before);
        let taken = match from_here.as_bytes().first() {
            Some(b'<') => match class_name(from_here) {
                Some(name) => {
                    let [opening, closing] = [OPENING, CLOSING].map(|it| " ".repeat(it.len()));
                    named.extend([&opening, name, &closing]);
                    rest = &from_here[OPENING.len() + name.len() + CLOSING.len()..];
                    continue;
                }
                None => 1,
            },
            Some(b'#') => from_here.find('\n').unwrap_or(from_here.len()),
            _ => string_length(from_here),
        };
        let (taken, behind) = from_here.split_at(taken);
        named.push_str(taken);
        rest = behind;
    }
    named.push_str(rest);
    named.into()
}

fn class_name(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix(OPENING)?.split_once(CLOSING)?;
    Factory::from_name(name).map(|_| name)
}

/// Bytes of the string that a text begins with; an unclosed one takes all there is.
fn string_length(text: &str) -> usize {
    let quote = &text[..1];
    let triple = quote.repeat(3);
    let (quote, mut at) = if text.starts_with(&triple) {
        (triple.as_str(), 3)
    } else {
        (quote, 1)
    };
    while let Some(found) = text[at..].find(['\\', quote.chars().next().unwrap_or('"')]) {
        at += found;
        if text[at..].starts_with(quote) {
            return at + quote.len();
        }
        let is_escape = text[at..].starts_with('\\');
        let mut skipped = text[at..].chars();
        skipped.next();
        if is_escape {
            skipped.next();
        }
        at = text.len() - skipped.as_str().len();
    }
    text.len()
}
