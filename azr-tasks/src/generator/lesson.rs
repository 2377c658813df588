//! What a perfect proposer or solver would have answered: the prompt of the loop, and a response written by us.

use super::program::Program;
use super::school::task;
use super::trace::Worked;
use crate::kind::{Lane, Role, TaskKind};
use crate::prompt::Prompts;
use crate::references::References;
use crate::task::Prompt;

/// A prompt and the response to learn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// Which lane it belongs to.
    pub lane: Lane,
    /// What the loop would ask.
    pub prompt: Prompt,
    /// What to answer, after the prompt's prefill.
    pub response: String,
}

/// The lesson of `lane` about worked cases of one program; a proposer has seen `reference`.
pub(super) fn write(
    prompts: &Prompts,
    lane: Lane,
    reference: &Program,
    cases: &[Worked],
) -> Lesson {
    let rules = lane.kind.rules();
    match lane.role {
        Role::Solve => {
            let prompt = rules.solve_prompt(prompts, &task(lane.kind, cases));
            Lesson {
                lane,
                prompt,
                response: answer(lane.kind, cases),
            }
        }
        Role::Propose => {
            let prompt = rules.propose_prompt(prompts, &shown(lane.kind, reference, cases));
            Lesson {
                lane,
                prompt,
                response: proposal(lane.kind, cases),
            }
        }
    }
}

fn shown(kind: TaskKind, reference: &Program, cases: &[Worked]) -> References {
    let mut task = task(kind, cases);
    task.program = reference.to_string();
    References {
        examples: vec![task.into()],
        ..References::default()
    }
}

fn proposal(kind: TaskKind, cases: &[Worked]) -> String {
    let inputs = cases
        .iter()
        .map(|worked| block("input", &list(&worked.input)))
        .collect::<Vec<_>>()
        .join("\n");
    if kind == TaskKind::Induction {
        return inputs;
    }
    format!(
        "{}\n{inputs}",
        block("python", &cases[0].program.to_string())
    )
}

/// Deduction thinks forward through the states, abduction backward; induction writes the program at once.
fn answer(kind: TaskKind, cases: &[Worked]) -> String {
    let worked = &cases[0];
    if kind == TaskKind::Induction {
        return block("python", &worked.program.to_string());
    }
    let inner = &worked.states[..worked.states.len() - 1];
    let (thought, answer) = if kind == TaskKind::Deduction {
        (lines(inner.iter()), block("output", &list(worked.output())))
    } else {
        (
            lines(inner.iter().rev()),
            block("input", &list(&worked.input)),
        )
    };
    format!("{thought}</think>\n{answer}")
}

fn block(label: &str, content: &str) -> String {
    format!("```{label}\n{content}\n```")
}

fn lines<'a>(states: impl Iterator<Item = &'a Vec<u8>>) -> String {
    states
        .map(|state| list(state))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A list as Python prints it.
fn list(numbers: &[u8]) -> String {
    format!(
        "[{}]",
        numbers
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    )
}
