//! What a proposer is shown: earlier tasks and, if wanted, a few drawn ingredients.

use std::sync::Arc;

use crate::task::{Task, TaskId};

/// Material for one proposal. Drawn by [`crate::Buffers::references`]; the rules of a kind only render it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct References {
    /// Deduction and abduction: examples to differ from. Induction: the first one's program is the one to pose
    /// questions about.
    pub examples: Vec<Drawn>,
    /// Chooses the worked example that shows the form of an answer, by its remainder.
    pub form: usize,
    /// Words to build the new task around; empty when the configuration asks for none.
    pub ingredients: Vec<&'static str>,
}

/// A task drawn from a buffer.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Its identity.
    pub id: TaskId,
    /// The task, shared with the buffer.
    pub task: Arc<Task>,
}

impl From<Task> for Drawn {
    fn from(task: Task) -> Self {
        Self {
            id: task.id(),
            task: Arc::new(task),
        }
    }
}

impl References {
    /// The identities of the examples, for the lineage of what is proposed.
    pub fn parents(&self) -> Vec<TaskId> {
        self.examples.iter().map(|drawn| drawn.id.clone()).collect()
    }
}
