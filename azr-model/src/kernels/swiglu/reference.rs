//! The gated layer in f64.

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub(super) fn forward(gate_up: &[f64], f: usize) -> Vec<f64> {
    gate_up
        .chunks_exact(2 * f)
        .flat_map(|row| (0..f).map(|i| row[i] * sigmoid(row[i]) * row[f + i]))
        .collect()
}

pub(super) fn backward(gate_up: &[f64], dy: &[f64], f: usize) -> Vec<f64> {
    let mut gradient = vec![0.0; gate_up.len()];
    for n in 0..dy.len() / f {
        for i in 0..f {
            let (gate, up, dy) = (
                gate_up[n * 2 * f + i],
                gate_up[n * 2 * f + f + i],
                dy[n * f + i],
            );
            let s = sigmoid(gate);
            gradient[n * 2 * f + i] = dy * up * (s + gate * s * (1.0 - s));
            gradient[n * 2 * f + f + i] = dy * gate * s;
        }
    }
    gradient
}
