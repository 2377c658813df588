//! Reads numbers: what the parser read of digits, the names of special floats, signs and complex sums.

use num_bigint::BigInt;
use ruff_python_ast::{Number, Operator, UnaryOp};

use super::{INT_DIGITS_MAX, LiteralError, Value, shown};

/// Bits of the greatest integer that a double stands for.
const DOUBLE_BITS_MAX: u64 = 1_024;

/// The value of a number as the parser read it.
pub(crate) fn number(number: &Number) -> Result<Value, LiteralError> {
    match number {
        Number::Int(int) => match int.as_u64() {
            Some(small) => Ok(Value::Int(BigInt::from(small))),
            None => big_integer(&int.to_string()),
        },
        Number::Float(float) => Ok(Value::Float(*float)),
        Number::Complex { real, imag } => Ok(Value::Complex(*real, *imag)),
    }
}

fn big_integer(token: &str) -> Result<Value, LiteralError> {
    let digits: String = token.chars().filter(|digit| *digit != '_').collect();
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        _ => (10, &digits[..]),
    };
    if radix == 10 && INT_DIGITS_MAX < digits.len() {
        return Err(LiteralError::IntegerTooLong {
            digits: digits.len(),
        });
    }
    let parsed = BigInt::parse_bytes(digits.as_bytes(), radix);
    parsed.map(Value::Int).ok_or(LiteralError::NotLiteral {
        construct: "a number in an unknown notation",
    })
}

/// The spellings of `repr` that are no literals of the language, and what `float` reads beside numbers.
pub(super) fn special_float(name: &str) -> Result<Value, LiteralError> {
    let (sign, magnitude) = match name.strip_prefix(['-', '+']) {
        Some(rest) if name.starts_with('-') => (-1.0, rest),
        Some(rest) => (1.0, rest),
        None => (1.0, name),
    };
    match magnitude.to_ascii_lowercase().as_str() {
        "nan" => Ok(Value::Float(f64::NAN)),
        "inf" | "infinity" => Ok(Value::Float(sign * f64::INFINITY)),
        "nanj" => Ok(Value::Complex(0.0, f64::NAN)),
        "infj" => Ok(Value::Complex(0.0, sign * f64::INFINITY)),
        _ => Err(LiteralError::Name { name: shown(name) }),
    }
}

pub(super) fn signed(operator: UnaryOp, operand: Value) -> Result<Value, LiteralError> {
    let negative = match operator {
        UnaryOp::USub => true,
        UnaryOp::UAdd => false,
        UnaryOp::Not | UnaryOp::Invert => {
            return Err(LiteralError::NotLiteral {
                construct: "an operator",
            });
        }
    };
    match operand {
        Value::Bool(bit) => Ok(Value::Int(BigInt::from(if negative {
            -i64::from(bit)
        } else {
            i64::from(bit)
        }))),
        Value::Int(int) => Ok(Value::Int(if negative { -int } else { int })),
        Value::Float(float) => Ok(Value::Float(if negative { -float } else { float })),
        Value::Complex(real, imag) => Ok(if negative {
            Value::Complex(-real, -imag)
        } else {
            Value::Complex(real, imag)
        }),
        _ => Err(LiteralError::NotLiteral {
            construct: "a sign before something that is no int, float or complex",
        }),
    }
}

/// `a+bj` and `a-bj`, added component by component as CPython 3.11 does.
pub(super) fn complex(
    left: Value,
    operator: Operator,
    right: Value,
) -> Result<Value, LiteralError> {
    let refused = LiteralError::NotLiteral {
        construct: "a computation",
    };
    let real = match left {
        // By way of decimal, which rounds to nearest; far beyond the greatest double that would take long.
        Value::Int(int) if int.bits() <= DOUBLE_BITS_MAX => match int.to_string().parse::<f64>() {
            Ok(real) if real.is_finite() => real,
            _ => return Err(refused),
        },
        Value::Float(float) => float,
        _ => return Err(refused),
    };
    match (operator, right) {
        (Operator::Add, Value::Complex(more, imag)) => Ok(Value::Complex(real + more, 0.0 + imag)),
        (Operator::Sub, Value::Complex(more, imag)) => Ok(Value::Complex(real - more, 0.0 - imag)),
        _ => Err(refused),
    }
}
