//! What deduction and abduction share: a proposal is a program with one input, and running it gives the output.

use azr_executor::value::{Arguments, Value};
use azr_executor::{SandboxError, Scrutiny};

use crate::TaskKind;
use crate::novelty::ProgramKey;
use crate::prompt::{PromptSet, Prompts, Template};
use crate::proposal::{Authorship, Proposal};
use crate::references::References;
use crate::task::{Case, Prompt, Rejection, Task, Validation};
use crate::trial;
use crate::workshop::Workshop;

/// How the first block of a proposed program begins.
pub(super) const PROGRAM_BLOCK: &str = "```python\ndef f(";

/// The program that shows the form of an answer. Handing it in is handing in a copy.
const WORKED_PROGRAM: &str = include_str!("prompts/full/worked_program.txt");
const REFERENCE: Template<4> = Template::new(
    include_str!("prompts/full/reference.txt"),
    ["number", "program", "input", "output"],
);
const REFERENCE_COMPACT: Template<1> =
    Template::new(include_str!("prompts/compact/reference.txt"), ["program"]);
const INGREDIENTS: Template<1> =
    Template::new(include_str!("prompts/full/ingredients.txt"), ["words"]);

/// The program every run starts from.
pub(super) const IDENTITY: &str = "def f(a):\n    return a";

/// The identity function with one greeting.
pub(super) fn identity(kind: TaskKind) -> Task {
    Task {
        kind,
        program: IDENTITY.to_owned(),
        cases: vec![identity_case("Hello world".into())],
        shown: 0,
        message: String::new(),
    }
}

/// A case of the identity function.
pub(super) fn identity_case(value: Value) -> Case {
    Case {
        input: Arguments::positional(vec![value.clone()]),
        output: value,
    }
}

/// The proposer's prompt of a kind: its two texts filled with the references.
pub(super) fn propose_prompt(
    full: &Template<5>,
    compact: &Template<1>,
    prompts: &Prompts,
    references: &References,
) -> Prompt {
    let examples = references.examples.iter();
    match prompts.options.set {
        PromptSet::Full => {
            let numbered = (1..).zip(examples);
            let shown: String = numbered
                .map(|(number, drawn)| reference(number, &drawn.task))
                .collect();
            let user = full.fill([
                WORKED_PROGRAM.trim_ascii_end(),
                &prompts.banned,
                &shown,
                &ingredients(references),
                prompts.form(),
            ]);
            prompts.propose(user, PROGRAM_BLOCK)
        }
        PromptSet::Compact => {
            let shown: String = examples
                .map(|drawn| REFERENCE_COMPACT.fill([&drawn.task.program]))
                .collect();
            Prompt {
                user: compact.fill([&shown]),
                prefill: String::new(),
            }
        }
    }
}

/// The line that asks for the drawn ingredients, or nothing.
fn ingredients(references: &References) -> String {
    if references.ingredients.is_empty() {
        return String::new();
    }
    INGREDIENTS.fill([&references.ingredients.join(", ")])
}

fn reference(number: usize, task: &Task) -> String {
    let (input, output) = match task.cases.first() {
        Some(case) => (case.input.to_string(), case.output.to_string()),
        None => Default::default(),
    };
    REFERENCE.fill([&number.to_string(), &task.program, &input, &output])
}

/// Everything that can be said about the proposal without running it; its input, parsed.
fn check(proposal: &Proposal, workshop: &Workshop<'_>) -> Result<Arguments, Rejection> {
    let Proposal {
        program,
        authorship,
        inputs,
        ..
    } = proposal;
    trial::check_program(program, workshop)?;
    let is_copy = || ProgramKey::of(program) == ProgramKey::of(WORKED_PROGRAM);
    if *authorship == Authorship::Written && is_copy() {
        return Err(Rejection::CopyOfReference);
    }
    let (found, wanted) = (inputs.len(), 1);
    let text = inputs
        .first()
        .ok_or(Rejection::TooFewInputs { found, wanted })?;
    trial::check_input(text, workshop)
}

/// Runs the program on its input twice in each of two interpreters; what it returned is the task's output.
pub(super) fn validate(
    kind: TaskKind,
    proposal: Proposal,
    workshop: &Workshop<'_>,
) -> Result<Validation, SandboxError> {
    let input = match check(&proposal, workshop) {
        Ok(input) => input,
        Err(rejection) => return Ok(Validation::Rejected(rejection)),
    };
    let report = workshop.run(&proposal.program, vec![input.clone()], Scrutiny::Check)?;
    Ok(match trial::first_output(report, workshop) {
        Ok(output) => Validation::Accepted(Task {
            kind,
            program: proposal.program,
            cases: vec![Case { input, output }],
            shown: 0,
            message: String::new(),
        }),
        Err(rejection) => Validation::Rejected(rejection),
    })
}
