//! Runs one untrusted Python program and says what happened.
//!
//! This crate knows source text, limits, outcomes and processes. It never knows tasks, roles, rewards, tokens or tensors.
//! What the program did is data ([`Outcome`]); what the sandbox did is an error ([`SandboxError`]), never a reward.

pub mod encoding;
pub mod isolation;
pub mod job;
pub mod metrics;
pub mod outcome;
pub mod python;
pub mod syntax;
mod sys;
pub mod testing;
pub mod value;

pub use isolation::{Isolation, Layer, MissingLayer};
pub use job::{Bans, Job, Limits, Scrutiny};
pub use outcome::{Denial, Exception, Limit, Outcome, Report};
pub use python::{Backend, BackendChoice, PassedOver, Python, PythonConfig};
pub use value::{Arguments, Equality, Value};

/// Where a program runs. One call, one job, one report; safe to call from many threads at once.
pub trait Sandbox: Send + Sync {
    /// Runs `job` and reports one outcome for each of its inputs.
    ///
    /// # Errors
    /// Only when the sandbox itself failed; whatever the program did is an [`Outcome`].
    fn run(&self, job: &Job) -> Result<Report, SandboxError>;

    /// How it works on this host, for the records of what is run in it.
    fn standing(&self) -> Standing;
}

/// How a sandbox works on a host, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Standing {
    /// How workers come into being.
    pub backend: String,
    /// Isolation layers that the host refuses.
    pub missing: Vec<String>,
}

/// The sandbox failed. Never a statement about the program.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// No usable interpreter.
    #[error(
        "no usable Python interpreter at {path}: {source}; install Python 3.10 or newer, or name one that is there"
    )]
    Interpreter {
        /// What was tried.
        path: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The interpreter is older than the driver.
    #[error("{path} is Python {}.{}.{}; install Python 3.10 or newer, or name one that is there", .version[0], .version[1], .version[2])]
    InterpreterTooOld {
        /// Its path.
        path: String,
        /// Its version.
        version: [u32; 3],
    },
    /// A package of the configuration cannot be imported.
    #[error(
        "the package {package} cannot be loaded by {path}: {source}; install it there ({path} -m pip install {package}), or \
         use another interpreter"
    )]
    Package {
        /// Path of the interpreter.
        path: String,
        /// Which package.
        package: String,
        /// What the interpreter said.
        source: std::io::Error,
    },
    /// The thread that starts interpreters could not be started.
    #[error("the sandbox cannot start a thread: {source}; raise the limit on processes")]
    Keeper {
        /// Why.
        source: std::io::Error,
    },
    /// The host refuses what every backend needs.
    #[error("this host permits no sandbox: {source}; {remedy}")]
    Host {
        /// How to get it.
        remedy: &'static str,
        /// What it refuses.
        source: std::io::Error,
    },
    /// The host refuses what this backend needs.
    #[error(
        "the {backend} backend does not work here: {source}; {remedy}, or let the sandbox choose another backend"
    )]
    Backend {
        /// Which.
        backend: Backend,
        /// How to get it.
        remedy: &'static str,
        /// What the host refuses, or what else went wrong.
        source: std::io::Error,
    },
    /// The host refuses layers that the configuration requires.
    #[error("required layers are missing: {}", python::in_words(.missing))]
    MissingLayers {
        /// Which, and how to get them.
        missing: Vec<MissingLayer>,
    },
    /// A program whose result is known did not give it.
    #[error(
        "the sandbox fails its own test: {source}; try another interpreter or the exec backend"
    )]
    SelfTest {
        /// What came instead.
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

impl SandboxError {
    /// Whether another backend may start where this error was met.
    fn is_of_backend(&self) -> bool {
        matches!(
            self,
            // The exec backend loads no native code into the interpreter.
            Self::Backend { .. } | Self::SelfTest { .. } | Self::Interpreter { .. }
        )
    }
}
