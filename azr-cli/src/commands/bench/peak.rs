//! What a device reaches at best: the engine's own product on a shape that fits the caches, and its memory.

use std::time::Instant;

use anyhow::ensure;
use azr_model::backend::{Backend, Plus, Team};

/// Rows, inputs and outputs of the product.
const ROWS: usize = 512;
const INPUTS: usize = 512;
const OUTPUTS: usize = 1_536;
/// Times it is measured; the best counts.
const REPEATS: usize = 12;

/// Numbers that are read to find how fast memory is: 512 MiB, more than caches hold.
const NUMBERS: usize = 1 << 26;
/// Numbers that a thread reads at a time.
const PIECE: usize = 1 << 16;
/// Sums side by side, so that no addition waits for the one before.
const LANES: usize = 32;

/// Bytes a second of the best of several readings of a large piece of memory, all threads together.
pub fn bytes_per_second() -> anyhow::Result<f64> {
    let mut numbers = Vec::new();
    numbers.try_reserve_exact(NUMBERS)?;
    numbers.resize(NUMBERS, 1u64);
    let team = Team::default();
    let mut best = f64::INFINITY;
    for _ in 0..REPEATS {
        let mut sums = vec![0u64; NUMBERS / PIECE];
        let started = Instant::now();
        team.each(
            sums.iter_mut().zip(numbers.chunks(PIECE)),
            |(sum, piece)| {
                let mut lanes = [0u64; LANES];
                for line in piece.as_chunks::<LANES>().0 {
                    for (lane, number) in lanes.iter_mut().zip(line) {
                        *lane = lane.wrapping_add(*number);
                    }
                }
                *sum = lanes.iter().sum();
            },
        );
        best = best.min(started.elapsed().as_secs_f64());
        let sum: u64 = sums.iter().sum();
        ensure!(sum == NUMBERS as u64, "{sum} instead of {NUMBERS}");
    }
    Ok(size_of_val(numbers.as_slice()) as f64 / best)
}

/// Bytes a second of the best of several copies inside a device's memory; each byte is read and written.
pub fn copied_bytes_per_second<B: Backend>(backend: &B) -> anyhow::Result<f64> {
    let mut numbers = vec![1.0; NUMBERS];
    numbers.resize(2 * NUMBERS, 0.0);
    let mut buffer = backend.upload(numbers)?;
    let best = fastest(|| {
        backend.copy_page(0, 1, NUMBERS, backend.view_mut(&mut buffer, 0..2 * NUMBERS));
        let last = backend.view(&buffer, 2 * NUMBERS - 1..2 * NUMBERS);
        Ok(backend.host(last, &mut Vec::new())?[0] == 1.0)
    })?;
    Ok((2 * NUMBERS * size_of::<f32>()) as f64 / best)
}

/// Floating-point operations a second of the best of several products, all of a device at work.
pub fn flops_per_second<B: Backend>(backend: &B) -> anyhow::Result<f64> {
    let mut weights = backend.weights(OUTPUTS, INPUTS)?;
    let matrix = backend.upload(vec![0.5; OUTPUTS * INPUTS])?;
    backend.pack(backend.view(&matrix, 0..OUTPUTS * INPUTS), &mut weights);
    let x = backend.upload(vec![0.25; ROWS * INPUTS])?;
    let mut y = backend.allocate(ROWS * OUTPUTS)?;
    let best = fastest(|| {
        let (x, out) = (
            backend.view(&x, 0..ROWS * INPUTS),
            backend.view_mut(&mut y, 0..ROWS * OUTPUTS),
        );
        backend.linear(x, &weights, Plus::Nothing, out);
        Ok(backend.host(backend.view(&y, 0..1), &mut Vec::new())?[0] == 0.125 * INPUTS as f32)
    })?;
    // Checked as it is timed: a wrong product has no speed.
    let mut staging = Vec::new();
    let y = backend.host(backend.view(&y, 0..ROWS * OUTPUTS), &mut staging)?;
    ensure!(
        y.iter().all(|it| *it == 0.125 * INPUTS as f32),
        "the product is wrong"
    );
    Ok(2.0 * (ROWS * INPUTS * OUTPUTS) as f64 / best)
}

/// Seconds of the fastest of several rounds of work that ends when its result is read, and says whether that is right.
fn fastest(mut work: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..REPEATS {
        let started = Instant::now();
        let is_right = work()?;
        best = best.min(started.elapsed().as_secs_f64());
        ensure!(is_right, "what was measured is wrong");
    }
    Ok(best)
}
