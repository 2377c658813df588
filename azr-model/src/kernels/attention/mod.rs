//! Causal attention with grouped query heads over packed sequences (Vaswani et al., arXiv 1706.03762; online softmax of
//! Milakov and Gimelshein, arXiv 1805.02867; blocks as in Dao et al., arXiv 2205.14135).
//!
//! For a query at position `t` of its sequence, head `h` reading key/value head `h / (heads / kv_heads)`:
//! `s[j] = q . k[j] / sqrt(e)` for `j` up to `t`, `out = sum of softmax(s)[j] v[j]`, `lse = ln sum e^s[j]`.
//! Keys are walked in blocks of [`BLOCK`] counted from the start of the sequence, which are also the pages of the
//! cache: a query gives the same bits whether its sequence is read at once, in parts, or token by token.
//!
//! A row of `qkv` holds `heads` queries, then `kv_heads` keys, then `kv_heads` values, each `e` wide.

use std::ops::Range;

mod backward;
pub(crate) mod cuda;
mod forward;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

pub(crate) use backward::Space;

use super::scratch::Scratch;
use crate::{config::ModelConfig, simd::tile::PANEL};

/// Attention over the sequences of one batch.
#[derive(Clone, Copy)]
pub(crate) struct Attention<'a> {
    pub(crate) scratch: &'a Scratch,
    pub(crate) heads: &'a Heads,
    pub(crate) segments: &'a [Segment],
}

/// What the backward pass reads of the forward pass, and the gradient from above; `V` is a view of numbers.
#[derive(Clone, Copy)]
pub struct Saved<V> {
    /// `[n, width]`, after the rotation.
    pub qkv: V,
    /// `[n, query_width]`.
    pub out: V,
    /// `[n, heads]`.
    pub lse: V,
    /// `[n, query_width]`.
    pub dout: V,
}

/// Keys of a block, and tokens of a page of the cache.
pub const BLOCK: usize = 64;

/// The heads of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
}

/// Consecutive rows of a batch that belong to one sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Rows of the batch.
    pub rows: Range<usize>,
    /// Position of the first of them in its sequence.
    pub start: usize,
    /// Which entries of the page table are the sequence's, from its first page on.
    pub pages: Range<usize>,
}

/// Where the keys and values of one layer lie: pages of all layers in one buffer.
#[derive(Clone, Copy, Debug)]
pub struct Pages<'a> {
    /// Page numbers of all segments.
    pub table: &'a [u32],
    /// This layer.
    pub layer: usize,
    /// Layers that share the buffer.
    pub layers: usize,
}

impl Heads {
    /// Those of a model.
    pub fn of(config: &ModelConfig) -> Self {
        Self {
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
        }
    }

    /// Width of all queries of a row.
    pub fn query_width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Width of all keys of a row; the values are as wide.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// Width of a row.
    pub fn width(&self) -> usize {
        self.query_width() + 2 * self.kv_width()
    }

    /// Query heads that read one key/value head.
    pub fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// Elements of one page of one layer. For each key/value head: keys in panels of sixteen, `[BLOCK / 16, e, 16]`,
    /// then values in rows, `[BLOCK, e rounded up to 16]`.
    pub fn page_elements(&self) -> usize {
        self.kv_heads * self.page_head_elements()
    }

    fn page_head_elements(&self) -> usize {
        BLOCK * (self.head_dim + self.padded())
    }

    /// Width of a head, rounded up to whole panels.
    fn padded(&self) -> usize {
        self.head_dim.next_multiple_of(PANEL)
    }

    fn scale(&self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }
}

impl Segment {
    /// The part of it that holds these of its rows, counted from its first.
    fn part(&self, rows: Range<usize>) -> Self {
        let first = self.rows.start;
        Self {
            rows: first + rows.start..first + rows.end,
            start: self.start + rows.start,
            pages: self.pages.clone(),
        }
    }

    /// Pages that it reads.
    pub(crate) fn pages_needed(&self) -> usize {
        (self.start + self.rows.len()).div_ceil(BLOCK)
    }

    /// Pairs of query and key, all heads: what its attention costs.
    fn pairs(&self) -> usize {
        self.rows.len() * (self.start + self.rows.len().div_ceil(2))
    }
}

impl Pages<'_> {
    /// First element of a head of the page that holds position `block * BLOCK` of a segment.
    fn head(&self, heads: &Heads, segment: &Segment, block: usize, kv_head: usize) -> usize {
        let page = self.table[segment.pages.start + block] as usize;
        (page * self.layers + self.layer) * heads.page_elements()
            + kv_head * heads.page_head_elements()
    }
}
