//! Runs one operation on a device and on the processor, holds the results together, then takes the time.

use std::time::Instant;

use anyhow::ensure;
use azr_model::backend::{Backend, BackendError, Batch, CudaBackend};
use azr_model::{CpuBackend, Precision};

use crate::device::On;
use crate::lines::{About, Timed};

/// Of the largest element: sums of a few thousand products in two orders, each rounding 6e-8 and random in sign.
const TOLERANCE: f64 = 5e-5;
/// The same where the device rounds to bf16 what the processor does not: 2e-3 of each number, random in sign.
const ROUNDED_TOLERANCE: f64 = 2e-2;

/// Calls before the clock starts: kernels are compiled, memory is taken.
const WARM_CALLS: usize = 3;
/// Times it is measured; the median counts.
const ROUNDS: usize = 7;
/// A round is so long that waiting for its end is little of it.
const ROUND_SECONDS_MIN: f64 = 0.02;
const CALLS_MAX: usize = 1_000;

/// How far a result may be off where a device rounds whatever products multiply, and the processor weights alone.
pub fn rounded_tolerance(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => TOLERANCE,
        Precision::Bf16 => ROUNDED_TOLERANCE,
    }
}

/// Something a device does, the same on every device.
pub trait Operation {
    /// Name and sizes.
    fn about(&self) -> About;
    /// Multiplications and additions, and bytes that have to be moved, at least.
    fn work(&self) -> (usize, usize);
    /// What lies in memory before: what is read, zeros where results come.
    fn memory(&self) -> Vec<Vec<f32>>;
    /// Pieces of it that each device has in a form of its own.
    fn own_form(&self) -> &[usize] {
        &[]
    }
    /// Batches that it reads.
    fn batches(&self) -> Vec<Batch> {
        Vec::new()
    }
    /// How far a result may be from the processor's, of its largest element.
    fn tolerance(&self) -> f64 {
        TOLERANCE
    }
    /// The piece that is a matrix of weights, with its outputs and inputs.
    fn matrix(&self) -> Option<(usize, [usize; 2])> {
        None
    }
    /// What comes before, untimed.
    fn prepare<B: Backend>(&self, _it: &Held<'_, B>, _memory: &mut [Piece<B>]) {}
    /// The operation.
    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done;
}

/// Nothing, or what the device says.
pub type Done = Result<(), BackendError>;

/// What an operation reads on a device beside numbers.
pub struct Held<'a, B: Backend> {
    pub on: &'a B,
    pub batches: Vec<B::Batch>,
    pub weights: Option<B::Weights>,
}

impl<B: Backend> Held<'_, B> {
    pub fn weights(&self) -> &B::Weights {
        self.weights.as_ref().expect("an operation with a matrix")
    }
}

/// Numbers on a device.
pub struct Piece<B: Backend> {
    buffer: B::Buffer,
    len: usize,
}

impl<B: Backend> Piece<B> {
    pub fn read(&self, on: &B) -> B::View<'_> {
        on.view(&self.buffer, 0..self.len)
    }

    pub fn write(&mut self, on: &B) -> B::ViewMut<'_> {
        on.view_mut(&mut self.buffer, 0..self.len)
    }

    /// Waits for the device: something is read.
    fn wait(&self, on: &B) -> Done {
        on.host(on.view(&self.buffer, 0..1), &mut Vec::new())?;
        Ok(())
    }
}

/// As many pieces as an operation has.
pub fn pieces<B: Backend, const N: usize>(memory: &mut [Piece<B>]) -> &mut [Piece<B>; N] {
    memory.try_into().expect("the pieces of this operation")
}

