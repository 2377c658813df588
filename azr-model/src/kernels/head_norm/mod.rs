//! Root mean square normalization of each query and key head, before its rotation (Qwen3, arXiv 2505.09388).
//!
//! A head `x [e]` becomes `y[i] = x[i] r w[i]` with `r = 1 / sqrt(mean of x^2 + eps)`, as in
//! [`rms_norm`](super::rms_norm). All query heads share one scale, and so do all key heads: `w [2 e]` is the first, then
//! the second. Queries and keys lie in the first `t = h + g` heads of a row of `qkv [n, (h + 2 g) e]`; values stay.
//! Backward, with `s[i] = dy[i] w[i]`: `dx = r (s - x r^2 mean(s x))`, `dw[i] += sum over rows and heads of dy x r`.

use super::{attention::Heads, rows};
use crate::simd::{lanes, multiversion, team::Team};

pub(crate) mod cuda;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

/// Normalizes in place; keeps what was there in `raw [n, t e]`, and the inverse roots in `r [n, t]`.
pub(crate) fn forward(
    team: &Team,
    heads: &Heads,
    w: &[f32],
    eps: f32,
    qkv: &mut [f32],
    raw: &mut [f32],
    r: &mut [f32],
) {
    let (width, turned) = (heads.width(), heads.heads + heads.kv_heads);
    let e = heads.head_dim;
    let n = qkv.len() / width;
    assert_eq!(w.len(), 2 * e, "a scale for queries and one for keys");
    assert!(
        raw.len() == n * turned * e && r.len() == n * turned,
        "raw is [n, t e], r is [n, t]"
    );
    let grain = rows::grain(width);
    let parts = qkv
        .chunks_mut(grain * width)
        .zip(raw.chunks_mut(grain * turned * e))
        .zip(r.chunks_mut(grain * turned));
    team.each(parts, |((qkv, raw), r)| {
        forward_rows(qkv, heads, w, eps, raw, r);
    });
}

/// Turns the gradient of the result into that of what was normalized, in place in `dqkv`, and adds to `dw [2 e]`.
pub(crate) fn backward(
    team: &Team,
    heads: &Heads,
    w: &[f32],
    raw: &[f32],
    r: &[f32],
    dqkv: &mut [f32],
    dw: &mut [f32],
) {
    let (width, turned) = (heads.width(), heads.heads + heads.kv_heads);
    let e = heads.head_dim;
    assert!(
        raw.len() == r.len() * e && r.len() * width == dqkv.len() * turned,
        "raw is [n, t e], r is [n, t]"
    );
    let parts: Vec<(usize, usize, &mut [f32])> = dw
        .chunks_mut(e)
        .enumerate()
        .flat_map(|(kind, dw)| {
            let chunks = dw.chunks_mut(COLUMNS).enumerate();
            chunks.map(move |(chunk, dw)| (kind, chunk * COLUMNS, dw))
        })
        .collect();
    let dy = &*dqkv;
    team.each(parts, |(kind, column, dw)| {
        let first = if kind == 0 { 0 } else { heads.heads };
        let end = if kind == 0 { heads.heads } else { turned };
        add_scale_gradient(dy, raw, r, heads, first, end, column, dw);
    });
    rows::in_parallel(team, dqkv, width, |first, dqkv| {
        let count = dqkv.len() / width;
        let part = first * turned..(first + count) * turned;
        backward_rows(dqkv, heads, w, &raw[part.start * e..part.end * e], &r[part]);
    });
}

/// Columns of a scale's gradient that one pass sums.
const COLUMNS: usize = 64;

multiversion! {
    fn forward_rows(qkv: &mut [f32], heads: &Heads, w: &[f32], eps: f32, raw: &mut [f32], r: &mut [f32]) {
        let (e, turned) = (heads.head_dim, heads.heads + heads.kv_heads);
        let rows = qkv.chunks_exact_mut(heads.width()).zip(raw.chunks_exact_mut(turned * e));
        for ((row, raw), r) in rows.zip(r.chunks_exact_mut(turned)) {
            let row = &mut row[..turned * e];
            raw.copy_from_slice(row);
            for (head, ((y, x), r)) in row.chunks_exact_mut(e).zip(raw.chunks_exact(e)).zip(r).enumerate() {
                let w = if head < heads.heads { &w[..e] } else { &w[e..] };
                let mean = lanes::dot(x, x) / e as f32;
                *r = 1.0 / (mean + eps).sqrt();
                for ((y, x), w) in y.iter_mut().zip(x).zip(w) {
                    *y = (x * *r) * w;
                }
            }
        }
    }
}

multiversion! {
    fn backward_rows(dqkv: &mut [f32], heads: &Heads, w: &[f32], raw: &[f32], r: &[f32]) {
        let (e, turned) = (heads.head_dim, heads.heads + heads.kv_heads);
        let rows = dqkv.chunks_exact_mut(heads.width()).zip(raw.chunks_exact(turned * e));
        for ((row, raw), r) in rows.zip(r.chunks_exact(turned)) {
            let row = &mut row[..turned * e];
            for (head, ((dy, x), r)) in row.chunks_exact_mut(e).zip(raw.chunks_exact(e)).zip(r).enumerate() {
                let w = if head < heads.heads { &w[..e] } else { &w[e..] };
                for (dy, w) in dy.iter_mut().zip(w) {
                    *dy *= w;
                }
                let pull = r * r * (lanes::dot(dy, x) / e as f32);
                for (dy, x) in dy.iter_mut().zip(x) {
                    *dy = r * (-pull).mul_add(*x, *dy);
                }
            }
        }
    }
}

multiversion! {
    #[allow(clippy::too_many_arguments)]
    fn add_scale_gradient(
        dqkv: &[f32], raw: &[f32], r: &[f32], heads: &Heads, first: usize, end: usize, column: usize, dw: &mut [f32],
    ) {
        let (e, turned) = (heads.head_dim, heads.heads + heads.kv_heads);
        let columns = column..column + dw.len();
        let mut sums = [0.0f32; COLUMNS];
        let rows = dqkv.chunks_exact(heads.width()).zip(raw.chunks_exact(turned * e));
        for ((dy, x), r) in rows.zip(r.chunks_exact(turned)) {
            // A row is summed by itself, so that long batches of many heads add few numbers to a large one.
            let mut of_row = [0.0f32; COLUMNS];
            for head in first..end {
                let (dy, x) = (&dy[head * e..][columns.clone()], &x[head * e..][columns.clone()]);
                for ((sum, dy), x) in of_row.iter_mut().zip(dy).zip(x) {
                    *sum = (dy * r[head]).mul_add(*x, *sum);
                }
            }
            for (sum, of_row) in sums.iter_mut().zip(of_row) {
                *sum += of_row;
            }
        }
        for (dw, sum) in dw.iter_mut().zip(sums) {
            *dw += sum;
        }
    }
}
