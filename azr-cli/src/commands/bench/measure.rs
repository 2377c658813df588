//! The work that is timed.

use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use azr_model::backend::Backend;
use azr_model::generate::{BatchLimits, Request, Sampling, StopStrings, Usage, generate};
use azr_model::learn::{
    Checkpointing, Sequence, StepOptions, TokenGradients, Trainer, TrainerOptions,
};
use azr_model::memory::{self, SequenceTokens};
use azr_model::{LanguageModel, ModelConfig, Precision, Transformer};

use super::What;
use super::memory::Plan;
use super::work::{Counter, Work};
use crate::request::WrongRequest;

/// New tokens of each sample of a shared prompt: the first from the logits behind it, which all share, and one more.
pub const SHARED_NEW_TOKENS: usize = 2;

/// Prompts of a wave.
pub const WAVE_PROMPTS: usize = 64;

/// New tokens of the responses of a wave.
pub const WAVE_NEW_TOKENS: std::ops::RangeInclusive<usize> = 20..=400;

/// New tokens of one response of a wave: spread over the range, in no order.
pub fn wave_length(index: usize) -> usize {
    let (least, most) = (*WAVE_NEW_TOKENS.start(), *WAVE_NEW_TOKENS.end());
    least + index * 7_919 % (most - least + 1)
}

/// How much work.
pub struct Shape {
    /// Sequences at a time.
    pub batch: usize,
    /// Tokens of each prompt.
    pub prompt_tokens: usize,
    /// Tokens sampled for each.
    pub new_tokens: usize,
}

/// What came of several repeats.
pub struct Measured {
    /// Of each repeat.
    pub seconds: Vec<f64>,
    /// What each was.
    pub work: Work,
    /// Each by the time that one prompt took alone in the same round; empty but for [`What::Share`].
    pub prefills: Vec<f64>,
    /// Of [`What::Wave`].
    pub usage: Option<Usage>,
}

/// So many sequences at a time, whatever their prompts.
fn limits(shape: &Shape, requests: &[Request]) -> BatchLimits {
    let longest = requests.iter().map(|it| it.new_tokens_max).max();
    BatchLimits {
        sequences_max: shape.batch,
        cache_tokens_max: shape.batch * (shape.prompt_tokens + longest.unwrap_or(0) + 64),
        prefill_tokens_max: shape.batch * shape.prompt_tokens,
    }
}

/// The model that is timed.
pub struct Subject<B: Backend> {
    config: ModelConfig,
    precision: Precision,
    training: TrainerOptions,
    trainer: Trainer<B>,
    pack_seconds: f64,
}

impl Shape {
    /// The sequences of this work have to fit the model.
    pub fn check_fits(&self, whats: &[What], config: &ModelConfig) -> anyhow::Result<()> {
        let new_tokens = if whats.contains(&What::Wave) {
            self.new_tokens.max(*WAVE_NEW_TOKENS.end())
        } else {
            self.new_tokens
        };
        let tokens = self.prompt_tokens + new_tokens + 1;
        if config.context_tokens_max < tokens {
            let limit = config.context_tokens_max;
            return Err(WrongRequest::new(format!(
                "{tokens} tokens a sequence, and the model takes {limit}; ask for fewer"
            )));
        }
        Ok(())
    }
}

impl<B: Backend> Subject<B> {
    /// Puts the model on a device, which holds weights in this precision.
    pub fn new(
        backend: B,
        model: LanguageModel,
        precision: Precision,
        training: TrainerOptions,
    ) -> anyhow::Result<Self> {
        let config = model.config().clone();
        let started = Instant::now();
        let transformer = Transformer::new(backend, model.parameters)?;
        let pack_seconds = started.elapsed().as_secs_f64();
        Ok(Self {
            config,
            precision,
            training,
            trainer: Trainer::new(transformer, training)?,
            pack_seconds,
        })
    }

    /// How long preparing the weights took.
    pub fn pack_seconds(&self) -> f64 {
        self.pack_seconds
    }

    /// Does the work once for warmth and then `repeat` times by the clock.
    pub fn measure(
        &mut self,
        what: What,
        shape: &Shape,
        repeat: usize,
    ) -> anyhow::Result<Measured> {
        let mut seconds = Vec::with_capacity(repeat);
        let mut prefills = Vec::new();
        let mut usage = None;
        for round in 0..=repeat {
            let took = match what {
                What::Prefill => self.sample(shape, 1)?,
                What::Decode => {
                    self.sample(shape, shape.new_tokens + 1)? - self.sample(shape, 1)?
                }
                What::Train => self.learn(shape)?,
                What::Step => self.learn(shape)? + self.update()?,
                What::Share => {
                    let (alone, _) = self.generate(shape, &self.samples(shape, 1, 1))?;
                    let samples = self.samples(shape, shape.batch, SHARED_NEW_TOKENS);
                    let (took, _) = self.generate(shape, &samples)?;
                    prefills.push(took / alone);
                    took
                }
                What::Wave => {
                    let (took, used) = self.generate(shape, &self.wave(shape))?;
                    usage = Some(used);
                    took
                }
            };
            if 0 < round {
                seconds.push(took.max(1e-9));
            }
        }
        // Emptying a gradient that nobody wrote would give it memory, and count it.
        if matches!(what, What::Train | What::Step) {
            self.trainer.forget();
        }
        let counter = Counter {
            config: &self.config,
            precision: self.precision,
            micro_batch_tokens: self.training.micro_batch_tokens_max,
        };
        Ok(Measured {
            seconds,
            work: counter.of(what, shape),
            // The first round was for warmth.
            prefills: prefills.split_off(prefills.len().min(1)),
            usage,
        })
    }

