//! Induction: some inputs with their outputs and a message are shown, the program is to be found.

use std::collections::HashSet;

use azr_executor::value::{Arguments, Value};
use azr_executor::{Outcome, SandboxError, Scrutiny};

use super::{Rules, TaskKind, triplet};
use crate::grammar::{Grammar, Part};
use crate::prompt::{PromptSet, Prompts, Template};
use crate::proposal::{Authorship, Malformed, Proposal};
use crate::references::References;
use crate::task::{Case, Prompt, Rejection, Task, Validation, Verdict};
use crate::trial;
use crate::workshop::Workshop;

/// The rules of induction.
pub(super) struct Induction;

const PROPOSE: Template<4> = Template::new(
    include_str!("prompts/full/induction_propose.txt"),
    ["program", "input", "inputs", "form"],
);
const PROPOSE_COMPACT: Template<1> = Template::new(
    include_str!("prompts/compact/induction_propose.txt"),
    ["program"],
);
const SOLVE: Template<4> = Template::new(
    include_str!("prompts/full/induction_solve.txt"),
    ["message", "cases", "banned", "form"],
);
const SOLVE_COMPACT: Template<1> = Template::new(
    include_str!("prompts/compact/induction_solve.txt"),
    ["cases"],
);
const MESSAGE: Template<1> = Template::new(include_str!("prompts/full/message.txt"), ["message"]);
const CASE: Template<2> = Template::new(include_str!("prompts/full/case.txt"), ["input", "output"]);
const CASE_COMPACT: Template<2> = Template::new(
    include_str!("prompts/compact/case.txt"),
    ["input", "output"],
);

impl Rules for Induction {
    /// The identity function on six values of different types, three of them shown, as in the reference.
    fn identity(&self) -> Task {
        let table = Value::dict(vec![("a".into(), 1.into()), ("b".into(), 2.into())]);
        let values = [
            "Hello world".into(),
            1.into(),
            table,
            Value::Tuple([1.1, 1.2, 1.3].map(Value::Float).to_vec()),
            "[[1, 0, 0], [0, 0, 0], [0, 0, 0]]".into(),
            1_001_101_100_010_001.into(),
        ];
        Task {
            kind: TaskKind::Induction,
            program: triplet::IDENTITY.to_owned(),
            cases: values.map(triplet::identity_case).to_vec(),
            shown: shown(6),
            message: "Whatever goes in comes out unchanged.".to_owned(),
        }
    }

