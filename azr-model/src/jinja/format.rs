//! `str.format`.

use super::attributes;
use super::digits::{self, Align, Form};
use super::fault::{Construct, Exception, Result, raised, type_error, unsupported, value_error};
use super::given::Given;
use super::machine::Machine;
use super::value::{Value, float, repr};
use num_bigint::BigInt;

/// Fields in the format of a field.
const NESTING_MAX: usize = 2;

/// `text.format(...)`.
pub(super) fn format(machine: &Machine<'_>, text: &str, given: &Given) -> Result<Value> {
    let mut automatic = Some(0);
    let out = expanded(machine, text, given, NESTING_MAX, &mut automatic)?;
    machine.budget.text(out)
}

/// `automatic` is the next place of a field without a name; None once fields have numbers.
fn expanded(
    machine: &Machine<'_>,
    text: &str,
    given: &Given,
    depth: usize,
    automatic: &mut Option<usize>,
) -> Result<String> {
    if depth == 0 {
        return value_error("Max string recursion exceeded");
    }
    machine.budget.bytes(text.len())?;
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..at + 1];
        let behind = &rest[at + 1..];
        if behind.starts_with(brace) {
            out.push_str(brace);
            rest = &behind[1..];
            continue;
        }
        if brace == "}" {
            return value_error("Single '}' encountered in format string");
        }
        let Some(end) = field_end(behind) else {
            return value_error("expected '}' before end of string");
        };
        out.push_str(&field(machine, &behind[..end], given, depth, automatic)?);
        rest = &behind[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn field_end(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

fn field(
    machine: &Machine<'_>,
    field: &str,
    given: &Given,
    depth: usize,
    automatic: &mut Option<usize>,
) -> Result<String> {
    let name_end = name_end(field);
    let (name, rest) = field.split_at(name_end);
    if name.contains('{') {
        return value_error("unexpected '{' in field name");
    }
    let (conversion, rest) = match rest.strip_prefix('!') {
        None => (None, rest),
        Some(behind) => {
            let mut letters = behind.chars();
            let conversion = letters.next();
            let rest = letters.as_str();
            if conversion.is_none() || !(rest.is_empty() || rest.starts_with(':')) {
                return value_error("expected ':' after conversion specifier");
            }
            (conversion, rest)
        }
    };
    let value = looked_up(machine, name, given, automatic)?;
    let value = match conversion {
        None => value,
        Some('s') => Value::Str(machine.str(&value)?),
        Some('r') => {
            let mut text = String::new();
            repr::write(&value, &machine.budget, &mut text)?;
            Value::from(text)
        }
        Some('a') => return unsupported(Construct::Format, "!a"),
        Some(other) => return value_error(format!("Unknown conversion specifier {other}")),
    };
    let spec = rest.strip_prefix(':').unwrap_or("");
    let spec = expanded(machine, spec, given, depth - 1, automatic);
    let spec = if rest.is_empty() {
        String::new()
    } else {
        spec?
    };
    formatted(machine, &value, &spec)
}

fn name_end(field: &str) -> usize {
    let mut in_brackets = false;
    for (at, character) in field.char_indices() {
        match character {
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            '!' | ':' if !in_brackets => return at,
            _ => {}
        }
    }
    field.len()
}

fn looked_up(
    machine: &Machine<'_>,
    name: &str,
    given: &Given,
    automatic: &mut Option<usize>,
) -> Result<Value> {
    let first_end = name.find(['.', '[']).unwrap_or(name.len());
    let (first, mut rest) = name.split_at(first_end);
    let is_number = !first.is_empty() && first.bytes().all(|it| it.is_ascii_digit());
    let place = match (first.is_empty(), is_number, *automatic) {
        (true, _, Some(next)) => {
            *automatic = Some(next + 1);
            Some(next)
        }
        (true, _, None) | (false, true, Some(1..)) => {
            return value_error(
                "cannot switch between manual field specification and automatic field numbering",
            );
        }
        (false, true, _) => {
            *automatic = None;
            first.parse().ok()
        }
        (false, false, _) => None,
    };
    let found = match place {
        Some(place) => given.positional.get(place),
        None => {
            let mut named = given.keyword.iter();
            named.find(|(it, _)| **it == *first).map(|(_, value)| value)
        }
    };
    let Some(found) = found else {
        return raised(Exception::IndexError, format!("no argument for '{name}'"));
    };
    let mut value = found.clone();
    while !rest.is_empty() {
        if let Some(attribute) = rest.strip_prefix('.') {
            let end = attribute.find(['.', '[']).unwrap_or(attribute.len());
            value = attributes::attribute(machine, &value, &attribute[..end])?;
            rest = &attribute[end..];
            continue;
        }
        let Some((key, behind)) = rest.strip_prefix('[').and_then(|it| it.split_once(']')) else {
            return value_error("Only '.' or '[' may follow ']' in format field specifier");
        };
        let key = match key.parse::<BigInt>() {
            Ok(index) if key.bytes().all(|it| it.is_ascii_digit()) => Value::Int(index),
            _ => Value::str(key),
        };
        value = attributes::item(machine, &value, &key)?;
        rest = behind;
    }
    Ok(value)
}

/// What stands behind the colon.
struct Spec {
    fill: char,
    align: Option<Align>,
    sign: char,
    is_alternate: bool,
    has_zero: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

fn parse(spec: &str) -> Result<Spec> {
    let letters: Vec<char> = spec.chars().collect();
    let align_of = |it: Option<&char>| match it {
        Some('<') => Some(Align::Left),
        Some('>') => Some(Align::Right),
        Some('^') => Some(Align::Center),
        Some('=') => Some(Align::Sign),
        _ => None,
    };
    let (fill, align, mut at) = match (align_of(letters.get(1)), align_of(letters.first())) {
        (Some(align), _) => (letters[0], Some(align), 2),
        (None, Some(align)) => (' ', Some(align), 1),
        (None, None) => (' ', None, 0),
    };
    let mut take = |wanted: &str| {
        let found = letters.get(at).filter(|it| wanted.contains(**it));
        at += usize::from(found.is_some());
        found.copied()
    };
    let sign = take("+- ").unwrap_or('-');
    let is_alternate = take("#").is_some();
    let has_zero = take("0").is_some();
    let number = |take: &mut dyn FnMut(&str) -> Option<char>| -> Result<Option<usize>> {
        let mut number = None;
        while let Some(digit) = take("0123456789") {
            let digit = digit.to_digit(10).unwrap_or(0) as usize;
            number = Some(digits::check_width(number.unwrap_or(0) * 10 + digit)?);
        }
        Ok(number)
    };
    let width = number(&mut take)?.unwrap_or(0);
    let grouping = take(",_");
    let precision = match take(".") {
        None => None,
        Some(_) => match number(&mut take)? {
            None => return value_error("Format specifier missing precision"),
            precision => precision,
        },
    };
    let kind = letters.get(at).copied();
    if at + 1 < letters.len() {
        return value_error("Invalid format specifier");
    }
    Ok(Spec {
        fill,
        align,
        sign,
        is_alternate,
        has_zero,
        width,
        grouping,
        precision,
        kind,
    })
}

/// `format(value, spec)`.
fn formatted(machine: &Machine<'_>, value: &Value, spec: &str) -> Result<String> {
    if spec.is_empty() {
        return Ok(machine.str(value)?.to_string());
    }
    let parsed = parse(spec)?;
    if let Value::Str(text) = value {
        return formatted_text(text, &parsed);
    }
    let (is_negative, digits) = match (value, value.int()) {
        (Value::Float(float), _) => (float.is_sign_negative(), real(*float, &parsed)?),
        (_, Some(int)) => {
            let is_negative = int.sign() == num_bigint::Sign::Minus;
            (is_negative, integer(&int, &parsed)?)
        }
        _ => {
            return type_error(format!(
                "unsupported format string passed to {}.__format__",
                value.class()
            ));
        }
    };
    let sign = match (is_negative, parsed.sign) {
        (true, _) => "-",
        (false, '+') => "+",
        (false, ' ') => " ",
        (false, _) => "",
    };
    let (fill, align) = match (parsed.align, parsed.has_zero) {
        (Some(align), _) => (parsed.fill, align),
        (None, true) => ('0', Align::Sign),
        (None, false) => (parsed.fill, Align::Right),
    };
    if parsed.grouping.is_some() && fill == '0' {
        return unsupported(Construct::Format, format!(":{spec}"));
    }
    digits::padded(&format!("{sign}{digits}"), parsed.width, fill, align)
}

fn formatted_text(text: &str, spec: &Spec) -> Result<String> {
    if spec.has_zero {
        return unsupported(Construct::Format, ":0 of text");
    }
    let is_plain = spec.sign == '-'
        && !spec.is_alternate
        && spec.grouping.is_none()
        && spec.align != Some(Align::Sign)
        && matches!(spec.kind, None | Some('s'));
    if !is_plain {
        return value_error("Unknown format code for object of type 'str'");
    }
    let taken: String = text
        .chars()
        .take(spec.precision.unwrap_or(usize::MAX))
        .collect();
    let align = spec.align.unwrap_or(Align::Left);
    digits::padded(&taken, spec.width, spec.fill, align)
}

fn integer(int: &BigInt, spec: &Spec) -> Result<String> {
    let digits = match spec.kind {
        None | Some('d') => repr::decimal(int)?.trim_start_matches('-').to_owned(),
        Some('x') => digits::radix(int, 16),
        Some('X') => digits::radix(int, 16).to_uppercase(),
        Some('o') => digits::radix(int, 8),
        Some('b') => digits::radix(int, 2),
        Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => {
            return real(float::from_int(int).abs(), spec);
        }
        Some(kind @ ('c' | 'n')) => return unsupported(Construct::Format, format!(":{kind}")),
        Some(kind) => return value_error(format!("Unknown format code '{kind}'")),
    };
    if spec.precision.is_some() {
        return value_error("Precision not allowed in integer format specifier");
    }
    let is_decimal = matches!(spec.kind, None | Some('d'));
    if spec.is_alternate && !is_decimal {
        return unsupported(Construct::Format, ":#");
    }
    match spec.grouping {
        Some(separator) if is_decimal => Ok(digits::grouped(&digits, separator)),
        Some(_) => unsupported(Construct::Format, ":_ of other bases"),
        None => Ok(digits),
    }
}

fn real(float: f64, spec: &Spec) -> Result<String> {
    let magnitude = float.abs();
    let precision = spec.precision.unwrap_or(6);
    let (form, scale, tail) = match spec.kind {
        Some('f' | 'F') => (Form::Fixed, 1.0, ""),
        Some('e' | 'E') => (Form::Exponent, 1.0, ""),
        Some('g' | 'G') => (Form::General, 1.0, ""),
        Some('%') => (Form::Fixed, 100.0, "%"),
        None if spec.precision.is_none() && magnitude.is_finite() => {
            let text = float::repr(magnitude);
            return Ok(with_groups(&text, spec.grouping));
        }
        None => return unsupported(Construct::Format, ":.N of a float, without a letter"),
        Some('n') => return unsupported(Construct::Format, ":n"),
        Some(kind) => return value_error(format!("Unknown format code '{kind}'")),
    };
    if spec.is_alternate {
        return unsupported(Construct::Format, ":#");
    }
    let digits = digits::float(magnitude * scale, form, precision, false)?;
    let digits = match spec.kind {
        Some('E' | 'F' | 'G') => digits.to_uppercase(),
        _ => digits,
    };
    Ok(with_groups(&digits, spec.grouping) + tail)
}

fn with_groups(digits: &str, grouping: Option<char>) -> String {
    let Some(separator) = grouping else {
        return digits.to_owned();
    };
    let whole = digits
        .find(|it: char| !it.is_ascii_digit())
        .unwrap_or(digits.len());
    digits::grouped(&digits[..whole], separator) + &digits[whole..]
}
