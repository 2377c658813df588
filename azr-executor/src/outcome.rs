//! What a program did, kept apart by cause.

use crate::value::Value;

/// What one call did.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The entry function returned a plain value.
    Returned(Value),
    /// The program raised, did not compile, or gave a value that is not a plain value.
    Raised(Exception),
    /// A limit was reached.
    Exceeded(Limit),
    /// The worker died of a signal or left without a result.
    Killed {
        /// Signal number; 0 when it exited by itself.
        signal: i32,
    },
    /// Refused before or while running.
    Denied(Denial),
    /// Two runs, or two calls of one run, differed.
    Nondeterministic,
}

impl Outcome {
    /// The one word that reports use: `ok`, `error`, `timeout`, `memory`, `killed`, `denied` or `nondeterministic`.
    /// A result over its limit is an `error`, as a value that is not supported is.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Returned(_) => "ok",
            Self::Raised(_) | Self::Exceeded(Limit::Output) => "error",
            Self::Exceeded(Limit::Cpu | Limit::Wall) => "timeout",
            Self::Exceeded(Limit::Memory) => "memory",
            Self::Killed { .. } => "killed",
            Self::Denied(_) => "denied",
            Self::Nondeterministic => "nondeterministic",
        }
    }
}

/// An exception, as the interpreter's type name says; its text is a program's text and never trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Class name, bounded and escaped.
    pub class: String,
    /// Message, bounded and escaped; empty when only user code could have formatted it.
    pub message: String,
}

/// Which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Processor time.
    Cpu,
    /// Elapsed time.
    Wall,
    /// Memory.
    Memory,
    /// Size of the result.
    Output,
}

/// Why a job was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// It imports a banned module.
    BannedImport {
        /// Its name.
        module: String,
    },
    /// The source is larger than the limit.
    SourceTooLarge {
        /// Its size.
        bytes: u64,
    },
    /// The source is nested deeper than the parser's limit.
    SourceTooDeep,
    /// A system call outside the worker's list.
    SystemCall,
}

/// The report of one job.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// One outcome for each input, in order.
    pub outcomes: Vec<Outcome>,
    /// Elapsed time of the job, microseconds. Never part of a verdict.
    pub micros: u64,
}
