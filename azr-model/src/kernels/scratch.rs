//! The pools that the operations take their passing memory from; a backend owns one set.

use super::attention;
use crate::{pool::Pool, simd::product};

/// The pools of all operations.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Blocks of products.
    pub(crate) blocks: Pool<product::Block>,
    /// Plain rows of floats.
    pub(crate) floats: Pool<Vec<f32>>,
    /// Logits of one chunk of the head's backward pass: one large piece.
    pub(crate) logits: Pool<Vec<f32>>,
    /// The backward pass of attention.
    pub(crate) attention: Pool<attention::Space>,
}
