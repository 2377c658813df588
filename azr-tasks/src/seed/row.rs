//! One row of a seed file, of either schema.

use azr_executor::value::{Equality, Value};
use serde::Deserialize;

use crate::proposal::{Authorship, Proposal};
use crate::task::Task;

/// The fields of both schemas that are of use; the others are passed over.
#[derive(Debug, Deserialize)]
pub(super) struct SeedRow {
    snippet: String,
    #[serde(default)]
    input: Option<String>,
    #[serde(default)]
    output: Option<String>,
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(default)]
    outputs: Vec<String>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    imports: Vec<String>,
}

/// What is wrong with a recorded output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gold {
    /// Nothing is recorded.
    Empty,
    /// It is not a literal, for example because it was cut.
    NotALiteral,
    /// The program gives something else.
    Different,
}

impl Gold {
    pub(super) fn name(self) -> &'static str {
        match self {
            Gold::Empty => "gold_empty",
            Gold::NotALiteral => "gold_not_a_literal",
            Gold::Different => "gold_different",
        }
    }
}

impl SeedRow {
    /// The row as a proposal. Imports that the snippet lacks come before it.
    pub(super) fn proposal(&self) -> Proposal {
        let missing = self
            .imports
            .iter()
            .filter(|import| !self.snippet.contains(import.as_str()));
        let mut program: String = missing.map(|import| format!("{import}\n")).collect();
        program.push_str(&self.snippet);
        let inputs = self.input.iter().chain(&self.inputs).cloned().collect();
        Proposal {
            program,
            authorship: Authorship::Given,
            inputs,
            message: self.message.trim().to_owned(),
        }
    }

    /// The first fault among the recorded outputs of the cases that stand in `task`.
    pub(super) fn gold_fault(&self, task: &Task, equality: Equality) -> Option<Gold> {
        let golds: Vec<&String> = self.output.iter().chain(&self.outputs).collect();
        // Of a row with more inputs than were asked for, the last ones were taken.
        let skipped = golds.len().saturating_sub(task.cases.len());
        let golds = golds.iter().skip(skipped).zip(&task.cases);
        golds
            .map(|(gold, case)| fault(gold, &case.output, equality))
            .find_map(|fault| fault)
    }
}

fn fault(gold: &str, output: &Value, equality: Equality) -> Option<Gold> {
    if gold.trim().is_empty() {
        return Some(Gold::Empty);
    }
    match Value::parse_literal(gold) {
        Err(_) => Some(Gold::NotALiteral),
        Ok(recorded) if equality.equal(&recorded, output) => None,
        Ok(_) => Some(Gold::Different),
    }
}
