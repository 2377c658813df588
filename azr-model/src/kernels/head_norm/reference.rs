//! The norm of each query and key head in f64, straight from the formula.

use super::Heads;

/// Where the turned heads of `rows` rows begin, and which half of `w` is theirs.
fn places(heads: &Heads, rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let (e, width) = (heads.head_dim, heads.width());
    let (queries, turned) = (heads.heads, heads.heads + heads.kv_heads);
    (0..rows).flat_map(move |row| {
        (0..turned).map(move |head| (row * width + head * e, usize::from(queries <= head) * e))
    })
}

pub(super) fn forward(heads: &Heads, qkv: &[f64], w: &[f64], eps: f64) -> Vec<f64> {
    let e = heads.head_dim;
    let mut y = qkv.to_vec();
    for (at, scale) in places(heads, qkv.len() / heads.width()) {
        let x = &qkv[at..at + e];
        let r = 1.0 / (x.iter().map(|x| x * x).sum::<f64>() / e as f64 + eps).sqrt();
        for i in 0..e {
            y[at + i] = x[i] * r * w[scale + i];
        }
    }
    y
}

/// Gradients by `qkv` and by `w`.
pub(super) fn backward(
    heads: &Heads,
    dy: &[f64],
    qkv: &[f64],
    w: &[f64],
    eps: f64,
) -> (Vec<f64>, Vec<f64>) {
    let e = heads.head_dim;
    let (mut dx, mut dw) = (dy.to_vec(), vec![0.0; w.len()]);
    for (at, scale) in places(heads, qkv.len() / heads.width()) {
        let (x, dy) = (&qkv[at..at + e], &dy[at..at + e]);
        let r = 1.0 / (x.iter().map(|x| x * x).sum::<f64>() / e as f64 + eps).sqrt();
        for i in 0..e {
            dw[scale + i] += dy[i] * x[i] * r;
            // d(x_j r)/dx_i = r [i = j] - x_i x_j r^3 / e
            dx[at + i] = (0..e)
                .map(|j| {
                    let same = if i == j { r } else { 0.0 };
                    dy[j] * w[scale + j] * (same - x[i] * x[j] * r.powi(3) / e as f64)
                })
                .sum();
        }
    }
    (dx, dw)
}
