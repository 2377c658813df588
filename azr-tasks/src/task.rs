//! A task, its cases, and what is said about proposals and answers.

mod record;

use std::fmt;

use azr_executor::value::{Arguments, Value};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::kind::TaskKind;
use crate::proposal::Malformed;

pub use record::{CaseRecord, RecordError, TaskRecord};

/// One task of any kind: the kinds differ only in which part is hidden.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Which part is hidden.
    pub kind: TaskKind,
    /// Source text that defines `f`.
    pub program: String,
    /// Deduction and abduction: one case. Induction: shown cases first, then hidden ones ([`Task::shown`]).
    pub cases: Vec<Case>,
    /// Induction: how many of the cases the solver sees. 0 for the other kinds.
    pub shown: usize,
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

/// The name of a task: the first 16 bytes of SHA-256 over kind, program text, inputs and message, in hexadecimal. Stable
/// across builds, so it may be stored; whether two tasks are the same is asked of [`crate::TaskKey`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(String);

/// What a proposal is worth before anybody solves it.
#[derive(Debug, Clone, PartialEq)]
pub enum Validation {
    /// It is a task.
    Accepted(Task),
    /// It is not, and why.
    Rejected(Rejection),
}

/// Why a proposal is not a task. Each cause has its own variant, so that none is taken for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The response does not hold the parts asked for.
    Malformed(Malformed),
    /// A part is larger than [`crate::Sizes`] allows.
    TooLarge(Oversize),
    /// The program does not compile.
    SyntaxError,
    /// The program does not define `f` at its top level.
    NoEntry,
    /// An input has no argument: `f` has to take at least one.
    NoArguments,
    /// An input is not a list of literals.
    NotALiteralInput,
    /// Fewer inputs than asked for, or fewer of them ran well.
    TooFewInputs {
        /// How many there are.
        found: usize,
        /// How many are needed.
        wanted: usize,
    },
    /// Two inputs of one proposal are the same.
    RepeatedInput,
    /// The message to the solver holds code.
    CodeInMessage,
    /// The program imports a banned module.
    Banned {
        /// Which one.
        module: String,
    },
    /// The sandbox refused the program for another reason (nesting, system call).
    Denied,
    /// The program raised, or returned something that is not a plain value.
    Raised {
        /// Class of the exception.
        class: String,
    },
    /// `f` returned `None` (induction: for every input): there is nothing to find.
    NothingReturned,
    /// Two runs differed.
    Nondeterministic,
    /// Out of processor time or elapsed time.
    Timeout,
    /// Out of memory.
    Memory,
    /// The worker died.
    Killed,
    /// The program is that of a reference.
    CopyOfReference,
    /// The buffer has this task already.
    Duplicate,
    /// The program is held out for evaluation.
    HeldOut,
}

/// Which part is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oversize {
    /// The program.
    Program,
    /// An input.
    Input,
    /// An output: the solver could not write it.
    Output,
    /// The message.
    Message,
}

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// What the response ends with, where nothing that counts can follow it: whoever samples may stop there, and keeps
    /// it as part of the response.
    pub last_marker: Option<&'static str>,
}

impl Task {
    /// The name of this task.
    pub fn id(&self) -> TaskId {
        let inputs = self.cases.iter().map(|case| case.input.to_string());
        let parts = [
            self.kind.name().to_owned(),
            self.program.clone(),
            self.message.clone(),
        ];
        let mut hasher = Sha256::new();
        for part in parts.into_iter().chain(inputs) {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        TaskId(
            hasher.finalize()[..16]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }
}

impl TaskId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Verdict {
    /// Of an answer that was read.
    pub(crate) fn of(right: bool) -> Self {
        if right {
            Verdict::Correct
        } else {
            Verdict::Incorrect
        }
    }
}

impl Rejection {
    /// A short name for counting: one for each cause, the same for every class of exception.
    pub fn reason(&self) -> &'static str {
        match self {
            Rejection::Malformed(malformed) => malformed.reason(),
            Rejection::TooLarge(Oversize::Program) => "program_too_large",
            Rejection::TooLarge(Oversize::Input) => "input_too_large",
            Rejection::TooLarge(Oversize::Output) => "output_too_large",
            Rejection::TooLarge(Oversize::Message) => "message_too_large",
            Rejection::SyntaxError => "syntax_error",
            Rejection::NoEntry => "no_entry",
            Rejection::NoArguments => "no_arguments",
            Rejection::NotALiteralInput => "not_a_literal_input",
            Rejection::TooFewInputs { .. } => "too_few_inputs",
            Rejection::RepeatedInput => "repeated_input",
            Rejection::CodeInMessage => "code_in_message",
            Rejection::Banned { .. } => "banned",
            Rejection::Denied => "denied",
            Rejection::Raised { .. } => "raised",
            Rejection::NothingReturned => "nothing_returned",
            Rejection::Nondeterministic => "nondeterministic",
            Rejection::Timeout => "timeout",
            Rejection::Memory => "memory",
            Rejection::Killed => "killed",
            Rejection::CopyOfReference => "copy_of_reference",
            Rejection::Duplicate => "duplicate",
            Rejection::HeldOut => "held_out",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::Banned { module } => write!(f, "banned: {module}"),
            Rejection::Raised { class } => write!(f, "raised: {class}"),
            Rejection::TooFewInputs { found, wanted } => {
                write!(f, "too_few_inputs: {found} of {wanted}")
            }
            other => f.write_str(other.reason()),
        }
    }
}

impl From<Malformed> for Rejection {
    fn from(malformed: Malformed) -> Self {
        Rejection::Malformed(malformed)
    }
}
