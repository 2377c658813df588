//! S1 to S6: answers that try to be more than data.

use azr_executor::testing::FakeSandbox;
use azr_executor::value::{Arguments, Value};
use azr_executor::{Job, Outcome};
use azr_tasks::{TaskKind, Verdict};

use crate::fixture::*;

#[test]
fn s1_a_predicted_output_is_never_evaluated_anywhere() {
    let trap = Trap::new();
    let task = task(TaskKind::Deduction, IDENTITY, &[("2", "2")], 0);
    let path = trap.path();
    let answers = [
        format!("open({path:?}, 'w').write('x') and 2"),
        format!("__import__('os').system('touch {}') or 2", path.display()),
        "__import__('os')._exit(7)".to_owned(),
        format!(
            "[2 for _ in [exec(\"open('{}', 'w')\")]][0]",
            path.display()
        ),
        "10 ** 10 ** 10".to_owned(),
        "(lambda: 2)()".to_owned(),
    ];
    let sandbox = unreachable();
    for answer in answers {
        assert_eq!(
            verdict_in(&sandbox, &task, "output", &answer),
            Verdict::Incorrect,
            "{answer}"
        );
    }
    assert_eq!(sandbox.jobs_run(), 0);
    trap.assert_untouched();
}

#[test]
fn s2_a_predicted_output_that_names_a_variable_is_wrong() {
    let task = task(
        TaskKind::Deduction,
        IDENTITY,
        &[("'secret'", "'secret'")],
        0,
    );
    for name in [
        "gold",
        "gold_output",
        "expected",
        "output",
        "answer",
        "case.output",
        "eval(gold_output)",
        "f'{output}'",
    ] {
        assert_eq!(verdict(&task, "output", name), Verdict::Incorrect, "{name}");
    }
    assert_eq!(verdict(&task, "output", "'secret'"), Verdict::Correct);
}

#[test]
fn s3_an_expression_that_would_evaluate_to_the_output_is_wrong() {
    let number = task(
        TaskKind::Deduction,
        "def f(a):\n    return a + 1",
        &[("2", "3")],
        0,
    );
    for answer in [
        "f(2)",
        "1 + 2",
        "'1+2'",
        "int('3')",
        "'3'",
        "[3][0]",
        "3 if True else 4",
    ] {
        assert_eq!(
            verdict(&number, "output", answer),
            Verdict::Incorrect,
            "{answer}"
        );
    }
    let text = task(
        TaskKind::Deduction,
        "def f(a):\n    return str(a + 1)",
        &[("2", "'3'")],
        0,
    );
    for answer in ["f(2)", "1 + 2", "'1+2'", "str(3)", "3"] {
        assert_eq!(
            verdict(&text, "output", answer),
            Verdict::Incorrect,
            "{answer}"
        );
    }
    assert_eq!(verdict(&text, "output", "'3'"), Verdict::Correct);
}

#[test]
fn s4_a_predicted_input_cannot_leave_the_call() {
    let task = task(TaskKind::Abduction, IDENTITY, &[("999999", "999999")], 0);
    let sandbox = FakeSandbox::new(|_: &Job, _: &Arguments| {
        Outcome::Returned(Value::parse_literal("999999").unwrap())
    });
    for answer in [
        "1) or (True",
        "1)\nTrue",
        "1); True #",
        "1\nTrue",
        "*[999999]",
        "**{'a': 999999}",
        "1) == f(1",
        "a := 999999",
    ] {
        assert_eq!(
            verdict_in(&sandbox, &task, "input", answer),
            Verdict::Incorrect,
            "{answer}"
        );
    }
    assert_eq!(sandbox.jobs_run(), 0);
    assert_eq!(verdict(&task, "input", "999_999"), Verdict::Correct);
}

#[test]
fn s5_a_predicted_input_cannot_be_an_object_that_equals_everything() {
    let sandbox = unreachable();
    let task = task(TaskKind::Abduction, IDENTITY, &[("'x'", "'x'")], 0);
    for answer in [
        "type('X', (), {'__eq__': lambda s, o: True})()",
        "type('X', (str,), {'__eq__': lambda s, o: True})('')",
        "(lambda: 0)",
        "__import__('unittest.mock').mock.ANY",
        "unittest.mock.ANY",
        "collections.Counter.__class__",
        "NotImplemented",
    ] {
        assert_eq!(
            verdict_in(&sandbox, &task, "input", answer),
            Verdict::Incorrect,
            "{answer}"
        );
        assert_eq!(
            verdict_in(&sandbox, &task, "output", answer),
            Verdict::Malformed,
            "{answer}"
        );
    }
    assert_eq!(sandbox.jobs_run(), 0);
}

#[test]
fn s6_an_induced_program_cannot_return_an_object_that_lies_about_equality() {
    let trap = Trap::new();
    let cases = [("1", "11"), ("2", "12"), ("3", "13"), ("4", "14")];
    let task = task(
        TaskKind::Induction,
        "def f(a):\n    return a + 10",
        &cases,
        2,
    );
    let text = format!(
        "__import__('os').system('touch {}') or True",
        trap.path().display()
    );
    let bodies = [
        format!("class X:\n    def __eq__(self, o):\n        return {text:?}\n    def __ne__(self, o):\n        return False\ndef f(a):\n    return X()"),
        "class X(int):\n    def __eq__(self, o):\n        return True\n    __hash__ = int.__hash__\ndef f(a):\n    return X(0)".to_owned(),
        "class X:\n    def __repr__(self):\n        return '13'\ndef f(a):\n    return X()".to_owned(),
        "class X:\n    def __reduce__(self):\n        return (print, ())\ndef f(a):\n    return X()".to_owned(),
        "import builtins\nbuiltins.repr = lambda o: '13'\nbuiltins.len = lambda o: 0\ndef f(a):\n    return 0".to_owned(),
        "import gc\ndef f(a):\n    return next((o for o in gc.get_objects() if o == 13), 0)".to_owned(),
        "import sys\ndef f(a):\n    return sys._getframe(1).f_locals".to_owned(),
    ];
    for program in bodies {
        assert_eq!(
            verdict(&task, "python", &program),
            Verdict::Incorrect,
            "{program}"
        );
    }
    assert_eq!(
        verdict(&task, "python", "def f(b):\n    return 10 + b"),
        Verdict::Correct
    );
    trap.assert_untouched();
}
