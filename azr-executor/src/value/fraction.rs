//! `fractions.Fraction`: a quotient of integers.

use std::mem;

use num_bigint::{BigInt, Sign};

use super::INT_BITS_MAX;

/// A fraction in lowest terms, whose denominator is positive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fraction {
    numerator: BigInt,
    denominator: BigInt,
}

impl Fraction {
    /// The quotient of two integers; none when the second is zero, or one is longer than CPython prints.
    pub fn new(numerator: BigInt, denominator: BigInt) -> Option<Self> {
        if INT_BITS_MAX < numerator.bits().max(denominator.bits()) {
            return None;
        }
        let divisor = greatest_common_divisor(numerator.clone(), denominator.clone());
        let divisor = match denominator.sign() {
            Sign::NoSign => return None,
            Sign::Minus => -divisor,
            Sign::Plus => divisor,
        };
        Some(Self {
            numerator: numerator / &divisor,
            denominator: denominator / divisor,
        })
    }

    /// Its numerator and its denominator.
    pub fn parts(&self) -> [&BigInt; 2] {
        [&self.numerator, &self.denominator]
    }
}

/// By Euclid; never negative.
fn greatest_common_divisor(mut left: BigInt, mut right: BigInt) -> BigInt {
    while right.sign() != Sign::NoSign {
        left %= &right;
        mem::swap(&mut left, &mut right);
    }
    BigInt::from_biguint(Sign::Plus, left.into_parts().1)
}
