//! Abduction: program and output are shown, an input that gives this output is to be found.

use azr_executor::value::Arguments;
use azr_executor::{Outcome, SandboxError, Scrutiny};

use super::{Rules, TaskKind, triplet};
use crate::grammar::{Grammar, Part};
use crate::prompt::{PromptSet, Prompts, Template};
use crate::proposal::{Malformed, Proposal};
use crate::references::References;
use crate::task::{Prompt, Task, Validation, Verdict};
use crate::workshop::Workshop;

/// The rules of abduction.
pub(super) struct Abduction;

const PROPOSE: Template<5> = Template::new(
    include_str!("prompts/full/abduction_propose.txt"),
    ["banned", "worked", "references", "ingredients", "form"],
);
const PROPOSE_COMPACT: Template<1> = Template::new(
    include_str!("prompts/compact/abduction_propose.txt"),
    ["references"],
);
const SOLVE: Template<3> = Template::new(
    include_str!("prompts/full/abduction_solve.txt"),
    ["program", "output", "form"],
);
const SOLVE_COMPACT: Template<2> = Template::new(
    include_str!("prompts/compact/abduction_solve.txt"),
    ["program", "output"],
);

impl Rules for Abduction {
    fn identity(&self) -> Task {
        triplet::identity(TaskKind::Abduction)
    }

    fn example_sources(&self) -> &'static [TaskKind] {
        &[TaskKind::Abduction]
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
        triplet::validate(TaskKind::Abduction, proposal, workshop)
    }

    fn solve_prompt(&self, prompts: &Prompts, task: &Task) -> Prompt {
        let output = task
            .cases
            .first()
            .map(|case| case.output.to_string())
            .unwrap_or_default();
        match prompts.options.set {
            PromptSet::Full => prompts.solve(
                SOLVE.fill([&task.program, &output, prompts.form()]),
                "```input\n",
            ),
            PromptSet::Compact => Prompt {
                user: SOLVE_COMPACT.fill([&task.program, &output]),
                prefill: "<think>".to_owned(),
                last_marker: None,
            },
        }
    }

    /// The answer is parsed as an argument list of literals, the program is called with those values, and what it
    /// returns is compared here. The sandbox never learns what is wanted.
    fn verify(
        &self,
        task: &Task,
        text: &str,
        workshop: &Workshop<'_>,
    ) -> Result<Verdict, SandboxError> {
        let standards = workshop.standards;
        let Ok(answer) = standards.grammar.read_answer(text, Part::Input) else {
            return Ok(Verdict::Malformed);
        };
        let (Some(case), true) = (
            task.cases.first(),
            answer.len() <= standards.sizes.answer_bytes_max,
        ) else {
            return Ok(Verdict::Incorrect);
        };
        let Ok(arguments) = Arguments::parse(answer) else {
            return Ok(Verdict::Incorrect);
        };
        let report = workshop.run(&task.program, vec![arguments], Scrutiny::Run)?;
        let right = matches!(report.outcomes.as_slice(), [Outcome::Returned(value)] if standards.equality.equal(value, &case.output));
        Ok(Verdict::of(right))
    }
}
