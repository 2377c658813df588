//! Deduction: program and input are shown, the output is to be found.

use azr_executor::SandboxError;
use azr_executor::value::Value;

use super::{Rules, TaskKind, triplet};
use crate::grammar::{Grammar, Part};
use crate::prompt::{PromptSet, Prompts, Template};
use crate::proposal::{Malformed, Proposal};
use crate::references::References;
use crate::task::{Prompt, Task, Validation, Verdict};
use crate::workshop::Workshop;

/// The rules of deduction.
pub(super) struct Deduction;

const PROPOSE: Template<5> = Template::new(
    include_str!("prompts/full/deduction_propose.txt"),
    ["banned", "worked", "references", "ingredients", "form"],
);
const PROPOSE_COMPACT: Template<1> = Template::new(
    include_str!("prompts/compact/deduction_propose.txt"),
    ["references"],
);
const SOLVE: Template<3> = Template::new(
    include_str!("prompts/full/deduction_solve.txt"),
    ["program", "input", "form"],
);
const SOLVE_COMPACT: Template<2> = Template::new(
    include_str!("prompts/compact/deduction_solve.txt"),
    ["program", "input"],
);

impl Rules for Deduction {
    fn identity(&self) -> Task {
        triplet::identity(TaskKind::Deduction)
    }

    fn example_sources(&self) -> &'static [TaskKind] {
        &[TaskKind::Deduction]
    }

    fn examples(&self, wanted: usize) -> usize {
        wanted
    }

    fn propose_prompt(&self, prompts: &Prompts, references: &References) -> Prompt {
        triplet::propose_prompt(&PROPOSE, &PROPOSE_COMPACT, prompts, references)
    }

    fn read_proposal(
        &self,
        text: &str,
        _: &References,
        grammar: &Grammar,
    ) -> Result<Proposal, Malformed> {
        grammar.read_triplet(text)
    }

    fn validate(
        &self,
        proposal: Proposal,
        workshop: &Workshop<'_>,
    ) -> Result<Validation, SandboxError> {
        triplet::validate(TaskKind::Deduction, proposal, workshop)
    }

    fn solve_prompt(&self, prompts: &Prompts, task: &Task) -> Prompt {
        let input = task
            .cases
            .first()
            .map(|case| case.input.to_string())
            .unwrap_or_default();
        match prompts.options.set {
            PromptSet::Full => prompts.solve(
                SOLVE.fill([&task.program, &input, prompts.form()]),
                "```output\n",
            ),
            PromptSet::Compact => Prompt {
                user: SOLVE_COMPACT.fill([&task.program, &input]),
                prefill: "<think>".to_owned(),
                last_marker: None,
            },
        }
    }

    /// The answer is parsed as a literal and compared here: no text of a model is evaluated, in the sandbox or out of
    /// it. What is not a literal is a wrong answer.
    fn verify(
        &self,
        task: &Task,
        text: &str,
        workshop: &Workshop<'_>,
    ) -> Result<Verdict, SandboxError> {
        let standards = workshop.standards;
        let Ok(answer) = standards.grammar.read_answer(text, Part::Output) else {
            return Ok(Verdict::Malformed);
        };
        if standards.sizes.answer_bytes_max < answer.len() {
            return Ok(Verdict::Incorrect);
        }
        let right = task.cases.first().is_some_and(|case| {
            Value::parse_literal(answer)
                .is_ok_and(|predicted| standards.equality.equal(&predicted, &case.output))
        });
        Ok(Verdict::of(right))
    }
}
