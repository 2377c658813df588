//! Seed files in the reference's two schemas. Nothing in them is trusted: every row is validated like a proposal, and its
//! outputs are those of a fresh run.

mod row;

use std::collections::{BTreeMap, HashSet};
use std::io::BufRead;

use azr_executor::SandboxError;

use crate::kind::TaskKind;
use crate::novelty::{NoveltyFilter, TaskKey};
use crate::references::References;
use crate::task::{Rejection, Task, Validation};
use crate::workshop::Workshop;
use row::{Gold, SeedRow};

/// What a seed file gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SeedReport {
    /// Tasks, in the order of the file.
    pub tasks: Vec<Task>,
    /// Rows read, blank lines aside.
    pub rows: usize,
    /// Rows that gave no task, by [`Rejection::reason`], or `not_a_record`.
    pub rejected: BTreeMap<&'static str, usize>,
    /// Rows that gave a task although an output recorded in them is wrong, by fault: `gold_empty`, `gold_not_a_literal`
    /// (cut texts), `gold_different`. The fresh output stands in the task.
    pub corrected: BTreeMap<&'static str, usize>,
}

/// Why a seed file could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The reader failed.
    #[error("line {line} of the seed file could not be read; check the file")]
    Read {
        /// Counted from 1.
        line: usize,
        /// Why.
        source: std::io::Error,
    },
    /// The sandbox failed.
    #[error("the sandbox failed on line {line} of the seed file")]
    Sandbox {
        /// Counted from 1.
        line: usize,
        /// Why.
        source: SandboxError,
    },
}

/// Reads rows of triplets (`snippet`, `input`, `output`, …) or of induction tasks (`snippet`, `inputs`, `outputs`,
/// `message`, …) as tasks of `kind`.
///
/// # Errors
/// [`SeedError`]; a defective row is counted, not an error.
pub fn read_seeds(
    kind: TaskKind,
    reader: &mut dyn BufRead,
    novelty: &NoveltyFilter,
    workshop: &Workshop<'_>,
) -> Result<SeedReport, SeedError> {
    let mut report = SeedReport::default();
    let mut seen = HashSet::new();
    for (at, line) in reader.lines().enumerate() {
        let number = at + 1;
        let text = line.map_err(|source| SeedError::Read {
            line: number,
            source,
        })?;
        if text.trim().is_empty() {
            continue;
        }
        report.rows += 1;
        let Ok(row) = serde_json::from_str::<SeedRow>(&text) else {
            *report.rejected.entry("not_a_record").or_default() += 1;
            continue;
        };
        let judged = judge(kind, &row, novelty, workshop).map_err(|source| SeedError::Sandbox {
            line: number,
            source,
        })?;
        match judged {
            Validation::Accepted(task) if seen.insert(TaskKey::of(&task)) => {
                if let Some(fault) = row.gold_fault(&task, workshop.standards.equality) {
                    *report.corrected.entry(Gold::name(fault)).or_default() += 1;
                }
                report.tasks.push(task);
            }
            Validation::Accepted(_) => {
                *report
                    .rejected
                    .entry(Rejection::Duplicate.reason())
                    .or_default() += 1
            }
            Validation::Rejected(rejection) => {
                *report.rejected.entry(rejection.reason()).or_default() += 1
            }
        }
    }
    Ok(report)
}

fn judge(
    kind: TaskKind,
    row: &SeedRow,
    novelty: &NoveltyFilter,
    workshop: &Workshop<'_>,
) -> Result<Validation, SandboxError> {
    let proposal = row.proposal();
    match novelty.check(&proposal, &References::default()) {
        Ok(()) => kind.rules().validate(proposal, workshop),
        Err(rejection) => Ok(Validation::Rejected(rejection)),
    }
}

#[cfg(test)]
mod tests;
