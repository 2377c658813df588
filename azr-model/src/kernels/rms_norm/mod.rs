//! Root mean square normalization (Zhang and Sennrich, arXiv 1910.07467).
//!
//! `r[n] = 1 / sqrt(mean over d of x[n, d]^2 + eps)`, `y[n, d] = x[n, d] r[n] w[d]`.
//! Backward, with `t[d] = dy[d] w[d]`: `dx += r (t - x r^2 mean(t x))`, `dw[d] += sum over n of dy x r`.

use super::rows;
use crate::simd::{lanes, multiversion, team::Team};

pub(crate) mod cuda;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

/// Writes `y [n, d]` and the inverse roots `r [n]` of `x [n, d]`.
pub(crate) fn forward(team: &Team, x: &[f32], w: &[f32], eps: f32, y: &mut [f32], r: &mut [f32]) {
    let d = w.len();
    assert!(
        x.len() == y.len() && y.len() == r.len() * d,
        "x and y are [n, d], r is [n]"
    );
    let grain = rows::grain(d);
    let parts = x
        .chunks(grain * d)
        .zip(y.chunks_mut(grain * d))
        .zip(r.chunks_mut(grain));
    team.each(parts, |((x, y), r)| forward_rows(x, w, eps, y, r));
}

/// Adds to `dx [n, d]` and `dw [d]`.
pub(crate) fn backward(
    team: &Team,
    dy: &[f32],
    x: &[f32],
    w: &[f32],
    r: &[f32],
    dx: &mut [f32],
    dw: &mut [f32],
) {
    let d = w.len();
    assert!(
        dy.len() == dx.len() && x.len() == dx.len() && dx.len() == r.len() * d,
        "dy, x, dx are [n, d]"
    );
    rows::in_parallel(team, dx, d, |first, dx| {
        let count = dx.len() / d;
        let part = first * d..(first + count) * d;
        backward_rows(&dy[part.clone()], &x[part], w, &r[first..first + count], dx);
    });
    team.each(dw.chunks_mut(COLUMNS).enumerate(), |(chunk, dw)| {
        add_scale_gradient(dy, x, r, d, chunk * COLUMNS, dw);
    });
}

/// Columns of `dw` that one pass sums.
const COLUMNS: usize = 64;

multiversion! {
    fn forward_rows(x: &[f32], w: &[f32], eps: f32, y: &mut [f32], r: &mut [f32]) {
        let d = w.len();
        for ((x, y), r) in x.chunks_exact(d).zip(y.chunks_exact_mut(d)).zip(r) {
            let mean = lanes::dot(x, x) / d as f32;
            *r = 1.0 / (mean + eps).sqrt();
            for ((y, x), w) in y.iter_mut().zip(x).zip(w) {
                *y = (x * *r) * w;
            }
        }
    }
}

multiversion! {
    fn backward_rows(dy: &[f32], x: &[f32], w: &[f32], r: &[f32], dx: &mut [f32]) {
        let d = w.len();
        let rows = dy.chunks_exact(d).zip(x.chunks_exact(d)).zip(r).zip(dx.chunks_exact_mut(d));
        for (((dy, x), r), dx) in rows {
            let mut lanes = [0.0f32; lanes::LANES];
            for ((dy, x), w) in dy.chunks(lanes::LANES).zip(x.chunks(lanes::LANES)).zip(w.chunks(lanes::LANES)) {
                for (((lane, dy), x), w) in lanes.iter_mut().zip(dy).zip(x).zip(w) {
                    *lane = (dy * w).mul_add(*x, *lane);
                }
            }
            let mean = lanes::sum(&lanes) / d as f32;
            let pull = r * r * mean;
            for (((dx, dy), x), w) in dx.iter_mut().zip(dy).zip(x).zip(w) {
                *dx += r * (-pull).mul_add(*x, dy * w);
            }
        }
    }
}

multiversion! {
    fn add_scale_gradient(dy: &[f32], x: &[f32], r: &[f32], d: usize, column: usize, dw: &mut [f32]) {
        let width = dw.len();
        let mut sums = [0.0f32; COLUMNS];
        for ((dy, x), r) in dy.chunks_exact(d).zip(x.chunks_exact(d)).zip(r) {
            let (dy, x) = (&dy[column..column + width], &x[column..column + width]);
            for ((sum, dy), x) in sums.iter_mut().zip(dy).zip(x) {
                *sum = (dy * r).mul_add(*x, *sum);
            }
        }
        for (dw, sum) in dw.iter_mut().zip(sums) {
            *dw += sum;
        }
    }
}
