//! Verdicts a second with full isolation, beside three ways without any, in one run: each in turn for a second, five rounds.
//!
//! `cargo run --release -p azr-executor --example rates [-- FILE]`: a program of one line, and the programs of a file with a
//! JSON object a line that has `snippet` (a program with a function `f`) and `input` (its arguments as text).

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use azr_executor::{
    Arguments, Backend, BackendChoice, Bans, Job, Limits, Python, PythonConfig, Sandbox,
    SandboxError, Scrutiny,
};

/// How long each way is watched in each round.
const ROUND: Duration = Duration::from_secs(1);

/// Rounds.
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let one_line = vec![Program {
        source: "def f(x):\n    return x + 1\n".to_owned(),
        input: "1".to_owned(),
    }];
    measure("a program of one line", &one_line)?;
    if let Some(path) = std::env::args().nth(1) {
        let programs = programs_of(&std::fs::read_to_string(path)?)?;
        measure(&format!("{} programs", programs.len()), &programs)?;
    }
    Ok(())
}

/// A program and its input, as text.
struct Program {
    source: String,
    input: String,
}

/// A way to run programs: runs of one round, and what they took.
type Way<'a> = Box<dyn Fn() -> Result<f64, Box<dyn Error>> + 'a>;

fn measure(what: &str, programs: &[Program]) -> Result<(), Box<dyn Error>> {
    let start = |backend| {
        Python::start(&PythonConfig {
            backend: BackendChoice::Only(backend),
            ..PythonConfig::default()
        })
    };
    let [snapshot, fork, exec] = [
        start(Backend::Snapshot)?,
        start(Backend::Fork)?,
        start(Backend::Exec)?,
    ];
    let processors = fork.lanes();
    let python = fork.interpreter().0;
    let in_sandbox = |sandbox, scrutiny| -> Way<'_> {
        let jobs = jobs(programs, scrutiny);
        Box::new(move || Ok(verdicts(sandbox, &jobs)?))
    };
    let plain = |serve: &'static str, copies| -> Way<'_> {
        Box::new(move || plain(python, serve, programs, copies))
    };
    let ways: Vec<(&str, Way<'_>)> = vec![
        ("snapshot, run", in_sandbox(&snapshot, Scrutiny::Run)),
        ("snapshot, check", in_sandbox(&snapshot, Scrutiny::Check)),
        ("fork, run", in_sandbox(&fork, Scrutiny::Run)),
        ("fork, check", in_sandbox(&fork, Scrutiny::Check)),
        ("exec, run", in_sandbox(&exec, Scrutiny::Run)),
        ("no isolation: one process, one copy", plain(STAYS, 1)),
        (
            "no isolation: one process, a copy each",
            plain(STAYS, processors),
        ),
        (
            "no isolation: os.fork, a copy each",
            plain(FORKS, processors),
        ),
        (
            "no isolation: python3 -I -S -E, a copy each",
            plain(STARTS, processors),
        ),
    ];
    let mut rates = vec![Vec::new(); ways.len()];
    for _ in 0..ROUNDS {
        for ((_, way), rates) in ways.iter().zip(&mut rates) {
            rates.push(way()?);
        }
    }
    println!(
        "{what}: a second on {processors} processors, median of {ROUNDS} rounds (least, most)"
    );
    for ((name, _), mut rates) in ways.iter().zip(rates) {
        rates.sort_by(f64::total_cmp);
        let (least, most) = (rates[0], rates[ROUNDS - 1]);
        println!(
            "{name:44} {:8.0} ({least:.0}, {most:.0})",
            rates[ROUNDS / 2]
        );
    }
    println!("pages that differ afterwards: {}", snapshot.audit()?);
    Ok(())
}

/// Runs jobs on all lanes for a while.
fn verdicts(sandbox: &Python, jobs: &[Job]) -> Result<f64, SandboxError> {
    let (next, started) = (AtomicUsize::new(0), Instant::now());
    let work = || -> Result<(), SandboxError> {
        while started.elapsed() < ROUND {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            sandbox.run(&jobs[nth % jobs.len()])?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..sandbox.lanes()).map(|_| scope.spawn(work)).collect();
        // A thread that panicked has said so.
        threads
            .into_iter()
            .try_for_each(|it| it.join().unwrap_or(Ok(())))
    })?;
    Ok(next.into_inner() as f64 / started.elapsed().as_secs_f64())
}

/// Runs the same programs in plain interpreters for a while.
fn plain(
    python: &Path,
    serve: &str,
    programs: &[Program],
    copies: usize,
) -> Result<f64, Box<dyn Error>> {
    let pairs: Vec<[&str; 2]> = programs
        .iter()
        .map(|it| [it.source.as_str(), it.input.as_str()])
        .collect();
    let input = serde_json::to_vec(&(ROUND.as_secs_f64(), pairs))?;
    let script = format!("{PLAIN}{serve}{LOOP}");
    let mut children = Vec::new();
    for _ in 0..copies {
        let mut child = Command::new(python)
            .args(["-I", "-S", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdin = child.stdin.take().ok_or("the interpreter has no input")?;
        stdin.write_all(&input)?;
        children.push(child);
    }
    let mut rate = 0.0;
    for child in children {
        let output = child.wait_with_output()?;
        rate += String::from_utf8(output.stdout)?.trim().parse::<f64>()?;
    }
    Ok(rate)
}

/// What all plain ways share: what is to be run, and how.
const PLAIN: &str = "
import itertools, json, os, subprocess, sys, time
seconds, programs = json.load(sys.stdin)
def answer(source, given):
    names = {}
    try:
        exec(compile(source, '', 'exec'), names)
        return repr(eval(f'f({given}\\n)', names))
    except Exception as error:
        return type(error).__name__
";

/// In the same process.
const STAYS: &str = "
once = answer
";

/// In a child of this process.
const FORKS: &str = "
def once(source, given):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, answer(source, given).encode()[:1000])
        os._exit(0)
    os.close(write)
    os.read(read, 1000)
    os.close(read)
    os.waitpid(child, 0)
";

/// In an interpreter of its own.
const STARTS: &str = "
def once(source, given):
    subprocess.run(
        [sys.executable, '-I', '-S', '-E', '-c', f'{source}\\nprint(repr(f({given}\\n)))'],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
";

const LOOP: &str = "
out, sys.stdout = sys.stdout, open(os.devnull, 'w')
started = time.perf_counter()
for runs in itertools.count(1):
    once(*programs[runs % len(programs)])
    passed = time.perf_counter() - started
    if seconds <= passed:
        break
print(runs / passed, file=out)
";

fn jobs(programs: &[Program], scrutiny: Scrutiny) -> Vec<Job> {
    let bans = match scrutiny {
        Scrutiny::Run => Bans::none(),
        Scrutiny::Check => Bans::paper(),
    };
    let job = |program: &Program| Job {
        program: program.source.clone(),
        entry: "f".to_owned(),
        inputs: Arguments::parse(&program.input).into_iter().collect(),
        scrutiny,
        bans: bans.clone(),
        limits: Limits::default(),
    };
    programs.iter().map(job).collect()
}

/// The lines whose input is a list of literals.
fn programs_of(lines: &str) -> Result<Vec<Program>, Box<dyn Error>> {
    let mut programs = Vec::new();
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        if let (Some(source), Some(input)) = (line["snippet"].as_str(), line["input"].as_str())
            && Arguments::parse(input).is_ok()
        {
            programs.push(Program {
                source: source.to_owned(),
                input: input.to_owned(),
            });
        }
    }
    if programs.is_empty() {
        return Err("no line has a snippet and an input".into());
    }
    Ok(programs)
}
