//! Rotary positions (Su et al., arXiv 2104.09864) in the half-split layout of Hugging Face.
//!
//! Element `i` of a head of width `e` turns with element `i + e/2` by the angle `position * theta^(-2 i / e)`:
//! `x'[i] = x[i] cos - x[i + e/2] sin`, `x'[i + e/2] = x[i + e/2] cos + x[i] sin`. Backward turns the other way.
//! Models that were stretched to longer texts turn some pairs more slowly ([`RopeScaling`]).
//! Frequencies and angles are rounded to f32 as there, so that long positions agree.

use super::rows;
use crate::{
    config::RopeScaling,
    simd::{multiversion, team::Team},
};

pub(crate) mod cuda;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

/// Which way to turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Forward pass.
    Forward,
    /// Gradient: the transpose of a rotation is the opposite one.
    Backward,
}

/// The frequencies of a head of width `e`: `theta^(-2 i / e)` for `i` below `e/2`, scaled.
pub(crate) fn frequencies(theta: f32, e: usize, scaling: &RopeScaling) -> Vec<f32> {
    (0..e / 2)
        .map(|i| f64::from(theta).powf(-2.0 * i as f64 / e as f64) as f32)
        .map(|frequency| scaling.scaled(f64::from(frequency)) as f32)
        .collect()
}

/// Fills `turns [n, e]`: cosines of a position in the first half of its row, sines in the second.
pub(crate) fn angles(team: &Team, positions: &[u32], frequencies: &[f32], turns: &mut [f32]) {
    let half = frequencies.len();
    assert_eq!(turns.len(), positions.len() * 2 * half, "turns is [n, e]");
    rows::in_parallel(team, turns, 2 * half, |first, turns| {
        for (turns, position) in turns.chunks_exact_mut(2 * half).zip(&positions[first..]) {
            let (cosines, sines) = turns.split_at_mut(half);
            for ((cosine, sine), frequency) in cosines.iter_mut().zip(sines).zip(frequencies) {
                let (sin, cos) = f64::from(*position as f32 * frequency).sin_cos();
                (*cosine, *sine) = (cos as f32, sin as f32);
            }
        }
    });
}

/// Turns the first `heads` heads of every row of `x [n, width]` in place; `turns` is `[n, e]`.
pub(crate) fn turn(
    team: &Team,
    x: &mut [f32],
    width: usize,
    heads: usize,
    turns: &[f32],
    e: usize,
    way: Turn,
) {
    assert!(heads * e <= width, "the heads lie inside a row");
    assert_eq!(x.len() / width * e, turns.len(), "turns is [n, e]");
    rows::in_parallel(team, x, width, |first, x| {
        turn_rows(x, width, heads, &turns[first * e..], e, way)
    });
}

multiversion! {
    fn turn_rows(x: &mut [f32], width: usize, heads: usize, turns: &[f32], e: usize, way: Turn) {
        let half = e / 2;
        let sign = match way {
            Turn::Forward => 1.0f32,
            Turn::Backward => -1.0,
        };
        for (x, turns) in x.chunks_exact_mut(width).zip(turns.chunks_exact(e)) {
            let (cosines, sines) = turns.split_at(half);
            for head in x[..heads * e].chunks_exact_mut(e) {
                let (low, high) = head.split_at_mut(half);
                for (((low, high), cosine), sine) in low.iter_mut().zip(high).zip(cosines).zip(sines) {
                    let (a, b, sine) = (*low, *high, sign * sine);
                    *low = a * cosine - b * sine;
                    *high = b * cosine + a * sine;
                }
            }
        }
    }
}