    fn example_sources(&self) -> &'static [TaskKind] {
        &[TaskKind::Deduction, TaskKind::Abduction]
    }

    /// The one program that inputs are written for.
    fn examples(&self, _: usize) -> usize {
        1
    }

    fn propose_prompt(&self, prompts: &Prompts, references: &References) -> Prompt {
        let given = references.examples.first().map(|drawn| &drawn.task);
        let program = given.map(|task| task.program.as_str()).unwrap_or_default();
        match prompts.options.set {
            PromptSet::Full => {
                let case = given.and_then(|task| task.cases.first());
                let input = case.map(|case| case.input.to_string()).unwrap_or_default();
                let inputs = prompts.inputs.to_string();
                let user = PROPOSE.fill([program, &input, &inputs, prompts.form()]);
                // The given input counts as the first: small models go on in the form that they see, and count on.
                let block = format!(
                    "Input 1 of {inputs}:\n```input\n{input}\n```\nInput 2 of {inputs}:\n```input\n"
                );
                prompts.propose(user, &block)
            }
            PromptSet::Compact => Prompt {
                user: PROPOSE_COMPACT.fill([program]),
                prefill: String::new(),
                last_marker: None,
            },
        }
    }

    fn read_proposal(
        &self,
        text: &str,
        references: &References,
        grammar: &Grammar,
    ) -> Result<Proposal, Malformed> {
        let given = references.examples.first().ok_or(Malformed::NoReference)?;
        let (inputs, message) = grammar.read_inputs(text)?;
        Ok(Proposal {
            program: given.task.program.clone(),
            authorship: Authorship::Given,
            inputs,
            message,
        })
    }

    fn validate(
        &self,
        proposal: Proposal,
        workshop: &Workshop<'_>,
    ) -> Result<Validation, SandboxError> {
        let inputs = match check(&proposal, workshop) {
            Ok(inputs) => inputs,
            Err(rejection) => return Ok(Validation::Rejected(rejection)),
        };
        let report = workshop.run(&proposal.program, inputs.clone(), Scrutiny::Check)?;
        let mut cases = Vec::with_capacity(inputs.len());
        let mut first_fault = None;
        for (input, outcome) in inputs.into_iter().zip(report.outcomes) {
            match trial::output_of(outcome, workshop) {
                Ok(output) => cases.push(Case { input, output }),
                Err(rejection) => first_fault = first_fault.or(Some(rejection)),
            }
        }
        let rules = workshop.standards.induction;
        let wanted = rules.inputs_valid_min.max(2);
        if cases.len() < wanted {
            let few = Rejection::TooFewInputs {
                found: cases.len(),
                wanted,
            };
            return Ok(Validation::Rejected(first_fault.unwrap_or(few)));
        }
        if cases.iter().all(|case| case.output == Value::None) {
            return Ok(Validation::Rejected(Rejection::NothingReturned));
        }
        let shown = shown(cases.len());
        let kind = TaskKind::Induction;
        Ok(Validation::Accepted(Task {
            kind,
            program: proposal.program,
            cases,
            shown,
            message: proposal.message,
        }))
    }

    fn solve_prompt(&self, prompts: &Prompts, task: &Task) -> Prompt {
        let case = match prompts.options.set {
            PromptSet::Full => CASE,
            PromptSet::Compact => CASE_COMPACT,
        };
        let shown = task.cases.iter().take(task.shown);
        let cases: String = shown
            .map(|it| case.fill([&it.input.to_string(), &it.output.to_string()]))
            .collect();
        match prompts.options.set {
            PromptSet::Full => {
                let message = if task.message.is_empty() {
                    String::new()
                } else {
                    MESSAGE.fill([&task.message])
                };
                let user = SOLVE.fill([&message, &cases, &prompts.banned, prompts.form()]);
                prompts.solve(user, triplet::PROGRAM_BLOCK)
            }
            PromptSet::Compact => Prompt {
                user: SOLVE_COMPACT.fill([&cases]),
                prefill: String::new(),
                last_marker: None,
            },
        }
    }

    /// The answer is run on the hidden inputs in one job and has to match on all of them. It is never told their
    /// outputs, and what it returns is compared here.
    fn verify(
        &self,
        task: &Task,
        text: &str,
        workshop: &Workshop<'_>,
    ) -> Result<Verdict, SandboxError> {
        let standards = workshop.standards;
        let Ok(program) = standards.grammar.read_answer(text, Part::Program) else {
            return Ok(Verdict::Malformed);
        };
        let hidden = task.cases.get(task.shown..).unwrap_or_default();
        if hidden.is_empty() || standards.sizes.program_bytes_max < program.len() {
            return Ok(Verdict::Incorrect);
        }
        let inputs = hidden.iter().map(|case| case.input.clone()).collect();
        let outcomes = workshop.run(program, inputs, Scrutiny::Run)?.outcomes;
        let right = outcomes.len() == hidden.len()
            && hidden.iter().zip(&outcomes).all(|(case, outcome)| {
                matches!(outcome, Outcome::Returned(value) if standards.equality.equal(value, &case.output))
            });
        Ok(Verdict::of(right))
    }
}

/// How many of `cases` cases the solver sees: the first half, rounded down.
fn shown(cases: usize) -> usize {
    cases / 2
}

/// Everything that can be said about the proposal without running it; the last N inputs, parsed.
fn check(proposal: &Proposal, workshop: &Workshop<'_>) -> Result<Vec<Arguments>, Rejection> {
    let rules = workshop.standards.induction;
    trial::check_program(&proposal.program, workshop)?;
    trial::check_message(&proposal.message, workshop)?;
    let found = proposal.inputs.len();
    let Some(first) = found.checked_sub(rules.inputs) else {
        return Err(Rejection::TooFewInputs {
            found,
            wanted: rules.inputs,
        });
    };
    let mut seen = HashSet::new();
    let mut inputs = Vec::with_capacity(rules.inputs);
    for text in &proposal.inputs[first..] {
        let input = trial::check_input(text, workshop)?;
        if !seen.insert(input.to_string()) {
            return Err(Rejection::RepeatedInput);
        }
        inputs.push(input);
    }
    Ok(inputs)
}
