//! Continuous batching: a finished sequence leaves its place to a waiting one.
//!
//! Each pass reads the prompts of those that enter and the last token of those in flight, together. A request whose
//! prompt is in flight already shares its pages and reads only the prompt's last token. None of this changes a sample:
//! a row of a pass has the same bits whatever is beside it, and each request has a generator of its own.

use std::collections::VecDeque;

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use thiserror::Error;

use super::{
    kv_cache::KvCache,
    request::{BatchLimits, Completion, Finish, Request, Sampling, Usage},
    sample,
    stop::StopWatch,
};
use crate::{
    backend::{Backend, BackendError, Batch},
    tokenizer::TokenizerError,
    transformer::{
        InputError, Transformer,
        arena::{Arena, Capacity, Keep},
        packing,
    },
};

/// Why sampling stopped.
#[derive(Debug, Error)]
pub enum GenerateError {
    /// The model cannot read a prompt, or not so far.
    #[error("request {request} cannot be sampled")]
    Input {
        /// Its index.
        request: usize,
        /// Why.
        source: InputError,
    },
    /// A sampling parameter makes no sense.
    #[error("request {request} has {name} {value}; {allowed}")]
    Sampling {
        /// Its index.
        request: usize,
        /// The parameter.
        name: &'static str,
        /// What it was.
        value: f32,
        /// What it may be.
        allowed: &'static str,
    },
    /// The logits are no numbers.
    #[error(
        "request {request}, new token {token}: the logits are not finite; the weights may be damaged"
    )]
    NotFinite {
        /// Its index.
        request: usize,
        /// Which of its new tokens.
        token: usize,
    },
    /// The text of a response cannot be read, so no stop string is found in it.
    #[error("request {request}: what was sampled cannot be searched for stop strings")]
    Text {
        /// Its index.
        request: usize,
        /// Why.
        source: TokenizerError,
    },
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Samples a response to every request; `deliver(index, completion)` is called as soon as each is finished, in no
/// particular order.
///
/// # Errors
/// A prompt the model cannot read (nothing is sampled then), parameters that make no sense, or logits that are not
/// finite. What was delivered before stands.
pub fn generate<B: Backend>(
    transformer: &Transformer<B>,
    requests: &[Request],
    limits: &BatchLimits,
    deliver: &mut dyn FnMut(usize, Completion),
) -> Result<Usage, GenerateError> {
    for (index, request) in requests.iter().enumerate() {
        check(transformer, index, request)?;
    }
    Schedule::new(transformer, requests, limits)?.run(deliver)
}

fn check<B: Backend>(
    transformer: &Transformer<B>,
    index: usize,
    request: &Request,
) -> Result<(), GenerateError> {
    transformer
        .check_tokens(&request.prompt, request.new_tokens_max)
        .map_err(|source| GenerateError::Input {
            request: index,
            source,
        })?;
    let sampling = &request.sampling;
    let refuse = |name, value, allowed| {
        Err(GenerateError::Sampling {
            request: index,
            name,
            value,
            allowed,
        })
    };
    let temperature = sampling.temperature;
    let divides = temperature.is_finite() && Sampling::TEMPERATURE_MIN <= temperature;
    if temperature != 0.0 && !divides {
        return refuse(
            "temperature",
            temperature,
            "it must be 0 (greedy) or at least 0.0001",
        );
    }
    if !(0.0 < sampling.top_p && sampling.top_p <= 1.0) {
        return refuse(
            "top_p",
            sampling.top_p,
            "it must be greater than 0 and at most 1",
        );
    }
    if !(0.0 <= sampling.min_p && sampling.min_p <= 1.0) {
        return refuse("min_p", sampling.min_p, "it must be between 0 and 1");
    }
    Ok(())
}

/// A sequence in flight.
struct Active {
    request: usize,
    pages: Vec<u32>,
    /// Tokens whose keys and values are in the pages.
    cached: usize,
    generator: ChaCha8Rng,
    tokens: Vec<u32>,
    logprobs: Vec<f32>,
    watch: StopWatch,
    finish: Option<Finish>,
}

impl Active {
    /// Draws the next token.
    fn draw(&mut self, request: &Request, logits: &[f32]) -> Result<(), GenerateError> {
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
}

struct Schedule<'a, B: Backend> {
    transformer: &'a Transformer<B>,
    requests: &'a [Request],
    limits: BatchLimits,
    cache: KvCache<B>,
    arena: Arena<B>,
    logits: B::Buffer,
    waiting: VecDeque<usize>,
    active: Vec<Active>,
    usage: Usage,
}

impl<'a, B: Backend> Schedule<'a, B> {
    fn new(
        transformer: &'a Transformer<B>,
        requests: &'a [Request],
        limits: &BatchLimits,
    ) -> Result<Self, BackendError> {
        let config = transformer.config();
        let limits = BatchLimits {
            sequences_max: limits.sequences_max.max(1),
            ..*limits
        };
        let pages = |request: &Request| {
            KvCache::<B>::pages_for(request.prompt.len() + request.new_tokens_max)
        };
        let sequences = limits.sequences_max.min(requests.len());
        let longest = requests.iter().map(pages).max().unwrap_or(0);
        let allowed = KvCache::<B>::pages_for(limits.cache_tokens_max).max(longest);
        let cache = KvCache::new(transformer, (sequences * longest).min(allowed))?;
        let prefill = limits
            .prefill_tokens_max
            .min(requests.iter().map(|it| it.prompt.len()).sum());
        let capacity = Capacity {
            rows: sequences + prefill,
            outputs: sequences,
            pages: 0,
        };
        let arena = Arena::new(transformer.backend(), config, Keep::Nothing, capacity)?;
        let logits = transformer
            .backend()
            .allocate(sequences * config.vocab_size)?;
        let waiting = (0..requests.len()).collect();
        Ok(Self {
            transformer,
            requests,
            limits,
            cache,
            arena,
            logits,
            waiting,
            active: Vec::new(),
            usage: Usage::default(),
        })
    }

