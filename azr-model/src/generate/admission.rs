//! Who enters the next pass, and from where it has its prompt.
//!
//! A prompt is read once for all who ask the same. Those who enter in one pass draw from the same logits. Later ones share
//! the pages of those in flight, or those that were kept when the last of them left, and read only the prompt's last
//! token again, for its logits.

use super::{active::Active, kv_cache::pages_for, schedule::Schedule};
use crate::backend::{Backend, PAGE_TOKENS};

/// Pages of the prompt of a request that has left.
pub(super) struct Kept {
    request: usize,
    pages: Vec<u32>,
}

/// Who has a prompt.
enum Source {
    /// Nobody.
    Nobody,
    /// The sequence at this index reads it, or its last token, in the next pass.
    Twin(usize),
    /// The sequence at this index has read it before.
    Active(usize),
    /// Kept at this index.
    Kept(usize),
}

impl<B: Backend> Schedule<'_, B> {
    /// Lets waiting requests in, in order, while sequences, pages and prompt tokens are left.
    pub(super) fn admit(&mut self) {
        let mut prefill = 0;
        while self.active.len() < self.limits.sequences_max {
            let Some(index) = self.waiting.front().copied() else {
                break;
            };
            let request = &self.requests[index];
            let prompt = request.prompt.len();
            let count = pages_for(prompt + request.new_tokens_max);
            let source = self.source(index);
            // Tokens of the prompt that are not read again.
            let had = match source {
                Source::Nobody => 0,
                Source::Twin(_) => prompt,
                Source::Active(_) | Source::Kept(_) => prompt - 1,
            };
            let to_read = prompt - had;
            if 0 < prefill && self.limits.prefill_tokens_max < prefill + to_read {
                break;
            }
            if self.cache.free_pages() < count - had / PAGE_TOKENS {
                if self.kept.is_empty() {
                    break;
                }
                self.give_up_kept();
                continue;
            }
            let backend = self.transformer.backend();
            let cache = &mut self.cache;
            let (pages, twin) = match source {
                Source::Nobody => (cache.take(count), None),
                Source::Twin(at) => (cache.share(&self.active[at].pages, had, count), Some(at)),
                Source::Active(at) => (
                    cache.fork(backend, &self.active[at].pages, had, count),
                    None,
                ),
                Source::Kept(at) => (cache.fork(backend, &self.kept[at].pages, had, count), None),
            };
            prefill += to_read;
            self.waiting.pop_front();
            let active = Active::new(index, request, (pages, had), twin);
            self.active.push(active);
        }
        self.forget_kept();
    }

    fn source(&self, index: usize) -> Source {
        let same = |it: &Active| self.same(it.request, index);
        let position =
            |of: fn(&Active) -> bool| self.active.iter().position(|it| of(it) && same(it));
        if let Some(at) = position(Active::reads_its_prompt) {
            return Source::Twin(at);
        }
        if let Some(at) = position(|_| true) {
            return Source::Active(at);
        }
        let kept = self.kept.iter().position(|it| self.same(it.request, index));
        kept.map_or(Source::Nobody, Source::Kept)
    }

    fn same(&self, one: usize, other: usize) -> bool {
        self.requests[one].prompt == self.requests[other].prompt
    }

    /// Takes the pages of a request that leaves, and keeps those of its prompt if somebody waits for it and nobody else
    /// has it.
    pub(super) fn release(&mut self, request: usize, pages: &[u32]) {
        let is_wanted = self.waiting.iter().any(|it| self.same(*it, request));
        let is_there = self.active.iter().any(|it| self.same(it.request, request));
        let kept = if is_wanted && !is_there {
            pages_for(self.requests[request].prompt.len())
        } else {
            0
        };
        let (prompt, rest) = pages.split_at(kept);
        self.cache.release(rest);
        if 0 < kept {
            let pages = prompt.to_vec();
            self.kept.push(Kept { request, pages });
        }
    }

    /// Lets go of prompts that somebody in flight has, or nobody waits for.
    fn forget_kept(&mut self) {
        for it in std::mem::take(&mut self.kept) {
            self.release(it.request, &it.pages);
        }
    }

    /// Lets go of all of them: somebody needs the pages.
    fn give_up_kept(&mut self) {
        for it in self.kept.drain(..) {
            self.cache.release(&it.pages);
        }
    }
}
