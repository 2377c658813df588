//! Runs one untrusted Python program and says what happened.
//!
//! This crate knows source text, limits, outcomes and processes. It never knows tasks, roles, rewards, tokens or tensors.
//! What the program did is data ([`Outcome`]); what the sandbox did is an error ([`SandboxError`]), never a reward.

pub mod job;
pub mod outcome;
pub mod syntax;
pub mod testing;
pub mod value;

pub use job::{Bans, Job, Limits, Scrutiny};
pub use outcome::{Denial, Exception, Limit, Outcome, Report};
pub use value::{Arguments, Equality, Value};

/// Where a program runs. One call, one job, one report; safe to call from many threads at once.
pub trait Sandbox: Send + Sync {
    /// Runs `job` and reports one outcome for each of its inputs.
    ///
    /// # Errors
    /// Only when the sandbox itself failed; whatever the program did is an [`Outcome`].
    fn run(&self, job: &Job) -> Result<Report, SandboxError>;
}

/// The sandbox failed. Never a statement about the program.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// No usable interpreter.
    #[error(
        "no usable Python interpreter at {path}: {source}; install Python 3.10 or newer or name one in the configuration"
    )]
    Interpreter {
        /// What was tried.
        path: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A lane lost its interpreter and no fresh one could take its place.
    #[error(
        "lane {lane} of the sandbox is lost: {source}; the job has no verdict, start the sandbox anew"
    )]
    LaneLost {
        /// Which lane, from 0.
        lane: usize,
        /// What the last attempt met.
        source: std::io::Error,
    },
}
