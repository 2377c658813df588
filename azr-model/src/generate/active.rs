//! A sequence in flight.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{
    error::GenerateError,
    request::{Completion, Finish, Request, Sampling},
    sample,
    stop::StopWatch,
};
use crate::backend::{Backend, BackendError, Drawn};

/// A request that has entered.
pub(super) struct Active {
    pub(super) request: usize,
    pub(super) pages: Vec<u32>,
    /// Tokens whose keys and values are in the pages; with a twin, those that will be there after the next pass.
    pub(super) cached: usize,
    /// Index of the sequence that reads the prompt for this one in the next pass.
    pub(super) twin: Option<usize>,
    generator: ChaCha8Rng,
    tokens: Vec<u32>,
    logprobs: Vec<f32>,
    watch: StopWatch,
    pub(super) finish: Option<Finish>,
}

impl Active {
    /// Begins a request; `cached` tokens of its prompt are in its pages.
    pub(super) fn new(
        index: usize,
        request: &Request,
        (pages, cached): (Vec<u32>, usize),
        twin: Option<usize>,
    ) -> Self {
        Self {
            request: index,
            pages,
            cached,
            twin,
            generator: ChaCha8Rng::seed_from_u64(request.seed),
            tokens: Vec::new(),
            logprobs: Vec::new(),
            watch: StopWatch::default(),
            finish: None,
        }
    }

    /// The tokens that the next pass reads: what is missing of the prompt, or the last one that was drawn.
    pub(super) fn next<'a>(&'a self, prompt: &'a [u32]) -> &'a [u32] {
        match self.tokens.last() {
            Some(token) => std::slice::from_ref(token),
            None => &prompt[self.cached..],
        }
    }

    /// Whether the next pass gives the logits behind its prompt.
    pub(super) fn reads_its_prompt(&self) -> bool {
        self.tokens.is_empty() && self.twin.is_none()
    }

    /// Draws the next token.
    pub(super) fn draw(&mut self, request: &Request, logits: &[f32]) -> Result<(), GenerateError> {
        let Some(drawn) = sample::draw(logits, &request.sampling, &mut self.generator) else {
            return Err(GenerateError::NotFinite {
                request: self.request,
                token: self.tokens.len(),
            });
        };
        self.tokens.push(drawn.token);
        self.logprobs.push(drawn.logprob);
        if request.stop_tokens.contains(&drawn.token) {
            self.finish = Some(Finish::Stop);
            return Ok(());
        }
        let found = self.watch.read(&request.stop_strings, &self.tokens);
        let found = found.map_err(|source| GenerateError::Text {
            request: self.request,
            source,
        })?;
        if let Some(found) = found {
            self.finish = Some(Finish::StopString(found));
        } else if self.tokens.len() == request.new_tokens_max {
            self.finish = Some(Finish::Length);
        }
        Ok(())
    }

    /// What was sampled.
    pub(super) fn complete(self, finish: Finish) -> Completion {
        Completion {
            tokens: self.tokens,
            logprobs: self.logprobs,
            finish,
        }
    }
}

/// Scores the tokens that were just drawn as the learner will, where the device's sums are not the host's. `rows` has the
/// row of each sequence in `logits [_, vocab]`. A choice among fewer words than all keeps the score it was made with.
pub(super) fn rescore<B: Backend>(
    backend: &B,
    (logits, vocab): (B::View<'_>, usize),
    rows: &[usize],
    requests: &[Request],
    active: &mut [Active],
) -> Result<(), BackendError> {
    let is_whole = |it: &Sampling| it.temperature != 0.0 && it.keeps_all(vocab);
    let (mut drawn, mut logprobs) = (Vec::new(), Vec::new());
    for (it, row) in active.iter_mut().zip(rows) {
        let sampling = &requests[it.request].sampling;
        let (Some(token), Some(logprob)) = (it.tokens.last(), it.logprobs.last_mut()) else {
            continue;
        };
        if is_whole(sampling) {
            drawn.push(Drawn {
                row: *row,
                token: *token,
                inverse_temperature: 1.0 / sampling.temperature,
            });
            logprobs.push(logprob);
        }
    }
    backend.rescore((logits, vocab), &drawn, &mut logprobs)
}
