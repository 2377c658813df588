//! How sequences share passes: consecutive ones together, up to a number of tokens.

use std::ops::Range;

use super::{arena::Capacity, forward::Size};
use crate::backend::{Batch, PAGE_TOKENS};

/// Cuts sequences of these lengths into consecutive passes of at most `tokens_max` tokens. A longer one gets a pass of
/// its own.
pub(crate) fn passes(lengths: &[usize], tokens_max: usize) -> Vec<Range<usize>> {
    let mut passes = Vec::new();
    let (mut first, mut tokens) = (0, 0);
    for (index, length) in lengths.iter().enumerate() {
        if first < index && tokens_max < tokens + length {
            passes.push(first..index);
            (first, tokens) = (index, 0);
        }
        tokens += length;
    }
    if first < lengths.len() {
        passes.push(first..lengths.len());
    }
    passes
}

/// The memory that the largest of these passes needs; each sequence is (tokens read, outputs).
pub(crate) fn capacity(sequences: &[(usize, usize)], tokens_max: usize) -> Capacity {
    let lengths: Vec<usize> = sequences.iter().map(|(tokens, _)| *tokens).collect();
    let mut most = Capacity::NOTHING;
    for pass in passes(&lengths, tokens_max) {
        let of =
            |part: fn(&(usize, usize)) -> usize| sequences[pass.clone()].iter().map(part).sum();
        most = most.or(Capacity {
            rows: of(|it| it.0),
            outputs: of(|it| it.1),
            pages: of(|it| it.0.div_ceil(PAGE_TOKENS)),
        });
    }
    most
}

/// The sizes of a batch, and the memory it needs.
pub(crate) fn sizes(batch: &Batch) -> (Size, Capacity) {
    let (rows, outputs) = (batch.rows(), batch.outputs.len());
    (
        Size { rows, outputs },
        Capacity {
            rows,
            outputs,
            pages: batch.pages.len(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_cover_all_sequences_in_order_within_the_limit() {
        assert!(passes(&[], 10).is_empty());
        assert_eq!(passes(&[3, 4, 3, 1, 20, 2], 10), [0..3, 3..4, 4..5, 5..6]);
        assert_eq!(passes(&[11], 10), vec![0..1]);
    }
}
