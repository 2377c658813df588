//! How long one run takes on an idle lane, and how long the next one takes after a program that killed its worker.
//!
//! `cargo run --release -p azr-executor --example latency -- snapshot 2000`

use std::error::Error;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use azr_executor::{
    Arguments, Backend, BackendChoice, Bans, Job, Limits, Python, PythonConfig, Sandbox,
    SandboxError, Scrutiny,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [backend, runs] = arguments.as_slice() else {
        return Err("usage: latency snapshot|fork|exec RUNS".into());
    };
    let runs: usize = runs.parse()?;
    let backend = Backend::ALL
        .into_iter()
        .find(|it| it.name() == backend)
        .ok_or("the backend is snapshot, fork or exec")?;
    let sandbox = Python::start(&PythonConfig {
        lanes: NonZeroUsize::new(1),
        backend: BackendChoice::Only(backend),
        ..PythonConfig::default()
    })?;
    let short = job("def f(x):\n    return x + 1\n")?;
    let deadly = job("import os\ndef f(x):\n    os.abort()\n")?;
    let time = |job: &Job| -> Result<Duration, SandboxError> {
        let started = Instant::now();
        sandbox.run(job).map(|_| started.elapsed())
    };
    let mut idle = Vec::new();
    for _ in 0..runs {
        idle.push(time(&short)?);
    }
    let mut after_kill = Vec::new();
    for _ in 0..runs.div_ceil(20) {
        sandbox.run(&deadly)?;
        after_kill.push(time(&short)?);
        // The run behind that finds everything as it was.
        sandbox.run(&short)?;
    }
    report("idle lane", idle);
    report("after a kill", after_kill);
    Ok(())
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_micros();
    println!(
        "{what:12} {:6} runs: median {} us, p90 {} us, p99 {} us, longest {} us",
        times.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
    );
}

fn job(program: &str) -> Result<Job, Box<dyn Error>> {
    Ok(Job {
        program: program.to_owned(),
        entry: "f".to_owned(),
        inputs: vec![Arguments::parse("1")?],
        scrutiny: Scrutiny::Run,
        bans: Bans::none(),
        limits: Limits::default(),
    })
}
