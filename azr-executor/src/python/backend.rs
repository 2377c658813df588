//! How workers come into being, which ways are tried on a host, and which of them it did not permit.

use std::fmt::{self, Display, Formatter};

use crate::SandboxError;

/// How workers come into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// One worker for many runs, rolled back after each: the fastest (Linux 6.7 or later, x86-64). Programs that set signal
    /// handlers, limits or mappings of their own are refused what they get in a fresh interpreter.
    Snapshot,
    /// A shut-in template forks a worker for each run.
    Fork,
    /// A fresh interpreter for each run: slow, and what the other is tested against.
    Exec,
}

impl Backend {
    /// All of them, the fastest first.
    pub const ALL: [Self; 3] = [Self::Snapshot, Self::Fork, Self::Exec];

    /// Its name, in one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Fork => "fork",
            Self::Exec => "exec",
        }
    }
}

impl Display for Backend {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which backend to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackendChoice {
    /// The fastest that this host permits: [`Backend::Snapshot`], then [`Backend::Fork`], then [`Backend::Exec`].
    #[default]
    Auto,
    /// This one or none.
    Only(Backend),
}

impl BackendChoice {
    /// Those to try while they fail, in this order, and the one whose failure is final.
    pub(super) fn candidates(self) -> (&'static [Backend], Backend) {
        match self {
            Self::Auto => (&[Backend::Snapshot, Backend::Fork], Backend::Exec),
            Self::Only(backend) => (&[], backend),
        }
    }
}

/// A backend that would have been taken before the one in use, and does not work on this host.
#[derive(Debug)]
pub struct PassedOver {
    /// Which.
    pub backend: Backend,
    /// Why, and what to do.
    pub error: SandboxError,
}

impl PassedOver {
    /// Why, in a few words and without what to do.
    #[must_use]
    pub fn cause(&self) -> String {
        match &self.error {
            SandboxError::Backend { source, .. } => source.to_string(),
            error => error.to_string(),
        }
    }
}

impl Display for PassedOver {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "the {} backend is passed over: ", self.backend)?;
        match &self.error {
            SandboxError::Backend { remedy, source, .. } => {
                write!(f, "{source}; to get it, {remedy}")
            }
            error => write!(f, "{error}"),
        }
    }
}
