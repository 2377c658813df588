//! Keys and values of sequences in flight, in pages that can be shared.

use crate::{
    backend::{Backend, BackendError, PAGE_TOKENS},
    transformer::Transformer,
};

/// A pool of pages; each holds [`PAGE_TOKENS`] tokens of all layers.
pub(super) struct KvCache<B: Backend> {
    buffer: B::Buffer,
    page_elements: usize,
    layers: usize,
    /// Sequences that hold each page.
    holders: Vec<u32>,
    free: Vec<u32>,
}

/// Pages that so many tokens take.
pub(super) fn pages_for(tokens: usize) -> usize {
    tokens.div_ceil(PAGE_TOKENS)
}

impl<B: Backend> KvCache<B> {
    pub(super) fn new(transformer: &Transformer<B>, pages: usize) -> Result<Self, BackendError> {
        let layers = transformer.config().layers;
        let page_elements = layers * transformer.heads().page_elements();
        let buffer = transformer.backend().allocate(pages * page_elements)?;
        let free = (0..pages as u32).rev().collect();
        Ok(Self {
            buffer,
            page_elements,
            layers,
            holders: vec![0; pages],
            free,
        })
    }

    pub(super) fn free_pages(&self) -> usize {
        self.free.len()
    }

    /// Takes pages; the caller has asked for no more than [`Self::free_pages`].
    pub(super) fn take(&mut self, count: usize) -> Vec<u32> {
        let pages = self.free.split_off(self.free.len() - count);
        for page in &pages {
            self.holders[*page as usize] = 1;
        }
        pages
    }

    /// Takes pages for a sequence that begins with the first `tokens` tokens of another: full pages are shared, the
    /// last part is copied. Needs `count - tokens / PAGE_TOKENS` free pages.
    pub(super) fn fork(
        &mut self,
        backend: &B,
        from: &[u32],
        tokens: usize,
        count: usize,
    ) -> Vec<u32> {
        let pages = self.share(from, tokens, count);
        self.copy_last(backend, from, &pages, tokens);
        pages
    }

    /// The same, but the last part is not copied: for tokens that are still to be read.
    pub(super) fn share(&mut self, from: &[u32], tokens: usize, count: usize) -> Vec<u32> {
        let shared = tokens / PAGE_TOKENS;
        let mut pages = from[..shared].to_vec();
        for page in &pages {
            self.holders[*page as usize] += 1;
        }
        pages.extend(self.take(count - shared));
        pages
    }

    /// Copies what the first `tokens` tokens of a sequence have in their last page, where it is not full.
    pub(super) fn copy_last(&mut self, backend: &B, from: &[u32], to: &[u32], tokens: usize) {
        if !tokens.is_multiple_of(PAGE_TOKENS) {
            let last = tokens / PAGE_TOKENS;
            let all = 0..self.holders.len() * self.page_elements;
            let buffer = backend.view_mut(&mut self.buffer, all);
            backend.copy_page(from[last], to[last], self.page_elements, buffer);
        }
    }

    /// Gives pages back; one is free when its last holder lets go.
    pub(super) fn release(&mut self, pages: &[u32]) {
        for page in pages {
            let holders = &mut self.holders[*page as usize];
            *holders -= 1;
            if *holders == 0 {
                self.free.push(*page);
            }
        }
    }

    pub(super) fn parts(&mut self) -> crate::transformer::Cache<'_, B> {
        let elements = self.holders.len() * self.page_elements;
        crate::transformer::Cache {
            buffer: &mut self.buffer,
            elements,
            layers: self.layers,
        }
    }
}
