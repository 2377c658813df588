//! `range`: three integers that stand for a sequence.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use super::INT_BITS_MAX;

/// A `range`, whose step is not zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    start: BigInt,
    stop: BigInt,
    step: BigInt,
}

impl Range {
    /// `range(start, stop, step)`; none when the step is zero, or one of them is longer than CPython prints.
    pub fn new(start: BigInt, stop: BigInt, step: BigInt) -> Option<Self> {
        let bits = start.bits().max(stop.bits()).max(step.bits());
        let is_valid = bits <= INT_BITS_MAX && step.sign() != Sign::NoSign;
        is_valid.then_some(Self { start, stop, step })
    }

    /// Its start, its stop and its step.
    pub fn parts(&self) -> [&BigInt; 3] {
        [&self.start, &self.stop, &self.step]
    }

    /// How many numbers it stands for.
    fn length(&self) -> BigInt {
        let (distance, step) = match self.step.sign() {
            Sign::Minus => (&self.start - &self.stop, -&self.step),
            _ => (&self.stop - &self.start, self.step.clone()),
        };
        if distance.sign() == Sign::Plus {
            (distance - 1) / step + 1
        } else {
            BigInt::ZERO
        }
    }

    /// A total order in which ranges are equal that are equal as sequences, as Python's are.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let one = BigInt::from(1);
        let length = self.length();
        length.cmp(&other.length()).then_with(|| {
            let by_start = match length.sign() {
                Sign::Plus => self.start.cmp(&other.start),
                _ => Ordering::Equal,
            };
            by_start.then_with(|| match length.cmp(&one) {
                Ordering::Greater => self.step.cmp(&other.step),
                _ => Ordering::Equal,
            })
        })
    }
}
