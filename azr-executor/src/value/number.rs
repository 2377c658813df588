//! Numbers of all types by their exact value, without rounding either.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use super::Value;

/// Whether it is a number of Python's, of any type.
pub(super) fn is_number(value: &Value) -> bool {
    matches!(
        value,
        Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Complex(..)
            | Value::Decimal(_)
            | Value::Fraction(_)
    )
}

/// Compares two numbers without imaginary parts. What is no number is equal to all here.
pub(super) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (
            Value::Float(left) | Value::Complex(left, _),
            Value::Float(right) | Value::Complex(right, _),
        ) => compare_floats(*left, *right),
        (Value::Decimal(_) | Value::Fraction(_), _)
        | (_, Value::Decimal(_) | Value::Fraction(_)) => compare_exactly(left, right),
        (Value::Float(left) | Value::Complex(left, _), right) => integer(right)
            .map_or(Ordering::Equal, |right| {
                compare_integer(&right, *left).reverse()
            }),
        (left, Value::Float(right) | Value::Complex(right, _)) => {
            integer(left).map_or(Ordering::Equal, |left| compare_integer(&left, *right))
        }
        (left, right) => integer(left).cmp(&integer(right)),
    }
}

/// NaN equals itself and is the greatest.
pub(super) fn compare_floats(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right)
        .unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

/// Decimals and fractions against each other and against all others: what is not finite as floats, the rest as quotients.
fn compare_exactly(left: &Value, right: &Value) -> Ordering {
    match (special(left), special(right)) {
        (None, None) => {}
        (left, right) => {
            return compare_floats(left.unwrap_or_default(), right.unwrap_or_default());
        }
    }
    match (left, right) {
        (Value::Decimal(left), Value::Decimal(right)) => left.compare(right),
        (Value::Decimal(left), right) => quotient(right)
            .map_or(Ordering::Equal, |(over, under)| {
                left.compare_quotient(&over, &under)
            }),
        (left, Value::Decimal(right)) => quotient(left).map_or(Ordering::Equal, |(over, under)| {
            right.compare_quotient(&over, &under).reverse()
        }),
        (left, right) => match (quotient(left), quotient(right)) {
            (Some((left, left_under)), Some((right, right_under))) => {
                (left * right_under).cmp(&(right * left_under))
            }
            _ => Ordering::Equal,
        },
    }
}

/// The value as a float where it is not finite.
fn special(value: &Value) -> Option<f64> {
    match value {
        Value::Float(float) | Value::Complex(float, _) => (!float.is_finite()).then_some(*float),
        Value::Decimal(decimal) => decimal.special(),
        _ => None,
    }
}

/// A finite number as a numerator and a positive denominator.
fn quotient(value: &Value) -> Option<(BigInt, BigInt)> {
    match value {
        Value::Fraction(fraction) => {
            let [numerator, denominator] = fraction.parts();
            Some((numerator.clone(), denominator.clone()))
        }
        Value::Float(float) | Value::Complex(float, _) => {
            let (mantissa, exponent) = parts(*float);
            let power = BigInt::from(1) << exponent.unsigned_abs();
            Some(if exponent < 0 {
                (mantissa, power)
            } else {
                (mantissa * power, BigInt::from(1))
            })
        }
        value => integer(value).map(|integer| (integer, BigInt::from(1))),
    }
}

fn integer(value: &Value) -> Option<BigInt> {
    match value {
        Value::Bool(bit) => Some(BigInt::from(u8::from(*bit))),
        Value::Int(int) => Some(int.clone()),
        _ => None,
    }
}

/// An integer against a float: by the float's integral part, then by its fraction.
fn compare_integer(left: &BigInt, right: f64) -> Ordering {
    if right.is_nan() || right == f64::INFINITY {
        return Ordering::Less;
    }
    if right == f64::NEG_INFINITY {
        return Ordering::Greater;
    }
    let by_integral_part = left.cmp(&integral(right.trunc()));
    by_integral_part.then_with(|| {
        0.0_f64
            .partial_cmp(&right.fract())
            .unwrap_or(Ordering::Equal)
    })
}

/// A finite float without a fraction as an integer.
fn integral(float: f64) -> BigInt {
    if float.abs() < 1.0 {
        return BigInt::ZERO;
    }
    let (mantissa, exponent) = parts(float);
    if exponent < 0 {
        // Exact: no bit that is shifted out is set.
        mantissa >> exponent.unsigned_abs()
    } else {
        mantissa << exponent.unsigned_abs()
    }
}

/// A finite float as an integer times a power of two.
fn parts(float: f64) -> (BigInt, i32) {
    let bits = float.to_bits();
    let (exponent, fraction) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
    let (mantissa, exponent) = if exponent == 0 {
        (fraction, -1_074)
    } else {
        (fraction | (1 << 52), exponent as i32 - 1_075)
    };
    let sign = if float.is_sign_negative() {
        Sign::Minus
    } else {
        Sign::Plus
    };
    (BigInt::from_biguint(sign, mantissa.into()), exponent)
}
