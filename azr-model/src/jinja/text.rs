//! Properties of characters as `str` of Python knows them.

use super::fault::{Construct, Result, unsupported};

/// `str.isspace` of one character.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

/// Whether `str.splitlines` ends a line here.
pub(super) fn is_line_end(character: char) -> bool {
    matches!(
        character,
        '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// `str.splitlines(keepends)`.
pub(super) fn lines(text: &str, keeps_ends: bool) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if !is_line_end(character) {
            continue;
        }
        let mut end = at + character.len_utf8();
        if character == '\r' && characters.next_if(|(_, it)| *it == '\n').is_some() {
            end += 1;
        }
        lines.push(&text[start..if keeps_ends { end } else { at }]);
        start = end;
    }
    if start < text.len() {
        lines.push(&text[start..]);
    }
    lines
}

/// `str.split()`: at runs of white space.
pub(super) fn words(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(is_space).filter(|it| !it.is_empty())
}

/// Refuses text in which Rust and Python may disagree about classes of characters.
pub(super) fn ascii_only(text: &str, method: &str) -> Result<()> {
    if text.is_ascii() {
        return Ok(());
    }
    unsupported(
        Construct::Attribute,
        format!("{method} of text that is not ASCII"),
    )
}

/// The first character in title case and the rest in lower case.
pub(super) fn capitalized(text: &str) -> Result<String> {
    let mut characters = text.chars();
    let Some(first) = characters.next() else {
        return Ok(String::new());
    };
    // The rest is lowered with the first, which a final sigma may stand behind.
    let lower = text.to_lowercase();
    let first_lower: usize = first.to_lowercase().map(char::len_utf8).sum();
    Ok(title_case(first)? + &lower[first_lower..])
}

/// The title case of a character, where it is its upper case.
pub(super) fn title_case(character: char) -> Result<String> {
    let has_own = matches!(u32::from(character), 0x1c4..=0x1cc | 0x1f1..=0x1f3 | 0x10d0..=0x10ff | 0x1f80..=0x1fff);
    let upper: String = character.to_uppercase().collect();
    if has_own || 1 < upper.chars().count() {
        return unsupported(
            Construct::Expression,
            format!("the title case of '{character}'"),
        );
    }
    Ok(upper)
}

/// `str.title()`.
pub(super) fn titled(text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut follows_letter = false;
    for character in text.chars() {
        let is_cased = character.is_lowercase() || character.is_uppercase();
        if follows_letter {
            if character == 'Σ' {
                return unsupported(Construct::Expression, "the lower case of 'Σ'");
            }
            out.extend(character.to_lowercase());
        } else if is_cased {
            out.push_str(&title_case(character)?);
        } else {
            out.push(character);
        }
        follows_letter = is_cased;
    }
    Ok(out)
}

/// `html.escape` as MarkupSafe does it.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            it => out.push(it),
        }
    }
    out
}
