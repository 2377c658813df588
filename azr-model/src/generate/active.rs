//! A sequence in flight.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::{
    error::GenerateError,
    request::{Completion, Finish, Request},
    stop::StopWatch,
};
use crate::backend::{Draw, Drawn};

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

    /// How the next token is to be drawn from a row of logits. Takes one number from the generator unless greedy.
    pub(super) fn ask(&mut self, request: &Request, row: usize) -> Draw {
        let sampling = request.sampling;
        let unit = match sampling.is_greedy() {
            true => 0.0,
            false => (self.generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64,
        };
        Draw {
            row,
            sampling,
            unit,
        }
    }

    /// Takes what was drawn as the next token, if there was anything to draw from.
    pub(super) fn take(
        &mut self,
        request: &Request,
        drawn: Option<Drawn>,
    ) -> Result<(), GenerateError> {
        let Some(drawn) = drawn else {
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
