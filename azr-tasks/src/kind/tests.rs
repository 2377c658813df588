//! What each kind asks, accepts and judges right, with a sandbox that is a closure.

mod answers;
mod hostile;
mod prompts;
mod proposals;

use azr_executor::testing::FakeSandbox;
use azr_executor::value::{Arguments, Value};
use azr_executor::{Denial, Exception, Job, Limit, Outcome, Scrutiny};

use super::*;
use crate::grammar::AnswerFormat;
use crate::novelty::NoveltyFilter;
use crate::prompt::{PromptOptions, PromptSet};
use crate::references::Drawn;
use crate::task::{Case, Oversize, Rejection};
use crate::workshop::Standards;
use crate::{Opening, judge_proposal};

const ADD: &str = "def f(a, b):\n    return a + b";

fn standards() -> Standards {
    Standards::new(Grammar::new(AnswerFormat::Fenced))
}

/// Adds its two integers; every other call raises.
fn adder() -> FakeSandbox {
    FakeSandbox::new(
        |_: &Job, input: &Arguments| match input.positional.as_slice() {
            [Value::Int(left), Value::Int(right)] => Outcome::Returned(Value::Int(left + right)),
            _ => Outcome::Raised(Exception {
                class: "TypeError".into(),
                message: String::new(),
            }),
        },
    )
}

fn giving(outcome: Outcome) -> FakeSandbox {
    FakeSandbox::new(move |_: &Job, _: &Arguments| outcome.clone())
}

fn case(input: &str, output: &str) -> Case {
    Case {
        input: Arguments::parse(input).unwrap(),
        output: Value::parse_literal(output).unwrap(),
    }
}

fn task(kind: TaskKind, program: &str, cases: &[(&str, &str)], shown: usize) -> Task {
    let cases = cases
        .iter()
        .map(|(input, output)| case(input, output))
        .collect();
    Task {
        kind,
        program: program.into(),
        cases,
        shown,
        message: String::new(),
    }
}

fn references(tasks: &[Task]) -> References {
    References {
        examples: tasks.iter().cloned().map(Drawn::from).collect(),
        ..References::default()
    }
}

fn triplet(program: &str, input: &str) -> String {
    format!("Let me think.\n```python\n{program}\n```\n```input\n{input}\n```\n")
}

fn judged(kind: TaskKind, text: &str, shown: &[Task], sandbox: &FakeSandbox) -> Validation {
    let standards = standards();
    let workshop = Workshop {
        sandbox,
        standards: &standards,
    };
    judge_proposal(
        kind,
        text,
        &references(shown),
        &NoveltyFilter::default(),
        &workshop,
    )
    .unwrap()
}

fn rejected(kind: TaskKind, text: &str, shown: &[Task], sandbox: &FakeSandbox) -> Rejection {
    match judged(kind, text, shown, sandbox) {
        Validation::Rejected(rejection) => rejection,
        Validation::Accepted(task) => panic!("accepted {task:?}"),
    }
}

fn verdict(task: &Task, text: &str, sandbox: &FakeSandbox) -> Verdict {
    let standards = standards();
    task.kind
        .rules()
        .verify(
            task,
            text,
            &Workshop {
                sandbox,
                standards: &standards,
            },
        )
        .unwrap()
}

#[test]
fn names_of_roles_kinds_and_lanes_read_back_as_themselves() {
    for kind in TaskKind::ALL {
        assert_eq!(kind.name().parse(), Ok(kind));
        assert_eq!(TaskKind::ALL[kind as usize], kind);
    }
    for role in Role::ALL {
        assert_eq!(role.name().parse(), Ok(role));
        assert_eq!(Role::ALL[role as usize], role);
    }
    for lane in Lane::ALL {
        assert_eq!(lane.to_string().parse(), Ok(lane));
    }
    assert_eq!(Lane::ALL[0].to_string(), "propose.deduction");
    assert_eq!(Lane::ALL.len(), Role::ALL.len() * TaskKind::ALL.len());
}

#[test]
fn a_lane_is_a_plain_string_in_json_so_it_can_key_an_object() {
    let lane = Lane {
        role: Role::Solve,
        kind: TaskKind::Induction,
    };
    let text = serde_json::to_string(&lane).unwrap();
    assert_eq!(text, "\"solve.induction\"");
    assert_eq!(serde_json::from_str::<Lane>(&text).unwrap(), lane);
    let error = serde_json::from_str::<Lane>("\"solve.magic\"").unwrap_err();
    assert!(error.to_string().contains("propose.deduction"), "{error}");
}
