//! What the words of expressions stand for: numbers, and strings with Python's escapes.

use super::fault::{Construct, Exception, Limit, Result, beyond, raised, syntax, unsupported};
use super::lexer::sign_of;
use num_bigint::BigInt;

/// Digits that Python converts between text and integer at most.
pub(super) const INT_DIGITS_MAX: usize = 4300;

/// The value of an integer as it is written in a template: decimal, or with the prefix `0b`, `0o` or `0x`.
pub(super) fn integer(word: &str) -> Result<BigInt> {
    let digits: String = word.chars().filter(|it| *it != '_').collect();
    let lower = digits.to_ascii_lowercase();
    let (digits, radix) = match lower.get(..2) {
        Some("0b") => (&lower[2..], 2),
        Some("0o") => (&lower[2..], 8),
        Some("0x") => (&lower[2..], 16),
        _ => (&lower[..], 10),
    };
    if INT_DIGITS_MAX < digits.len() {
        return beyond(Limit::Digits);
    }
    match BigInt::parse_bytes(digits.as_bytes(), radix) {
        Some(value) => Ok(value),
        None => syntax(format!("{word} is no integer")),
    }
}

/// The value of a float as it is written in a template.
pub(super) fn float(word: &str) -> Result<f64> {
    let digits: String = word.chars().filter(|it| *it != '_').collect();
    match digits.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        // Jinja2 writes it into Python source as `inf`, which is a name there.
        Ok(_) => unsupported(Construct::Expression, word),
        Err(_) => syntax(format!("{word} is no float")),
    }
}

/// The text of a string literal without its quotes: `value.encode("ascii", "backslashreplace").decode("unicode-escape")`.
pub(super) fn string(inner: &str) -> Result<String> {
    if !inner.contains('\\') {
        return Ok(inner.to_owned());
    }
    let ascii = ascii_with_escapes(inner);
    let mut text = String::with_capacity(inner.len());
    let mut rest = &ascii[..];
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let Some(kind) = rest[at + 1..].chars().next() else {
            return raised(Exception::ValueError, "\\ at end of string");
        };
        rest = escape(kind, &rest[at + 2..], &mut text)?;
    }
    text.push_str(rest);
    Ok(text)
}

fn ascii_with_escapes(inner: &str) -> String {
    let mut ascii = String::with_capacity(inner.len() + 16);
    for character in inner.chars() {
        match u32::from(character) {
            0..0x80 => ascii.push(character),
            code @ 0x80..0x100 => ascii.push_str(&format!("\\x{code:02x}")),
            code @ 0x100..0x10000 => ascii.push_str(&format!("\\u{code:04x}")),
            code => ascii.push_str(&format!("\\U{code:08x}")),
        }
    }
    ascii
}

/// Appends what the escape `kind` stands for, and returns what follows it. `rest` is ASCII.
fn escape<'text>(kind: char, rest: &'text str, text: &mut String) -> Result<&'text str> {
    let simple = match kind {
        '\n' => return Ok(rest),
        '\\' | '\'' | '"' => kind,
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '0'..='7' => return octal(kind, rest, text),
        'x' => return hexadecimal(2, "\\xXX", rest, text),
        'u' => return hexadecimal(4, "\\uXXXX", rest, text),
        'U' => return hexadecimal(8, "\\UXXXXXXXX", rest, text),
        'N' => return unsupported(Construct::Expression, "\\N{...} in a string"),
        other => {
            text.push('\\');
            other
        }
    };
    text.push(simple);
    Ok(rest)
}

fn octal<'text>(first: char, rest: &'text str, text: &mut String) -> Result<&'text str> {
    let more = rest
        .bytes()
        .take(2)
        .take_while(|it| (b'0'..=b'7').contains(it))
        .count();
    let code = rest[..more]
        .chars()
        .fold(first.to_digit(8).unwrap_or(0), |sum, digit| {
            sum * 8 + digit.to_digit(8).unwrap_or(0)
        });
    push(code, text)?;
    Ok(&rest[more..])
}

fn hexadecimal<'text>(
    length: usize,
    name: &str,
    rest: &'text str,
    text: &mut String,
) -> Result<&'text str> {
    let digits = rest
        .get(..length)
        .filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let Some(code) = digits.and_then(|it| u32::from_str_radix(it, 16).ok()) else {
        return syntax(format!("truncated {name} escape"));
    };
    push(code, text)?;
    Ok(&rest[length..])
}

fn push(code: u32, text: &mut String) -> Result<()> {
    match char::from_u32(code) {
        Some(character) => {
            text.push(character);
            Ok(())
        }
        None if code <= 0x10ffff => {
            unsupported(Construct::Expression, "a lone surrogate in a string")
        }
        None => syntax("illegal Unicode character"),
    }
}

/// `(\d+_)*\d+`.
fn digits_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = 0;
    while end < bytes.len()
        && (bytes[end].is_ascii_digit()
            || (bytes[end] == b'_'
                && 0 < end
                && bytes[end - 1] != b'_'
                && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)))
    {
        end += 1;
    }
    end
}

/// The length of the float at the start of `text`; 0 if there is none.
pub(super) fn float_length(text: &str) -> usize {
    let whole = digits_length(text);
    let mut end = whole;
    if text[end..].starts_with('.') {
        let fraction = digits_length(&text[end + 1..]);
        if 0 < fraction {
            end += 1 + fraction;
        }
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = sign_of(&text[end + 1..]).len();
        let exponent = digits_length(&text[end + 1 + sign..]);
        if 0 < exponent {
            return end + 1 + sign + exponent;
        }
    }
    if end == whole { 0 } else { end }
}

/// The length of the integer at the start of `text`.
pub(super) fn integer_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    if bytes[0] != b'0' {
        return digits_length(text);
    }
    let is_digit: fn(&u8) -> bool = match bytes.get(1).map(u8::to_ascii_lowercase) {
        Some(b'b') => |it| matches!(it, b'0' | b'1'),
        Some(b'o') => |it| matches!(it, b'0'..=b'7'),
        Some(b'x') => u8::is_ascii_hexdigit,
        _ => |it| *it == b'0',
    };
    let prefixed = bytes.get(1).is_some_and(u8::is_ascii_alphabetic);
    let start = if prefixed { 2 } else { 1 };
    let mut end = start;
    loop {
        let skip = usize::from(bytes.get(end) == Some(&b'_'));
        match bytes.get(end + skip) {
            Some(byte) if is_digit(byte) => end += skip + 1,
            _ => break,
        }
    }
    if prefixed && end == start { 1 } else { end }
}

/// The length of the string that begins with `quote`, with both quotes; 0 if it does not end.
pub(super) fn string_length(text: &str, quote: char) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        if bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at] == quote as u8 {
            return at + 1;
        } else {
            at += 1;
        }
    }
    0
}
