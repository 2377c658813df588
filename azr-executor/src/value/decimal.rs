//! `decimal.Decimal`: decimal digits with an exponent, which is never expanded here.

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter};

use num_bigint::{BigInt, Sign};

use super::{INT_BITS_MAX, INT_DIGITS_MAX};

/// Size of the text of a decimal as CPython prints it, bytes.
pub const DECIMAL_BYTES_MAX: usize = INT_DIGITS_MAX;

/// The exponents that CPython has on machines of 64 bits: of the first digit at most, of the last one at least.
const FIRST_EXPONENT_MAX: i64 = 999_999_999_999_999_999;
const LAST_EXPONENT_MIN: i64 = -1_999_999_999_999_999_997;

/// Bits in a decimal digit.
const DIGIT_BITS: f64 = std::f64::consts::LOG2_10;

/// A `Decimal`: its digits and its exponent, an infinity, or no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    is_negative: bool,
    magnitude: Magnitude,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Magnitude {
    /// Digits without leading zeros, times a power of ten.
    Finite {
        digits: String,
        exponent: i64,
    },
    Infinite,
    /// With the digits behind its name.
    NotANumber {
        signals: bool,
        digits: String,
    },
}

impl Decimal {
    /// Reads what `Decimal` reads of a string, in ASCII; none for all else, and for what is beyond its exponents or
    /// [`DECIMAL_BYTES_MAX`].
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.trim().chars().filter(|it| *it != '_').collect();
        let (is_negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(&text)),
        };
        let decimal = Self {
            is_negative,
            magnitude: magnitude(&unsigned.to_ascii_lowercase())?,
        };
        (decimal.to_string().len() <= DECIMAL_BYTES_MAX).then_some(decimal)
    }

    /// Whether it is a NaN.
    pub fn is_nan(&self) -> bool {
        matches!(self.magnitude, Magnitude::NotANumber { .. })
    }

    /// Whether it is a NaN that no operation takes, hashing included.
    pub(super) fn signals(&self) -> bool {
        matches!(self.magnitude, Magnitude::NotANumber { signals: true, .. })
    }

    /// As a float where it is infinite or no number.
    pub(super) fn special(&self) -> Option<f64> {
        match self.magnitude {
            Magnitude::Finite { .. } => None,
            Magnitude::Infinite if self.is_negative => Some(f64::NEG_INFINITY),
            Magnitude::Infinite => Some(f64::INFINITY),
            Magnitude::NotANumber { .. } => Some(f64::NAN),
        }
    }

    /// Its sign, as that of an integer, and its digits with the exponent of the last; both zero unless it is finite.
    fn finite(&self) -> (Sign, &str, i64) {
        match &self.magnitude {
            Magnitude::Finite { digits, exponent } if digits != "0" => {
                let sign = if self.is_negative {
                    Sign::Minus
                } else {
                    Sign::Plus
                };
                (sign, digits, *exponent)
            }
            _ => (Sign::NoSign, "", 0),
        }
    }

    /// Two finite ones by value, whatever their exponents are.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let ((sign, left, left_last), (other_sign, right, right_last)) =
            (self.finite(), other.finite());
        sign.cmp(&other_sign).then_with(|| {
            let first = |digits: &str, last: i64| last + digits.len() as i64;
            let by_first = first(left, left_last).cmp(&first(right, right_last));
            let padded = |digits: &'_ str, length: usize| {
                let zeros = std::iter::repeat_n(b'0', length.saturating_sub(digits.len()));
                digits.bytes().chain(zeros).collect::<Vec<u8>>()
            };
            let length = left.len().max(right.len());
            let magnitudes =
                by_first.then_with(|| padded(left, length).cmp(&padded(right, length)));
            if sign == Sign::Minus {
                magnitudes.reverse()
            } else {
                magnitudes
            }
        })
    }

    /// A finite one against a quotient with a positive denominator. Its power of ten is made only where it is about as
    /// large as the quotient, and so never with more digits than CPython prints of an integer, but for some. An integer
    /// beyond those, which is read in hexadecimal alone, is taken as greater than all.
    pub(super) fn compare_quotient(&self, numerator: &BigInt, denominator: &BigInt) -> Ordering {
        let (sign, digits, last) = self.finite();
        let by_sign = sign.cmp(&numerator.sign());
        if by_sign.is_ne() || sign == Sign::NoSign {
            return by_sign;
        }
        // Of the quotient's magnitude, and of one more than fits below this one's.
        let quotient_bits = numerator.bits() as f64 - denominator.bits() as f64;
        let first_bits = (last + digits.len() as i64) as f64 * DIGIT_BITS;
        let magnitudes = if INT_BITS_MAX < numerator.bits() {
            Ordering::Less
        } else if quotient_bits + DIGIT_BITS + 2.0 < first_bits {
            Ordering::Greater
        } else if first_bits < quotient_bits - 2.0 {
            Ordering::Less
        } else {
            let coefficient = BigInt::parse_bytes(digits.as_bytes(), 10).unwrap_or_default();
            let power = u32::try_from(last.unsigned_abs()).unwrap_or(u32::MAX);
            let power = BigInt::from(10).pow(power);
            let magnitude = BigInt::from_biguint(Sign::Plus, numerator.magnitude().clone());
            if last < 0 {
                (coefficient * denominator).cmp(&(magnitude * power))
            } else {
                (coefficient * power * denominator).cmp(&magnitude)
            }
        };
        if sign == Sign::Minus {
            magnitudes.reverse()
        } else {
            magnitudes
        }
    }
}

