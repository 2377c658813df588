//! Files that hold models: Hugging Face directories, GGUF files, and the hub they are fetched from.

pub mod gguf;
pub mod hub;
pub mod safetensors;

use crate::config::Dimensions;

/// Largest number of blocks of a model that is loaded; the largest published ones have about 130.
const LAYERS_MAX: usize = 1024;
/// Largest width of anything inside a block.
const WIDTH_MAX: usize = 1 << 20;
/// Largest number of token ids.
const VOCABULARY_MAX: usize = 1 << 24;

/// A file declares a size that no model has. Nothing is allocated for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {size}, and at most {max} is possible; the file is damaged or of another kind")]
pub struct SizeError {
    name: &'static str,
    size: usize,
    max: usize,
}

/// Refuses dimensions that only a damaged or hostile file declares, so that products of them cannot overflow.
pub(crate) fn check_sizes(dimensions: &Dimensions) -> Result<(), SizeError> {
    let sizes = [
        ("the number of layers", dimensions.layers, LAYERS_MAX),
        ("the hidden size", dimensions.hidden_size, WIDTH_MAX),
        ("the number of heads", dimensions.heads, WIDTH_MAX),
        (
            "the number of key/value heads",
            dimensions.kv_heads,
            WIDTH_MAX,
        ),
        ("the head dimension", dimensions.head_dim, WIDTH_MAX),
        (
            "the width of all heads",
            dimensions.heads.saturating_mul(dimensions.head_dim),
            WIDTH_MAX,
        ),
        ("the feed-forward size", dimensions.ffn_size, WIDTH_MAX),
        ("the vocabulary size", dimensions.vocab_size, VOCABULARY_MAX),
    ];
    match sizes.into_iter().find(|(_, size, max)| max < size) {
        Some((name, size, max)) => Err(SizeError { name, size, max }),
        None => Ok(()),
    }
}
