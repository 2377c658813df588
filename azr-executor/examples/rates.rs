//! Verdicts a second with full isolation, each backend in turn for a second, five rounds; if asked, beside ways without any.
//!
//! `cargo run --release -p azr-executor --example rates [-- [--without-isolation] [FILE]]`: a program of one line, and the
//! programs of a file with a JSON object a line that has `snippet` (a program with a function `f`) and `input` (its
//! arguments as text). With `--without-isolation` the same programs run in plain interpreters too, with all that this user
//! may do, in an empty directory of their own: give it only programs that you would run yourself.

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
    let (flags, files): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|it| it.starts_with('-'));
    let plain = match flags.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => None,
        ["--without-isolation"] => Some(tempfile::tempdir()?),
        _ => return Err(format!("{flags:?}: the only flag is --without-isolation").into()),
    };
    let plain = plain.as_ref().map(|it| it.path());
    measure("a program of one line", &one_line, plain)?;
    match &files[..] {
        [] => {}
        [file] => {
            let programs = programs_of(&std::fs::read_to_string(file)?)?;
            measure(&format!("{} programs", programs.len()), &programs, plain)?;
        }
        _ => return Err("give one file at most".into()),
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

/// Times the backends, and plain interpreters in the directory `plain` if there is one.
fn measure(what: &str, programs: &[Program], plain: Option<&Path>) -> Result<(), Box<dyn Error>> {
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
    let mut ways: Vec<(&str, Way<'_>)> = vec![
        ("snapshot, run", in_sandbox(&snapshot, Scrutiny::Run)),
        ("snapshot, check", in_sandbox(&snapshot, Scrutiny::Check)),
        ("fork, run", in_sandbox(&fork, Scrutiny::Run)),
        ("fork, check", in_sandbox(&fork, Scrutiny::Check)),
        ("exec, run", in_sandbox(&exec, Scrutiny::Run)),
    ];
    for (name, serve, copies) in WITHOUT_ISOLATION {
        let Some(place) = plain else { continue };
        let copies = copies.unwrap_or(processors);
        let way = move || unshielded(python, place, serve, programs, copies);
        ways.push((name, Box::new(way)));
    }
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

/// Ways without isolation: a name, how a program is run, and in how many copies; none for one a processor.
const WITHOUT_ISOLATION: [(&str, &str, Option<usize>); 4] = [
    ("no isolation: one process, one copy", STAYS, Some(1)),
    ("no isolation: one process, a copy each", STAYS, None),
    ("no isolation: os.fork, a copy each", FORKS, None),
    ("no isolation: python3 -I -S -E, a copy each", STARTS, None),
];

/// Runs the same programs in plain interpreters for a while.
fn unshielded(
    python: &Path,
    place: &Path,
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
            .current_dir(place)
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
