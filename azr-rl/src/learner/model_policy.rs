//! The policy that is a language model: prompts become tokens, the sampler answers, the trainer learns.

use std::path::Path;

use azr_model::backend::Backend;
use azr_model::generate::{self, BatchLimits, Marker, StopStrings, generate};
use azr_model::learn::{
    Checkpointing, Sequence, StepOptions, TokenGradients, TokenScores, Trainer, TrainerOptions,
};
use azr_model::tokenizer::SpecialTokens;
use azr_model::{CpuBackend, LanguageModel};
use azr_tasks::Prompt;

use super::loss::{BatchSize, SequenceScores};
use super::render::encode_prompt;
use super::student::Student;
use crate::config::{Activations, Config, SamplingConfig};
use crate::policy::{
    Cause, Deliver, Finish, Policy, PolicyError, Request, Response, UpdatePlan, UpdateReport,
};
use crate::rollout::Sample;

/// A language model that samples and learns, on one device.
pub struct ModelPolicy<B: Backend = CpuBackend> {
    student: Student<B>,
    limits: BatchLimits,
}

/// How a [`ModelPolicy`] uses memory. Nothing of it changes a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelPolicyOptions {
    /// Of the sampler.
    pub limits: BatchLimits,
    /// Of the learner.
    pub training: TrainerOptions,
}

impl From<&Config> for ModelPolicyOptions {
    fn from(config: &Config) -> Self {
        let checkpointing = match config.optimizer.activations {
            Activations::Kept => Checkpointing::None,
            Activations::Recomputed => Checkpointing::EveryLayer,
        };
        Self {
            limits: BatchLimits {
                sequences_max: config.sampling.sequences_max,
                cache_tokens_max: config.sampling.cache_tokens_max,
                ..BatchLimits::default()
            },
            training: TrainerOptions {
                micro_batch_tokens_max: config.optimizer.micro_batch_tokens_max,
                checkpointing,
                moments: config.optimizer.moments,
                seed: config.seed,
            },
        }
    }
}

impl<B: Backend> ModelPolicy<B> {
    /// A policy that begins with `model` and a fresh optimizer, on a device that holds weights as it was told to.
    ///
    /// # Errors
    /// The device has no memory for the model, its gradient and its moments.
    pub fn new(
        backend: B,
        model: LanguageModel,
        options: ModelPolicyOptions,
    ) -> Result<Self, PolicyError> {
        let open = open_error(&model.origin);
        Ok(Self {
            student: Student::new(backend, model, options.training).map_err(open)?,
            limits: options.limits,
        })
    }

    /// The policy that [`Policy::save`] wrote to `directory`, wherever it computed, on a device.
    ///
    /// # Errors
    /// When the files cannot be read or the device has no memory.
    pub fn from_checkpoint(
        backend: B,
        directory: &Path,
        options: ModelPolicyOptions,
    ) -> Result<Self, PolicyError> {
        let open = open_error(&directory.display().to_string());
        Ok(Self {
            student: Student::from_checkpoint(backend, directory, options.training)
                .map_err(open)?,
            limits: options.limits,
        })
    }

    /// The policy, if every sequence that `sampling` allows fits into the model's context. Who skips this question may
    /// be told in the middle of a run that a prompt is too long.
    ///
    /// # Errors
    /// [`PolicyError::Context`], with the keys.
    pub fn holding(self, sampling: &SamplingConfig) -> Result<Self, PolicyError> {
        let config = self.student.trainer.transformer().config();
        let context_tokens_max = config.context_tokens_max;
        let prompt_tokens_max = sampling.prompt_tokens_max;
        for (key, new_tokens_max) in [
            ("sampling.proposal_tokens_max", sampling.proposal_tokens_max),
            ("sampling.answer_tokens_max", sampling.answer_tokens_max),
        ] {
            if context_tokens_max < prompt_tokens_max.saturating_add(new_tokens_max) {
                return Err(PolicyError::Context {
                    prompt_tokens_max,
                    key,
                    new_tokens_max,
                    context_tokens_max,
                });
            }
        }
        Ok(self)
    }

