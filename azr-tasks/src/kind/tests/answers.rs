//! Which answers are right.

use super::*;

#[test]
fn a_predicted_output_is_compared_as_a_value_without_any_run() {
    let sandbox = adder();
    let task = task(
        TaskKind::Deduction,
        ADD,
        &[("1, 2", "{'a': 3.0, 'b': [1, (2,)]}")],
        0,
    );
    let answers = [
        ("{'b': [True, (2,)], \"a\": 3}", Verdict::Correct),
        ("{'a': 3.0,\n 'b': [1,\n  (2,)]}", Verdict::Correct),
        ("{'a': 3.0, 'b': [1, 2]}", Verdict::Incorrect),
        ("{'a': 1+2, 'b': [1, (2,)]}", Verdict::Incorrect),
        ("dict_of_things", Verdict::Incorrect),
        (&"[".repeat(9 << 10), Verdict::Incorrect),
    ];
    for (answer, expected) in answers {
        assert_eq!(
            verdict(
                &task,
                &format!("<think>well</think>\n```output\n{answer}\n```"),
                &sandbox
            ),
            expected,
            "{answer}"
        );
    }
    assert_eq!(verdict(&task, "it is 3", &sandbox), Verdict::Malformed);
    assert_eq!(sandbox.jobs_run(), 0);
}

#[test]
fn any_input_that_gives_the_output_is_right() {
    let task = task(TaskKind::Abduction, ADD, &[("1, 2", "3")], 0);
    for (answer, expected) in [
        ("1, 2", Verdict::Correct),
        ("-4,\n7", Verdict::Correct),
        ("1, 1", Verdict::Incorrect),
        ("'a', 'b'", Verdict::Incorrect),
        ("1 + 1, 1", Verdict::Incorrect),
        ("1, 2) or (True", Verdict::Incorrect),
    ] {
        assert_eq!(
            verdict(&task, &format!("```input\n{answer}\n```"), &adder()),
            expected,
            "{answer}"
        );
    }
    assert_eq!(
        verdict(&task, "```output\n1, 2\n```", &adder()),
        Verdict::Malformed
    );
}

#[test]
fn an_induced_program_is_run_on_the_hidden_inputs_only_and_all_must_match() {
    let cases = [("1, 1", "999"), ("2, 2", "4"), ("3, 3", "6")];
    let task = task(TaskKind::Induction, ADD, &cases, 1);
    let answer = "```python\ndef f(a, b):\n    return b + a\n```";
    let sandbox = FakeSandbox::new(|job: &Job, input: &Arguments| {
        assert_eq!(job.inputs.len(), 2);
        assert!(job.program.contains("b + a"));
        assert_ne!(input.to_string(), "1, 1");
        let sum = if input.to_string() == "2, 2" { 4 } else { 6 };
        Outcome::Returned(sum.into())
    });
    assert_eq!(verdict(&task, answer, &sandbox), Verdict::Correct);
    assert_eq!(
        verdict(&task, answer, &giving(Outcome::Returned(4.into()))),
        Verdict::Incorrect
    );
    assert_eq!(
        verdict(&task, answer, &giving(Outcome::Nondeterministic)),
        Verdict::Incorrect
    );
    assert_eq!(
        verdict(&task, "def f(a, b): return 1", &sandbox),
        Verdict::Malformed
    );
    assert_eq!(sandbox.jobs_run(), 1);
}

#[test]
fn a_failing_sandbox_is_an_error_and_never_a_verdict() {
    let sandbox = adder().failing_at(1);
    let standards = standards();
    let workshop = Workshop {
        sandbox: &sandbox,
        standards: &standards,
    };
    let task = task(TaskKind::Abduction, ADD, &[("1, 2", "3")], 0);
    assert!(
        task.kind
            .rules()
            .verify(&task, "```input\n1, 2\n```", &workshop)
            .is_err()
    );
}
