//! Writes values as CPython's `repr` does.

mod library;

use std::fmt::{self, Display, Formatter, Write};

use super::{Arguments, INT_DIGITS_MAX, Value, printable::is_printable};

/// Bits of an integer that surely stays within [`INT_DIGITS_MAX`] decimal digits: 4,300 · log2(10), rounded down.
const DECIMAL_BITS_MAX: u64 = 14_284;

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(bit) => f.write_str(if *bit { "True" } else { "False" }),
            Self::Int(int) => write_int(f, int),
            Self::Float(float) => write_float(f, *float, Point::Always),
            Self::Complex(real, imag) => write_complex(f, *real, *imag),
            Self::Str(text) => write_str(f, text),
            Self::Bytes(bytes) => write_bytes(f, bytes),
            Self::List(elements) => write_all(f, "[", elements, "]"),
            Self::Tuple(elements) if elements.len() == 1 => write_all(f, "(", elements, ",)"),
            Self::Tuple(elements) => write_all(f, "(", elements, ")"),
            Self::Dict(items) => write_dict(f, items),
            Self::Set(elements) if elements.is_empty() => f.write_str("set()"),
            Self::Set(elements) => write_all(f, "{", elements, "}"),
            Self::FrozenSet(elements) if elements.is_empty() => f.write_str("frozenset()"),
            Self::FrozenSet(elements) => write_all(f, "frozenset({", elements, "})"),
            Self::Ellipsis => f.write_str("Ellipsis"),
            Self::Range(range) => library::write_range(f, range),
            Self::Decimal(decimal) => write!(f, "Decimal('{decimal}')"),
            Self::Fraction(fraction) => library::write_fraction(f, fraction),
            Self::Counter(items) => library::write_counter(f, items),
            Self::OrderedDict(items) => library::write_ordered_dict(f, items),
            Self::DefaultDict(factory, items) => library::write_default_dict(f, *factory, items),
            Self::Deque(elements, length_max) => library::write_deque(f, elements, *length_max),
        }
    }
}

impl Display for Arguments {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for value in &self.positional {
            write!(f, "{separator}{value}")?;
            separator = ", ";
        }
        for (name, value) in &self.keyword {
            write!(f, "{separator}{name}={value}")?;
            separator = ", ";
        }
        Ok(())
    }
}

fn write_all(f: &mut Formatter<'_>, open: &str, elements: &[Value], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (at, element) in elements.iter().enumerate() {
        let separator = if at == 0 { "" } else { ", " };
        write!(f, "{separator}{element}")?;
    }
    f.write_str(close)
}

fn write_dict<'value>(
    f: &mut Formatter<'_>,
    items: impl IntoIterator<Item = &'value (Value, Value)>,
) -> fmt::Result {
    f.write_char('{')?;
    for (at, (key, value)) in items.into_iter().enumerate() {
        let separator = if at == 0 { "" } else { ", " };
        write!(f, "{separator}{key}: {value}")?;
    }
    f.write_char('}')
}

/// Decimal as CPython; beyond its limit, where `repr` itself would raise, hexadecimal, which every reader accepts.
fn write_int(f: &mut Formatter<'_>, int: &num_bigint::BigInt) -> fmt::Result {
    if int.bits() <= DECIMAL_BITS_MAX {
        return write!(f, "{int}");
    }
    // Far beyond the limit the conversion to decimal would take quadratic time, so it is not tried.
    let decimal = if int.bits() <= DECIMAL_BITS_MAX + 4 {
        int.to_string()
    } else {
        String::new()
    };
    let digits = decimal.trim_start_matches('-').len();
    if 0 < digits && digits <= INT_DIGITS_MAX {
        f.write_str(&decimal)
    } else {
        write!(f, "{int:#x}")
    }
}

/// Whether a float without a fraction gets `.0`.
#[derive(Clone, Copy, PartialEq)]
enum Point {
    Always,
    IfNeeded,
}

