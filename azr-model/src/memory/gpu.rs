//! How much memory of a GPU a model takes to sample and to learn, found by running the engine on a device that only counts.
//!
//! What is planned is asked for by the code that will ask for it, so there is no formula here that could differ from it. Not
//! counted: the driver's context, compiled kernels, and gaps between pieces of memory; whoever compares with what a GPU
//! has leaves room for them ([`HEADROOM_SHARE`], [`HEADROOM_BYTES`]).

mod choice;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use thiserror::Error;

use crate::{
    backend::{BackendError, CudaBackend},
    config::ModelConfig,
    cuda::{Device, Meter},
    generate::{BatchLimits, GenerateError, Request, Sampling, StopStrings, schedule},
    learn::{
        LearnError, Sequence, StepOptions, TokenGradients, TokenScores, Trainer, TrainerOptions,
    },
    parameters::Layout,
    precision::Precision,
    transformer::Transformer,
};

pub use choice::{Choice, Fit, Wishes, available, choose};

/// Share of a GPU's memory that is left free: gaps in the driver's pool.
pub const HEADROOM_SHARE: f64 = 0.06;
/// Bytes that are left free beside that: the context and the compiled kernels.
pub const HEADROOM_BYTES: u64 = 1 << 29;

/// What is to be done with a model. Sequences are as long as they may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Responses that grow at the same time, and as many to learn from.
    pub sequences: usize,
    /// Tokens of each prompt, at least 1.
    pub prompt_tokens: usize,
    /// Tokens of each response, at least 1.
    pub new_tokens: usize,
}

/// What it takes, in bytes. Learning and sampling follow each other; what either holds while it works is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GpuMemory {
    /// The weights as they learn, f32.
    pub weights: usize,
    /// The same matrices again as products read them; nothing in f32.
    pub prepared: usize,
    /// The gradient of every weight.
    pub gradient: usize,
    /// The two moments of every weight.
    pub moments: usize,
    /// What the forward pass keeps and the gradients that flow back; stays while the next wave is sampled.
    pub activations: usize,
    /// What operations of learning hold while they work: logits, rounded activations, partial sums.
    pub learning: usize,
    /// Keys and values of all sequences in flight.
    pub keys_and_values: usize,
    /// The activations of sampling, its logits, and what its operations hold.
    pub sampling: usize,
}

impl GpuMemory {
    /// The most that is taken at once.
    #[must_use]
    pub fn peak(&self) -> usize {
        let stays = self.weights + self.prepared + self.gradient + self.moments + self.activations;
        stays + self.learning.max(self.keys_and_values + self.sampling)
    }
}

