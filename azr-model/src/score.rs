//! Log-probabilities of given tokens.

use thiserror::Error;

use crate::{
    backend::{Backend, BackendError, Batch},
    transformer::{
        InputError, Transformer,
        arena::{Arena, Capacity, Keep},
        packing,
    },
};

/// Tokens that one pass reads.
const PASS_TOKENS_MAX: usize = 2048;

/// Why sequences could not be scored.
#[derive(Debug, Error)]
pub enum ScoreError {
    /// The model cannot read one of them.
    #[error("sequence {sequence} cannot be scored")]
    Input {
        /// Its index.
        sequence: usize,
        /// Why.
        source: InputError,
    },
    /// A score is not a number.
    #[error(
        "sequence {sequence} has a log-probability that is not finite; the weights may be damaged"
    )]
    NotFinite {
        /// Its index.
        sequence: usize,
    },
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// For every token of every sequence, the natural logarithm of its probability given those before it, at temperature 1;
/// `None` for the first of a sequence. Sequences are packed into passes; how does not change a score.
///
/// # Errors
/// A sequence that is empty, too long or names tokens the model does not have; weights that give no numbers.
pub fn logprobs<B: Backend>(
    transformer: &Transformer<B>,
    sequences: &[Vec<u32>],
) -> Result<Vec<Vec<Option<f32>>>, ScoreError> {
    for (sequence, tokens) in sequences.iter().enumerate() {
        transformer
            .check_tokens(tokens, 0)
            .map_err(|source| ScoreError::Input { sequence, source })?;
    }
    let backend = transformer.backend();
    let config = transformer.config();
    let mut arena = Arena::new(backend, config, Keep::Nothing, Capacity::NOTHING)?;
    let mut scores: Vec<Vec<Option<f32>>> = sequences.iter().map(|_| vec![None]).collect();
    let lengths: Vec<usize> = sequences.iter().map(|tokens| tokens.len() - 1).collect();
    for pass in packing::passes(&lengths, PASS_TOKENS_MAX) {
        let mut batch = Batch::default();
        for tokens in sequences[pass.clone()]
            .iter()
            .filter(|tokens| 1 < tokens.len())
        {
            batch.push_sequence(
                &tokens[..tokens.len() - 1],
                0..tokens.len() - 1,
                &tokens[1..],
            );
        }
        if batch.rows() == 0 {
            continue;
        }
        let (size, capacity) = packing::sizes(&batch);
        arena.fit(backend, transformer.config(), capacity)?;
        let batch = backend.stage(batch)?;
        transformer.read(&mut arena, &batch, size, capacity.pages);
        transformer.scores(&mut arena, &batch, size, 1.0, |logprobs, _| {
            let mut rest = logprobs;
            for index in pass.clone() {
                let (now, later) = rest.split_at(lengths[index]);
                scores[index].extend(now.iter().copied().map(Some));
                rest = later;
            }
        })?;
    }
    let bad = scores
        .iter()
        .position(|scores| scores.iter().flatten().any(|score| !score.is_finite()));
    match bad {
        Some(sequence) => Err(ScoreError::NotFinite { sequence }),
        None => Ok(scores),
    }
}
