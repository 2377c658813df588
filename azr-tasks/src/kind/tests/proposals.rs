//! What becomes a task, and the reason of everything that does not.

use super::*;

#[test]
fn a_good_triplet_becomes_a_task_with_the_output_that_the_run_gave() {
    for kind in [TaskKind::Deduction, TaskKind::Abduction] {
        let found = judged(kind, &triplet(ADD, "2, 40"), &[], &adder());
        assert_eq!(
            found,
            Validation::Accepted(task(kind, ADD, &[("2, 40", "42")], 0))
        );
    }
}

#[test]
fn proposals_are_run_in_check_mode_under_the_bans_and_answers_in_run_mode() {
    let sandbox = FakeSandbox::new(|job: &Job, _: &Arguments| {
        assert!(job.bans.modules.iter().any(|module| module == "random"));
        assert_eq!(job.entry, "f");
        Outcome::Returned(Value::from(if job.scrutiny == Scrutiny::Check {
            1
        } else {
            2
        }))
    });
    let found = judged(TaskKind::Abduction, &triplet(ADD, "2, 40"), &[], &sandbox);
    assert_eq!(
        found,
        Validation::Accepted(task(TaskKind::Abduction, ADD, &[("2, 40", "1")], 0))
    );
    let two = task(TaskKind::Abduction, ADD, &[("2, 40", "2")], 0);
    assert_eq!(
        verdict(&two, "```input\n9, 9\n```", &sandbox),
        Verdict::Correct
    );
}

#[test]
fn each_defect_of_a_proposal_has_its_own_reason() {
    let kind = TaskKind::Deduction;
    let long = "1, ".repeat(1 << 10);
    let texts = [
        ("no blocks", "no_program"),
        ("```python\ndef f(a):\n    return a\n```", "no_input"),
        (&triplet("def f(a:\n    return a", "1"), "syntax_error"),
        (&triplet("def g(a):\n    return a", "1"), "no_entry"),
        (
            &triplet("import random\ndef f(a):\n    return a", "1"),
            "banned",
        ),
        (
            &triplet(
                &format!("def f(a):\n    return {}", "a+".repeat(8 << 10)),
                "1",
            ),
            "program_too_large",
        ),
        (&triplet(ADD, "open('x')"), "not_a_literal_input"),
        (&triplet(ADD, "*[1, 2]"), "not_a_literal_input"),
        (&triplet(ADD, "1) or (2"), "not_a_literal_input"),
        (&triplet(ADD, &long), "input_too_large"),
        (&triplet(ADD, "1"), "raised"),
    ];
    for (text, reason) in texts {
        assert_eq!(
            rejected(kind, text, &[], &adder()).reason(),
            reason,
            "{text}"
        );
    }
    let raised = Exception {
        class: "StopIteration".into(),
        message: String::new(),
    };
    let outcomes = [
        (Outcome::Returned(Value::None), Rejection::NothingReturned),
        (
            Outcome::Returned(Value::Str("a".repeat(3 << 10))),
            Rejection::TooLarge(Oversize::Output),
        ),
        (
            Outcome::Raised(raised),
            Rejection::Raised {
                class: "StopIteration".into(),
            },
        ),
        (Outcome::Exceeded(Limit::Cpu), Rejection::Timeout),
        (Outcome::Exceeded(Limit::Wall), Rejection::Timeout),
        (Outcome::Exceeded(Limit::Memory), Rejection::Memory),
        (
            Outcome::Exceeded(Limit::Output),
            Rejection::TooLarge(Oversize::Output),
        ),
        (Outcome::Killed { signal: 11 }, Rejection::Killed),
        (Outcome::Denied(Denial::SystemCall), Rejection::Denied),
        (Outcome::Nondeterministic, Rejection::Nondeterministic),
    ];
    for (outcome, rejection) in outcomes {
        assert_eq!(
            rejected(kind, &triplet(ADD, "1, 2"), &[], &giving(outcome)),
            rejection
        );
    }
}

#[test]
fn a_copied_or_held_out_program_is_refused_without_a_run() {
    let sandbox = adder();
    let shown = [task(
        TaskKind::Deduction,
        "def f(x, y):\n    return x+y # sum",
        &[("1, 1", "2")],
        0,
    )];
    let copy = rejected(
        TaskKind::Deduction,
        &triplet(ADD, "2, 40"),
        &shown,
        &sandbox,
    );
    assert_eq!(copy, Rejection::CopyOfReference);
    let standards = standards();
    let workshop = Workshop {
        sandbox: &sandbox,
        standards: &standards,
    };
    let novelty = NoveltyFilter::holding_out([ADD]);
    assert!(novelty.holds_out("def f(left, right):\n    return left + right"));
    let held = judge_proposal(
        TaskKind::Abduction,
        &triplet(ADD, "2, 40"),
        &references(&[]),
        &novelty,
        &workshop,
    );
    assert_eq!(held.unwrap(), Validation::Rejected(Rejection::HeldOut));
    assert_eq!(sandbox.jobs_run(), 0);
}

