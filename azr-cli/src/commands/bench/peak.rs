//! What this machine's matrix products reach at best: the engine's own product on a shape that fits the caches.

use std::time::Instant;

use anyhow::ensure;
use azr_model::CpuBackend;
use azr_model::backend::{Backend, Plus};

/// Rows, inputs and outputs of the product.
const ROWS: usize = 512;
const INPUTS: usize = 512;
const OUTPUTS: usize = 1_536;
/// Times it is measured; the best counts.
const REPEATS: usize = 12;

/// Floating-point operations a second of the best of several products, all threads together.
pub fn flops_per_second() -> anyhow::Result<f64> {
    let backend = CpuBackend::default();
    let mut weights = backend.weights(OUTPUTS, INPUTS)?;
    backend.pack(&vec![0.5; OUTPUTS * INPUTS], &mut weights);
    let x = vec![0.25; ROWS * INPUTS];
    let mut y = vec![0.0; ROWS * OUTPUTS];
    let mut best = f64::INFINITY;
    for _ in 0..REPEATS {
        let started = Instant::now();
        backend.linear(&x, &weights, Plus::Nothing, &mut y);
        best = best.min(started.elapsed().as_secs_f64());
    }
    // Checked as it is timed: a wrong product has no speed.
    ensure!(
        y.iter().all(|it| *it == 0.125 * INPUTS as f32),
        "the product is wrong"
    );
    Ok(2.0 * (ROWS * INPUTS * OUTPUTS) as f64 / best)
}
