//! What came of a run, by how its worker ended and what it left in shared memory.

use std::time::Duration;

use crate::outcome::{Denial, Limit, Outcome};
use crate::python::deadline::Overrun;
use crate::python::request::Run;
use crate::python::result::{self, HEADER_BYTES, NONCE_BYTES};
use crate::sys::{Ending, SharedMemory};

/// What came of a run.
pub(super) struct Verdict {
    /// How its worker ended, or was stopped.
    pub(super) ending: Ending,
    /// The time since the worker was told to begin.
    pub(super) elapsed: Duration,
    /// None when it was to be brief and was not.
    pub(super) outcomes: Option<Vec<Outcome>>,
}

impl Verdict {
    /// Of a request that does not fit into its region.
    pub(super) fn source_too_large(bytes: u64) -> Self {
        Self {
            ending: Ending::Exited(0),
            elapsed: Duration::ZERO,
            outcomes: Some(vec![Outcome::Denied(Denial::SourceTooLarge { bytes })]),
        }
    }

    /// Whether something outside of the worker has ended it.
    pub(super) fn is_lost(&self) -> bool {
        self.ending == Ending::Signaled(libc::SIGKILL)
    }

    /// Whether a worker of many runs was stopped by the signal that ends a run.
    pub(super) fn is_stopped(&self) -> bool {
        self.ending == Ending::Signaled(libc::SIGXCPU)
    }
}

/// Reads the result of a worker that is dead or stopped. Only a whole result, a clean exit and limits that were kept count.
pub(super) fn outcomes(
    memory: &SharedMemory,
    ending: Ending,
    overrun: Option<Overrun>,
    nonce: &[u8; NONCE_BYTES],
    run: Run<'_>,
) -> Option<Vec<Outcome>> {
    let output_bytes_max = run.job.limits.output_bytes_max;
    let outcome = match (ending, overrun) {
        (_, Some(Overrun::Limit(limit))) => Outcome::Exceeded(limit),
        (Ending::Exited(0), _) => {
            let header = memory.read(0, HEADER_BYTES);
            match result::records_length(&header, nonce) {
                Some(length) => {
                    let records = memory.read(HEADER_BYTES, length);
                    let calls = run.calls as usize;
                    return Some(result::outcomes(&records, calls, output_bytes_max));
                }
                None => Outcome::Killed { signal: 0 },
            }
        }
        (_, Some(Overrun::Patience)) => return None,
        (Ending::Exited(_), None) => Outcome::Killed { signal: 0 },
        (Ending::Signaled(libc::SIGSYS), None) => Outcome::Denied(Denial::SystemCall),
        (Ending::Signaled(libc::SIGXCPU), None) => Outcome::Exceeded(Limit::Cpu),
        (Ending::Signaled(signal), None) => Outcome::Killed { signal },
    };
    Some(vec![outcome])
}
