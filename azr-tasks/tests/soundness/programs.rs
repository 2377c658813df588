//! S7 to S10: programs that try to reach the next program, the host, or a task that nobody can solve.

use std::net::TcpListener;

use azr_executor::value::Value;
use azr_tasks::{Rejection, TaskKind, Validation, Verdict};

use crate::fixture::*;

#[test]
fn s7_nothing_that_a_program_changes_reaches_the_next_one() {
    let patches = [
        "import builtins\nbuiltins.sorted = lambda *a, **k: [2, 3, []]\ndef f(a):\n    return 1",
        "import json\njson.dumps = lambda *a, **k: 'patched'\ndef f(a):\n    return 1",
        "import math\nmath.leak = 5\ndef f(a):\n    math.floor = lambda x: 7\n    return 1",
    ];
    let probe = "import json, math\ndef f(a):\n    return [sorted(a), json.dumps(a), math.floor(2.5), hasattr(math, 'leak')]";
    for patch in patches {
        for _ in 0..4 {
            assert!(matches!(
                proposed(patch, "0"),
                Validation::Accepted(_) | Validation::Rejected(Rejection::Nondeterministic)
            ));
        }
        let Validation::Accepted(task) = proposed(probe, "[3, 1]") else {
            panic!("the probe was refused")
        };
        assert_eq!(
            task.cases[0].output,
            Value::parse_literal("[[1, 3], '[3, 1]', 2, False]").unwrap()
        );
    }
}

#[test]
fn s8_whatever_a_program_raises_is_a_refusal_and_never_an_empty_output() {
    let raising = [
        "Exception('x')",
        "StopIteration",
        "SystemExit",
        "SystemExit(0)",
        "KeyboardInterrupt",
        "GeneratorExit",
        "Warning('fine')",
        "Oops()",
    ];
    for what in raising {
        let program = format!("class Oops(BaseException):\n    pass\ndef f(a):\n    raise {what}");
        assert_eq!(reason(&program, "1"), "raised", "{what}");
    }
    let not_plain = [
        "iter([a])",
        "(x for x in [a])",
        "map(str, [a])",
        "lambda: a",
        "f",
        "object()",
        "enumerate([a])",
        "{a: a}.keys()",
        "type(a)",
    ];
    for what in not_plain {
        assert_eq!(
            reason(&format!("def f(a):\n    return {what}"), "1"),
            "raised",
            "{what}"
        );
    }
    assert_eq!(
        reason("import os\ndef f(a):\n    os._exit(0)", "1"),
        "killed"
    );
    assert_eq!(reason("def f(a):\n    pass", "1"), "nothing_returned");
    assert_eq!(
        reason("def f(a):\n    return 'x' * 100_000", "1"),
        "output_too_large"
    );
}

#[test]
fn s9_an_output_that_depends_on_the_run_is_refused() {
    let programs = [
        "def f(a):\n    return list({'apple', 'pear', 'plum', 'fig', 'kiwi', 'lime'})",
        "def f(a):\n    return hash('apple')",
        "def f(a):\n    return id(object())",
        "def f(a):\n    return str(object())",
        "count = 0\ndef f(a):\n    global count\n    count += 1\n    return count",
        "def f(a, seen=[]):\n    seen.append(a)\n    return len(seen)",
        "import os\ndef f(a):\n    return os.urandom(8)",
        "import os\ndef f(a):\n    return __import__('ran' + 'dom').random()",
    ];
    for program in programs {
        let found = reason(program, "1");
        assert!(
            ["nondeterministic", "raised", "denied", "killed"].contains(&found),
            "{found}: {program}"
        );
    }
    for module in ["random", "time", "datetime"] {
        assert_eq!(
            reason(&format!("import {module}\ndef f(a):\n    return a"), "1"),
            "banned"
        );
    }
    let sets = proposed("def f(a):\n    return {'apple', 'pear', a}", "'fig'");
    assert!(matches!(sets, Validation::Accepted(_)), "{sets:?}");
}

#[test]
fn s10_the_host_cannot_be_reached() {
    let trap = Trap::new();
    let path = trap.path();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let programs = [
        "def f(a):\n    return open('/etc/passwd').read()".to_owned(),
        format!("def f(a):\n    open({path:?}, 'w').write('x')\n    return 1"),
        format!(
            "def f(a):\n    return 1 / (__import__('os').system('touch {}') == 0)",
            path.display()
        ),
        format!(
            "def f(a):\n    return 1 / (__import__('subprocess').run(['touch', {path:?}]).returncode == 0)"
        ),
        "import os\ndef f(a):\n    return os.listdir('/proc')".to_owned(),
        "import os\ndef f(a):\n    return os.fork()".to_owned(),
        format!(
            "def f(a):\n    s = __import__('socket').socket()\n    s.connect(('127.0.0.1', {port}))\n    return 1"
        ),
        "import os\ndef f(a):\n    os.kill(os.getppid(), 9)\n    return 1".to_owned(),
    ];
    for program in &programs {
        let found = reason(program, "1");
        assert!(
            ["raised", "denied", "killed", "banned"].contains(&found),
            "{found}: {program}"
        );
    }
    // A solver's program has no more rights than a proposer's.
    let task = task(TaskKind::Induction, IDENTITY, &[("1", "1"), ("2", "2")], 1);
    for program in &programs {
        assert_eq!(
            verdict(&task, "python", program),
            Verdict::Incorrect,
            "{program}"
        );
    }
    trap.assert_untouched();
    let accepted = listener.accept();
    assert!(
        accepted.is_err(),
        "a program connected to this machine: {accepted:?}"
    );
}
