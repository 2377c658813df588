//! Files that grow by a line at a time, and can be cut back to where a checkpoint was made.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::directory::RunDirectory;
use crate::report::RolloutRecord;

/// Compression of rollouts. Fixed, so that two runs write the same bytes.
const ZSTD_LEVEL: i32 = 6;

/// The journals of a run.
#[derive(Debug)]
pub(super) struct Journals {
    pub metrics: Journal,
    pub tasks: Journal,
    pub evaluations: Journal,
}

/// How long each journal was at a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Marks {
    metrics_bytes: u64,
    tasks_bytes: u64,
    evaluations_bytes: u64,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Journals {
    /// Empty journals: whatever a killed process wrote before the first checkpoint goes.
    pub(super) fn begin(directory: &RunDirectory) -> Result<Self, JournalError> {
        Self::cut_back(
            directory,
            &Marks {
                metrics_bytes: 0,
                tasks_bytes: 0,
                evaluations_bytes: 0,
            },
            0,
        )
    }

    /// Journals as they were at a checkpoint after `step`.
    pub(super) fn cut_back(
        directory: &RunDirectory,
        marks: &Marks,
        step: u64,
    ) -> Result<Self, JournalError> {
        // Nothing is cut before it is certain that everything can be.
        let journals = Self {
            metrics: Journal::open(directory.metrics(), marks.metrics_bytes)?,
            tasks: Journal::open(directory.task_lines(), marks.tasks_bytes)?,
            evaluations: Journal::open(directory.evaluations(), marks.evaluations_bytes)?,
        };
        for journal in [&journals.metrics, &journals.tasks, &journals.evaluations] {
            let file = &journal.file;
            file.set_len(journal.bytes).map_err(cut(&journal.path))?;
        }
        let rollouts = directory.rollouts(step);
        for path in directory.rollouts_to_drop(step).map_err(cut(&rollouts))? {
            fs::remove_file(&path).map_err(cut(&path))?;
        }
        Ok(journals)
    }

    pub(super) fn marks(&self) -> Marks {
        Marks {
            metrics_bytes: self.metrics.bytes,
            tasks_bytes: self.tasks.bytes,
            evaluations_bytes: self.evaluations.bytes,
        }
    }

    /// Waits until all lines are on the disk: a checkpoint must never be ahead of its journals.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        for journal in [&self.metrics, &self.tasks, &self.evaluations] {
            journal.file.sync_all().map_err(append(&journal.path))?;
        }
        Ok(())
    }
}

impl Journal {
    /// The journal at `path`, which has `bytes` at least. Only an empty one is made when there is none.
    fn open(path: PathBuf, bytes: u64) -> Result<Self, JournalError> {
        let opened = OpenOptions::new()
            .create(bytes == 0)
            .append(true)
            .open(&path);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(JournalError::Missing { path });
            }
            opened => opened.map_err(cut(&path))?,
        };
        let found = file.metadata().map_err(cut(&path))?.len();
        if found < bytes {
            return Err(JournalError::TooShort {
                path,
                found,
                expected: bytes,
            });
        }
        Ok(Self { path, file, bytes })
    }

    /// Adds a line.
    pub(super) fn append(&mut self, record: &impl Serialize) -> Result<(), JournalError> {
        let mut line =
            serde_json::to_vec(record).map_err(|source| append(&self.path)(source.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(append(&self.path))?;
        self.bytes += line.len() as u64;
        Ok(())
    }
}

/// Writes the rollouts of a step: aside, then renamed.
pub(super) fn write_rollouts(path: &Path, records: &[RolloutRecord]) -> Result<(), JournalError> {
    let aside = path.with_extension("partial");
    let write = || -> io::Result<()> {
        let mut encoder = zstd::Encoder::new(File::create(&aside)?, ZSTD_LEVEL)?;
        for record in records {
            serde_json::to_writer(&mut encoder, record)?;
            encoder.write_all(b"\n")?;
        }
        encoder.finish()?.sync_all()?;
        fs::rename(&aside, path)
    };
    write().map_err(append(path))
}

fn append(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_path_buf();
    move |source| JournalError::Append { path, source }
}

fn cut(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_path_buf();
    move |source| JournalError::Cut { path, source }
}

/// A journal failed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A line could not be added.
    #[error("{} cannot be written ({source}); the last complete checkpoint is untouched: free space, then go on with --resume", path.display())]
    Append {
        /// Which journal.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A journal could not be opened or cut back to the checkpoint.
    #[error("{} cannot be cut back to the last checkpoint ({source}); make it writable, then go on with --resume", path.display())]
    Cut {
        /// Which journal.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A journal is gone that was there when the checkpoint was made.
    #[error("{} is missing; restore it from a copy or start a new run", path.display())]
    Missing {
        /// Which journal.
        path: PathBuf,
    },
    /// Lines are missing that were there when the checkpoint was made.
    #[error("{} has {found} bytes and had {expected} when the last checkpoint was made; restore it from a copy or start a new run", path.display())]
    TooShort {
        /// Which journal.
        path: PathBuf,
        /// Now.
        found: u64,
        /// At the checkpoint.
        expected: u64,
    },
}
