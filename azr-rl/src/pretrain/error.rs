//! What can end pretraining.

use std::io;
use std::path::PathBuf;

use azr_tasks::generator::WorkError;

use crate::checkpoint::SaveError;
use crate::config::ConfigError;
use crate::policy::{Cause, PolicyError};
use crate::thread::NoThread;

/// Why pretraining ended early.
#[derive(Debug, thiserror::Error)]
pub enum PretrainError {
    /// A value of the pretraining file makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Lessons could not be written.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The shape is no model.
    #[error("the model of the pretraining file cannot be built")]
    Build(#[source] Cause),
    /// Another pretraining was interrupted there.
    #[error("{} belongs to another pretraining file or to another version; remove it to begin anew, or choose another place", place.display())]
    OtherFile {
        /// Where.
        place: PathBuf,
    },
    /// Another process has it open.
    #[error("the pretraining in {} is open in another process; wait for it or stop it", place.display())]
    Locked {
        /// Where.
        place: PathBuf,
    },
    /// The system gives no thread to work on.
    #[error(transparent)]
    Thread(#[from] NoThread),
    /// A file cannot be read or written.
    #[error("{} cannot be read or written; when that is mended the same command goes on", path.display())]
    Disk {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A checkpoint cannot be used.
    #[error("the checkpoint {} cannot be used; remove it to begin anew", path.display())]
    Checkpoint {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A checkpoint cannot be written.
    #[error(transparent)]
    Save(#[from] SaveError<PolicyError>),
    /// A lesson could not be learned from, or an exam not sampled.
    #[error("the model failed in step {step}")]
    Model {
        /// In which step.
        step: u64,
        /// Why.
        #[source]
        source: Cause,
    },
}
