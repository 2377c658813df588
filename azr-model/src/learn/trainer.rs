//! A model that learns: gradients pile up over sequences, then one step uses them.

use std::ops::Range;

use thiserror::Error;

use super::{
    optimizer::{AdamW, OptimizerState, StepError},
    options::TrainerOptions,
    terms::{Sequence, StepOptions, StepReport, TokenGradients, TokenScores},
};
use crate::{
    backend::{Backend, BackendError, Batch, CpuBackend, Moment},
    transformer::{
        InputError, ScoreGradients, Transformer,
        arena::{Arena, Capacity},
        packing,
    },
};

/// Why nothing could be learned from some sequences.
#[derive(Debug, Error)]
pub enum LearnError {
    /// The model cannot read one of them.
    #[error("sequence {sequence} cannot be learned from")]
    Input {
        /// Its index.
        sequence: usize,
        /// Why.
        source: InputError,
    },
    /// The prompt is not a part of the sequence, or empty.
    #[error(
        "sequence {sequence} has a prompt of {prompt_len} tokens and {tokens} in all; the prompt needs at least 1 and at most all of them"
    )]
    Prompt {
        /// Its index.
        sequence: usize,
        /// Tokens of the prompt.
        prompt_len: usize,
        /// Tokens in all.
        tokens: usize,
    },
    /// Temperature must be positive.
    #[error("cannot learn at temperature {temperature}; it must be a finite number greater than 0")]
    Temperature {
        /// What it was.
        temperature: f32,
    },
    /// A score is not a number.
    #[error(
        "sequence {sequence} has a log-probability that is not finite; the weights may be damaged"
    )]
    ScoreNotFinite {
        /// Its index.
        sequence: usize,
    },
    /// The caller's gradients do not fit the response.
    #[error(
        "sequence {sequence} has {response} response tokens but gradients for {logprob} log-probabilities and {entropy} entropies"
    )]
    GradientLength {
        /// Its index.
        sequence: usize,
        /// Tokens of the response.
        response: usize,
        /// Gradients by log-probability.
        logprob: usize,
        /// Gradients by entropy.
        entropy: usize,
    },
    /// The caller's gradients are no numbers.
    #[error(
        "sequence {sequence} was given a gradient that is not finite; check the advantages and ratios of the loss"
    )]
    GradientNotFinite {
        /// Its index.
        sequence: usize,
    },
    /// The optimizer has another shape.
    #[error(
        "the optimizer state has {given} elements, the model {expected}; it belongs to another model"
    )]
    StateLength {
        /// Elements of the state.
        given: usize,
        /// Elements of the model.
        expected: usize,
    },
    /// The optimizer's moments are held in another way than is asked for, or its two not alike.
    #[error(
        "the optimizer state holds moments in {first} and {second}, and {wanted} is asked for; go on with {first}, or begin with a fresh optimizer"
    )]
    StateKind {
        /// Of the first moments.
        first: &'static str,
        /// Of the second.
        second: &'static str,
        /// What the options say.
        wanted: &'static str,
    },
    /// The step was not taken.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// A model, the gradient that has piled up, and its optimizer.
pub struct Trainer<B: Backend = CpuBackend> {
    transformer: Transformer<B>,
    gradient: B::Buffer,
    optimizer: AdamW<B>,
    arena: Arena<B::Buffer>,
    options: TrainerOptions,
}

impl<B: Backend> Trainer<B> {
    /// A fresh optimizer on a model.
    ///
    /// # Errors
    /// The device has no memory for gradient and moments.
    pub fn new(transformer: Transformer<B>, options: TrainerOptions) -> Result<Self, LearnError> {
        let optimizer = AdamW::new(&transformer, &options)?;
        Self::with_optimizer(transformer, optimizer, options)
    }

