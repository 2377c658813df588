//! `+`, `-`, `*`, `/`, `//`, `%` and `**`, as Python computes them.

use super::ast::{Operator, Sign};
use super::fault::{Construct, Exception, Limit, Result, beyond, raised, type_error, unsupported};
use super::machine::Machine;
use super::value::{Value, float};
use super::{percent, text};
use num_bigint::{BigInt, Sign as IntSign};

/// Bits of the largest integer; Python converts no larger one to text.
const INT_BITS_MAX: u64 = 1 << 15;

enum Numbers {
    Ints(BigInt, BigInt),
    Floats(f64, f64),
}

/// `left operator right`.
pub(super) fn binary(
    machine: &Machine<'_>,
    operator: Operator,
    left: &Value,
    right: &Value,
) -> Result<Value> {
    if let (Operator::Modulo, Some(format)) = (operator, left.text()) {
        if matches!(left, Value::Markup(_)) {
            return unsupported(Construct::Expression, "% of safe text");
        }
        return percent::format(machine, format, right);
    }
    left.defined()?;
    right.defined()?;
    if let Some(numbers) = numbers(left, right)? {
        return match numbers {
            Numbers::Ints(a, b) => ints(operator, a, b),
            Numbers::Floats(a, b) => floats(operator, a, b),
        };
    }
    match operator {
        Operator::Add => add(machine, left, right),
        Operator::Multiply => match (repeatable(left), repeatable(right)) {
            (true, _) => repeat(machine, left, right),
            (false, true) => repeat(machine, right, left),
            _ => wrong("*", left, right),
        },
        Operator::Subtract => wrong("-", left, right),
        Operator::Divide => wrong("/", left, right),
        Operator::FloorDivide => wrong("//", left, right),
        Operator::Modulo => wrong("%", left, right),
        Operator::Power => wrong("** or pow()", left, right),
    }
}

/// `-value` or `+value`.
pub(super) fn signed(sign: Sign, value: &Value) -> Result<Value> {
    value.defined()?;
    match (sign, value, value.int()) {
        (Sign::Minus, _, Some(int)) => Ok(Value::Int(-int)),
        (Sign::Plus, _, Some(int)) => Ok(Value::Int(int)),
        (Sign::Minus, Value::Float(float), _) => Ok(Value::Float(-float)),
        (Sign::Plus, Value::Float(float), _) => Ok(Value::Float(*float)),
        _ => type_error(format!("bad operand type for unary: '{}'", value.class())),
    }
}

fn wrong<T>(symbol: &str, left: &Value, right: &Value) -> Result<T> {
    type_error(format!(
        "unsupported operand type(s) for {symbol}: '{}' and '{}'",
        left.class(),
        right.class()
    ))
}

fn numbers(left: &Value, right: &Value) -> Result<Option<Numbers>> {
    let as_float = |it: &Value| match it {
        Value::Float(value) => Some(*value),
        other => other.int().map(|int| float::from_int(&int)),
    };
    if let (Some(a), Some(b)) = (left.int(), right.int()) {
        return Ok(Some(Numbers::Ints(a, b)));
    }
    let (Some(a), Some(b)) = (as_float(left), as_float(right)) else {
        return Ok(None);
    };
    let overflows = |value: f64, it: &Value| value.is_infinite() && it.int().is_some();
    if overflows(a, left) || overflows(b, right) {
        return raised(
            Exception::OverflowError,
            "int too large to convert to float",
        );
    }
    Ok(Some(Numbers::Floats(a, b)))
}

fn add(machine: &Machine<'_>, left: &Value, right: &Value) -> Result<Value> {
    match (left, right) {
        (Value::Str(a), Value::Str(b)) => machine.budget.text(format!("{a}{b}")),
        (Value::Markup(a), Value::Markup(b)) => markup(machine, format!("{a}{b}")),
        (Value::Markup(a), Value::Str(b)) => markup(machine, format!("{a}{}", text::escaped(b))),
        (Value::Str(a), Value::Markup(b)) => markup(machine, format!("{}{b}", text::escaped(a))),
        (Value::List(a), Value::List(b)) => {
            machine.budget.list([&a.values[..], &b.values[..]].concat())
        }
        (Value::Tuple(a), Value::Tuple(b)) => machine
            .budget
            .tuple([&a.values[..], &b.values[..]].concat()),
        _ => wrong("+", left, right),
    }
}

fn markup(machine: &Machine<'_>, text: String) -> Result<Value> {
    machine.budget.bytes(text.len())?;
    Ok(Value::Markup(text.into()))
}

fn repeatable(value: &Value) -> bool {
    matches!(
        value,
        Value::Str(_) | Value::Markup(_) | Value::List(_) | Value::Tuple(_)
    )
}

