//! Continuous batching: a finished sequence leaves its place to a waiting one.
//!
//! Each pass reads the prompts of those that enter and the last token of those in flight, together. A prompt that
//! several requests share is read once. None of this changes a sample: a row of a pass has the same bits whatever is
//! beside it, and each request has a generator of its own.

use std::collections::VecDeque;

use super::{
    active::Active,
    admission::Kept,
    error::{GenerateError, check},
    kv_cache::{KvCache, pages_for},
    request::{BatchLimits, Completion, Finish, Request, Usage},
};
use crate::{
    backend::{Backend, BackendError, Batch},
    transformer::{
        Transformer,
        arena::{Arena, Capacity, Keep},
        packing,
    },
};

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

/// Samples until the last request has been let in: what no later pass takes more memory than. Nothing is delivered.
pub(crate) fn fill<B: Backend>(
    transformer: &Transformer<B>,
    requests: &[Request],
    limits: &BatchLimits,
) -> Result<(), GenerateError> {
    for (index, request) in requests.iter().enumerate() {
        check(transformer, index, request)?;
    }
    let mut schedule = Schedule::new(transformer, requests, limits)?;
    while !schedule.waiting.is_empty() {
        schedule.admit();
        schedule.pass()?;
        schedule.leave(&mut |_, _| {});
    }
    Ok(())
}

/// What is taken before the first pass: no later one needs more.
pub(crate) struct Room {
    /// Pages of the cache.
    pub(crate) pages: usize,
    /// The largest pass.
    pub(crate) capacity: Capacity,
}

impl Room {
    pub(crate) fn of(requests: &[Request], limits: &BatchLimits) -> Self {
        let pages = |request: &Request| pages_for(request.prompt.len() + request.new_tokens_max);
        let sequences = limits.sequences_max.max(1).min(requests.len());
        let longest = requests.iter().map(pages).max().unwrap_or(0);
        let allowed = pages_for(limits.cache_tokens_max).max(longest);
        // A prompt that is longer than what may be read in one pass is read in one of its own.
        let prompts = || requests.iter().map(|it| it.prompt.len());
        let prefill = prompts().max().unwrap_or(0).max(limits.prefill_tokens_max);
        Self {
            pages: (sequences * longest).min(allowed),
            capacity: Capacity {
                rows: sequences + prefill.min(prompts().sum()),
                outputs: sequences,
                pages: 0,
            },
        }
    }
}

/// Everything that sampling holds.
pub(super) struct Schedule<'a, B: Backend> {
    pub(super) transformer: &'a Transformer<B>,
    pub(super) requests: &'a [Request],
    pub(super) limits: BatchLimits,
    pub(super) cache: KvCache<B>,
    arena: Arena<B::Buffer>,
    logits: B::Buffer,
    pub(super) waiting: VecDeque<usize>,
    pub(super) active: Vec<Active>,
    /// Prompts that somebody waits for and nobody in flight has.
    pub(super) kept: Vec<Kept>,
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
        let Room { pages, capacity } = Room::of(requests, &limits);
        let cache = KvCache::new(transformer, pages)?;
        let backend = transformer.backend();
        let arena = Arena::new(backend, config, Keep::Nothing, capacity)?;
        let logits = backend.allocate(capacity.outputs * config.vocab_size)?;
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
            kept: Vec::new(),
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

    /// One pass of the model over everything in flight, and one new token for each.
    fn pass(&mut self) -> Result<(), GenerateError> {
        let transformer = self.transformer;
        let backend = transformer.backend();
        let requests = self.requests;
        let mut batch = Batch::default();
        let mut rows: Vec<usize> = Vec::with_capacity(self.active.len());
        for it in &mut self.active {
            if let Some(twin) = it.twin {
                rows.push(rows[twin]);
                continue;
            }
            rows.push(batch.outputs.len());
            let next = it.next(&requests[it.request].prompt);
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
        self.part_twins();
        transformer.logits(&self.arena, size, &mut self.logits);
        let vocab = transformer.config().vocab_size;
        let there = backend.view(&self.logits, 0..size.outputs * vocab);
        let parts = self.active.iter_mut().zip(&rows);
        let draws: Vec<_> = parts
            .map(|(it, row)| it.ask(&requests[it.request], *row))
            .collect();
        let drawn = backend.draw((there, vocab), &draws)?;
        let mut taken: Vec<_> = drawn.iter().map(|_| Ok(())).collect();
        let parts = self.active.iter_mut().zip(drawn).zip(&mut taken);
        backend.team().each(parts, |((it, drawn), taken)| {
            *taken = it.take(&requests[it.request], drawn);
        });
        taken.into_iter().collect()
    }

    /// Gives those whose prompt another one has read their own copy of its last page.
    fn part_twins(&mut self) {
        for index in 0..self.active.len() {
            let Some(twin) = self.active[index].twin.take() else {
                continue;
            };
            let (from, to) = (&self.active[twin], &self.active[index]);
            self.cache.copy_last(
                self.transformer.backend(),
                &from.pages,
                &to.pages,
                to.cached,
            );
        }
    }

    fn leave(&mut self, deliver: &mut dyn FnMut(usize, Completion)) {
        let mut index = 0;
        while index < self.active.len() {
            let Some(finish) = self.active[index].finish else {
                index += 1;
                continue;
            };
            let it = self.active.remove(index);
            self.release(it.request, &it.pages);
            deliver(it.request, it.complete(finish));
        }
    }
}