/// An operation that is ready on a device.
fn ready<'a, B: Backend>(
    operation: &impl Operation,
    on: &'a B,
) -> Result<(Held<'a, B>, Vec<Piece<B>>), BackendError> {
    let piece = |values: Vec<f32>| -> Result<Piece<B>, BackendError> {
        let len = values.len();
        let buffer = on.upload(values)?;
        Ok(Piece { buffer, len })
    };
    let memory = operation.memory().into_iter().map(piece);
    let mut memory: Vec<Piece<B>> = memory.collect::<Result<_, BackendError>>()?;
    let batches = operation.batches().into_iter().map(|it| on.stage(it));
    let weights = match operation.matrix() {
        Some((place, [outputs, inputs])) => {
            let mut weights = on.weights(outputs, inputs)?;
            on.pack(memory[place].read(on), &mut weights);
            Some(weights)
        }
        None => None,
    };
    let held = Held {
        on,
        batches: batches.collect::<Result<_, _>>()?,
        weights,
    };
    operation.prepare(&held, &mut memory);
    Ok((held, memory))
}

/// A device beside the processor.
pub struct Timer {
    on: On,
    device: CudaBackend,
    processor: CpuBackend,
}

impl Timer {
    pub fn new(on: On, precision: Precision) -> anyhow::Result<Self> {
        Ok(Self {
            on,
            device: on.open(precision)?,
            processor: CpuBackend::default().with_precision(precision),
        })
    }

    /// Checks an operation, then times it.
    pub fn time(&self, operation: &impl Operation) -> anyhow::Result<Timed> {
        let about = operation.about();
        let (held, mut memory) = ready(operation, &self.device)?;
        operation.run(&held, &mut memory)?;
        let (other, mut truth) = ready(operation, &self.processor)?;
        operation.run(&other, &mut truth)?;
        for (index, (found, truth)) in memory.iter().zip(&truth).enumerate() {
            if operation.own_form().contains(&index) {
                continue;
            }
            let (mut staging, mut others) = (Vec::new(), Vec::new());
            let found = self.device.host(found.read(&self.device), &mut staging)?;
            let truth = self
                .processor
                .host(truth.read(&self.processor), &mut others)?;
            let error = error(found, truth);
            ensure!(
                error <= operation.tolerance(),
                "piece {index} is off by {error:.1e} of its largest element"
            );
        }
        let mut calls = |count: usize| -> anyhow::Result<f64> {
            let started = Instant::now();
            for _ in 0..count {
                operation.run(&held, &mut memory)?;
            }
            memory[0].wait(&self.device)?;
            Ok(started.elapsed().as_secs_f64())
        };
        let seconds = match self.on {
            On::Emulator => calls(1)?,
            On::Cuda => {
                calls(WARM_CALLS)?;
                let count = (ROUND_SECONDS_MIN / calls(1)?).ceil() as usize;
                let count = count.clamp(1, CALLS_MAX);
                let mut rounds = Vec::new();
                for _ in 0..ROUNDS {
                    rounds.push(calls(count)? / count as f64);
                }
                rounds.sort_by(f64::total_cmp);
                rounds[ROUNDS / 2]
            }
        };
        let (flops, bytes) = operation.work();
        Ok(Timed {
            about,
            flops,
            bytes,
            seconds,
        })
    }
}

/// The largest difference, by the largest element of the truth; infinite if a number is none.
fn error(found: &[f32], truth: &[f32]) -> f64 {
    let largest = truth.iter().fold(0.0f32, |most, it| most.max(it.abs()));
    let mut error = 0.0f64;
    for (found, truth) in found.iter().zip(truth) {
        let off = f64::from((found - truth).abs());
        if !off.is_finite() {
            return f64::INFINITY;
        }
        error = error.max(off);
    }
    error / f64::from(largest.max(f32::MIN_POSITIVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_or_missing_number_is_an_error() {
        let truth = [4.0, -8.0, 0.0];
        assert_eq!(error(&truth, &truth), 0.0);
        assert_eq!(error(&[4.0, -8.0, 2.0], &truth), 0.25);
        assert_eq!(error(&[4.0, f32::NAN, 0.0], &truth), f64::INFINITY);
    }
}