fn repeat(machine: &Machine<'_>, value: &Value, times: &Value) -> Result<Value> {
    let Some(times) = times.int() else {
        return type_error(format!(
            "can't multiply sequence by non-int of type '{}'",
            times.class()
        ));
    };
    let times = if times.sign() == IntSign::Minus {
        0
    } else {
        usize::try_from(times).unwrap_or(usize::MAX)
    };
    match value {
        Value::Str(text) | Value::Markup(text) => {
            let length = text.len().saturating_mul(times);
            machine.budget.bytes(length)?;
            let repeated = if length == 0 {
                String::new()
            } else {
                text.repeat(times)
            };
            Ok(match value {
                Value::Markup(_) => Value::Markup(repeated.into()),
                _ => Value::Str(repeated.into()),
            })
        }
        Value::List(items) | Value::Tuple(items) => {
            let count = items.values.len().saturating_mul(times);
            machine.budget.bytes(count.saturating_mul(16))?;
            let values: Vec<Value> = if count == 0 {
                Vec::new()
            } else {
                std::iter::repeat_n(&items.values, times)
                    .flatten()
                    .cloned()
                    .collect()
            };
            match value {
                Value::List(_) => machine.budget.list(values),
                _ => machine.budget.tuple(values),
            }
        }
        _ => wrong("*", value, &Value::None),
    }
}

fn ints(operator: Operator, left: BigInt, right: BigInt) -> Result<Value> {
    let value = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::FloorDivide => floor_divide(&left, &right)?.0,
        Operator::Modulo => floor_divide(&left, &right)?.1,
        Operator::Divide => return true_divide(&left, &right),
        Operator::Power => return int_power(left, &right),
    };
    if INT_BITS_MAX < value.bits() {
        return beyond(Limit::Digits);
    }
    Ok(Value::Int(value))
}

/// Quotient rounded down, and remainder with the sign of the divisor.
pub(super) fn floor_divide(left: &BigInt, right: &BigInt) -> Result<(BigInt, BigInt)> {
    if right.sign() == IntSign::NoSign {
        return raised(
            Exception::ZeroDivisionError,
            "integer division or modulo by zero",
        );
    }
    let (quotient, remainder): (BigInt, BigInt) = (left / right, left % right);
    let is_off = remainder.sign() != IntSign::NoSign && remainder.sign() != right.sign();
    Ok(if is_off {
        (quotient - 1, remainder + right)
    } else {
        (quotient, remainder)
    })
}

/// Exact where both are floats without loss, which is then the float nearest to the quotient.
fn true_divide(left: &BigInt, right: &BigInt) -> Result<Value> {
    if right.sign() == IntSign::NoSign {
        return raised(Exception::ZeroDivisionError, "division by zero");
    }
    if 53 < left.bits() || 53 < right.bits() {
        return unsupported(Construct::Expression, "/ of integers beyond 2 ** 53");
    }
    Ok(Value::Float(float::from_int(left) / float::from_int(right)))
}

fn int_power(left: BigInt, right: &BigInt) -> Result<Value> {
    if right.sign() == IntSign::Minus {
        return floats(
            Operator::Power,
            float::from_int(&left),
            float::from_int(right),
        );
    }
    let is_small = left.bits() <= 1;
    let exponent = match u32::try_from(right) {
        Ok(exponent) => exponent,
        Err(_) if is_small => u32::from((right % 2u8) == BigInt::from(1)),
        Err(_) => return beyond(Limit::Digits),
    };
    if !is_small && INT_BITS_MAX < left.bits().saturating_mul(u64::from(exponent)) {
        return beyond(Limit::Digits);
    }
    if is_small {
        return Ok(Value::Int(left.pow(exponent.min(2 + exponent % 2))));
    }
    Ok(Value::Int(left.pow(exponent)))
}

fn floats(operator: Operator, left: f64, right: f64) -> Result<Value> {
    let zero = right == 0.0;
    let value = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide if zero => {
            return raised(Exception::ZeroDivisionError, "float division by zero");
        }
        Operator::Divide => left / right,
        Operator::FloorDivide | Operator::Modulo if zero => {
            return raised(Exception::ZeroDivisionError, "float floor division by zero");
        }
        Operator::FloorDivide => float_divide(left, right).0,
        Operator::Modulo => float_divide(left, right).1,
        Operator::Power => float_power(left, right)?,
    };
    if !value.is_finite() {
        // Jinja2 folds constants into Python source, where `inf` and `nan` are names that nobody has defined.
        return unsupported(Construct::Expression, "a float that is not finite");
    }
    Ok(Value::Float(value))
}

/// `divmod` as CPython's `float_divmod` computes it.
fn float_divide(left: f64, right: f64) -> (f64, f64) {
    let mut remainder = left % right;
    let mut quotient = (left - remainder) / right;
    if remainder != 0.0 {
        if (right < 0.0) != (remainder < 0.0) {
            remainder += right;
            quotient -= 1.0;
        }
    } else {
        remainder = 0.0_f64.copysign(right);
    }
    let floor = if quotient == 0.0 {
        0.0_f64.copysign(left / right)
    } else {
        let floor = quotient.floor();
        if 0.5 < quotient - floor {
            floor + 1.0
        } else {
            floor
        }
    };
    (floor, remainder)
}

fn float_power(left: f64, right: f64) -> Result<f64> {
    if left == 0.0 && right < 0.0 {
        return raised(
            Exception::ZeroDivisionError,
            "0.0 cannot be raised to a negative power",
        );
    }
    if left < 0.0 && right.fract() != 0.0 {
        return unsupported(Construct::Expression, "a complex number");
    }
    let value = left.powf(right);
    if value.is_infinite() {
        return raised(Exception::OverflowError, "Numerical result out of range");
    }
    Ok(value)
}
