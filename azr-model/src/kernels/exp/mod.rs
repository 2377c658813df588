//! Exponential and natural logarithm of our own: the same bits in the sampler and the learner, on every machine.
//!
//! `exp(x) = 2^n (1 + r + r^2 p(r))` with `n` the nearest whole number to `x / ln 2` and `r = x - n ln 2` in two parts;
//! `p` is the degree-5 polynomial of Cephes (Moshier, `expf`). Relative error at most 1.2e-7 (one unit in the last
//! place) for results that are normal numbers; below `LOWEST` the result is 0, above `HIGHEST` it is infinite, NaN
//! stays NaN, and `exp(0)` is exactly 1.

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

/// Below this the result would not be a normal number and is 0.
pub(crate) const LOWEST: f32 = -87.0;
/// Above this the result is infinite.
pub(crate) const HIGHEST: f32 = 88.0;

/// Adding this rounds to a whole number, which then lies in the lowest bits.
const ROUND: f32 = 12_582_912.0;
/// `ln 2` to the bits whose products with small whole numbers are exact, and the rest.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `e^x`. Branch-free, so that loops over it become vectors.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN_2_HIGH, x);
    let r = n.mul_add(-LN_2_LOW, r);
    let mut p = 1.987_569_1e-4f32;
    p = p.mul_add(r, 1.398_2e-3);
    p = p.mul_add(r, 8.333_452e-3);
    p = p.mul_add(r, 4.166_579_6e-2);
    p = p.mul_add(r, 1.666_666_5e-1);
    p = p.mul_add(r, 0.5);
    let value = p.mul_add(r * r, r) + 1.0;
    let exponent = shifted
        .to_bits()
        .wrapping_sub(ROUND.to_bits())
        .wrapping_add(127);
    let power = f32::from_bits(exponent << 23);
    let scaled = value * power;
    let scaled = if HIGHEST < x { f32::INFINITY } else { scaled };
    if x < LOWEST { 0.0 } else { scaled }
}

/// Natural logarithm of a positive normal number: computed in f64, then rounded once.
///
/// `ln x = k ln 2 + 2 atanh((m - 1) / (m + 1))` with `x = 2^k m` and `m` between `sqrt(1/2)` and `sqrt(2)`.
#[inline]
pub(crate) fn ln(x: f32) -> f32 {
    if !(x.is_finite() && 0.0 < x) {
        return if x == 0.0 {
            f32::NEG_INFINITY
        } else if x == f32::INFINITY {
            f32::INFINITY
        } else {
            f32::NAN
        };
    }
    let bits = f64::from(x).to_bits();
    let mut k = (bits >> 52) as i64 - 1023;
    let mut m = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if std::f64::consts::SQRT_2 < m {
        m /= 2.0;
        k += 1;
    }
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let mut series = 0.0;
    for odd in (0..11).rev() {
        series = series * square + 1.0 / f64::from(2 * odd + 1);
    }
    (k as f64 * std::f64::consts::LN_2 + 2.0 * s * series) as f32
}