/// The shortest digits that read back as the same double, of those the nearest; positional for 1e-4 <= |x| < 1e16.
fn write_float(f: &mut Formatter<'_>, float: f64, point: Point) -> fmt::Result {
    if float.is_nan() {
        return f.write_str("nan");
    }
    if float.is_sign_negative() {
        f.write_char('-')?;
    }
    if float.is_infinite() {
        return f.write_str("inf");
    }
    let (digits, exponent) = shortest_digits(float.abs());
    let (first, rest) = digits.split_at(1);
    if !(-4..16).contains(&exponent) {
        let point = if rest.is_empty() { "" } else { "." };
        let sign = if exponent < 0 { '-' } else { '+' };
        return write!(
            f,
            "{first}{point}{rest}e{sign}{:0>2}",
            exponent.unsigned_abs()
        );
    }
    let Ok(integral_digits) = usize::try_from(exponent + 1) else {
        let zeros = exponent.unsigned_abs() as usize - 1;
        return write!(f, "0.{:0<zeros$}{digits}", "");
    };
    if digits.len() <= integral_digits {
        let fraction = if point == Point::Always { ".0" } else { "" };
        return write!(f, "{digits:0<integral_digits$}{fraction}");
    }
    let (integral, fraction) = digits.split_at(integral_digits);
    if integral.is_empty() {
        write!(f, "0.{fraction}")
    } else {
        write!(f, "{integral}.{fraction}")
    }
}

/// Decimal digits of a finite float that is not negative, and the exponent of the first.
fn shortest_digits(magnitude: f64) -> (String, i32) {
    let shortest = format!("{magnitude:e}");
    let places = shortest
        .split_once('e')
        .map_or(0, |(mantissa, _)| mantissa.len().saturating_sub(2));
    // Two strings of the shortest length can be equally near; CPython rounds half to even, as a fixed precision does.
    let nearest = format!("{magnitude:.places$e}");
    let chosen = if nearest.parse() == Ok(magnitude) {
        nearest
    } else {
        shortest
    };
    let (mantissa, exponent) = chosen.split_once('e').unwrap_or((&chosen, "0"));
    (
        mantissa.replace('.', ""),
        exponent.parse().unwrap_or_default(),
    )
}

fn write_complex(f: &mut Formatter<'_>, real: f64, imag: f64) -> fmt::Result {
    if real == 0.0 && real.is_sign_positive() {
        write_float(f, imag, Point::IfNeeded)?;
        return f.write_char('j');
    }
    f.write_char('(')?;
    write_float(f, real, Point::IfNeeded)?;
    if imag.is_nan() || imag.is_sign_positive() {
        f.write_char('+')?;
    }
    write_float(f, imag, Point::IfNeeded)?;
    f.write_str("j)")
}

/// Single quotes unless the text has only those.
fn quote_for(has_single: bool, has_double: bool) -> char {
    if has_single && !has_double { '"' } else { '\'' }
}

fn write_str(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    let quote = quote_for(text.contains('\''), text.contains('"'));
    f.write_char(quote)?;
    for character in text.chars() {
        match character {
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            _ if character == quote => write!(f, "\\{character}")?,
            _ if is_printable(character) => f.write_char(character)?,
            _ => match u32::from(character) {
                code if code <= 0xff => write!(f, "\\x{code:02x}")?,
                code if code <= 0xffff => write!(f, "\\u{code:04x}")?,
                code => write!(f, "\\U{code:08x}")?,
            },
        }
    }
    f.write_char(quote)
}

fn write_bytes(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let quote = quote_for(bytes.contains(&b'\''), bytes.contains(&b'"'));
    write!(f, "b{quote}")?;
    for &byte in bytes {
        match byte {
            b'\\' => f.write_str("\\\\")?,
            b'\n' => f.write_str("\\n")?,
            b'\r' => f.write_str("\\r")?,
            b'\t' => f.write_str("\\t")?,
            _ if char::from(byte) == quote => write!(f, "\\{quote}")?,
            b' '..=b'~' => f.write_char(char::from(byte))?,
            _ => write!(f, "\\x{byte:02x}")?,
        }
    }
    f.write_char(quote)
}
