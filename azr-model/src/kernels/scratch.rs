//! What the operations share: the threads, and the pools they take their passing memory from; a backend owns one set.

use super::attention;
use crate::{
    pool::Pool,
    simd::{product, team::Team},
};

/// The threads and pools of all operations.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The threads.
    pub(crate) team: Team,
    /// Blocks of products.
    pub(crate) blocks: Pool<product::Block>,
    /// Plain rows of floats.
    pub(crate) floats: Pool<Vec<f32>>,
    /// Logits of one chunk of the head's backward pass: one large piece.
    pub(crate) logits: Pool<Vec<f32>>,
    /// The backward pass of attention.
    pub(crate) attention: Pool<attention::Space>,
}

#[cfg(test)]
impl Scratch {
    /// Of so many threads.
    pub(crate) fn of_threads(threads: usize) -> Self {
        Self {
            team: Team::new(threads),
            ..Self::default()
        }
    }
}
