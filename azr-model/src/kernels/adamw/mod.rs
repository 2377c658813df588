//! AdamW (Loshchilov and Hutter, arXiv 1711.05101) and the norm it is clipped by.
//!
//! With `g` the gradient times the clipping scale and `t` the number of the step from 1:
//! `w *= 1 - lr decay`, `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`,
//! `w -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)`. As in PyTorch; all f32. Moments may be held in fewer
//! bits between steps: see `narrow.rs`.

use crate::simd::{lanes, multiversion, team::Team};

pub(crate) mod cuda;
pub(crate) mod moment;
pub(crate) mod narrow;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

pub use moment::{Moment, MomentKind, Narrow, NarrowKind};
pub use narrow::Draws;

/// Elements that one task takes. Part of the shape of the norm's reduction, so it is the same for any threads.
const CHUNK: usize = 1 << 14;
/// Elements whose squares are summed in f32 before they enter the f64 sum.
const SQUARES: usize = 1 << 10;

/// The factors of one step, computed once for all weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// The gradient is multiplied by this first: clipping.
    pub gradient_scale: f32,
    /// `1 - lr decay`.
    pub keep: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// `lr / (1 - beta1^t)`.
    pub rate: f32,
    /// `1 / sqrt(1 - beta2^t)`.
    pub second_scale: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
}

/// Sum of squares in a fixed shape; not finite if any element is not.
pub(crate) fn sum_of_squares(team: &Team, values: &[f32]) -> f64 {
    let mut sums = vec![0.0f64; values.len().div_ceil(CHUNK)];
    team.each(values.chunks(CHUNK).zip(&mut sums), |(part, sum)| {
        *sum = sum_of_squares_here(part);
    });
    sums.iter().sum()
}

/// Updates weights and moments, and empties the gradient.
pub(crate) fn step(
    team: &Team,
    weights: &mut [f32],
    gradient: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
    factors: Factors,
) {
    let n = weights.len();
    assert!(
        gradient.len() == n && first.len() == n && second.len() == n,
        "moments are as long as the weights"
    );
    let moments = first.chunks_mut(CHUNK).zip(second.chunks_mut(CHUNK));
    let parts = weights
        .chunks_mut(CHUNK)
        .zip(gradient.chunks_mut(CHUNK))
        .zip(moments);
    team.each(parts, |((weights, gradient), (first, second))| {
        step_here(weights, gradient, first, second, factors);
    });
}

multiversion! {
    fn sum_of_squares_here(values: &[f32]) -> f64 {
        values.chunks(SQUARES).map(|part| f64::from(lanes::dot(part, part))).sum()
    }
}

multiversion! {
    fn step_here(weights: &mut [f32], gradient: &mut [f32], first: &mut [f32], second: &mut [f32], factors: Factors) {
        for (((w, g), m), v) in weights.iter_mut().zip(gradient).zip(first).zip(second) {
            update(w, g, m, v, factors);
        }
    }
}

/// One weight, whatever its moments are held in; what the kernels' `update` does.
#[inline(always)]
fn update(w: &mut f32, g: &mut f32, m: &mut f32, v: &mut f32, factors: Factors) {
    let scaled = *g * factors.gradient_scale;
    *m = factors.beta1.mul_add(*m, (1.0 - factors.beta1) * scaled);
    *v = factors
        .beta2
        .mul_add(*v, (1.0 - factors.beta2) * (scaled * scaled));
    let root = v.sqrt().mul_add(factors.second_scale, factors.eps);
    *w = factors.keep * *w - factors.rate * (*m / root);
    *g = 0.0;
}
