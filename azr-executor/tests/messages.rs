//! What a sandbox says of an exception: the class and the words that the interpreter would print.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;

use azr_executor::testing::permitted_backends;
use azr_executor::{Exception, Outcome, Sandbox, Scrutiny};
use jobs::{job, start};

/// What is raised, and what `str` gives of it; where it could run code of the program, its first plain text.
const MESSAGES: &[(&str, &str, &str)] = &[
    (
        "'a\\ud800'.encode()",
        "UnicodeEncodeError",
        "'utf-8' codec can't encode character '\\ud800' in position 1: surrogates not allowed",
    ),
    (
        "b'\\xff\\xfe'.decode()",
        "UnicodeDecodeError",
        "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
    ),
    ("{}['a']", "KeyError", "'a'"),
    ("{}[3]", "KeyError", "3"),
    (
        "int('x')",
        "ValueError",
        "invalid literal for int() with base 10: 'x'",
    ),
    ("throw(ValueError('a', 1))", "ValueError", "('a', 1)"),
    (
        "throw(OSError(2, 'gone'))",
        "FileNotFoundError",
        "[Errno 2] gone",
    ),
    ("throw(StopIteration(4))", "StopIteration", "4"),
    ("throw(AssertionError())", "AssertionError", ""),
    ("throw(Own('first', 'second'))", "Own", "first"),
    (
        "throw(ValueError(Lies(), 'second'))",
        "ValueError",
        "second",
    ),
];

fn program(raises: &str) -> String {
    format!(
        "class Own(Exception):\n    def __str__(self):\n        return 'a lie'\nclass Lies:\n    __str__ = __repr__ = lambda self: 'a lie'\ndef throw(e):\n    raise e\ndef f():\n    {raises}\n"
    )
}

#[test]
fn an_exception_has_the_message_that_the_interpreter_prints() {
    for backend in permitted_backends() {
        let sandbox = start(1, backend);
        for (raises, class, message) in MESSAGES {
            let job = job(&program(raises), &[""], Scrutiny::Run, 60_000);
            let report = sandbox.run(&job).unwrap_or_else(|error| panic!("{error}"));
            let [
                Outcome::Raised(Exception {
                    class: raised,
                    message: said,
                }),
            ] = &report.outcomes[..]
            else {
                panic!("{backend}, {raises}: {report:?}");
            };
            assert_eq!(raised, class, "{backend}, {raises}");
            assert_eq!(said, message, "{backend}, {raises}");
        }
    }
}

#[test]
fn a_long_message_is_cut() {
    for backend in permitted_backends() {
        let sandbox = start(1, backend);
        let job = job(
            &program("throw(KeyError('x' * 1000))"),
            &[""],
            Scrutiny::Run,
            60_000,
        );
        let report = sandbox.run(&job).unwrap();
        let [Outcome::Raised(raised)] = &report.outcomes[..] else {
            panic!("{backend}: {report:?}");
        };
        assert_eq!(raised.message, format!("'{}", "x".repeat(499)), "{backend}");
    }
}

#[test]
fn an_entry_is_named_as_the_interpreter_reads_names() {
    for backend in permitted_backends() {
        let sandbox = start(1, backend);
        let mut ligature = job("def ﬁ(x): return x\n", &["3"], Scrutiny::Run, 60_000);
        ligature.entry = "ﬁ".to_owned();
        assert_eq!(jobs::outputs(&sandbox, &ligature), ["3"], "{backend}");
    }
}
