//! The real sandbox, tasks to cheat on, and a trap for what gets out.

use std::path::PathBuf;
use std::sync::LazyLock;

use azr_executor::testing::FakeSandbox;
use azr_executor::value::{Arguments, Value};
use azr_executor::{Job, Outcome, Python, PythonConfig, Sandbox};
use azr_tasks::{
    AnswerFormat, Case, Grammar, NoveltyFilter, References, Standards, Task, TaskKind, Validation,
    Verdict, Workshop, judge_proposal,
};

pub static PYTHON: LazyLock<Python> =
    LazyLock::new(|| Python::start(&PythonConfig::default()).unwrap());

pub fn standards() -> Standards {
    Standards::new(Grammar::new(AnswerFormat::Fenced))
}

pub fn case(input: &str, output: &str) -> Case {
    Case {
        input: Arguments::parse(input).unwrap(),
        output: Value::parse_literal(output).unwrap(),
    }
}

pub fn task(kind: TaskKind, program: &str, cases: &[(&str, &str)], shown: usize) -> Task {
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

pub fn verdict_in(sandbox: &dyn Sandbox, task: &Task, label: &str, answer: &str) -> Verdict {
    let standards = standards();
    let workshop = Workshop {
        sandbox,
        standards: &standards,
    };
    let text = format!("<think>heh</think>\n```{label}\n{answer}\n```\n");
    task.kind.rules().verify(task, &text, &workshop).unwrap()
}

pub fn verdict(task: &Task, label: &str, answer: &str) -> Verdict {
    verdict_in(&*PYTHON, task, label, answer)
}

pub fn proposed(program: &str, input: &str) -> Validation {
    let standards = standards();
    let workshop = Workshop {
        sandbox: &*PYTHON,
        standards: &standards,
    };
    let text = format!("```python\n{program}\n```\n```input\n{input}\n```\n");
    let (references, novelty) = (References::default(), NoveltyFilter::default());
    judge_proposal(TaskKind::Deduction, &text, &references, &novelty, &workshop).unwrap()
}

pub fn reason(program: &str, input: &str) -> &'static str {
    match proposed(program, input) {
        Validation::Rejected(rejection) => rejection.reason(),
        Validation::Accepted(task) => panic!("accepted {task:?}"),
    }
}

/// A sandbox that must not be reached.
pub fn unreachable() -> FakeSandbox {
    FakeSandbox::new(|_: &Job, _: &Arguments| Outcome::Returned(Value::None))
}

/// A file that an exploit would leave behind.
pub struct Trap {
    directory: tempfile::TempDir,
}

impl Trap {
    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("sprung")
    }

    pub fn assert_untouched(&self) {
        assert!(!self.path().exists(), "model text wrote {:?}", self.path());
    }
}

/// The simplest program.
pub const IDENTITY: &str = "def f(a):\n    return a";