    /// The model and its optimizer.
    #[must_use]
    pub fn trainer(&self) -> &Trainer<B> {
        &self.student.trainer
    }

    fn encode(&self, prompt: &Prompt) -> Result<Vec<u32>, PolicyError> {
        encode_prompt(&self.student.language, prompt).map_err(|source| PolicyError::Render {
            source: source.into(),
        })
    }

    fn asked(&self, request: &Request) -> Result<generate::Request, PolicyError> {
        Ok(generate::Request {
            prompt: self.encode(&request.prompt)?,
            new_tokens_max: request.new_tokens_max,
            sampling: generate::Sampling::at_temperature(request.temperature),
            seed: request.seed,
            stop_tokens: self.student.language.stop_tokens().clone(),
            stop_strings: StopStrings::new(
                request.prompt.last_marker.map(String::from),
                self.student.language.tokenizer(),
            ),
        })
    }

    fn answered(
        &self,
        asked: &generate::Request,
        completion: generate::Completion,
    ) -> Result<Response, Cause> {
        let tokenizer = self.student.language.tokenizer();
        // Whoever reads the response looks for the marker.
        let text = completion.text(tokenizer, SpecialTokens::Keep, Marker::Kept)?;
        let generate::Completion {
            tokens,
            logprobs,
            finish,
        } = completion;
        let finish = match finish {
            generate::Finish::Stop | generate::Finish::StopString(_) => Finish::Stop,
            generate::Finish::Length => Finish::Length,
        };
        let prompt_tokens = asked.prompt.as_slice().into();
        Ok(Response {
            prompt_tokens,
            tokens,
            logprobs,
            text,
            finish,
        })
    }

    /// One pass over the batch: the gradient of the whole loss, and what was seen on the way.
    fn accumulate(
        &mut self,
        batch: &[&Sample],
        size: BatchSize,
        plan: &UpdatePlan,
    ) -> Result<Seen, PolicyError> {
        let sequences: Vec<Sequence> = batch.iter().map(|sample| sequence(sample)).collect();
        let mut seen = Seen::default();
        let mut weigh = |index: usize, scores: &TokenScores| -> TokenGradients {
            let sample = batch[index];
            let loss = plan.loss.of(
                &SequenceScores {
                    advantage: f64::from(sample.advantage()),
                    sampled: &sample.response().logprobs,
                    learner: &scores.logprobs,
                    entropies: &scores.entropies,
                },
                size,
            );
            seen.loss += loss.loss;
            seen.entropy += loss.entropy_sum;
            seen.kl += loss.kl_sum;
            seen.clipped += loss.tokens_clipped;
            seen.tokens += scores.logprobs.len();
            TokenGradients {
                logprob: loss.logprob_gradient,
                entropy: loss.entropy_gradient,
            }
        };
        let result = self
            .student
            .trainer
            .accumulate(&sequences, plan.temperature, &mut weigh);
        if let Err(source) = result {
            // A part of a gradient is worth nothing.
            self.student.trainer.forget();
            return Err(PolicyError::Update {
                source: source.into(),
            });
        }
        // A clipped ratio can hide behind a finite loss.
        for (quantity, value) in [
            ("the loss", seen.loss),
            ("the ratio of learner to sampler", seen.kl),
        ] {
            if !value.is_finite() {
                self.student.trainer.forget();
                return Err(PolicyError::NotFinite { quantity });
            }
        }
        Ok(seen)
    }
}

impl<B: Backend> Policy for ModelPolicy<B> {
    fn prompt_tokens(&self, prompt: &Prompt) -> Result<usize, PolicyError> {
        Ok(self.encode(prompt)?.len())
    }

