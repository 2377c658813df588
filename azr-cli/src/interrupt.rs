//! Signals: Ctrl-C and termination ask for an orderly end, the second one ends at once; a file that grows beyond its
//! limit ends nothing.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

use crate::request::INTERRUPTED;

/// From now on, a write beyond the limit on the size of files fails like any other instead of ending the process.
///
/// # Errors
/// When the handler cannot be installed.
pub fn survive_file_size_limit() -> io::Result<()> {
    // Any handler takes the place of the deadly default; nobody reads the flag. Programs that are started do not
    // inherit a handler, as they would inherit a signal that is ignored.
    flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false))).map(|_| ())
}

/// Set by the first signal.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on, SIGINT and SIGTERM set the flag; once it is set, another one ends the process at once.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn listen() -> io::Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: a first signal finds the flag unset, passes the first handler and sets it in the second.
            flag::register_conditional_shutdown(
                signal,
                i32::from(INTERRUPTED),
                Arc::clone(&asked),
            )?;
            flag::register(signal, Arc::clone(&asked))?;
        }
        Ok(Self(asked))
    }

    /// Set once an end has been asked for.
    pub fn flag(&self) -> &AtomicBool {
        &self.0
    }
}