    fn run(&mut self, deliver: &mut dyn FnMut(usize, Completion)) -> Result<Usage, GenerateError> {
        let nothing_asked = |it: &usize| self.requests[*it].new_tokens_max == 0;
        let (empty, waiting) = self.waiting.iter().copied().partition(nothing_asked);
        self.waiting = waiting;
        for index in Vec::from(empty) {
            deliver(
                index,
                Completion {
                    tokens: Vec::new(),
                    logprobs: Vec::new(),
                    finish: Finish::Length,
                },
            );
        }
        while !(self.waiting.is_empty() && self.active.is_empty()) {
            self.admit();
            self.pass()?;
            self.leave(deliver);
        }
        Ok(self.usage)
    }

    /// Notes a pass over so many tokens; who could enter has.
    fn count(&mut self, tokens: usize) {
        let places = self.limits.sequences_max.min(self.requests.len());
        let empty = places - self.active.len();
        let usage = &mut self.usage;
        usage.passes += 1;
        usage.tokens += tokens;
        usage.slots += places;
        if self.waiting.is_empty() {
            usage.slots_empty_at_the_end += empty;
        } else {
            usage.slots_empty_before_the_end += empty;
        }
    }

    /// Lets waiting requests in, in order, while sequences, pages and prompt tokens are left. A request whose prompt
    /// enters in this very pass waits for the next, when it can share the pages.
    fn admit(&mut self) {
        let mut prefill = 0;
        let mut deferred = VecDeque::new();
        let in_flight = self.active.len();
        while self.active.len() < self.limits.sequences_max {
            let Some(index) = self.waiting.pop_front() else {
                break;
            };
            let request = &self.requests[index];
            let same = |it: &Active| self.requests[it.request].prompt == request.prompt;
            if self.active[in_flight..]
                .iter()
                .any(|it| it.cached == 0 && same(it))
            {
                deferred.push_back(index);
                continue;
            }
            let prompt = request.prompt.len();
            let count = KvCache::<B>::pages_for(prompt + request.new_tokens_max);
            let shared = self.active[..in_flight]
                .iter()
                .rev()
                .find(|it| 1 < prompt && same(it));
            let (new_pages, new_tokens) = match shared {
                Some(_) => (count - (prompt - 1) / crate::backend::PAGE_TOKENS, 1),
                None => (count, prompt),
            };
            let no_room = self.cache.free_pages() < new_pages;
            let full = 0 < prefill && self.limits.prefill_tokens_max < prefill + new_tokens;
            if no_room || full {
                self.waiting.push_front(index);
                break;
            }
            prefill += new_tokens;
            let (pages, cached) = match shared {
                Some(it) => (
                    self.cache
                        .fork(self.transformer.backend(), &it.pages, prompt - 1, count),
                    prompt - 1,
                ),
                None => (self.cache.take(count), 0),
            };
            let generator = ChaCha8Rng::seed_from_u64(request.seed);
            let (tokens, logprobs) = (Vec::new(), Vec::new());
            self.active.push(Active {
                request: index,
                pages,
                cached,
                generator,
                tokens,
                logprobs,
                watch: StopWatch::default(),
                finish: None,
            });
        }
        while let Some(index) = deferred.pop_back() {
            self.waiting.push_front(index);
        }
    }

    /// One pass of the model over everything in flight, and one new token for each.
    fn pass(&mut self) -> Result<(), GenerateError> {
        let transformer = self.transformer;
        let backend = transformer.backend();
        let mut batch = Batch::default();
        for it in &mut self.active {
            let last = it.tokens.last().copied();
            let next = match &last {
                Some(token) => std::slice::from_ref(token),
                None => &self.requests[it.request].prompt[it.cached..],
            };
            batch.push_continuation(next, it.cached, &it.pages);
            it.cached += next.len();
        }
        let (size, capacity) = packing::sizes(&batch);
        self.count(size.rows);
        self.arena.fit(
            backend,
            transformer.config(),
            Capacity {
                pages: 0,
                ..capacity
            },
        )?;
        let batch = backend.stage(batch)?;
        transformer.continue_with(&mut self.arena, &batch, size, self.cache.parts());
        transformer.logits(&self.arena, size, &mut self.logits);
        let vocab = transformer.config().vocab_size;
        let mut staging = Vec::new();
        let logits = backend.host(
            backend.view(&self.logits, 0..size.outputs * vocab),
            &mut staging,
        )?;
        let requests = self.requests;
        let mut drawn: Vec<_> = self.active.iter().map(|_| Ok(())).collect();
        let rows = logits.chunks_exact(vocab);
        let parts = self.active.iter_mut().zip(rows).zip(&mut drawn);
        backend.team().each(parts, |((it, logits), drawn)| {
            let request = &requests[it.request];
            *drawn = it.draw(request, logits);
        });
        drawn.into_iter().collect()
    }

    fn leave(&mut self, deliver: &mut dyn FnMut(usize, Completion)) {
        let mut index = 0;
        while index < self.active.len() {
            let Some(finish) = self.active[index].finish else {
                index += 1;
                continue;
            };
            let it = self.active.remove(index);
            self.cache.release(&it.pages);
            deliver(
                it.request,
                Completion {
                    tokens: it.tokens,
                    logprobs: it.logprobs,
                    finish,
                },
            );
        }
    }
}
