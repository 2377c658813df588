//! The file format of a task: one JSON object, values as their `repr` text.

use azr_executor::value::{Arguments, Value};
use serde::{Deserialize, Serialize};

use super::{Case, Task};
use crate::kind::TaskKind;

/// A task as it stands in `tasks.jsonl`, checkpoints and held-out files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Which part is hidden.
    pub kind: TaskKind,
    /// Source text.
    pub program: String,
    /// Inputs and outputs.
    pub cases: Vec<CaseRecord>,
    /// Induction: how many cases are shown.
    #[serde(default)]
    pub shown: usize,
    /// Induction: words to the solver.
    #[serde(default)]
    pub message: String,
}

/// A case as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// Argument list, as between the parentheses of a call.
    pub input: String,
    /// `repr` of the output.
    pub output: String,
}

/// A record that is not a task.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not JSON, or not this object.
    #[error("line {line} is not a task record; delete the line or restore the file")]
    Json {
        /// Counted from 1.
        line: usize,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// An input or output is not a literal.
    #[error(
        "line {line}, case {case}: the {part} is not a Python literal; delete the line or restore the file"
    )]
    Literal {
        /// Counted from 1.
        line: usize,
        /// Counted from 0.
        case: usize,
        /// `input` or `output`.
        part: &'static str,
    },
    /// The same task twice.
    #[error("line {line} repeats an earlier task; delete the line or restore the file")]
    Repeated {
        /// Counted from 1.
        line: usize,
    },
    /// The file could not be read.
    #[error("line {line} could not be read")]
    Io {
        /// Counted from 1.
        line: usize,
        /// Why.
        source: std::io::Error,
    },
}

impl From<&Task> for TaskRecord {
    fn from(task: &Task) -> Self {
        let cases = task.cases.iter().map(|case| CaseRecord {
            input: case.input.to_string(),
            output: case.output.to_string(),
        });
        Self {
            kind: task.kind,
            program: task.program.clone(),
            cases: cases.collect(),
            shown: task.shown,
            message: task.message.clone(),
        }
    }
}

impl TaskRecord {
    /// The task of this record; `line` is where it stands, for the error.
    ///
    /// # Errors
    /// [`RecordError::Literal`] when a case is not made of literals.
    pub fn into_task(self, line: usize) -> Result<Task, RecordError> {
        let cases = self.cases.iter().enumerate().map(|(case, record)| {
            let not_a_literal = |part| RecordError::Literal { line, case, part };
            Ok(Case {
                input: Arguments::parse(&record.input).map_err(|_| not_a_literal("input"))?,
                output: Value::parse_literal(&record.output)
                    .map_err(|_| not_a_literal("output"))?,
            })
        });
        let cases = cases.collect::<Result<Vec<_>, _>>()?;
        Ok(Task {
            kind: self.kind,
            program: self.program,
            cases,
            shown: self.shown,
            message: self.message,
        })
    }
}
