//! A task, its cases, and what is said about proposals and answers.

use azr_executor::value::{Arguments, Value};

use crate::kind::TaskKind;

/// One task of any kind: the kinds differ only in which part is hidden.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Which part is hidden.
    pub kind: TaskKind,
    /// Source text that defines `f`.
    pub program: String,
    /// Deduction and abduction: one case. Induction: shown cases first, then hidden ones ([`Task::shown`]).
    pub cases: Vec<Case>,
    /// Induction: the proposer's words to the solver.
    pub message: String,
}

/// An input and what the program gives for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Argument list.
    pub input: Arguments,
    /// What `f(*input)` returned.
    pub output: Value,
}

/// What a proposal is worth before anybody solves it.
#[derive(Debug, Clone, PartialEq)]
pub enum Validation {
    /// It is a task.
    Accepted(Task),
    /// It is not, and why.
    Rejected(Rejection),
}

/// Why a proposal is not a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The response does not hold the parts asked for.
    Malformed,
}

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Right.
    Correct,
    /// Read, and wrong.
    Incorrect,
    /// Not read.
    Malformed,
}

/// What the policy is asked. Text only: the model side renders it with its own chat template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The user's message (or, for completion models, the whole text).
    pub user: String,
    /// The beginning of the answer, given as part of the prompt; the response goes on from here.
    pub prefill: String,
}
