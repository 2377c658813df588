//! Templates, workers and the supervisor: what happens when one of them dies, hangs or cannot be had.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use azr_executor::testing::permitted_backends;
use azr_executor::{
    Arguments, Backend, BackendChoice, Bans, Job, Layer, Limits, Outcome, Python, PythonConfig,
    Sandbox, SandboxError, Scrutiny,
};

fn start(lanes: usize, backend: Backend) -> Python {
    let config = PythonConfig {
        lanes: lanes.try_into().ok(),
        backend: BackendChoice::Only(backend),
        ..PythonConfig::default()
    };
    Python::start(&config).unwrap_or_else(|error| panic!("{error}"))
}

fn job(program: &str, inputs: &[&str], scrutiny: Scrutiny, wall_ms_max: u64) -> Job {
    Job {
        program: program.to_owned(),
        entry: "f".to_owned(),
        inputs: inputs
            .iter()
            .map(|text| Arguments::parse(text).unwrap())
            .collect(),
        scrutiny,
        bans: Bans::none(),
        limits: Limits {
            wall_ms_max,
            cpu_ms_max: 60_000,
            ..Limits::default()
        },
    }
}

const SLEEPS: &str = "import time\ndef f(x):\n    time.sleep(x)\n    return 'awake'\n";
const DOUBLES: &str = "def f(x):\n    return 2 * x\n";

fn outputs(sandbox: &Python, job: &Job) -> Vec<String> {
    let report = sandbox.run(job).unwrap_or_else(|error| panic!("{error}"));
    let shown = |outcome: &Outcome| match outcome {
        Outcome::Returned(value) => value.to_string(),
        other => other.status().to_owned(),
    };
    report.outcomes.iter().map(shown).collect()
}

/// Processes whose parent is `parent`, from `/proc`.
fn children_of(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let mut fields = after_name.split_whitespace();
        let is_zombie = fields.next() == Some("Z");
        fields.next() == Some(&parent.to_string()) && !is_zombie
    };
    pids.filter(is_child).collect()
}

fn interpreters_below(pid: u32) -> Vec<u32> {
    let python = |pid: &u32| {
        std::fs::read_to_string(format!("/proc/{pid}/comm"))
            .is_ok_and(|name| name.starts_with("python"))
    };
    let mut found: Vec<u32> = children_of(pid).into_iter().filter(python).collect();
    let below: Vec<u32> = found
        .iter()
        .flat_map(|&child| interpreters_below(child))
        .collect();
    found.extend(below);
    found
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{what} did not happen"
        );
        std::thread::yield_now();
    }
}

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
fn a_template_that_dies_is_replaced_and_a_sandbox_that_ends_leaves_nothing() {
    let name = "a_template_that_dies_is_replaced_and_a_sandbox_that_ends_leaves_nothing";
    if std::env::var_os(ALONE).is_none() {
        // In a process of its own: the templates of other tests must live.
        assert!(
            this_binary(name)
                .env(ALONE, "1")
                .status()
                .unwrap()
                .success()
        );
        return;
    }
    let sandbox = start(1, Backend::Fork);
    assert_eq!(
        outputs(&sandbox, &job(DOUBLES, &["1"], Scrutiny::Check, 60_000)),
        ["2"]
    );
    let started = interpreters_below(std::process::id());
    assert!(2 <= started.len());
    started.iter().copied().for_each(kill);
    assert_eq!(
        outputs(
            &sandbox,
            &job(DOUBLES, &["3", "4"], Scrutiny::Check, 60_000)
        ),
        ["6", "8"]
    );
    drop(sandbox);
    wait_until("the end of the killed templates", || {
        started
            .iter()
            .all(|pid| !Path::new(&format!("/proc/{pid}/exe")).exists())
    });
}

#[test]
fn a_worker_that_is_lost_between_programs_costs_none_its_verdict() {
    let name = "a_worker_that_is_lost_between_programs_costs_none_its_verdict";
    if std::env::var_os(ALONE).is_none() {
        assert!(
            this_binary(name)
                .env(ALONE, "1")
                .status()
                .unwrap()
                .success()
        );
        return;
    }
    for backend in serving() {
        let sandbox = start(1, backend);
        for round in 0..3 {
            let program = job(DOUBLES, &["1", "2"], Scrutiny::Run, 60_000);
            assert_eq!(outputs(&sandbox, &program), ["2", "4"], "round {round}");
            for template in children_of(std::process::id()) {
                children_of(template).into_iter().for_each(kill);
            }
        }
    }
}

fn kill(process: u32) {
    let mut command = Command::new("kill");
    command.args(["-9", &process.to_string()]).status().unwrap();
}

/// Backends whose templates serve many runs.
fn serving() -> Vec<Backend> {
    let mut backends = permitted_backends();
    backends.retain(|it| *it != Backend::Exec);
    backends
}

/// A second instance of this test binary, which runs one test.
fn this_binary(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]);
    command
}

/// Set for a second instance of this test binary that is to run a test with no other beside it.
const ALONE: &str = "AZR_TEST_RUNS_ALONE";

/// Set for a second instance of this test binary that plays the supervisor which is killed.
const VICTIM: &str = "AZR_TEST_PLAYS_VICTIM";

#[test]
fn a_supervisor_that_is_killed_leaves_no_process_behind() {
    if let Some(name) = std::env::var_os(VICTIM) {
        let named = |it: &Backend| name == it.name();
        let sandbox = start(1, Backend::ALL.into_iter().find(named).unwrap());
        println!("\nready");
        outputs(&sandbox, &job(SLEEPS, &["3600"], Scrutiny::Run, 3_600_000));
        return;
    }
    let name = "a_supervisor_that_is_killed_leaves_no_process_behind";
    for backend in serving() {
        let mut victim = this_binary(name)
            .env(VICTIM, backend.name())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "ready"));
        let mut below = Vec::new();
        wait_until("a worker", || {
            below = interpreters_below(victim.id());
            2 <= below.len()
        });
        victim.kill().unwrap();
        victim.wait().unwrap();
        wait_until("the end of templates and workers", || {
            below
                .iter()
                .all(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_err())
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
