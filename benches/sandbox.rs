//! Verdicts: one program in the sandbox, beside three ways without any isolation: an interpreter started for it, a plain
//! `os.fork` for it, and the same process again and again, which is the least that CPython needs.
//!
//! `cargo bench -p azr-benches --bench sandbox`. One lane; a step of self-play has one for each processor.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use azr_executor::{
    Arguments, Backend, BackendChoice, Bans, Job, Limits, Outcome, Python, PythonConfig, Sandbox,
    Scrutiny,
};
use criterion::{Criterion, criterion_group, criterion_main};

const PROGRAM: &str = "def f(x):\n    return sorted(x, reverse=True)[:2]\n";

fn job(scrutiny: Scrutiny) -> Job {
    Job {
        program: PROGRAM.to_owned(),
        entry: "f".to_owned(),
        inputs: vec![Arguments::parse("[3, 1, 2]").expect("the input is a list of literals")],
        scrutiny,
        bans: Bans::paper(),
        limits: Limits::default(),
    }
}

fn sandbox(backend: Backend) -> Python {
    let config = PythonConfig {
        lanes: std::num::NonZeroUsize::new(1),
        backend: BackendChoice::Only(backend),
        ..PythonConfig::default()
    };
    Python::start(&config).expect("the sandbox starts")
}

/// Whether the program gave what it has to give.
fn is_right(sandbox: &Python, job: &Job) -> bool {
    let report = sandbox.run(job).expect("the sandbox works");
    matches!(report.outcomes.as_slice(), [Outcome::Returned(value)] if value.to_string() == "[3, 2]")
}

fn verdicts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("verdict");
    group.sample_size(20);
    for (name, backend, scrutiny) in [
        ("snapshot, run", Backend::Snapshot, Scrutiny::Run),
        ("snapshot, check", Backend::Snapshot, Scrutiny::Check),
        ("fork, run", Backend::Fork, Scrutiny::Run),
        ("fork, check", Backend::Fork, Scrutiny::Check),
        ("exec, run", Backend::Exec, Scrutiny::Run),
    ] {
        let (sandbox, job) = (sandbox(backend), job(scrutiny));
        assert!(is_right(&sandbox, &job), "{name}");
        group.bench_function(name, |bencher| bencher.iter(|| is_right(&sandbox, &job)));
    }
    let program = format!("{PROGRAM}\nprint(f([3, 1, 2]))");
    let same_python = sandbox(Backend::Fork).interpreter().0.to_owned();
    let plain = || {
        Command::new(&same_python)
            .args(["-I", "-S", "-E", "-c", &program])
            .stderr(Stdio::null())
            .output()
            .is_ok_and(|output| output.stdout == b"[3, 2]\n")
    };
    assert!(plain(), "a plain interpreter gives the same");
    group.bench_function("no isolation: an interpreter", |bencher| {
        bencher.iter(plain)
    });
    for (name, serve) in [
        ("no isolation: os.fork", FORKS),
        ("no isolation: one process", STAYS),
    ] {
        let mut server = PlainServer::start(&same_python, serve);
        assert_eq!(server.ask(), "[3, 2]\n", "{name}");
        group.bench_function(name, |bencher| bencher.iter(|| server.ask()));
    }
    group.finish();
}

/// Answers each line with what the program gives, from a child of its own.
const FORKS: &str = "
import os, sys
for line in sys.stdin:
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, answer().encode())
        os._exit(0)
    os.close(write)
    print(os.read(read, 100).decode(), flush=True)
    os.close(read)
    os.wait()
";

/// Answers each line with what the program gives, in this very process.
const STAYS: &str = "
import sys
for line in sys.stdin:
    print(answer(), flush=True)
";

/// An interpreter that compiles and runs the program for each line it is sent.
struct PlainServer {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl PlainServer {
    fn start(python: &Path, serve: &str) -> Self {
        let program = format!(
            "def answer():\n    names = {{}}\n    exec(compile({PROGRAM:?}, '', 'exec'), names)\n    return repr(names['f']([3, 1, 2]))\n{serve}"
        );
        let mut child = Command::new(python)
            .args(["-I", "-S", "-c", &program])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the interpreter starts");
        let questions = child.stdin.take().expect("it has an input");
        let answers = BufReader::new(child.stdout.take().expect("it has an output"));
        Self {
            child,
            questions,
            answers,
        }
    }

    fn ask(&mut self) -> String {
        let mut answer = String::new();
        self.questions.write_all(b"\n").expect("it listens");
        self.answers.read_line(&mut answer).expect("it answers");
        answer
    }
}

impl Drop for PlainServer {
    fn drop(&mut self) {
        // It ends with its input in any case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

criterion_group!(benches, verdicts);
criterion_main!(benches);
