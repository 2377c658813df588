//! Threads that end with their scope, and what to say when the system gives none.

use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::policy::Cause;

/// Starts a thread. The one that the standard library starts without being asked for a result panics where there is none.
///
/// # Errors
/// [`NoThread`]: mostly a limit on processes.
pub fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, NoThread> {
    Builder::new()
        .spawn_scoped(scope, work)
        .map_err(NoThread::because)
}

/// The system gives no more threads.
#[derive(Debug, thiserror::Error)]
#[error("cannot start a thread ({source}); raise the limit on processes (ulimit -u)")]
pub struct NoThread {
    source: Cause,
}

impl NoThread {
    /// With what the system said.
    pub fn because(source: impl Into<Cause>) -> Self {
        Self {
            source: source.into(),
        }
    }
}
