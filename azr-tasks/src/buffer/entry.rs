//! A task in a buffer: where it comes from and how often it was solved.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::novelty::TaskKey;
use crate::references::Drawn;
use crate::task::{RecordError, Task, TaskId, TaskRecord};

/// A task with its history.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name.
    pub id: TaskId,
    /// What makes it the same as another.
    pub key: TaskKey,
    /// The task.
    pub task: Arc<Task>,
    /// Where it comes from.
    pub lineage: Lineage,
    /// How often it was solved.
    pub solves: Solves,
}

/// Where a task comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// The step that admitted it; 0 for seeds.
    pub step: u64,
    /// Who made it.
    pub origin: Origin,
    /// The tasks its proposer was shown.
    pub parents: Vec<TaskId>,
}

/// Who made a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It was there from the start.
    Seed,
    /// The policy proposed it.
    Proposed,
}

/// A running solve rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Solves {
    /// Answers judged.
    pub attempts: u64,
    /// Of these, correct.
    pub correct: u64,
}

/// An entry as a line of `tasks.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRecord {
    /// Name.
    pub id: TaskId,
    /// The task's own fields.
    #[serde(flatten)]
    pub task: TaskRecord,
    /// `step`, `origin`, `parents`.
    #[serde(flatten)]
    pub lineage: Lineage,
    /// `attempts`, `correct`.
    #[serde(flatten)]
    pub solves: Solves,
}

impl Lineage {
    /// Of a seed.
    pub fn seed() -> Self {
        Self {
            step: 0,
            origin: Origin::Seed,
            parents: Vec::new(),
        }
    }

    /// Of a proposal admitted at `step` whose author was shown `parents`.
    pub fn proposed(step: u64, parents: Vec<TaskId>) -> Self {
        Self {
            step,
            origin: Origin::Proposed,
            parents,
        }
    }
}

impl Solves {
    /// The share of correct answers; `None` before the first attempt.
    pub fn rate(self) -> Option<f64> {
        if self.attempts == 0 {
            None
        } else {
            Some(self.correct as f64 / self.attempts as f64)
        }
    }
}

impl Entry {
    /// A task that nobody has tried yet.
    pub(super) fn new(task: Task, lineage: Lineage) -> Self {
        Self {
            id: task.id(),
            key: TaskKey::of(&task),
            task: Arc::new(task),
            lineage,
            solves: Solves::default(),
        }
    }

    /// A shared handle on the task.
    pub fn drawn(&self) -> Drawn {
        Drawn {
            id: self.id.clone(),
            task: Arc::clone(&self.task),
        }
    }
}

impl From<&Entry> for EntryRecord {
    fn from(entry: &Entry) -> Self {
        Self {
            id: entry.id.clone(),
            task: TaskRecord::from(&*entry.task),
            lineage: entry.lineage.clone(),
            solves: entry.solves,
        }
    }
}

impl EntryRecord {
    /// The entry of this record; `line` is where it stands, for the error.
    ///
    /// # Errors
    /// [`RecordError::Literal`] when a case is not made of literals.
    pub fn into_entry(self, line: usize) -> Result<Entry, RecordError> {
        let task = self.task.into_task(line)?;
        let key = TaskKey::of(&task);
        Ok(Entry {
            id: self.id,
            key,
            task: Arc::new(task),
            lineage: self.lineage,
            solves: self.solves,
        })
    }
}
