//! How much memory work on the processor takes at most, counted by the code that takes it.
//!
//! Memory that is taken but never written is counted too, although the system gives it no pages. What no plan knows:
//! blocks of products, some hundred KiB a thread, and what a caller keeps.

pub mod gpu;

use std::{cell::Cell, convert::Infallible};

use crate::{
    backend::Heads,
    config::ModelConfig,
    generate::{BatchLimits, Request, schedule::Room},
    kernels::{head, matmul::Weights},
    learn::TrainerOptions,
    parameters::Layout,
    precision::Precision,
    transformer::{
        Prepared,
        arena::{Arena, Capacity, Keep},
        packing,
    },
};

/// Bytes of an f32.
const F32: usize = size_of::<f32>();

/// A model that is ready to compute, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelMemory {
    /// The weights as they learn, f32.
    pub weights: usize,
    /// The same matrices again as products read them.
    pub prepared: usize,
}

/// What learning takes beside the model, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearningMemory {
    /// The gradient of every weight.
    pub gradient: usize,
    /// The two moments of every weight; written by the first step.
    pub moments: usize,
    /// What the forward pass keeps, the gradients that flow through the backward pass, and its logits.
    pub activations: usize,
}

/// What sampling takes beside the model, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplingMemory {
    /// Keys and values of all sequences in flight.
    pub keys_and_values: usize,
    /// The activations of one pass, and its logits.
    pub activations: usize,
}

/// Of a model with weights held like this.
pub fn of_model(config: &ModelConfig, precision: Precision) -> ModelMemory {
    let prepared = count(|taken| {
        Prepared::with(config, |outputs, inputs| {
            taken(Weights::bytes(outputs, inputs, precision))
        })
    });
    ModelMemory {
        weights: Layout::of(config).elements() * F32,
        prepared,
    }
}

/// Of learning from sequences of so many tokens, the first `prompt_tokens` of which are not learned from.
pub fn of_learning(
    config: &ModelConfig,
    options: &TrainerOptions,
    sequences: &[SequenceTokens],
) -> LearningMemory {
    let weights = Layout::of(config).elements() * F32;
    let read: Vec<(usize, usize)> = sequences.iter().map(SequenceTokens::read).collect();
    let capacity = packing::capacity(&read, options.micro_batch_tokens_max);
    let logits = head::logits_at_once(capacity.outputs, config.vocab_size);
    LearningMemory {
        gradient: weights,
        moments: 2 * options.moments.bytes(Layout::of(config).elements()),
        activations: of_pass(config, options.checkpointing.keeps(), capacity) + logits * F32,
    }
}

/// Of sampling these requests.
pub fn of_sampling(
    config: &ModelConfig,
    requests: &[Request],
    limits: &BatchLimits,
) -> SamplingMemory {
    let room = Room::of(requests, limits);
    let page = config.layers * Heads::of(config).page_elements();
    SamplingMemory {
        keys_and_values: room.pages * page * F32,
        activations: of_pass(config, Keep::Nothing, room.capacity)
            + room.capacity.outputs * config.vocab_size * F32,
    }
}

/// How long a sequence to learn from is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceTokens {
    /// Prompt and response.
    pub tokens: usize,
    /// The prompt.
    pub prompt_tokens: usize,
}

impl SequenceTokens {
    /// Tokens that are read, and those of them behind which one is predicted. A sequence without a response is not read.
    fn read(&self) -> (usize, usize) {
        let response = self.tokens.saturating_sub(self.prompt_tokens);
        (if response == 0 { 0 } else { self.tokens - 1 }, response)
    }
}

fn of_pass(config: &ModelConfig, keep: Keep, capacity: Capacity) -> usize {
    let elements = count(|taken| Arena::with(config, keep, capacity, taken));
    elements * F32
}

/// Adds up what is asked for.
fn count<R>(
    ask: impl FnOnce(&dyn Fn(usize) -> Result<(), Infallible>) -> Result<R, Infallible>,
) -> usize {
    let sum = Cell::new(0);
    let taken = |amount| {
        sum.set(sum.get() + amount);
        Ok(())
    };
    let Ok(_) = ask(&taken);
    sum.get()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Architecture,
        learn::{Checkpointing, Sequence, TokenGradients, Trainer},
        transformer::specimens,
    };

    #[test]
    fn a_trainer_takes_what_was_planned_and_less_if_it_computes_again() {
        for architecture in Architecture::ALL {
            let lengths = [(9, 3), (1, 1), (200, 150), (70, 1), (4, 4)];
            let sequences: Vec<Sequence> = lengths
                .map(|(tokens, prompt_len)| Sequence {
                    tokens: specimens::tokens(tokens, 37, tokens as u32),
                    prompt_len,
                })
                .into();
            let plan = |options: &TrainerOptions| {
                let sequences = lengths.map(|(tokens, prompt_tokens)| SequenceTokens {
                    tokens,
                    prompt_tokens,
                });
                let config = specimens::dimensions(architecture);
                of_learning(&ModelConfig::new(config).unwrap(), options, &sequences)
            };
            let mut planned = Vec::new();
            for (micro_batch_tokens_max, checkpointing) in [
                (1, Checkpointing::None),
                (1000, Checkpointing::None),
                (1000, Checkpointing::EveryLayer),
            ] {
                let options = TrainerOptions {
                    micro_batch_tokens_max,
                    checkpointing,
                    ..TrainerOptions::default()
                };
                let mut trainer =
                    Trainer::new(specimens::transformer(architecture), options).unwrap();
                let weigh = &mut |_: usize, scores: &crate::learn::TokenScores| TokenGradients {
                    logprob: vec![1.0; scores.logprobs.len()],
                    entropy: vec![0.0; scores.logprobs.len()],
                };
                trainer.accumulate(&sequences, 1.0, weigh).unwrap();
                let read = lengths.map(|(tokens, prompt_tokens)| {
                    SequenceTokens {
                        tokens,
                        prompt_tokens,
                    }
                    .read()
                });
                let capacity = packing::capacity(&read, micro_batch_tokens_max);
                assert_eq!(trainer.capacity(), capacity);
                planned.push(plan(&options).activations);
            }
            assert!(
                planned[0] < planned[1] && planned[2] < planned[1],
                "{planned:?}"
            );
        }
    }

    #[test]
    fn prepared_weights_take_half_in_bfloat16() {
        let config = ModelConfig::new(specimens::dimensions(Architecture::Llama)).unwrap();
        let [exact, rounded] = [Precision::F32, Precision::Bf16].map(|it| of_model(&config, it));
        assert_eq!(exact.prepared, 2 * rounded.prepared);
        assert_eq!(exact.weights, rounded.weights);
    }
}
