//! Runs a second: a program of one line again and again, or the programs of a file, in as many threads as lanes.
//!
//! `cargo run --release -p azr-executor --example throughput -- snapshot 2 5000`, then optionally a file with a JSON
//! object a line that has `snippet` (a program with a function `f`) and `input` (its arguments as text).

use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use azr_executor::{
    Arguments, Backend, BackendChoice, Bans, Job, Limits, Outcome, Python, PythonConfig, Sandbox,
    SandboxError, Scrutiny,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [backend, lanes, runs, rest @ ..] = arguments.as_slice() else {
        return Err("usage: throughput snapshot|fork|exec LANES RUNS_PER_LANE [FILE]".into());
    };
    let backend = Backend::ALL
        .into_iter()
        .find(|it| it.name() == backend)
        .ok_or("the backend is snapshot, fork or exec")?;
    let (lanes, runs): (NonZeroUsize, usize) = (lanes.parse()?, runs.parse()?);
    let jobs = match rest.first() {
        Some(path) => jobs_of(&std::fs::read_to_string(path)?)?,
        None => vec![job("def f(x):\n    return x + 1\n", Arguments::parse("1")?)],
    };
    let sandbox = Python::start(&PythonConfig {
        lanes: Some(lanes),
        backend: BackendChoice::Only(backend),
        ..PythonConfig::default()
    })?;
    let returned = AtomicUsize::new(0);
    let started = Instant::now();
    let run = |lane: usize| -> Result<(), SandboxError> {
        for nth in 0..runs {
            let report = sandbox.run(&jobs[(nth * lanes.get() + lane) % jobs.len()])?;
            let values = report.outcomes.iter();
            let values = values.filter(|it| matches!(it, Outcome::Returned(_)));
            returned.fetch_add(values.count(), Ordering::Relaxed);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..lanes.get())
            .map(|lane| scope.spawn(move || run(lane)))
            .collect();
        // A thread that panicked has said so.
        threads
            .into_iter()
            .try_for_each(|it| it.join().unwrap_or(Ok(())))
    })?;
    let all = runs * lanes.get();
    println!(
        "{} with {lanes} lanes: {:.0} runs/s, {} of {all} gave a value, {} pages differ",
        backend.name(),
        all as f64 / started.elapsed().as_secs_f64(),
        returned.into_inner(),
        sandbox.audit()?,
    );
    Ok(())
}

fn job(program: &str, input: Arguments) -> Job {
    Job {
        program: program.to_owned(),
        entry: "f".to_owned(),
        inputs: vec![input],
        scrutiny: Scrutiny::Run,
        bans: Bans::none(),
        limits: Limits::default(),
    }
}

/// The lines whose input is a list of literals.
fn jobs_of(lines: &str) -> Result<Vec<Job>, Box<dyn Error>> {
    let mut jobs = Vec::new();
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        let (Some(program), Some(input)) = (line["snippet"].as_str(), line["input"].as_str())
        else {
            continue;
        };
        if let Ok(input) = Arguments::parse(input) {
            jobs.push(job(program, input));
        }
    }
    if jobs.is_empty() {
        return Err("no line has a snippet and an input".into());
    }
    Ok(jobs)
}
