//! Linear layers in f64, one element at a time.

pub(super) fn forward(
    x: &[f64],
    w: &[f64],
    rows: usize,
    outputs: usize,
    inputs: usize,
) -> Vec<f64> {
    let mut y = vec![0.0; rows * outputs];
    for n in 0..rows {
        for o in 0..outputs {
            y[n * outputs + o] = (0..inputs)
                .map(|i| x[n * inputs + i] * w[o * inputs + i])
                .sum();
        }
    }
    y
}

pub(super) fn backward_input(
    dy: &[f64],
    w: &[f64],
    rows: usize,
    outputs: usize,
    inputs: usize,
) -> Vec<f64> {
    let mut dx = vec![0.0; rows * inputs];
    for n in 0..rows {
        for i in 0..inputs {
            dx[n * inputs + i] = (0..outputs)
                .map(|o| dy[n * outputs + o] * w[o * inputs + i])
                .sum();
        }
    }
    dx
}

pub(super) fn backward_weights(
    dy: &[f64],
    x: &[f64],
    rows: usize,
    outputs: usize,
    inputs: usize,
) -> Vec<f64> {
    let mut dw = vec![0.0; outputs * inputs];
    for o in 0..outputs {
        for i in 0..inputs {
            dw[o * inputs + i] = (0..rows)
                .map(|n| dy[n * outputs + o] * x[n * inputs + i])
                .sum();
        }
    }
    dw
}

pub(super) fn backward_bias(dy: &[f64], outputs: usize) -> Vec<f64> {
    (0..outputs)
        .map(|o| dy.chunks_exact(outputs).map(|row| row[o]).sum())
        .collect()
}
