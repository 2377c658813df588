//! Verdicts: one program in the sandbox, beside a plain interpreter started for it.
//!
//! `cargo bench -p azr-benches --bench sandbox`. One lane; a step of self-play has one for each processor.

use std::process::{Command, Stdio};

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
    group.bench_function("a plain interpreter", |bencher| bencher.iter(plain));
    group.finish();
}

criterion_group!(benches, verdicts);
criterion_main!(benches);