    /// The sampler cannot be stopped: after a break, what it still samples is dropped.
    fn respond(&mut self, requests: &[Request], deliver: Deliver<'_>) -> Result<(), PolicyError> {
        let asked = requests
            .iter()
            .map(|it| self.asked(it))
            .collect::<Result<Vec<_>, _>>()?;
        let mut undecodable: Option<Cause> = None;
        let mut is_wanted = true;
        let mut pass_on = |index: usize, completion| {
            if !is_wanted {
                return;
            }
            match self.answered(&asked[index], completion) {
                Ok(response) => is_wanted = deliver(index, response).is_continue(),
                Err(cause) => {
                    undecodable.get_or_insert(cause);
                    is_wanted = false;
                }
            }
        };
        generate(
            self.student.trainer.transformer(),
            &asked,
            &self.limits,
            &mut pass_on,
        )
        .map_err(|source| PolicyError::Respond {
            source: source.into(),
        })?;
        match undecodable {
            Some(source) => Err(PolicyError::Respond { source }),
            None => Ok(()),
        }
    }

    /// Samples that pull nowhere are left out of the passes; the mean is over all all the same.
    fn update(&mut self, batch: &[Sample], plan: &UpdatePlan) -> Result<UpdateReport, PolicyError> {
        let tokens = batch.iter().map(|it| it.response().tokens.len()).sum();
        let size = BatchSize {
            sequences: batch.len(),
            tokens,
        };
        let has_bonus = 0.0 < plan.loss.entropy_coefficient;
        let pulling: Vec<&Sample> = batch
            .iter()
            .filter(|it| has_bonus || it.advantage() != 0.0)
            .collect();
        let mut report = UpdateReport::default();
        let mut clipped = 0;
        for pass in 0..plan.updates {
            let seen = self.accumulate(&pulling, size, plan)?;
            let step = self
                .student
                .trainer
                .step(&step_options(plan))
                .map_err(|source| PolicyError::Update {
                    source: source.into(),
                })?;
            if pass == 0 {
                let mean = 1.0 / seen.tokens.max(1) as f64;
                report.loss = seen.loss;
                report.gradient_norm = f64::from(step.gradient_norm);
                report.entropy = seen.entropy * mean;
                report.kl_sampler_learner = seen.kl * mean;
            }
            clipped += seen.clipped;
            report.tokens_trained += seen.tokens;
        }
        report.clip_fraction = clipped as f64 / report.tokens_trained.max(1) as f64;
        Ok(report)
    }

    fn save(&self, directory: &Path) -> Result<(), PolicyError> {
        self.student.save(directory)
    }

    fn fingerprint(&self) -> String {
        self.student.fingerprint.clone()
    }
}

impl<B: Backend> std::fmt::Debug for ModelPolicy<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelPolicy")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Sums over the tokens of one pass.
#[derive(Debug, Default)]
struct Seen {
    loss: f64,
    entropy: f64,
    kl: f64,
    clipped: usize,
    tokens: usize,
}

fn sequence(sample: &Sample) -> Sequence {
    let response = sample.response();
    let prompt_len = response.prompt_tokens.len();
    let tokens = [&response.prompt_tokens[..], &response.tokens[..]].concat();
    Sequence { tokens, prompt_len }
}

fn step_options(plan: &UpdatePlan) -> StepOptions {
    StepOptions {
        lr: plan.learning_rate as f32,
        beta1: plan.beta1 as f32,
        beta2: plan.beta2 as f32,
        eps: plan.epsilon as f32,
        weight_decay: plan.weight_decay as f32,
        gradient_norm_max: plan.gradient_norm_max as f32,
    }
}

fn open_error(from: &str) -> impl Fn(Cause) -> PolicyError + use<> {
    let from = from.to_owned();
    move |source| PolicyError::Open {
        from: from.clone(),
        source,
    }
}

#[cfg(test)]
mod tests;
