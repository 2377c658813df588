//! The threads that libraries compute with: started before any work, where a failure can still be said.

use azr_rl::thread::NoThread;

/// One thread for each processor, for tokenizers and readers of weights; the engine has its own. Left to itself, rayon starts
/// them at their first use and panics where there are none.
///
/// # Errors
/// [`NoThread`].
pub fn start() -> Result<(), NoThread> {
    rayon::ThreadPoolBuilder::new()
        .build_global()
        .map_err(NoThread::because)
}
