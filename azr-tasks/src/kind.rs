//! Roles, kinds and lanes, and the one place where a kind hands out its rules.

mod abduction;
mod deduction;
mod induction;
mod triplet;

use std::fmt;
use std::str::FromStr;

use azr_executor::SandboxError;
use serde::{Deserialize, Serialize};

use crate::grammar::Grammar;
use crate::prompt::Prompts;
use crate::proposal::{Malformed, Proposal};
use crate::references::References;
use crate::task::{Prompt, Task, Validation, Verdict};
use crate::workshop::Workshop;

/// Which side the policy plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Writes tasks.
    Propose,
    /// Answers them.
    Solve,
}

/// Which part of (program, input, output) is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskKind {
    /// The output is hidden.
    Deduction,
    /// An input is hidden.
    Abduction,
    /// The program is hidden.
    Induction,
}

/// A role in a kind: the key of baselines and metrics. Its name is `propose.deduction` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lane {
    /// The role.
    pub role: Role,
    /// The kind.
    pub kind: TaskKind,
}

/// Everything that differs from one kind to another. Nothing here draws at random, keeps state or evaluates what a
/// model wrote; only [`Rules::validate`] and [`Rules::verify`] call the sandbox.
pub trait Rules: Sync {
    /// The seed that needs no file: the identity function.
    fn identity(&self) -> Task;

    /// The kinds whose tasks are shown to this kind's proposer.
    fn example_sources(&self) -> &'static [TaskKind];

    /// How many examples it is shown when K of them are wanted.
    fn examples(&self, wanted: usize) -> usize;

    /// What the proposer is asked.
    fn propose_prompt(&self, prompts: &Prompts, references: &References) -> Prompt;

    /// Reads a proposal out of `text`, which is prefill and response together.
    ///
    /// # Errors
    /// [`Malformed`] when the parts asked for are not there.
    fn read_proposal(
        &self,
        text: &str,
        references: &References,
        grammar: &Grammar,
    ) -> Result<Proposal, Malformed>;

    /// Runs a proposal and says whether it is a task.
    ///
    /// # Errors
    /// Only when the sandbox itself failed.
    fn validate(
        &self,
        proposal: Proposal,
        workshop: &Workshop<'_>,
    ) -> Result<Validation, SandboxError>;

    /// What the solver is asked.
    fn solve_prompt(&self, prompts: &Prompts, task: &Task) -> Prompt;

    /// Judges an answer; `text` is prefill and response together.
    ///
    /// # Errors
    /// Only when the sandbox itself failed.
    fn verify(
        &self,
        task: &Task,
        text: &str,
        workshop: &Workshop<'_>,
    ) -> Result<Verdict, SandboxError>;
}

impl TaskKind {
    /// Every kind, in the order in which steps go through them.
    pub const ALL: [TaskKind; 3] = [
        TaskKind::Deduction,
        TaskKind::Abduction,
        TaskKind::Induction,
    ];

    /// The rules of this kind. The only `match` on [`TaskKind`] in the workspace that chooses behavior.
    pub fn rules(self) -> &'static dyn Rules {
        match self {
            TaskKind::Deduction => &deduction::Deduction,
            TaskKind::Abduction => &abduction::Abduction,
            TaskKind::Induction => &induction::Induction,
        }
    }

    /// `deduction`, `abduction`, `induction`.
    pub fn name(self) -> &'static str {
        KIND_NAMES[self as usize]
    }
}

impl Role {
    /// Both roles, proposer first.
    pub const ALL: [Role; 2] = [Role::Propose, Role::Solve];

    /// `propose`, `solve`.
    pub fn name(self) -> &'static str {
        ROLE_NAMES[self as usize]
    }
}

impl Lane {
    /// Every lane: all kinds of the proposer, then all kinds of the solver.
    pub const ALL: [Lane; 6] = [
        Lane {
            role: Role::Propose,
            kind: TaskKind::Deduction,
        },
        Lane {
            role: Role::Propose,
            kind: TaskKind::Abduction,
        },
        Lane {
            role: Role::Propose,
            kind: TaskKind::Induction,
        },
        Lane {
            role: Role::Solve,
            kind: TaskKind::Deduction,
        },
        Lane {
            role: Role::Solve,
            kind: TaskKind::Abduction,
        },
        Lane {
            role: Role::Solve,
            kind: TaskKind::Induction,
        },
    ];
}

/// In the order of [`TaskKind::ALL`], which is the order of its variants.
const KIND_NAMES: [&str; 3] = ["deduction", "abduction", "induction"];
/// In the order of [`Role::ALL`], which is the order of its variants.
const ROLE_NAMES: [&str; 2] = ["propose", "solve"];

/// A name that is not a role, a kind or a lane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a {what}; write one of: {known}")]
pub struct UnknownName {
    /// What was written.
    pub name: String,
    /// What it should have been.
    pub what: &'static str,
    /// What exists.
    pub known: String,
}

impl UnknownName {
    fn new<T: fmt::Display>(name: &str, what: &'static str, known: &[T]) -> Self {
        let known = known
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        Self {
            name: name.to_owned(),
            what,
            known,
        }
    }
}

impl fmt::Display for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.role, self.kind)
    }
}

impl FromStr for TaskKind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownName::new(name, "kind of task", &Self::ALL))
    }
}

impl FromStr for Role {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|role| role.name() == name);
        found.ok_or_else(|| UnknownName::new(name, "role", &Self::ALL))
    }
}

impl FromStr for Lane {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|lane| lane.to_string() == name);
        found.ok_or_else(|| UnknownName::new(name, "lane", &Self::ALL))
    }
}

impl TryFrom<String> for Lane {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, UnknownName> {
        name.parse()
    }
}

impl From<Lane> for String {
    fn from(lane: Lane) -> String {
        lane.to_string()
    }
}

#[cfg(test)]
mod tests;
