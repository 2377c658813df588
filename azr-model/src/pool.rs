//! Memory that an operation needs while it runs: taken from a pool, given back, used again.
//!
//! Fresh memory would cost more than the arithmetic of a block. There are never more pieces than tasks ran at once.

use std::sync::{Mutex, PoisonError};

/// Pieces of one kind that nobody uses.
#[derive(Debug, Default)]
pub(crate) struct Pool<T>(Mutex<Vec<T>>);

impl<T: Default> Pool<T> {
    /// Runs `work` with a piece that is its own meanwhile. What the piece holds is left over from an earlier use.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let free = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The lock is not held while the work runs.
        let piece = free().pop();
        let mut piece = piece.unwrap_or_default();
        let result = work(&mut piece);
        free().push(piece);
        result
    }
}
