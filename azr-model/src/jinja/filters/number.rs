//! Filters that make or read numbers: `int`, `float`, `round`, `sum`, `abs`, `filesizeformat`.

use super::order::Attribute;
use crate::jinja::arithmetic;
use crate::jinja::ast::Operator;
use crate::jinja::digits::{self, Form};
use crate::jinja::fault::{
    Construct, Exception, Fault, Result, raised, type_error, unsupported, value_error,
};
use crate::jinja::given::{Given, index, index_or, text, truth, unless_none};
use crate::jinja::literal::INT_DIGITS_MAX;
use crate::jinja::machine::Machine;
use crate::jinja::stream;
use crate::jinja::text::is_space;
use crate::jinja::value::{Value, float as floats};
use num_bigint::{BigInt, Sign};

/// `abs`.
pub(super) fn abs(_: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("abs")?;
    match (&value, value.int()) {
        (Value::Float(float), _) => Ok(Value::Float(float.abs())),
        (_, Some(int)) => Ok(Value::Int(int.magnitude().clone().into())),
        _ => {
            value.defined()?;
            type_error(format!("bad operand type for abs(): '{}'", value.class()))
        }
    }
}

/// `int`.
pub(super) fn int(_: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [default, base] = given.bind("int", ["default", "base"], 0)?;
    let default = default.unwrap_or_else(|| Value::from_i64(0));
    let base = index_or(base.as_ref(), 10)?;
    let first = match &value {
        Value::Str(text) | Value::Markup(text) => parse_int(text, base),
        other => to_int(other),
    };
    let is_caught = |fault: &Fault| {
        matches!(
            fault,
            Fault::Python {
                exception: Exception::TypeError | Exception::ValueError,
                ..
            }
        )
    };
    match first {
        Ok(int) => return Ok(Value::Int(int)),
        Err(fault) if is_caught(&fault) => {}
        Err(fault) => return Err(fault),
    }
    match to_float(&value).and_then(|it| to_int(&Value::Float(it))) {
        Ok(int) => Ok(Value::Int(int)),
        Err(fault) => match *fault {
            Fault::Python {
                exception: Exception::OverflowError,
                ..
            } => Ok(default),
            ref caught if is_caught(caught) => Ok(default),
            _ => Err(fault),
        },
    }
}

/// `float`.
pub(super) fn float(_: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [default] = given.bind("float", ["default"], 0)?;
    match to_float(&value) {
        Ok(float) if float.is_finite() => Ok(Value::Float(float)),
        Ok(_) => unsupported(Construct::Expression, "a float that is not finite"),
        Err(fault) => match *fault {
            Fault::Python {
                exception: Exception::TypeError | Exception::ValueError,
                ..
            } => Ok(default.unwrap_or(Value::Float(0.0))),
            _ => Err(fault),
        },
    }
}

/// `int(value)` of something that is no string.
fn to_int(value: &Value) -> Result<BigInt> {
    match (value.defined()?, value.int()) {
        (_, Some(int)) => Ok(int),
        (Value::Float(float), _) if float.is_nan() => {
            value_error("cannot convert float NaN to integer")
        }
        (Value::Float(float), _) if float.is_infinite() => raised(
            Exception::OverflowError,
            "cannot convert float infinity to integer",
        ),
        (Value::Float(float), _) => Ok(floats::to_int(float.trunc())),
        _ => type_error(format!(
            "int() argument must be a string or a real number, not '{}'",
            value.class()
        )),
    }
}

fn refuse_other_digits(text: &str) -> Result<()> {
    if text.chars().any(|it| !it.is_ascii() && it.is_numeric()) {
        return unsupported(Construct::Expression, "digits that are not ASCII");
    }
    Ok(())
}

/// `int(text, base)`.
fn parse_int(text: &str, base: i64) -> Result<BigInt> {
    refuse_other_digits(text)?;
    let wrong = || value_error(format!("invalid literal for int() with base {base}"));
    let text = text.trim_matches(is_space).to_ascii_lowercase();
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (Sign::Minus, &text[1..]),
        Some(b'+') => (Sign::Plus, &text[1..]),
        _ => (Sign::Plus, &text[..]),
    };
    let prefix = digits.get(..2);
    let (radix, digits, has_prefix) = match (base, prefix) {
        (0 | 2, Some("0b")) => (2, &digits[2..], true),
        (0 | 8, Some("0o")) => (8, &digits[2..], true),
        (0 | 16, Some("0x")) => (16, &digits[2..], true),
        (0, _) if digits.starts_with('0') && !digits.trim_matches(['0', '_']).is_empty() => {
            return wrong();
        }
        (0, _) => (10, digits, false),
        (2..=36, _) => (base as u32, digits, false),
        _ => return value_error("int() base must be >= 2 and <= 36, or 0"),
    };
    let digits = if has_prefix {
        digits.strip_prefix('_').unwrap_or(digits)
    } else {
        digits
    };
    if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return wrong();
    }
    let digits = digits.replace('_', "");
    let is_valid = !digits.is_empty() && digits.chars().all(|it| it.is_digit(radix));
    if !is_valid {
        return wrong();
    }
    if INT_DIGITS_MAX < digits.len() {
        return value_error("Exceeds the limit (4300 digits) for integer string conversion");
    }
    match BigInt::parse_bytes(digits.as_bytes(), radix) {
        Some(value) if sign == Sign::Minus => Ok(-value),
        Some(value) => Ok(value),
        None => wrong(),
    }
}

