//! Checkpoints: complete or absent, whatever happens while they are written.
//!
//! ```text
//! checkpoints/step-20/            a complete checkpoint: nothing in it ever changes
//!     model/, optimizer.bin       written by the policy
//!     buffer.jsonl, state.json, config.toml    written by the run
//!     manifest.json               size and SHA-256 of every other file; written last
//! checkpoints/.step-30.partial/   being written: every file synced, then renamed, then the parent synced
//! ```
//!
//! An older checkpoint is removed only after a newer one is complete. On load every file is compared with the manifest;
//! a damaged checkpoint is passed over for the one before it.

pub mod disk;
pub mod manifest;

use std::io;
use std::path::{Path, PathBuf};

use self::disk::Disk;
use self::manifest::{Damage, Manifest};

/// The checkpoints of a run.
#[derive(Debug)]
pub struct Checkpoints<D: Disk> {
    directory: PathBuf,
    keep: usize,
    disk: D,
}

/// A complete checkpoint whose files are what they were when it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Steps that were done.
    pub step: u64,
    /// Where it is.
    pub directory: PathBuf,
}

/// What was found when looking for the latest checkpoint.
#[derive(Debug)]
pub struct Found {
    /// The latest good one, if there is any.
    pub checkpoint: Option<Checkpoint>,
    /// Later ones that are damaged.
    pub damaged: Vec<(PathBuf, Damage)>,
}

impl<D: Disk> Checkpoints<D> {
    /// The checkpoints in `directory`, which exists; the last `keep` stay when one is added.
    pub fn new(directory: PathBuf, keep: usize, disk: D) -> Self {
        assert!(0 < keep, "a run without any checkpoint cannot be resumed");
        Self {
            directory,
            keep,
            disk,
        }
    }

    /// Writes a checkpoint. `write` fills an empty directory with whatever belongs to it; when anything fails, the
    /// checkpoints that were there before still are, and what was half written is removed.
    ///
    /// # Errors
    /// What failed. `E` is what `write` fails with.
    pub fn save<E>(
        &mut self,
        step: u64,
        write: impl FnOnce(&Path, &mut D) -> Result<(), E>,
    ) -> Result<Checkpoint, SaveError<E>> {
        let partial = self.directory.join(format!(".step-{step}.partial"));
        let done = self.directory.join(format!("step-{step}"));
        let result = self.write_and_rename(&partial, &done, write);
        if result.is_err() {
            // The disk may be full: give back what the attempt took. The error that counts is the first one.
            let _ = self.disk.remove_directory(&partial);
        }
        result?;
        self.prune(step);
        Ok(Checkpoint {
            step,
            directory: done,
        })
    }

    fn write_and_rename<E>(
        &mut self,
        partial: &Path,
        done: &Path,
        write: impl FnOnce(&Path, &mut D) -> Result<(), E>,
    ) -> Result<(), SaveError<E>> {
        let at = |path: &Path| {
            let path = path.to_path_buf();
            move |source| SaveError::Disk { path, source }
        };
        self.disk.remove_directory(partial).map_err(at(partial))?;
        self.disk.create_directory(partial).map_err(at(partial))?;
        write(partial, &mut self.disk).map_err(SaveError::Content)?;
        let manifest = Manifest::of(partial).map_err(at(partial))?;
        for path in manifest.paths(partial) {
            self.disk.sync(&path).map_err(at(&path))?;
        }
        let path = partial.join(manifest::FILE_NAME);
        self.disk
            .write(&path, manifest.to_json().as_bytes())
            .map_err(at(&path))?;
        self.disk.sync(&path).map_err(at(&path))?;
        for directory in manifest::directories(partial).map_err(at(partial))? {
            self.disk.sync(&directory).map_err(at(&directory))?;
        }
        // Only a damaged checkpoint can stand here: good ones are resumed from, not written again.
        self.disk.remove_directory(done).map_err(at(done))?;
        self.disk.rename(partial, done).map_err(at(done))?;
        self.disk.sync(&self.directory).map_err(at(&self.directory))
    }

    /// Removes what a killed process left half written, and looks for the latest checkpoint that is whole.
    ///
    /// # Errors
    /// Only when the directory cannot be read; damage is not an error here.
    pub fn latest(&mut self) -> io::Result<Found> {
        self.sweep()?;
        let mut found = Found {
            checkpoint: None,
            damaged: Vec::new(),
        };
        for step in self.steps()?.into_iter().rev() {
            let directory = self.directory.join(format!("step-{step}"));
            match Manifest::verify(&directory) {
                Ok(()) => {
                    // A process that was killed between a save and its pruning left more than are kept.
                    self.prune(step);
                    found.checkpoint = Some(Checkpoint { step, directory });
                    return Ok(found);
                }
                Err(damage) => found.damaged.push((directory, damage)),
            }
        }
        Ok(found)
    }

    /// Steps of all checkpoints, whole or damaged, in ascending order.
    fn steps(&self) -> io::Result<Vec<u64>> {
        let mut steps = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            let name = entry?.file_name();
            steps.extend(
                name.to_str()
                    .and_then(|it| it.strip_prefix("step-"))
                    .and_then(|it| it.parse::<u64>().ok()),
            );
        }
        steps.sort_unstable();
        Ok(steps)
    }

    fn sweep(&mut self) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry
                .file_name()
                .to_str()
                .is_some_and(|it| it.starts_with(".step-"))
            {
                self.disk.remove_directory(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes old checkpoints. Each is renamed first, so that a half removed one is never taken for one. A failure here
    /// costs space, not the run, so it is only noted.
    fn prune(&mut self, newest: u64) {
        let Ok(steps) = self.steps() else { return };
        let older: Vec<u64> = steps.into_iter().filter(|&step| step <= newest).collect();
        let superfluous = older.len().saturating_sub(self.keep);
        for step in &older[..superfluous] {
            let directory = self.directory.join(format!("step-{step}"));
            let doomed = self.directory.join(format!(".step-{step}.removed"));
            let removed = self
                .disk
                .rename(&directory, &doomed)
                .and_then(|()| self.disk.remove_directory(&doomed));
            if let Err(error) = removed {
                tracing::warn!(step, %error, "an old checkpoint could not be removed");
            }
        }
    }
}

/// A checkpoint could not be written. Those that were there before still are.
#[derive(Debug, thiserror::Error)]
pub enum SaveError<E> {
    /// The disk refused.
    #[error("{} cannot be written ({source}); the last complete checkpoint is untouched", path.display())]
    Disk {
        /// Which file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What belongs into the checkpoint could not be written.
    #[error(transparent)]
    Content(E),
}

#[cfg(test)]
mod tests;
