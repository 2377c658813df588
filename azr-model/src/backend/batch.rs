//! What one pass of the model reads: tokens of several sequences, packed without padding.

use std::ops::Range;

use crate::kernels::attention::BLOCK;
pub use crate::kernels::attention::Segment;

/// Packed rows, the sequences they belong to, and the rows whose logits are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Token id of each row.
    pub tokens: Vec<u32>,
    /// Position of each row in its sequence.
    pub positions: Vec<u32>,
    /// Consecutive rows of one sequence each; together they cover all rows in order.
    pub segments: Vec<Segment>,
    /// Page numbers of all segments.
    pub pages: Vec<u32>,
    /// Rows whose logits are asked.
    pub outputs: Vec<u32>,
    /// The token whose probability is asked at each output; empty if only logits are.
    pub targets: Vec<u32>,
}

impl Batch {
    /// Adds a whole sequence that is read at once, with pages of its own after those in use. The logits of the rows of
    /// `outputs` (counted from the sequence's first) are asked for the token that follows in `targets`.
    pub fn push_sequence(&mut self, tokens: &[u32], outputs: Range<usize>, targets: &[u32]) {
        let (row, page) = (self.tokens.len(), self.pages.len());
        let pages = page..page + tokens.len().div_ceil(BLOCK);
        self.pages.extend(pages.clone().map(|page| page as u32));
        self.push_rows(tokens, 0, pages);
        self.outputs
            .extend(outputs.map(|output| (row + output) as u32));
        self.targets.extend(targets);
    }

    /// Adds the next tokens of a sequence that has `start` tokens in its pages already; the last row is an output.
    pub fn push_continuation(&mut self, tokens: &[u32], start: usize, pages: &[u32]) {
        let first = self.pages.len();
        self.pages.extend(pages);
        self.push_rows(tokens, start, first..first + pages.len());
        self.outputs.push((self.tokens.len() - 1) as u32);
    }

    fn push_rows(&mut self, tokens: &[u32], start: usize, pages: Range<usize>) {
        let row = self.tokens.len();
        self.tokens.extend(tokens);
        self.positions
            .extend((start..start + tokens.len()).map(|position| position as u32));
        self.segments.push(Segment {
            rows: row..row + tokens.len(),
            start,
            pages,
        });
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.tokens.len()
    }
}