/// `float(value)`.
fn to_float(value: &Value) -> Result<f64> {
    match (value.defined()?, value.int()) {
        (Value::Float(float), _) => Ok(*float),
        (_, Some(int)) => {
            let float = floats::from_int(&int);
            if float.is_infinite() {
                return raised(
                    Exception::OverflowError,
                    "int too large to convert to float",
                );
            }
            Ok(float)
        }
        (Value::Str(text) | Value::Markup(text), _) => parse_float(text),
        _ => type_error(format!(
            "float() argument must be a string or a real number, not '{}'",
            value.class()
        )),
    }
}

fn parse_float(text: &str) -> Result<f64> {
    refuse_other_digits(text)?;
    let text = text.trim_matches(is_space);
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    let is_grouped = bytes
        .iter()
        .enumerate()
        .all(|(at, it)| *it != b'_' || (is_digit(at.checked_sub(1)) && is_digit(Some(at + 1))));
    match text.replace('_', "").parse() {
        Ok(float) if is_grouped => Ok(float),
        _ => value_error(format!("could not convert string to float: '{text}'")),
    }
}

/// `round`.
pub(super) fn round(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [precision, method] = given.bind("round", ["precision", "method"], 0)?;
    let method = match &method {
        None => "common",
        Some(method) => &**text(method)?,
    };
    let precision = precision.unwrap_or_else(|| Value::from_i64(0));
    match method {
        "common" => round_common(&value, &precision),
        "ceil" | "floor" => {
            let ten = Value::from_i64(10);
            let scale = arithmetic::binary(machine, Operator::Power, &ten, &precision)?;
            let scaled = arithmetic::binary(machine, Operator::Multiply, &value, &scale)?;
            let whole = match &scaled {
                Value::Float(float) if method == "ceil" => floats::to_int(float.ceil()),
                Value::Float(float) => floats::to_int(float.floor()),
                other => to_int(other)?,
            };
            arithmetic::binary(machine, Operator::Divide, &Value::Int(whole), &scale)
        }
        _ => raised(
            Exception::FilterArgumentError,
            "method must be common, ceil or floor",
        ),
    }
}

/// `round(value, precision)`.
fn round_common(value: &Value, precision: &Value) -> Result<Value> {
    value.defined()?;
    if precision.is_none() {
        return unsupported(Construct::Filter, "round(none)");
    }
    let places = index(precision)?.clamp(-10_000, 10_000) as i32;
    match (value, value.int()) {
        (Value::Float(float), _) => Ok(Value::Float(floats::round(*float, places))),
        (_, Some(int)) if 0 <= places => Ok(Value::Int(int)),
        (_, Some(int)) => {
            let magnitude = BigInt::from(int.magnitude().clone());
            let rounded = floats::round_int(&magnitude, places.unsigned_abs(), false);
            let is_negative = int.sign() == Sign::Minus;
            Ok(Value::Int(if is_negative { -rounded } else { rounded }))
        }
        _ => type_error(format!(
            "type {} doesn't define __round__ method",
            value.class()
        )),
    }
}

/// `sum`.
pub(super) fn sum(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [attribute, start] = given.bind("sum", ["attribute", "start"], 0)?;
    let attribute = Attribute::new(unless_none(attribute).as_ref(), None)?;
    let mut sum = start.unwrap_or_else(|| Value::from_i64(0));
    if sum.text().is_some() {
        return type_error("sum() can't sum strings [use ''.join(seq) instead]");
    }
    let mut reader = stream::read(&value)?;
    while let Some(item) = reader.next(machine)? {
        let item = attribute.of(machine, item)?;
        sum = arithmetic::binary(machine, Operator::Add, &sum, &item)?;
    }
    Ok(sum)
}

/// `filesizeformat`.
pub(super) fn filesizeformat(_: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [binary] = given.bind("filesizeformat", ["binary"], 0)?;
    let bytes = to_float(&value)?;
    let is_binary = truth(binary.as_ref());
    let base: f64 = if is_binary { 1024.0 } else { 1000.0 };
    if bytes == 1.0 {
        return Ok(Value::str("1 Byte"));
    }
    if bytes < base {
        return Ok(Value::from(format!(
            "{} Bytes",
            floats::to_int(bytes.trunc())
        )));
    }
    let mut unit = base;
    for (at, letter) in "KMGTPEZY".chars().enumerate() {
        unit *= base;
        if bytes < unit || at == 7 {
            let shown = digits::float(base * bytes / unit, Form::Fixed, 1, false)?;
            let prefix = match (is_binary, letter) {
                (true, letter) => format!("{letter}i"),
                (false, 'K') => "k".to_owned(),
                (false, letter) => letter.to_string(),
            };
            return Ok(Value::from(format!("{shown} {prefix}B")));
        }
    }
    unsupported(Construct::Filter, "filesizeformat")
}