/// Why nothing could be planned.
#[derive(Debug, Error)]
pub enum PlanError {
    /// A device that only counts has refused something.
    #[error("the model cannot be brought to a GPU")]
    Model(#[source] BackendError),
    /// The work cannot be learned from.
    #[error("the model cannot learn from this work on a GPU")]
    Learn(#[source] LearnError),
    /// The work cannot be sampled.
    #[error("the model cannot sample this work on a GPU")]
    Sample(#[source] GenerateError),
    /// There is no work, or nothing to choose from.
    #[error(
        "there is nothing to plan; give at least one sequence of one prompt token and one new token"
    )]
    Nothing,
}

/// Of a model with weights held like this, of learning like this, and of sampling.
///
/// # Errors
/// The work is more than the model's context, or the kernels do not support the model.
pub fn of(
    config: &ModelConfig,
    work: &Work,
    precision: Precision,
    training: TrainerOptions,
) -> Result<GpuMemory, PlanError> {
    let sampled = of_sampling(config, work, precision)?;
    of_learning(config, work, precision, training).map(|it| it.and(sampled))
}

/// What learning takes, and the model that learns.
#[derive(Clone, Copy)]
struct Learned {
    weights: usize,
    prepared: usize,
    gradient: usize,
    moments: usize,
    activations: usize,
    learning: usize,
}

/// What sampling takes.
#[derive(Clone, Copy)]
struct Sampled {
    keys_and_values: usize,
    sampling: usize,
}

impl Learned {
    fn and(self, sampled: Sampled) -> GpuMemory {
        GpuMemory {
            weights: self.weights,
            prepared: self.prepared,
            gradient: self.gradient,
            moments: self.moments,
            activations: self.activations,
            learning: self.learning,
            keys_and_values: sampled.keys_and_values,
            sampling: sampled.sampling,
        }
    }
}

/// A model on a device that counts.
fn transformer(
    config: &ModelConfig,
    precision: Precision,
) -> Result<(Transformer<CudaBackend>, Meter), PlanError> {
    let meter = Meter::default();
    let backend = CudaBackend::new(Device::counting(meter.clone())).with_precision(precision);
    let layout = Arc::new(Layout::of(config));
    let transformer = Transformer::zeros(backend, layout).map_err(PlanError::Model)?;
    Ok((transformer, meter))
}

fn of_learning(
    config: &ModelConfig,
    work: &Work,
    precision: Precision,
    training: TrainerOptions,
) -> Result<Learned, PlanError> {
    let (transformer, meter) = transformer(config, precision)?;
    let weights = transformer.layout().elements() * size_of::<f32>();
    let model = meter.held();
    let mut trainer = Trainer::new(transformer, training).map_err(PlanError::Learn)?;
    let fresh = meter.held();
    learn(&mut trainer, work).map_err(PlanError::Learn)?;
    let after = meter.held();
    Ok(Learned {
        weights,
        prepared: model - weights,
        gradient: weights,
        moments: fresh - model - weights,
        activations: after - fresh,
        learning: meter.peak() - after,
    })
}

fn of_sampling(
    config: &ModelConfig,
    work: &Work,
    precision: Precision,
) -> Result<Sampled, PlanError> {
    if [work.sequences, work.prompt_tokens, work.new_tokens].contains(&0) {
        return Err(PlanError::Nothing);
    }
    let (transformer, meter) = transformer(config, precision)?;
    let model = meter.held();
    meter.forget_peak();
    let (requests, limits) = work.requests(config.vocab_size);
    schedule::fill(&transformer, &requests, &limits).map_err(PlanError::Sample)?;
    let keys_and_values = super::of_sampling(config, &requests, &limits).keys_and_values;
    Ok(Sampled {
        keys_and_values,
        sampling: meter.peak() - model - keys_and_values,
    })
}

/// One step of learning.
fn learn(trainer: &mut Trainer<CudaBackend>, work: &Work) -> Result<(), LearnError> {
    let vocab_size = trainer.transformer().config().vocab_size;
    let sequences: Vec<Sequence> = (0..work.sequences)
        .map(|index| Sequence {
            tokens: vec![token(index, vocab_size); work.prompt_tokens + work.new_tokens],
            prompt_len: work.prompt_tokens,
        })
        .collect();
    // Gradients of zero would be passed over.
    let weigh = &mut |_: usize, scores: &TokenScores| TokenGradients {
        logprob: vec![1.0; scores.logprobs.len()],
        entropy: vec![1.0; scores.entropies.len()],
    };
    trainer.accumulate(&sequences, 1.0, weigh)?;
    trainer.step(&STEP).map(|_| ())
}

/// Any step: none takes more than another.
const STEP: StepOptions = StepOptions {
    lr: 0.0,
    beta1: 0.9,
    beta2: 0.99,
    eps: 1e-8,
    weight_decay: 0.0,
    gradient_norm_max: 1.0,
};

fn token(index: usize, vocab_size: usize) -> u32 {
    (index % vocab_size) as u32
}

impl Work {
    /// Requests whose prompts differ, so that each is read, and that nothing ends but their length.
    fn requests(&self, vocab_size: usize) -> (Vec<Request>, BatchLimits) {
        let request = |index: usize| Request {
            prompt: vec![token(index, vocab_size); self.prompt_tokens],
            new_tokens_max: self.new_tokens,
            sampling: Sampling::at_temperature(1.0),
            seed: index as u64,
            stop_tokens: Arc::from([]),
            stop_strings: StopStrings::default(),
        };
        let limits = BatchLimits {
            sequences_max: self.sequences,
            cache_tokens_max: usize::MAX,
            ..BatchLimits::default()
        };
        ((0..self.sequences).map(request).collect(), limits)
    }
}
