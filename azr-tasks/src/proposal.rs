//! What a proposer wrote, read but not yet run.

use std::fmt;

/// The parts of a proposal as text. Nothing in it has been evaluated or even parsed as Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Source text.
    pub program: String,
    /// Where the program comes from.
    pub authorship: Authorship,
    /// Argument lists. Deduction and abduction: one.
    pub inputs: Vec<String>,
    /// Induction: words to the solver.
    pub message: String,
}

/// Where the program of a proposal comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Authorship {
    /// The proposer wrote it (deduction, abduction).
    Written,
    /// It was given to the proposer (induction).
    Given,
}

/// Why a text could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// The text is longer than [`crate::Grammar::text_bytes_max`].
    TextTooLarge,
    /// It does not begin with a `<think>` element followed by an `<answer>` element.
    NoAnswer,
    /// No complete block with a program.
    NoProgram,
    /// No complete block with an input.
    NoInput,
    /// No complete block with an output.
    NoOutput,
    /// Nothing was given to write inputs for.
    NoReference,
}

impl Malformed {
    /// A short name for counting.
    pub fn reason(self) -> &'static str {
        match self {
            Malformed::TextTooLarge => "text_too_large",
            Malformed::NoAnswer => "no_answer",
            Malformed::NoProgram => "no_program",
            Malformed::NoInput => "no_input",
            Malformed::NoOutput => "no_output",
            Malformed::NoReference => "no_reference",
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}
