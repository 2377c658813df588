//! Where proposals are tried out and answers are judged, and the standards they are held to.

use azr_executor::value::Arguments;
use azr_executor::value::Equality;
use azr_executor::{Bans, Job, Limits, Report, Sandbox, SandboxError, Scrutiny};
use serde::{Deserialize, Serialize};

use crate::grammar::Grammar;

/// The name of the function every program defines.
pub const ENTRY: &str = "f";

/// A sandbox and the standards. Cheap to copy; shared by all workers.
#[derive(Clone, Copy)]
pub struct Workshop<'a> {
    /// Where programs run.
    pub sandbox: &'a dyn Sandbox,
    /// What they are held to.
    pub standards: &'a Standards,
}

/// What proposals and answers are held to.
#[derive(Debug, Clone, PartialEq)]
pub struct Standards {
    /// How responses are read.
    pub grammar: Grammar,
    /// What one run may use.
    pub limits: Limits,
    /// Modules no program may import.
    pub bans: Bans,
    /// When two values count as equal.
    pub equality: Equality,
    /// How large the parts may be.
    pub sizes: Sizes,
    /// How many cases an induction task has.
    pub induction: InductionRules,
}

/// How large the parts of a task and of an answer may be. A larger part is refused, never cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// Source text of a program, bytes.
    pub program_bytes_max: usize,
    /// Source text of one argument list, bytes.
    pub input_bytes_max: usize,
    /// `repr` of one output, bytes: the solver has to be able to write it.
    pub output_bytes_max: usize,
    /// Value or argument list that a solver answers, bytes.
    pub answer_bytes_max: usize,
    /// Message of an induction task, bytes.
    pub message_bytes_max: usize,
}

/// How many cases an induction task has, and how many of them the solver sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InductionRules {
    /// Inputs asked for (N); the last N that were written count.
    pub inputs: usize,
    /// Inputs that must run well for the task to stand; those that do not are left out. The reference wants all.
    pub inputs_valid_min: usize,
}

impl Standards {
    /// The standards of the paper, with sizes that a small model's window holds.
    pub fn new(grammar: Grammar) -> Self {
        Self {
            grammar,
            limits: Limits::default(),
            bans: Bans::paper(),
            equality: Equality::default(),
            sizes: Sizes::default(),
            induction: InductionRules::default(),
        }
    }
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            program_bytes_max: 8 << 10,
            input_bytes_max: 2 << 10,
            output_bytes_max: 2 << 10,
            answer_bytes_max: 8 << 10,
            message_bytes_max: 2 << 10,
        }
    }
}

impl Default for InductionRules {
    fn default() -> Self {
        Self {
            inputs: 10,
            inputs_valid_min: 10,
        }
    }
}

impl Workshop<'_> {
    /// Runs `f` of `program` on `inputs` under the standards' limits and bans.
    pub(crate) fn run(
        &self,
        program: &str,
        inputs: Vec<Arguments>,
        scrutiny: Scrutiny,
    ) -> Result<Report, SandboxError> {
        self.sandbox.run(&Job {
            program: program.to_owned(),
            entry: ENTRY.to_owned(),
            inputs,
            scrutiny,
            bans: self.standards.bans.clone(),
            limits: self.standards.limits,
        })
    }
}

impl std::fmt::Debug for Workshop<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workshop")
            .field("standards", self.standards)
            .finish_non_exhaustive()
    }
}
