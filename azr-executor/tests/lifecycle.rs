//! Sandboxes from their start to their end: batches, threads, hung programs, layers, and what cannot be had.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use azr_executor::testing::permitted_backends;
use azr_executor::{Backend, Layer, Python, PythonConfig, Sandbox, SandboxError, Scrutiny};

use jobs::{DOUBLES, SLEEPS, job, outputs, serving, start};

#[test]
fn a_batch_of_inputs_has_an_outcome_each_in_fresh_globals() {
    let program = "n = 0\ndef f(x):\n    global n\n    n += x\n    return n\n";
    let inputs = ["1", "2", "3", "'a'", "4"];
    for backend in permitted_backends() {
        let sandbox = start(1, backend);
        assert_eq!(
            outputs(&sandbox, &job(program, &inputs, Scrutiny::Run, 20_000)),
            ["1", "2", "3", "error", "4"]
        );
    }
}

#[test]
fn a_hung_program_holds_its_own_lane_only_and_is_answered_in_time() {
    for backend in serving() {
        let sandbox = start(2, backend);
        let is_answered = AtomicBool::new(false);
        let wall_ms_max = 8_000;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let started = Instant::now();
                assert_eq!(
                    outputs(
                        &sandbox,
                        &job(SLEEPS, &["3600"], Scrutiny::Run, wall_ms_max)
                    ),
                    ["timeout"]
                );
                is_answered.store(true, Ordering::SeqCst);
                let late = started
                    .elapsed()
                    .saturating_sub(Duration::from_millis(wall_ms_max));
                // 50 ms on an idle machine; the tests share theirs.
                assert!(late < Duration::from_secs(2), "{late:?} late");
            });
            for round in 0..10 {
                assert_eq!(
                    outputs(
                        &sandbox,
                        &job(DOUBLES, &[&round.to_string()], Scrutiny::Run, 60_000)
                    )
                    .len(),
                    1
                );
            }
            assert!(
                !is_answered.load(Ordering::SeqCst),
                "ten short programs waited for a hung one"
            );
        });
        assert_eq!(
            outputs(
                &sandbox,
                &job(DOUBLES, &["4", "5"], Scrutiny::Check, 60_000)
            ),
            ["8", "10"]
        );
    }
}

/// Programs whose second call has to find what the first one found: room for values, memory, and the garbage collector.
const TWICE: [(&str, &str); 6] = [
    ("def f(x):\n    return list(range(x))\n", "60000"),
    ("import gc\ndef f(x):\n    return gc.isenabled()\n", "1"),
    (
        "class N:\n    pass\ndef f(x):\n    for i in range(4000):\n        n = N()\n        n.me, n.b = n, bytearray(100000)\n    return x\n",
        "1",
    ),
    (
        "def f(x):\n    b = bytearray(x << 20)\n    raise ValueError('x')\n",
        "150",
    ),
    ("def f(x):\n    return len(bytes(x << 20))\n", "264"),
    (
        "import sys\nsys.setrecursionlimit(3000)\ndef f(x):\n    return sys.getrecursionlimit()\n",
        "1",
    ),
];

#[test]
fn a_check_gives_what_a_run_gives() {
    for backend in permitted_backends() {
        let sandbox = start(1, backend);
        for (program, input) in TWICE {
            let [run, check] = [Scrutiny::Run, Scrutiny::Check]
                .map(|scrutiny| outputs(&sandbox, &job(program, &[input], scrutiny, 60_000)));
            assert_eq!(run, check, "{backend:?}: {program}");
        }
    }
}

#[test]
fn what_is_not_brief_is_given_up_and_leaves_nothing() {
    for backend in permitted_backends() {
        let sandbox = start(1, backend);
        let sleeps = job(SLEEPS, &["3600"], Scrutiny::Run, 60_000);
        let hangs = job(
            "def f(x):\n    while True: x = [x]\n",
            &["1"],
            Scrutiny::Check,
            60_000,
        );
        for job in [&sleeps, &hangs, &sleeps] {
            assert_eq!(sandbox.run_if_brief(job).unwrap(), None, "{backend:?}");
        }
        let short = job(DOUBLES, &["4", "5"], Scrutiny::Check, 60_000);
        assert_eq!(outputs(&sandbox, &short), ["8", "10"]);
        // Where others use the machine too, even this may not be brief.
        let reports = (0..1_000).find_map(|_| sandbox.run_if_brief(&short).unwrap());
        assert_eq!(
            reports.unwrap().outcomes,
            sandbox.run(&short).unwrap().outcomes
        );
        assert_eq!(sandbox.audit().unwrap(), 0);
    }
}

