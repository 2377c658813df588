//! RMSNorm in f64, straight from the formula.

pub(super) fn forward(x: &[f64], w: &[f64], eps: f64) -> Vec<f64> {
    let d = w.len();
    x.chunks_exact(d)
        .flat_map(|x| {
            let mean = x.iter().map(|x| x * x).sum::<f64>() / d as f64;
            let r = 1.0 / (mean + eps).sqrt();
            x.iter()
                .zip(w)
                .map(move |(x, w)| x * r * w)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Gradients by `x` and by `w`.
pub(super) fn backward(dy: &[f64], x: &[f64], w: &[f64], eps: f64) -> (Vec<f64>, Vec<f64>) {
    let d = w.len();
    let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; d]);
    for n in 0..x.len() / d {
        let row = n * d..(n + 1) * d;
        let (dy, x) = (&dy[row.clone()], &x[row.clone()]);
        let r = 1.0 / (x.iter().map(|x| x * x).sum::<f64>() / d as f64 + eps).sqrt();
        for i in 0..d {
            dw[i] += dy[i] * x[i] * r;
            // d(x_j r)/dx_i = r [i = j] - x_i x_j r^3 / d
            for j in 0..d {
                let same = if i == j { r } else { 0.0 };
                dx[n * d + i] += dy[j] * w[j] * (same - x[i] * x[j] * r.powi(3) / d as f64);
            }
        }
    }
    (dx, dw)
}