    /// Goes on from a checkpoint: the next step is the one that an uninterrupted trainer would take.
    ///
    /// # Errors
    /// The state is not that of this model, or there is no memory.
    pub fn resume(
        transformer: Transformer<B>,
        options: TrainerOptions,
        state: OptimizerState<'static>,
    ) -> Result<Self, LearnError> {
        let expected = transformer.layout().elements();
        let moments = [&state.first, &state.second];
        let other_length = moments
            .map(Moment::elements)
            .into_iter()
            .find(|given| *given != expected);
        if let Some(given) = other_length {
            return Err(LearnError::StateLength { given, expected });
        }
        let [first, second] = moments.map(Moment::kind);
        if [first, second] != [options.moments; 2] {
            return Err(LearnError::StateKind {
                first: first.name(),
                second: second.name(),
                wanted: options.moments.name(),
            });
        }
        let optimizer = AdamW::resume(&transformer, &options, state)?;
        Self::with_optimizer(transformer, optimizer, options)
    }

    fn with_optimizer(
        transformer: Transformer<B>,
        optimizer: AdamW<B>,
        options: TrainerOptions,
    ) -> Result<Self, LearnError> {
        let backend = transformer.backend();
        let gradient = backend.allocate(transformer.layout().elements())?;
        let keep = options.checkpointing.keeps();
        let arena = Arena::new(backend, transformer.config(), keep, Capacity::NOTHING)?;
        Ok(Self {
            transformer,
            gradient,
            optimizer,
            arena,
            options,
        })
    }

    /// The largest pass that there is memory for.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> Capacity {
        self.arena.capacity()
    }

    /// The model as it is now, to sample from or to save.
    pub fn transformer(&self) -> &Transformer<B> {
        &self.transformer
    }

    /// Scores the responses at a temperature, hands the scores of each sequence to `weigh` in order of their index, and
    /// adds the gradient of the loss that it answers with.
    ///
    /// # Errors
    /// Sequences the model cannot read, scores or gradients that are no numbers. What was added before stays: a caller
    /// that wants to go on calls [`Self::forget`].
    pub fn accumulate(
        &mut self,
        sequences: &[Sequence],
        temperature: f32,
        weigh: &mut dyn FnMut(usize, &TokenScores) -> TokenGradients,
    ) -> Result<(), LearnError> {
        if !(temperature.is_finite() && 0.0 < temperature) {
            return Err(LearnError::Temperature { temperature });
        }
        for (sequence, it) in sequences.iter().enumerate() {
            let (prompt_len, tokens) = (it.prompt_len, it.tokens.len());
            self.transformer
                .check_tokens(&it.tokens, 0)
                .map_err(|source| LearnError::Input { sequence, source })?;
            if prompt_len == 0 || tokens < prompt_len {
                return Err(LearnError::Prompt {
                    sequence,
                    prompt_len,
                    tokens,
                });
            }
        }
        // The last token is predicted, not read; a sequence without a response is not read at all.
        let lengths: Vec<usize> = sequences
            .iter()
            .map(|it| {
                if it.response_len() == 0 {
                    0
                } else {
                    it.tokens.len() - 1
                }
            })
            .collect();
        for pass in packing::passes(&lengths, self.options.micro_batch_tokens_max) {
            self.micro_batch(sequences, pass, temperature, weigh)?;
        }
        Ok(())
    }

    fn micro_batch(
        &mut self,
        sequences: &[Sequence],
        pass: Range<usize>,
        temperature: f32,
        weigh: &mut dyn FnMut(usize, &TokenScores) -> TokenGradients,
    ) -> Result<(), LearnError> {
        let mut batch = Batch::default();
        for it in sequences[pass.clone()]
            .iter()
            .filter(|it| 0 < it.response_len())
        {
            let read = it.tokens.len() - 1;
            batch.push_sequence(
                &it.tokens[..read],
                it.prompt_len - 1..read,
                &it.tokens[it.prompt_len..],
            );
        }
        let (size, capacity) = packing::sizes(&batch);
        let backend = self.transformer.backend();
        self.arena
            .fit(backend, self.transformer.config(), capacity)?;
        let batch = backend.stage(batch)?;
        if 0 < size.rows {
            self.transformer
                .read(&mut self.arena, &batch, size, capacity.pages);
        }
        let lengths = sequences[pass.clone()].iter().map(Sequence::response_len);
        let answer = self.transformer.scores(
            &mut self.arena,
            &batch,
            size,
            temperature,
            |logprobs, entropies| ask(pass.start, lengths, logprobs, entropies, weigh),
        )?;
        let TokenGradients { logprob, entropy } = answer?;
        if logprob
            .iter()
            .chain(&entropy)
            .all(|gradient| *gradient == 0.0)
        {
            return Ok(());
        }
        let gradients = ScoreGradients {
            logprobs: &logprob,
            entropies: &entropy,
            temperature,
        };
        let sizes = (size, capacity.pages);
        self.transformer.backward(
            &mut self.arena,
            &batch,
            sizes,
            gradients,
            &mut self.gradient,
        );
        Ok(())
    }

    /// Clips the gradient by its global norm, takes one AdamW step and begins a new gradient.
    ///
    /// # Errors
    /// The gradient is not finite: weights and moments are as before, and the gradient is empty.
    pub fn step(&mut self, options: &StepOptions) -> Result<StepReport, LearnError> {
        Ok(self
            .optimizer
            .step(&mut self.transformer, &mut self.gradient, options)?)
    }

    /// Empties the gradient.
    pub fn forget(&mut self) {
        let backend = self.transformer.backend();
        backend
            .clear(backend.view_mut(&mut self.gradient, 0..self.transformer.layout().elements()));
    }

    /// Hands the gradient, in the order of the layout, to `read`.
    ///
    /// # Errors
    /// The device failed before.
    pub fn with_gradient<R>(&self, read: impl FnOnce(&[f32]) -> R) -> Result<R, BackendError> {
        let (backend, mut staging) = (self.transformer.backend(), Vec::new());
        let all = backend.view(&self.gradient, 0..self.transformer.layout().elements());
        Ok(read(backend.host(all, &mut staging)?))
    }

    /// Hands the state of the optimizer to `read`, for a checkpoint.
    ///
    /// # Errors
    /// The device failed before.
    pub fn with_optimizer_state<R>(
        &self,
        read: impl FnOnce(OptimizerState<'_>) -> R,
    ) -> Result<R, BackendError> {
        self.optimizer.with_state(&self.transformer, read)
    }
}

