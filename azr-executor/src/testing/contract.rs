//! What every sandbox promises, as programs and the outcomes they must have. Run it against each implementation.

use crate::{Arguments, Bans, Job, Limit, Limits, Outcome, Sandbox, Scrutiny};

/// One promise.
#[derive(Debug, Clone, Copy)]
pub struct Case<'text> {
    /// The promise, as a sentence.
    pub promise: &'text str,
    /// A program with an entry function `f`.
    pub program: &'text str,
    /// Its argument list.
    pub input: &'text str,
    /// How it is looked at.
    pub scrutiny: Scrutiny,
    /// What must come of it.
    pub expected: Expected,
}

/// What a promise demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// This value, by its `repr`.
    Value(&'static str),
    /// An exception of this class.
    Class(&'static str),
    /// One of these statuses ([`Outcome::status`]).
    Status(&'static [&'static str]),
    /// This limit.
    Limit(Limit),
}

impl Expected {
    fn holds(self, outcome: &Outcome) -> bool {
        match (self, outcome) {
            (Self::Value(repr), Outcome::Returned(value)) => value.to_string() == repr,
            (Self::Class(class), Outcome::Raised(exception)) => exception.class == class,
            (Self::Limit(limit), Outcome::Exceeded(exceeded)) => limit == *exceeded,
            (Self::Status(statuses), outcome) => statuses.contains(&outcome.status()),
            _ => false,
        }
    }
}

/// Runs every promise that any sandbox makes.
///
/// # Panics
/// When a promise is broken, naming all that are.
pub fn contract(sandbox: &dyn Sandbox) {
    withstand(sandbox, CASES);
}

/// Runs these promises, and after each a program whose answer is known.
///
/// # Panics
/// When a promise is broken, naming all that are.
pub fn withstand(sandbox: &dyn Sandbox, cases: &[Case<'_>]) {
    let mut broken = Vec::new();
    for case in cases {
        match run(sandbox, case) {
            Ok(outcome) if case.expected.holds(&outcome) => {}
            met => broken.push(format!(
                "{}\n  wants {:?}\n  got {met:?}",
                case.promise, case.expected
            )),
        }
        match run(sandbox, &CANARY) {
            Ok(outcome) if CANARY.expected.holds(&outcome) => {}
            met => broken.push(format!(
                "{}\n  leaves the next program with {met:?}",
                case.promise
            )),
        }
    }
    assert!(
        broken.is_empty(),
        "{} promises are broken:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

fn run(sandbox: &dyn Sandbox, case: &Case<'_>) -> Result<Outcome, String> {
    let input = Arguments::parse(case.input).map_err(|error| error.to_string())?;
    let job = Job {
        program: case.program.to_owned(),
        entry: "f".to_owned(),
        inputs: vec![input],
        scrutiny: case.scrutiny,
        bans: if case.scrutiny == Scrutiny::Check {
            Bans::paper()
        } else {
            Bans::none()
        },
        limits: Limits {
            cpu_ms_max: CPU_MS_MAX,
            wall_ms_max: WALL_MS_MAX,
            memory_bytes_max: MEMORY_BYTES_MAX,
            ..Limits::default()
        },
    };
    let mut report = sandbox.run(&job).map_err(|error| error.to_string())?;
    report
        .outcomes
        .pop()
        .ok_or_else(|| "no outcome at all".to_owned())
}

/// Limits of the promises: wide apart, so that a busy host reaches the one that is meant. Memory is small, for a host
/// that is slow to give pages needs more than the second to give 256 MiB of them.
const CPU_MS_MAX: u64 = 1_000;
const WALL_MS_MAX: u64 = 10_000;
const MEMORY_BYTES_MAX: u64 = 64 << 20;

const fn runs(
    promise: &'static str,
    program: &'static str,
    input: &'static str,
    expected: Expected,
) -> Case<'static> {
    Case {
        promise,
        program,
        input,
        scrutiny: Scrutiny::Run,
        expected,
    }
}

const fn checks(
    promise: &'static str,
    program: &'static str,
    input: &'static str,
    expected: Expected,
) -> Case<'static> {
    Case {
        promise,
        program,
        input,
        scrutiny: Scrutiny::Check,
        expected,
    }
}

/// What every sandbox must still answer after anything.
const CANARY: Case<'_> = runs(
    "the next program finds a fresh interpreter",
    "import math, sys\ndef f(x):\n    return [sorted([3, 1, x]), math.sqrt(16), sys.getrecursionlimit() >= 1000, len(str(10 ** 700))]\n",
    "2",
    Expected::Value("[[1, 2, 3], 4.0, True, 701]"),
);

