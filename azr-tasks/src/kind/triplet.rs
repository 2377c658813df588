//! What deduction and abduction share: a proposal is a program with one input, and running it gives the output.

use std::sync::LazyLock;

use azr_executor::value::{Arguments, Value};
use azr_executor::{SandboxError, Scrutiny};

use crate::TaskKind;
use crate::grammar::fences;
use crate::novelty::ProgramKey;
use crate::prompt::{PromptSet, Prompts, Template};
use crate::proposal::{Authorship, Proposal};
use crate::references::References;
use crate::task::{Case, Prompt, Rejection, Task, Validation};
use crate::trial;
use crate::workshop::Workshop;

/// How the first block of a proposal begins. The input comes before the program: small models stop after a program.
pub(super) const INPUT_BLOCK: &str = "```input\n";
/// How the block of an induced program begins.
pub(super) const PROGRAM_BLOCK: &str = "```python\ndef f(";

/// Answers that show the form; one is drawn for each prompt. Handing one in is handing in a copy.
const WORKED: [&str; 6] = [
    include_str!("prompts/full/worked/words.txt"),
    include_str!("prompts/full/worked/stack.txt"),
    include_str!("prompts/full/worked/stock.txt"),
    include_str!("prompts/full/worked/digits.txt"),
    include_str!("prompts/full/worked/grid.txt"),
    include_str!("prompts/full/worked/halves.txt"),
];
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
                &prompts.banned,
                WORKED[references.form % WORKED.len()].trim_ascii_end(),
                &shown,
                &ingredients(references),
                prompts.form(),
            ]);
            prompts.propose(user, INPUT_BLOCK)
        }
        PromptSet::Compact => {
            let shown: String = examples
                .map(|drawn| REFERENCE_COMPACT.fill([&drawn.task.program]))
                .collect();
            Prompt {
                user: compact.fill([&shown]),
                prefill: String::new(),
                last_marker: None,
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
    if *authorship == Authorship::Written && is_worked_example(program) {
        return Err(Rejection::CopyOfReference);
    }
    let (found, wanted) = (inputs.len(), 1);
    let text = inputs
        .first()
        .ok_or(Rejection::TooFewInputs { found, wanted })?;
    trial::check_input(text, workshop)
}

fn is_worked_example(program: &str) -> bool {
    static KEYS: LazyLock<Vec<ProgramKey>> = LazyLock::new(|| {
        let blocks = WORKED.iter().flat_map(|worked| fences(worked));
        blocks.map(|block| ProgramKey::of(block.body)).collect()
    });
    KEYS.contains(&ProgramKey::of(program))
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
