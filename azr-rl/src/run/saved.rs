//! What of a run goes into a checkpoint beside the policy, and back.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use azr_tasks::{Buffers, RecordError};
use serde::{Deserialize, Serialize};

use super::journal::{Journals, Marks};
use super::{Progress, Run, RunError};
use crate::checkpoint::disk::Disk;
use crate::checkpoint::{Checkpoint, SaveError};
use crate::evaluation::Evaluation;
use crate::self_play::State;

const BUFFER: &str = "buffer.jsonl";
const STATE: &str = "state.json";
const CONFIG: &str = "config.toml";

/// All numbers that a run goes on from. There is no generator among them: every draw derives from its place in the run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedState {
    fingerprint: String,
    step: u64,
    admitted_total: u64,
    journals: Marks,
    first: Option<Evaluation>,
    last: Option<Evaluation>,
}

impl Run {
    pub(super) fn write_checkpoint(
        &mut self,
        progress: &Progress,
    ) -> Result<Checkpoint, SaveError<RunError>> {
        let saved = SavedState {
            fingerprint: self.fingerprint.clone(),
            step: progress.state.step,
            admitted_total: progress.state.admitted_total,
            journals: progress.journals.marks(),
            first: progress.first.clone(),
            last: progress.last.clone(),
        };
        let config = self.config.to_toml();
        let config = config.map_err(|it| SaveError::Content(it.into()))?;
        let (policy, buffers) = (&self.policy, &progress.state.buffers);
        self.checkpoints
            .save(progress.state.step, |directory, disk| {
                let at = |path: &Path| {
                    let path = path.to_path_buf();
                    move |source| RunError::Save { path, source }
                };
                policy.save(directory)?;
                let path = directory.join(BUFFER);
                let mut lines = Vec::new();
                buffers.write_jsonl(&mut lines).map_err(at(&path))?;
                disk.write(&path, &lines).map_err(at(&path))?;
                let path = directory.join(STATE);
                let state =
                    serde_json::to_vec(&saved).map_err(|source| at(&path)(source.into()))?;
                disk.write(&path, &state).map_err(at(&path))?;
                let path = directory.join(CONFIG);
                disk.write(&path, config.as_bytes()).map_err(at(&path))
            })
    }

    /// Takes over the state of a checkpoint and cuts the journals back to it.
    pub(super) fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), RunError> {
        let unusable = |source| RunError::State {
            path: checkpoint.directory.clone(),
            source,
        };
        let text = fs::read(checkpoint.directory.join(STATE))
            .map_err(|source| unusable(StateError::Read { source }))?;
        let saved: SavedState = serde_json::from_slice(&text)
            .map_err(|source| unusable(StateError::Parse { source }))?;
        if saved.fingerprint != self.fingerprint {
            return Err(unusable(StateError::OtherRun));
        }
        // Checkpoints of earlier versions have none.
        if let Ok(before) = fs::read_to_string(checkpoint.directory.join(CONFIG)) {
            self.changes = self.config.changes_since(&before)?;
        }
        let file = File::open(checkpoint.directory.join(BUFFER))
            .map_err(|source| unusable(StateError::Read { source }))?;
        let buffers = Buffers::read_jsonl(self.config.buffer, &mut BufReader::new(file))
            .map_err(|source| unusable(StateError::Buffer { source }))?;
        let journals = Journals::cut_back(&self.directory, &saved.journals, saved.step)?;
        self.progress = Some(Progress {
            state: State {
                step: saved.step,
                admitted_total: saved.admitted_total,
                buffers,
            },
            journals,
            first: saved.first,
            last: saved.last,
            saved_step: Some(saved.step),
        });
        self.resumed_from = Some(saved.step);
        Ok(())
    }
}

/// The state in a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file cannot be read.
    #[error("a file of it cannot be read")]
    Read {
        /// Why.
        source: std::io::Error,
    },
    /// It is not what this program writes.
    #[error("its state was written by another version of this program")]
    Parse {
        /// Why.
        source: serde_json::Error,
    },
    /// Its buffer is not what this program writes.
    #[error("its buffer was written by another version of this program")]
    Buffer {
        /// Why.
        source: RecordError,
    },
    /// It was made by a run of another model.
    #[error("it belongs to a run of another model")]
    OtherRun,
}