#[test]
fn many_threads_share_few_lanes() {
    for backend in serving() {
        let sandbox = start(2, backend);
        std::thread::scope(|scope| {
            for thread in 0..6 {
                let sandbox = &sandbox;
                scope.spawn(move || {
                    for round in 0..10 {
                        let number = thread * 100 + round;
                        let done = outputs(
                            sandbox,
                            &job(DOUBLES, &[&number.to_string()], Scrutiny::Run, 60_000),
                        );
                        assert_eq!(done, [(2 * number).to_string()]);
                    }
                });
            }
        });
    }
}

#[test]
fn no_connection_reaches_a_listener_on_the_host() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let program = "import socket\ndef f(port):\n    return socket.create_connection(('127.0.0.1', port), 1).recv(1)\n";
    for backend in serving() {
        let sandbox = start(1, backend);
        assert_eq!(
            outputs(&sandbox, &job(program, &[&port], Scrutiny::Run, 20_000)),
            ["error"]
        );
        assert!(listener.accept().is_err(), "someone came through");
    }
}

#[test]
fn no_file_appears_on_the_host() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("made");
    let program = "import os, pathlib\ndef f(path):\n    done = []\n    for make in (lambda: open(path, 'w'), lambda: os.mkdir(path), lambda: pathlib.Path(path).touch(), lambda: os.symlink('/', path)):\n        try:\n            make()\n            done.append(1)\n        except OSError:\n            pass\n    return done\n";
    for backend in serving() {
        let sandbox = start(1, backend);
        let path = format!("{:?}", target.display().to_string());
        assert_eq!(
            outputs(&sandbox, &job(program, &[&path], Scrutiny::Run, 20_000)),
            ["[]"]
        );
        assert!(!target.exists());
    }
}

#[test]
fn all_layers_are_there_or_named_with_a_remedy() {
    for backend in serving() {
        let sandbox = start(1, backend);
        let isolation = sandbox.isolation();
        assert_eq!(
            isolation.layers.len() + isolation.missing.len(),
            Layer::ALL.len()
        );
        for missing in &isolation.missing {
            assert!(!missing.reason.is_empty() && !missing.remedy.is_empty());
        }
        let required: Vec<Layer> = isolation
            .missing
            .iter()
            .map(|missing| missing.layer)
            .collect();
        let config = PythonConfig {
            required: required.clone(),
            ..PythonConfig::default()
        };
        match Python::start(&config) {
            Ok(_) => assert!(required.is_empty(), "started without {required:?}"),
            Err(SandboxError::MissingLayers { missing }) => {
                assert_eq!(missing.len(), required.len())
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn an_interpreter_that_is_none_is_an_error_that_says_what_to_do() {
    for path in ["/nowhere/python3", "/bin/true", "/etc/passwd"] {
        let config = PythonConfig {
            interpreter: Some(PathBuf::from(path)),
            ..PythonConfig::default()
        };
        let error = Python::start(&config)
            .err()
            .unwrap_or_else(|| panic!("{path} was taken for an interpreter"));
        assert!(
            error.to_string().contains(path) && error.to_string().contains("install Python"),
            "{error}"
        );
    }
}

#[test]
fn the_same_job_gives_the_same_outcome_in_every_sandbox() {
    let program =
        "def f(x):\n    return list({'a', 'b', 'c', 'd', 'e', 'f', 'g'}), hash('x') % 1000\n";
    let outcomes: Vec<_> = permitted_backends()
        .into_iter()
        .map(|backend| {
            outputs(
                &start(1, backend),
                &job(program, &["0"], Scrutiny::Run, 20_000),
            )
        })
        .collect();
    assert!(
        outcomes.windows(2).all(|pair| pair[0] == pair[1]),
        "runs use one hash seed: {outcomes:?}"
    );
}

#[test]
fn recursion_goes_as_deep_as_in_a_script() {
    let program = "def g(n):\n    return 0 if n == 0 else 1 + g(n - 1)\ndef f(x):\n    n = x\n    while True:\n        try:\n            g(n)\n        except RecursionError:\n            return n\n        n += 1\n";
    let script = format!("{program}print(f(900))");
    let exec = start(1, Backend::Exec);
    let (interpreter, _) = exec.interpreter();
    let plain = Command::new(interpreter)
        .args(["-I", "-S", "-c", &script])
        .output()
        .unwrap();
    let plain = String::from_utf8(plain.stdout).unwrap();
    for backend in permitted_backends() {
        let sandbox = start(1, backend);
        assert_eq!(
            outputs(&sandbox, &job(program, &["900"], Scrutiny::Run, 20_000)),
            [plain.trim()],
            "{backend:?}"
        );
    }
}