#[test]
fn helpers_nested_functions_and_classes_are_welcome() {
    let program = "import math\nclass Box:\n    def __init__(self, v):\n        self.v = v\ndef g(x):\n    return x\n\
                   def f(a, b):\n    def inner(c):\n        return c\n    return inner(g(a)) + b";
    let found = judged(
        TaskKind::Deduction,
        &triplet(program, "2, 40"),
        &[],
        &adder(),
    );
    assert!(matches!(found, Validation::Accepted(task) if task.program == program));
}

/// N = 10 inputs `(n, n)`, after two that do not count.
fn ten_inputs(last: &str) -> String {
    let numbers = (0..11)
        .map(|n| format!("{n}, {n}"))
        .chain([last.to_owned()]);
    numbers
        .map(|it| format!("```input\n{it}\n```\n"))
        .collect::<String>()
        + "```message\nAdd them.\n```"
}

#[test]
fn an_induction_proposal_keeps_the_last_n_inputs_and_shows_the_first_half() {
    let given = [task(TaskKind::Deduction, ADD, &[("1, 2", "3")], 0)];
    let Validation::Accepted(task) =
        judged(TaskKind::Induction, &ten_inputs("50, 1"), &given, &adder())
    else {
        panic!("rejected")
    };
    assert_eq!(
        (task.cases.len(), task.shown, task.message.as_str()),
        (10, 5, "Add them.")
    );
    assert_eq!(
        (task.program.as_str(), &task.cases[0], &task.cases[9]),
        (ADD, &case("2, 2", "4"), &case("50, 1", "51"))
    );
}

#[test]
fn an_induction_proposal_with_repeated_few_or_failing_inputs_is_refused() {
    let given = [task(TaskKind::Deduction, ADD, &[("1, 2", "3")], 0)];
    let refuse = |text: &str| rejected(TaskKind::Induction, text, &given, &adder());
    assert_eq!(refuse(&ten_inputs("9,  9")), Rejection::RepeatedInput);
    assert_eq!(
        refuse(&ten_inputs("'a', 9")),
        Rejection::Raised {
            class: "TypeError".into()
        }
    );
    assert_eq!(
        refuse("```input\n1, 2\n```"),
        Rejection::TooFewInputs {
            found: 1,
            wanted: 10
        }
    );
    assert_eq!(
        refuse(&ten_inputs("50, 1").replace("Add them.", "def f(a, b): return a + b")),
        Rejection::CodeInMessage
    );
    assert_eq!(refuse("```message\nhello\n```").reason(), "no_input");
    assert_eq!(
        rejected(TaskKind::Induction, &ten_inputs("1, 1"), &[], &adder()).reason(),
        "no_reference"
    );
}

#[test]
fn failing_inputs_are_left_out_when_fewer_are_enough() {
    let sandbox = adder();
    let mut standards = standards();
    standards.induction.inputs_valid_min = 7;
    let workshop = Workshop {
        sandbox: &sandbox,
        standards: &standards,
    };
    let given = references(&[task(TaskKind::Deduction, ADD, &[("1, 2", "3")], 0)]);
    let text = ten_inputs("'a', 9");
    let novelty = NoveltyFilter::default();
    let found = judge_proposal(TaskKind::Induction, &text, &given, &novelty, &workshop).unwrap();
    assert!(
        matches!(found, Validation::Accepted(task) if task.cases.len() == 9 && task.shown == 4)
    );
}

#[test]
fn an_induction_task_may_give_none_for_some_inputs_but_not_for_all() {
    let given = [task(TaskKind::Deduction, ADD, &[("1, 2", "3")], 0)];
    let some = FakeSandbox::new(
        |_: &Job, input: &Arguments| match input.to_string().as_str() {
            "50, 1" => Outcome::Returned(51.into()),
            _ => Outcome::Returned(Value::None),
        },
    );
    let text = ten_inputs("50, 1");
    let found = judged(TaskKind::Induction, &text, &given, &some);
    assert!(matches!(found, Validation::Accepted(_)), "{found:?}");
    let none = rejected(
        TaskKind::Induction,
        &text,
        &given,
        &giving(Outcome::Returned(Value::None)),
    );
    assert_eq!(none, Rejection::NothingReturned);
}
