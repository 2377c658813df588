//! Seed files: good rows become tasks, defective ones are counted, and no recorded output is believed.

use azr_executor::testing::FakeSandbox;
use azr_executor::value::{Arguments, Value};
use azr_executor::{Exception, Job, Outcome};

use super::*;
use crate::grammar::{AnswerFormat, Grammar};
use crate::workshop::Standards;

/// Adds one to its integer; an integer below zero raises.
fn successor() -> FakeSandbox {
    FakeSandbox::new(
        |_: &Job, input: &Arguments| match input.positional.as_slice() {
            [Value::Int(number)] if *number >= 0.into() => {
                Outcome::Returned(Value::Int(number + 1))
            }
            _ => Outcome::Raised(Exception {
                class: "Error".into(),
                message: String::new(),
            }),
        },
    )
}

fn row(snippet: &str, input: &str, output: &str) -> String {
    let row = serde_json::json!({
        "snippet": snippet, "input": input, "output": output, "imports": [], "original_snippet": snippet,
        "composite_functions": [], "_input_type": "int", "_output_type": "int",
    });
    format!("{row}\n")
}

fn read(kind: TaskKind, text: &str) -> SeedReport {
    let standards = Standards::new(Grammar::new(AnswerFormat::Fenced));
    let sandbox = successor();
    let workshop = Workshop {
        sandbox: &sandbox,
        standards: &standards,
    };
    let novelty = NoveltyFilter::holding_out(["def f(x):\n    return 0 + 1 + x"]);
    read_seeds(kind, &mut text.as_bytes(), &novelty, &workshop).unwrap()
}

const NEXT: &str = "def f(x):\n    return x + 1";

#[test]
fn good_rows_serve_deduction_and_abduction_alike() {
    let text = row(NEXT, "41", "42") + "\n" + &row(NEXT, "1", "2");
    for kind in [TaskKind::Deduction, TaskKind::Abduction] {
        let report = read(kind, &text);
        assert_eq!((report.rows, report.tasks.len()), (2, 2));
        assert_eq!(
            (report.rejected.len(), report.corrected.len()),
            (0, 0),
            "{report:?}"
        );
        assert_eq!(report.tasks[0].kind, kind);
        assert_eq!(report.tasks[0].cases[0].output, 42.into());
    }
}

#[test]
fn wrong_recorded_outputs_are_counted_and_replaced_by_those_of_a_run() {
    let golds = [
        ("1", ""),
        ("2", "[1, 2, 3...8, 9"),
        ("3", "5"),
        ("4", "5.0"),
    ];
    let text: String = golds
        .iter()
        .map(|(input, gold)| row(NEXT, input, gold))
        .collect();
    let report = read(TaskKind::Deduction, &text);
    let outputs: Vec<&Value> = report.tasks.iter().map(|it| &it.cases[0].output).collect();
    assert_eq!(outputs, [&2.into(), &3.into(), &4.into(), &5.into()]);
    let corrected = [
        ("gold_different", 1),
        ("gold_empty", 1),
        ("gold_not_a_literal", 1),
    ];
    assert_eq!(report.corrected, BTreeMap::from(corrected));
}

#[test]
fn defective_rows_are_counted_by_reason() {
    let text = [
        row(NEXT, "41", "42"),
        row("def f(x):\n\n    return x+1", "41", "42"),
        row("def f(y):\n    return 0 + 1 + y", "41", "42"),
        row(NEXT, "-3", ""),
        row(NEXT, "open('x')", "''"),
        row("def g(x):\n    return x", "1", "1"),
        row("def f(x):\n    s = '''\n```\n'''\n    return x", "1", "1"),
        "{\"snippet\": \"cut".to_owned(),
    ];
    let report = read(TaskKind::Abduction, &text.concat());
    let rejected = [
        ("denied", 1),
        ("duplicate", 1),
        ("held_out", 1),
        ("no_entry", 1),
        ("not_a_literal_input", 1),
        ("not_a_record", 1),
        ("raised", 1),
    ];
    assert_eq!(report.rejected, BTreeMap::from(rejected));
    assert_eq!((report.rows, report.tasks.len()), (8, 1));
}

#[test]
fn induction_rows_keep_their_inputs_and_message() {
    let induction = |inputs: Vec<String>, outputs: Vec<String>| {
        let row = serde_json::json!({
            "snippet": NEXT, "inputs": inputs, "outputs": outputs, "message": " Count on. ", "imports": ["import math"],
        });
        format!("{row}\n")
    };
    let numbers = |from: usize| (from..from + 10).map(|n| n.to_string()).collect::<Vec<_>>();
    let mut cut = numbers(21);
    cut[9] = String::new();
    let text = induction(numbers(0), numbers(1))
        + &induction(numbers(20), cut)
        + &induction(vec!["1".into()], vec!["2".into()]);
    let report = read(TaskKind::Induction, &text);
    assert_eq!(report.rejected, BTreeMap::from([("too_few_inputs", 1)]));
    assert_eq!(report.corrected, BTreeMap::from([("gold_empty", 1)]));
    let task = &report.tasks[0];
    assert_eq!(
        (task.cases.len(), task.shown, task.message.as_str()),
        (10, 5, "Count on.")
    );
    assert_eq!(task.program, format!("import math\n{NEXT}"));
    assert_eq!(report.tasks[1].cases[9].output, 30.into());
}

#[test]
fn a_failing_sandbox_ends_the_reading_with_the_line() {
    let standards = Standards::new(Grammar::new(AnswerFormat::Fenced));
    let sandbox = successor().failing_at(2);
    let workshop = Workshop {
        sandbox: &sandbox,
        standards: &standards,
    };
    let text = row(NEXT, "1", "2") + &row(NEXT, "2", "3");
    let novelty = NoveltyFilter::default();
    let error = read_seeds(
        TaskKind::Deduction,
        &mut text.as_bytes(),
        &novelty,
        &workshop,
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the sandbox failed on line 2 of the seed file"
    );
}
