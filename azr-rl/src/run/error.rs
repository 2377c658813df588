//! What can end a run.

use std::path::PathBuf;

use super::{JournalError, StateError};
use crate::policy::PolicyError;
use crate::self_play::StepError;

/// A run failed. What it saved before is untouched.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is a run at the place of a new one.
    #[error("{} exists already; choose another run directory, or go on with the run that is there with --resume", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// There is something else at the place of a new run.
    #[error("{} exists already and is no empty directory; choose another run directory", path.display())]
    Taken {
        /// Where.
        path: PathBuf,
    },
    /// A run directory would have to lie in a file.
    #[error("{} is not a directory, so no run can be kept below it; choose another run directory", path.display())]
    NoDirectory {
        /// Which file.
        path: PathBuf,
    },
    /// The place of a new run is a link to nothing.
    #[error("{} is a link to a directory that is not there; make that one or choose another run directory", path.display())]
    Dangling {
        /// The link.
        path: PathBuf,
        /// What came of following it.
        source: std::io::Error,
    },
    /// The place of a new run has no name of its own, as `.` has none.
    #[error("{} names no new directory; choose another run directory", path.display())]
    NoName {
        /// What was given.
        path: PathBuf,
    },
    /// The place of a new run cannot be written.
    #[error("{} cannot be written ({source}), so nothing was started; {}choose another run directory", path.display(), first_remedy(.source))]
    Place {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no run to go on with.
    #[error("{} is not a run directory (it has no readable config.toml); name a directory that azr train made", path.display())]
    NoRun {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Another process has the run open.
    #[error("the run in {} is open in another process; wait for it or stop it", path.display())]
    Locked {
        /// Its lock file.
        path: PathBuf,
    },
    /// A file or directory of the run cannot be read or written.
    #[error("{} cannot be read or written ({source}); free space or correct its permissions, then try again", path.display())]
    Directory {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that the run was started with is missing or not what it was.
    #[error("{} is missing or damaged; restore it from a copy or start a new run", path.display())]
    Damaged {
        /// Which one.
        path: PathBuf,
        /// How.
        source: crate::policy::Cause,
    },
    /// The policy is not the one that the run was started with.
    #[error("{source_name} is not the model that the run in {0} was started with; name that one as model.source in {0}/config.toml", directory.display())]
    OtherModel {
        /// The run.
        directory: PathBuf,
        /// What `model.source` names now.
        source_name: String,
    },
    /// Not one checkpoint is whole.
    #[error("every checkpoint is damaged, the latest of them {}: {damage}; restore one from a copy or start a new run", path.display())]
    AllDamaged {
        /// The latest one.
        path: PathBuf,
        /// What is wrong with it.
        damage: String,
    },
    /// A checkpoint does not belong to this run, or its state cannot be read.
    #[error("the checkpoint {} cannot be used", path.display())]
    State {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: StateError,
    },
    /// A checkpoint cannot be written.
    #[error("the checkpoint cannot be saved: {} ({source}); the last complete checkpoint is untouched: free space, then go on with --resume", path.display())]
    Save {
        /// At which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration of a run, which may have been changed by hand, cannot be used.
    #[error("{} cannot be used; correct it there", path.display())]
    RunFile {
        /// The file.
        path: PathBuf,
        /// The key, and what to give.
        source: crate::config::ConfigError,
    },
    /// The configuration of a new run cannot be written.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// A journal cannot be written or cut back.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The policy failed outside a step.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A step failed.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// What else than another place may help.
fn first_remedy(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded => "free space there or ",
        PermissionDenied => "correct its permissions or ",
        _ => "",
    }
}
