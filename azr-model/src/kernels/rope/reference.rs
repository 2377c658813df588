//! Rotary positions in f64, one pair at a time.

/// Turns every head of `x [n, heads * e]` by the angles of its position; `sign` is 1 forward and -1 backward.
pub(super) fn turn(
    x: &[f64],
    heads: usize,
    e: usize,
    positions: &[u32],
    theta: f64,
    sign: f64,
) -> Vec<f64> {
    let mut y = x.to_vec();
    for (n, position) in positions.iter().enumerate() {
        for head in 0..heads {
            for i in 0..e / 2 {
                let angle = sign * f64::from(*position) * theta.powf(-2.0 * i as f64 / e as f64);
                let (low, high) = (
                    (n * heads + head) * e + i,
                    (n * heads + head) * e + i + e / 2,
                );
                y[low] = x[low] * angle.cos() - x[high] * angle.sin();
                y[high] = x[high] * angle.cos() + x[low] * angle.sin();
            }
        }
    }
    y
}
