//! Roles, kinds and lanes.

use serde::{Deserialize, Serialize};

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

/// A role in a kind: the key of baselines and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lane {
    /// The role.
    pub role: Role,
    /// The kind.
    pub kind: TaskKind,
}
