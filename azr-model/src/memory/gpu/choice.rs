//! Which way of working fits a GPU: exact before rounded, activations kept before computed again, large passes before small.

use super::{GpuMemory, HEADROOM_BYTES, HEADROOM_SHARE, PlanError, Work, of_learning, of_sampling};
use crate::{
    config::ModelConfig,
    learn::{Checkpointing, MomentKind, TrainerOptions},
    precision::Precision,
};

/// Tokens of one pass of learning, the best first.
const MICRO_BATCHES: [usize; 5] = [16_384, 8192, 4096, 2048, 1024];

/// What is not left to choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// How exactly products hold the weights.
    pub precision: Option<Precision>,
    /// How the optimizer holds its moments.
    pub moments: Option<MomentKind>,
    /// What is kept of the forward pass.
    pub checkpointing: Option<Checkpointing>,
}

/// A way of working, and what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// How exactly products hold the weights.
    pub precision: Precision,
    /// How the learner uses memory.
    pub training: TrainerOptions,
    /// Bytes.
    pub memory: GpuMemory,
}

/// Whether there is a way that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The best that does.
    Fits(Choice),
    /// None does; this one takes least.
    TooSmall(Choice),
}

/// Bytes of a GPU that a plan may take; the rest is headroom.
#[must_use]
pub fn available(memory_bytes: u64) -> u64 {
    let gaps = (memory_bytes as f64 * HEADROOM_SHARE) as u64;
    memory_bytes.saturating_sub(gaps + HEADROOM_BYTES)
}

/// The best way that takes no more than `bytes_max`, or the smallest.
///
/// # Errors
/// The work is more than the model's context, or the kernels do not support the model.
pub fn choose(
    config: &ModelConfig,
    work: &Work,
    wishes: &Wishes,
    bytes_max: u64,
) -> Result<Fit, PlanError> {
    let precisions = options(wishes.precision, &[Precision::F32, Precision::Bf16]);
    let mut sampled = Vec::new();
    for precision in precisions {
        sampled.push((precision, of_sampling(config, work, precision)?));
    }
    let mut all = Vec::new();
    for moments in options(wishes.moments, &MomentKind::ALL) {
        for (precision, sampled) in &sampled {
            for training in trainings(wishes, work, moments) {
                let learned = of_learning(config, work, *precision, training)?;
                let choice = Choice {
                    precision: *precision,
                    training,
                    memory: learned.and(*sampled),
                };
                if choice.memory.peak() as u64 <= bytes_max {
                    return Ok(Fit::Fits(choice));
                }
                all.push(choice);
            }
        }
    }
    let smallest = all.into_iter().min_by_key(|it| it.memory.peak());
    smallest.map(Fit::TooSmall).ok_or(PlanError::Nothing)
}

/// How the learner may use memory, the best first.
fn trainings(wishes: &Wishes, work: &Work, moments: MomentKind) -> Vec<TrainerOptions> {
    let mut trainings = Vec::new();
    let both = [Checkpointing::None, Checkpointing::EveryLayer];
    for checkpointing in options(wishes.checkpointing, &both) {
        let with = |micro_batch_tokens_max| TrainerOptions {
            micro_batch_tokens_max,
            checkpointing,
            moments,
            ..TrainerOptions::default()
        };
        trainings.extend(micro_batches(work).into_iter().map(with));
    }
    trainings
}

fn options<T: Copy>(wished: Option<T>, all: &[T]) -> Vec<T> {
    wished.map_or_else(|| all.to_vec(), |it| vec![it])
}

/// Passes that hold a sequence, and no more than all of them; a longer sequence gets a pass of its own in any case.
fn micro_batches(work: &Work) -> Vec<usize> {
    let one = work.prompt_tokens + work.new_tokens;
    let all = (one * work.sequences).next_power_of_two();
    let [most, .., least] = MICRO_BATCHES;
    let range = one.min(most)..=all.max(least);
    let useful = |it: &usize| range.contains(it);
    MICRO_BATCHES.into_iter().filter(useful).collect()
}
