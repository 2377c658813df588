//! The work that is timed, and how much arithmetic it is.

use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use azr_model::generate::{BatchLimits, Request, Sampling, StopStrings, generate};
use azr_model::learn::{Sequence, StepOptions, TokenGradients, Trainer, TrainerOptions};
use azr_model::{LanguageModel, ModelConfig, Transformer};

use super::What;
use crate::request::WrongRequest;

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
    /// Tokens in each.
    pub tokens: usize,
    /// Arithmetic in each: multiplications and additions of the products and of attention.
    pub flops: f64,
}

/// The model that is timed.
pub struct Subject {
    config: ModelConfig,
    trainer: Trainer,
    pack_seconds: f64,
}

impl Shape {
    /// A sequence of this shape has to fit the model.
    pub fn check_fits(&self, config: &ModelConfig) -> anyhow::Result<()> {
        let tokens = self.prompt_tokens + self.new_tokens + 1;
        if config.context_tokens_max < tokens {
            let limit = config.context_tokens_max;
            return Err(WrongRequest::new(format!(
                "{tokens} tokens a sequence, and the model takes {limit}; ask for fewer"
            )));
        }
        Ok(())
    }
}

impl Subject {
    /// Puts the model where it computes.
    pub fn new(model: LanguageModel) -> anyhow::Result<Self> {
        let config = model.config().clone();
        let started = Instant::now();
        let transformer = Transformer::on_cpu(model.parameters)?;
        let pack_seconds = started.elapsed().as_secs_f64();
        Ok(Self {
            config,
            trainer: Trainer::new(transformer, TrainerOptions::default())?,
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
        for round in 0..=repeat {
            let took = match what {
                What::Prefill => self.sample(shape, 1)?,
                What::Decode => {
                    self.sample(shape, shape.new_tokens + 1)? - self.sample(shape, 1)?
                }
                What::Train => self.learn(shape)?,
                What::Step => self.learn(shape)? + self.update()?,
            };
            if 0 < round {
                seconds.push(took.max(1e-9));
            }
        }
        self.trainer.forget();
        let (tokens, flops) = self.work(what, shape);
        Ok(Measured {
            seconds,
            tokens,
            flops,
        })
    }

    /// Prompts that share no token, so that nothing is saved by reading one for all.
    fn sample(&self, shape: &Shape, new_tokens: usize) -> anyhow::Result<f64> {
        let request = |index: usize| Request {
            prompt: self.tokens(index, shape.prompt_tokens),
            new_tokens_max: new_tokens,
            sampling: Sampling::at_temperature(1.0),
            seed: index as u64,
            stop_tokens: Arc::from([]),
            stop_strings: StopStrings::default(),
        };
        let requests: Vec<Request> = (0..shape.batch).map(request).collect();
        let limits = BatchLimits {
            sequences_max: shape.batch,
            cache_tokens_max: shape.batch * (shape.prompt_tokens + new_tokens + 64),
            prefill_tokens_max: shape.batch * shape.prompt_tokens,
        };
        let mut sampled = 0;
        let started = Instant::now();
        generate(
            self.trainer.transformer(),
            &requests,
            &limits,
            &mut |_, completion| sampled += completion.tokens.len(),
        )?;
        let seconds = started.elapsed().as_secs_f64();
        ensure!(
            sampled == shape.batch * new_tokens,
            "{sampled} tokens came back, not {}",
            shape.batch * new_tokens
        );
        Ok(seconds)
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

    /// Tokens and arithmetic of one repeat.
    fn work(&self, what: What, shape: &Shape) -> (usize, f64) {
        let (batch, prompt, new) = (
            shape.batch as f64,
            shape.prompt_tokens as f64,
            shape.new_tokens as f64,
        );
        let (body, head) = (self.body_flops(), self.head_flops());
        match what {
            // The head is only computed for the last position of a prompt.
            What::Prefill => (
                shape.batch * shape.prompt_tokens,
                batch * (prompt * (body + self.attention_flops(prompt / 2.0)) + head),
            ),
            What::Decode => {
                let attention = self.attention_flops(prompt + new / 2.0);
                (
                    shape.batch * shape.new_tokens,
                    batch * new * (body + head + attention),
                )
            }
            What::Train | What::Step => {
                let forward = (prompt - 1.0) * (body + head + self.attention_flops(prompt / 2.0));
                (shape.batch * shape.prompt_tokens, 3.0 * batch * forward)
            }
        }
    }

    /// Of one token through all blocks, attention left out.
    fn body_flops(&self) -> f64 {
        let it = &self.config;
        let block = it.hidden_size * (it.qkv_width() + it.query_width() + 3 * it.ffn_size);
        2.0 * (it.layers * block) as f64
    }

    fn head_flops(&self) -> f64 {
        2.0 * (self.config.hidden_size * self.config.vocab_size) as f64
    }

    /// Of one token that looks at this many keys, in all layers.
    fn attention_flops(&self, keys: f64) -> f64 {
        4.0 * keys * (self.config.layers * self.config.query_width()) as f64
    }
}