/// Of a text without sign, in lower case.
fn magnitude(text: &str) -> Option<Magnitude> {
    if text == "inf" || text == "infinity" {
        return Some(Magnitude::Infinite);
    }
    let (signals, rest) = match text.strip_prefix('s') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if let Some(payload) = rest.strip_prefix("nan") {
        let digits = payload.trim_start_matches('0').to_owned();
        let is_read = payload.bytes().all(|it| it.is_ascii_digit());
        return is_read.then_some(Magnitude::NotANumber { signals, digits });
    }
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let written = format!("{whole}{fraction}");
    if written.is_empty() || !written.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let digits = match written.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    // Integers in Rust have no underscores and no spaces either, and may have a sign.
    let exponent = exponent.parse::<i64>().ok()?;
    let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let first = exponent.checked_add(i64::try_from(digits.len()).ok()? - 1)?;
    let is_in_range = LAST_EXPONENT_MIN <= exponent && first <= FIRST_EXPONENT_MAX;
    is_in_range.then(|| Magnitude::Finite {
        digits: digits.to_owned(),
        exponent,
    })
}

/// `str` of it: with an exponent where that is positive, or the first digit is far behind the point.
impl Display for Decimal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.is_negative {
            f.write_str("-")?;
        }
        let (digits, exponent) = match &self.magnitude {
            Magnitude::Finite { digits, exponent } => (digits, *exponent),
            Magnitude::Infinite => return f.write_str("Infinity"),
            Magnitude::NotANumber { signals, digits } => {
                let name = if *signals { "sNaN" } else { "NaN" };
                return write!(f, "{name}{digits}");
            }
        };
        let first = exponent + digits.len() as i64 - 1;
        if 0 < exponent || first < -6 {
            let (whole, fraction) = digits.split_at(1);
            let point = if fraction.is_empty() { "" } else { "." };
            return write!(f, "{whole}{point}{fraction}E{first:+}");
        }
        match usize::try_from(first) {
            Ok(first) => {
                let (whole, fraction) = digits.split_at(first + 1);
                let point = if fraction.is_empty() { "" } else { "." };
                write!(f, "{whole}{point}{fraction}")
            }
            Err(_) => {
                let zeros = first.unsigned_abs() as usize - 1;
                write!(f, "0.{:0<zeros$}{digits}", "")
            }
        }
    }
}