const CASES: &[Case<'_>] = &[
    runs(
        "every plain value comes back as it is",
        "def f(*a, **k):\n    return a, k, {1, 2}, frozenset(), {'k': [None, True, -5, 1.5, 2j, 'é\\n', b'\\xff', 10 ** 40]}",
        "[(1,), {2}], {'a': nan}, k='v'",
        Expected::Value(
            "(([(1,), {2}], {'a': nan}), {'k': 'v'}, {1, 2}, frozenset(), {'k': [None, True, -5, 1.5, 2j, 'é\\n', b'\\xff', 10000000000000000000000000000000000000000]})",
        ),
    ),
    runs(
        "types stay apart",
        "def f(x):\n    return [1, True, 1.0, (), []]",
        "0",
        Expected::Value("[1, True, 1.0, (), []]"),
    ),
    runs(
        "a long text is whole",
        "def f(x):\n    return len('ab' * x) , ('ab' * x)[-1]",
        "200000",
        Expected::Value("(400000, 'b')"),
    ),
    runs(
        "an exception is its class",
        "def f(x):\n    return 1 // x",
        "0",
        Expected::Class("ZeroDivisionError"),
    ),
    runs(
        "an exit is an exception",
        "def f(x):\n    raise SystemExit(0)",
        "0",
        Expected::Class("SystemExit"),
    ),
    runs(
        "a program that does not compile raises",
        "def f(x):\n    return = 1",
        "0",
        Expected::Class("SyntaxError"),
    ),
    runs(
        "what only the compiler refuses raises",
        "return 5\ndef f(x):\n    return x",
        "0",
        Expected::Class("SyntaxError"),
    ),
    runs(
        "a missing entry function raises",
        "def g(x):\n    return x",
        "0",
        Expected::Class("NameError"),
    ),
    runs(
        "wrong arguments raise",
        "def f(x):\n    return x",
        "1, 2",
        Expected::Class("TypeError"),
    ),
    runs(
        "deep recursion raises",
        "def f(x):\n    return f(x)",
        "0",
        Expected::Class("RecursionError"),
    ),
    runs(
        "a generator is no plain value",
        "def f(x):\n    yield x",
        "0",
        Expected::Class("UnsupportedType"),
    ),
    runs(
        "a function is no plain value",
        "def f(x):\n    return [f]",
        "0",
        Expected::Class("UnsupportedType"),
    ),
    runs(
        "a cycle is no plain value",
        "def f(x):\n    a = []\n    a.append(a)\n    return a",
        "0",
        Expected::Class("UnsupportedType"),
    ),
    runs(
        "an integer too long to print is refused as CPython does",
        "def f(x):\n    return 10 ** x",
        "4300",
        Expected::Class("ValueError"),
    ),
    runs(
        "printing goes nowhere",
        "import sys\ndef f(x):\n    print('x' * 100000)\n    sys.stderr.write('y')\n    return x",
        "1",
        Expected::Value("1"),
    ),
    runs(
        "there is nothing to read from",
        "def f(x):\n    return input()",
        "0",
        Expected::Class("EOFError"),
    ),
    runs(
        "processor time is limited",
        "def f(x):\n    while True:\n        pass",
        "0",
        Expected::Limit(Limit::Cpu),
    ),
    runs(
        "time is limited",
        "import time\ndef f(x):\n    time.sleep(3600)",
        "0",
        Expected::Limit(Limit::Wall),
    ),
    runs(
        "memory is limited",
        "def f(x):\n    return len([bytes(1 << 30) for _ in range(x)])",
        "64",
        Expected::Limit(Limit::Memory),
    ),
    runs(
        "memory is limited where the interpreter does not say so",
        "import collections, itertools\ndef f(x):\n    return len(collections.deque(itertools.repeat(x)))",
        "0",
        Expected::Limit(Limit::Memory),
    ),
    runs(
        "a result is limited",
        "def f(x):\n    return 'x' * x",
        "2000000",
        Expected::Limit(Limit::Output),
    ),
    runs(
        "shared parts count each time",
        "def f(x):\n    a = [1]\n    for _ in range(60):\n        a = [a, a]\n    return a",
        "0",
        Expected::Limit(Limit::Output),
    ),
    runs(
        "leaving without a result is no result",
        "import os\ndef f(x):\n    os._exit(0)",
        "0",
        Expected::Status(&["killed"]),
    ),
    runs(
        "globals are fresh",
        "import builtins\ndef f(x):\n    builtins.mark = 1\n    return sorted(n for n in globals() if n[0] != '_')",
        "0",
        Expected::Value("['builtins', 'f']"),
    ),
    checks(
        "a pure program passes the check",
        "import math, string, re\ndef f(x):\n    return {c: math.gcd(len(x), 6) for c in x}",
        "'hello'",
        Expected::Value("{'h': 1, 'e': 1, 'l': 1, 'o': 1}"),
    ),
    checks(
        "a raised class passes the check",
        "def f(x):\n    raise KeyError(object())",
        "0",
        Expected::Class("KeyError"),
    ),
    checks(
        "the order of a set is noticed",
        "def f(x):\n    return list({'alpha', 'beta', 'gamma', 'delta', 'epsilon'})",
        "0",
        Expected::Status(&["nondeterministic"]),
    ),
    checks(
        "a hash is noticed",
        "def f(x):\n    return hash(x)",
        "'a'",
        Expected::Status(&["nondeterministic"]),
    ),
    checks(
        "an address is noticed",
        "def f(x):\n    return id(x)",
        "[]",
        Expected::Status(&["nondeterministic"]),
    ),
    checks(
        "chance is noticed",
        "import secrets\ndef f(x):\n    return secrets.randbelow(10 ** 9)",
        "0",
        Expected::Status(&["nondeterministic"]),
    ),
    checks(
        "a counter is noticed",
        "n = 0\ndef f(x):\n    global n\n    n += 1\n    return n",
        "0",
        Expected::Status(&["nondeterministic"]),
    ),
    checks(
        "a set itself has no order",
        "def f(x):\n    return {'alpha', 'beta', 'gamma', 'delta'}",
        "0",
        Expected::Value("{'alpha', 'beta', 'delta', 'gamma'}"),
    ),
    checks(
        "a changed argument is seen by one call only",
        "def f(x):\n    x.append(1)\n    return x",
        "[]",
        Expected::Value("[1]"),
    ),
    checks(
        "a banned import is denied",
        "def f(x):\n    import random\n    return 1",
        "0",
        Expected::Status(&["denied"]),
    ),
    checks(
        "a hidden banned import fails",
        "def f(x):\n    return __import__('ran' + 'dom').random()",
        "0",
        Expected::Class("ModuleNotFoundError"),
    ),
];
