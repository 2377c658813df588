//! What makes a task new: the identity of its program, and the programs it must not have.

use std::collections::HashSet;

use azr_executor::syntax;
use sha2::{Digest, Sha256};

use crate::proposal::{Authorship, Proposal};
use crate::references::References;
use crate::task::{Rejection, Task};

/// The identity of a program: a hash of its normalized syntax tree, so that layout, comments and the names of local
/// variables do not count. A text that does not parse is hashed as it is. Equal within one build only, so it is never
/// stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgramKey([u8; 32]);

/// The identity of a task within its kind: its program and the set of its inputs. Outputs follow from them, and a message
/// makes no new task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskKey {
    /// Of the program.
    pub program: ProgramKey,
    /// Of the inputs, in any order.
    inputs: [u8; 32],
}

/// Programs that no proposal may have. Set up once; shared by all workers.
#[derive(Debug, Clone, Default)]
pub struct NoveltyFilter {
    held_out: HashSet<ProgramKey>,
}

impl ProgramKey {
    /// The key of `program`.
    pub fn of(program: &str) -> Self {
        Self(
            syntax::normalized_hash(program)
                .unwrap_or_else(|| Sha256::digest(program.trim()).into()),
        )
    }
}

impl TaskKey {
    /// The key of `task`. Parses its program, so keep what it gives.
    pub fn of(task: &Task) -> Self {
        let mut inputs: Vec<String> = task
            .cases
            .iter()
            .map(|case| case.input.to_string())
            .collect();
        inputs.sort_unstable();
        let mut hasher = Sha256::new();
        for input in &inputs {
            hasher.update((input.len() as u64).to_le_bytes());
            hasher.update(input);
        }
        Self {
            program: ProgramKey::of(&task.program),
            inputs: hasher.finalize().into(),
        }
    }
}

impl NoveltyFilter {
    /// Refuses `programs`, which are held out for evaluation.
    pub fn holding_out<'p>(programs: impl IntoIterator<Item = &'p str>) -> Self {
        Self {
            held_out: programs.into_iter().map(ProgramKey::of).collect(),
        }
    }

    /// Whether `program` is held out.
    pub fn holds_out(&self, program: &str) -> bool {
        !self.held_out.is_empty() && self.held_out.contains(&ProgramKey::of(program))
    }

    /// Whether a proposal may become a task. `references` are what its author was shown; a program that was given to
    /// the author is no copy.
    ///
    /// # Errors
    /// [`Rejection::HeldOut`], [`Rejection::CopyOfReference`].
    pub fn check(&self, proposal: &Proposal, references: &References) -> Result<(), Rejection> {
        let key = ProgramKey::of(&proposal.program);
        if self.held_out.contains(&key) {
            return Err(Rejection::HeldOut);
        }
        let is_copy = || {
            references
                .examples
                .iter()
                .any(|drawn| ProgramKey::of(&drawn.task.program) == key)
        };
        if proposal.authorship == Authorship::Written && is_copy() {
            return Err(Rejection::CopyOfReference);
        }
        Ok(())
    }
}