impl Sequence {
    fn response_len(&self) -> usize {
        self.tokens.len() - self.prompt_len
    }
}

/// Asks for the gradients of each sequence of a pass and checks them; the answer covers the pass.
fn ask(
    first: usize,
    lengths: impl Iterator<Item = usize>,
    logprobs: &[f32],
    entropies: &[f32],
    weigh: &mut dyn FnMut(usize, &TokenScores) -> TokenGradients,
) -> Result<TokenGradients, LearnError> {
    let mut all = TokenGradients::default();
    for (sequence, response) in (first..).zip(lengths) {
        let at = all.logprob.len()..all.logprob.len() + response;
        let scores = TokenScores {
            logprobs: logprobs[at.clone()].to_vec(),
            entropies: entropies[at].to_vec(),
        };
        if scores
            .logprobs
            .iter()
            .chain(&scores.entropies)
            .any(|score| !score.is_finite())
        {
            return Err(LearnError::ScoreNotFinite { sequence });
        }
        let gradients = weigh(sequence, &scores);
        let (logprob, entropy) = (gradients.logprob.len(), gradients.entropy.len());
        if logprob != response || entropy != response {
            return Err(LearnError::GradientLength {
                sequence,
                response,
                logprob,
                entropy,
            });
        }
        if gradients
            .logprob
            .iter()
            .chain(&gradients.entropy)
            .any(|gradient| !gradient.is_finite())
        {
            return Err(LearnError::GradientNotFinite { sequence });
        }
        all.logprob.extend(gradients.logprob);
        all.entropy.extend(gradients.entropy);
    }
    Ok(all)
}