    /// Prompts that share no token, so that nothing is saved by reading one for all.
    fn sample(&self, shape: &Shape, new_tokens: usize) -> anyhow::Result<f64> {
        let requests: Vec<Request> = (0..shape.batch)
            .map(|index| self.request(shape, index, index, new_tokens))
            .collect();
        Ok(self.generate(shape, &requests)?.0)
    }

    /// Samples of one prompt.
    fn samples(&self, shape: &Shape, count: usize, new_tokens: usize) -> Vec<Request> {
        (0..count)
            .map(|seed| self.request(shape, 0, seed, new_tokens))
            .collect()
    }

    /// Prompts of their own with responses of many lengths.
    fn wave(&self, shape: &Shape) -> Vec<Request> {
        (0..WAVE_PROMPTS)
            .map(|index| self.request(shape, index, index, wave_length(index)))
            .collect()
    }

    fn request(&self, shape: &Shape, prompt: usize, seed: usize, new_tokens: usize) -> Request {
        Request {
            prompt: self.tokens(prompt, shape.prompt_tokens),
            new_tokens_max: new_tokens,
            sampling: Sampling::at_temperature(1.0),
            seed: seed as u64,
            stop_tokens: Arc::from([]),
            stop_strings: StopStrings::default(),
        }
    }

    /// What it takes to learn from and to sample sequences of this shape.
    pub fn plan(&self, shape: &Shape) -> Plan {
        let requests: Vec<Request> = (0..shape.batch)
            .map(|index| self.request(shape, index, index, shape.new_tokens + 1))
            .collect();
        let sequence = SequenceTokens {
            tokens: shape.prompt_tokens,
            prompt_tokens: 1,
        };
        let sequences = vec![sequence; shape.batch];
        let learning = [Checkpointing::None, Checkpointing::EveryLayer].map(|checkpointing| {
            let options = TrainerOptions {
                checkpointing,
                ..self.training
            };
            memory::of_learning(&self.config, &options, &sequences)
        });
        Plan::of(
            memory::of_model(&self.config, self.precision),
            learning,
            memory::of_sampling(&self.config, &requests, &limits(shape, &requests)),
        )
    }

    /// Seconds that it takes to answer all, `shape.batch` at a time, and how the places were used.
    fn generate(&self, shape: &Shape, requests: &[Request]) -> anyhow::Result<(f64, Usage)> {
        let expected: usize = requests.iter().map(|it| it.new_tokens_max).sum();
        let limits = limits(shape, requests);
        let mut sampled = 0;
        let started = Instant::now();
        let usage = generate(
            self.trainer.transformer(),
            requests,
            &limits,
            &mut |_, completion| sampled += completion.tokens.len(),
        )?;
        let seconds = started.elapsed().as_secs_f64();
        ensure!(
            sampled == expected,
            "{sampled} tokens came back, not {expected}"
        );
        Ok((seconds, usage))
    }

    /// Forward and backward with a loss over every token but the first.
    fn learn(&mut self, shape: &Shape) -> anyhow::Result<f64> {
        let sequence = |index: usize| Sequence {
            tokens: self.tokens(index, shape.prompt_tokens),
            prompt_len: 1,
        };
        let sequences: Vec<Sequence> = (0..shape.batch).map(sequence).collect();
        let weight = -1.0 / (shape.batch * (shape.prompt_tokens - 1)) as f32;
        let started = Instant::now();
        self.trainer
            .accumulate(&sequences, 1.0, &mut |_, scores| TokenGradients {
                logprob: vec![weight; scores.logprobs.len()],
                entropy: vec![0.0; scores.entropies.len()],
            })?;
        Ok(started.elapsed().as_secs_f64())
    }

    /// One optimizer step, so small that the model stays what it is.
    fn update(&mut self) -> anyhow::Result<f64> {
        let options = StepOptions {
            lr: 1e-12,
            beta1: 0.9,
            beta2: 0.99,
            eps: 1e-8,
            weight_decay: 0.0,
            gradient_norm_max: 1.0,
        };
        let started = Instant::now();
        let report = self.trainer.step(&options)?;
        let seconds = started.elapsed().as_secs_f64();
        ensure!(0.0 < report.gradient_norm, "there was nothing to learn");
        Ok(seconds)
    }

    fn tokens(&self, index: usize, count: usize) -> Vec<u32> {
        let vocabulary = self.config.vocab_size;
        (0..count)
            .map(|position| ((index * 7_919 + position * 104_729 + 1) % vocabulary) as u32)
            .collect()
    }
}
