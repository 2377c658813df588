//! `azr exec`: the executor on files of jobs, a line a job.

mod job;
mod line_up;
mod verdict;

use std::io::{self, BufReader, Stdin};
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use azr_executor::isolation::UnknownLayer;
use azr_executor::{Backend, BackendChoice, Layer, Python, PythonConfig};
use azr_rl::thread::{self, NoThread};
use clap::{Args, ValueEnum};

use crate::flag_value::whole;
use crate::interrupt::Interrupt;
use crate::lines::{self, Line, Lines};
use crate::visible::json_line;
use crate::{Ended, Surroundings, interpreter};
use job::{JobLine, Mode, Refusal};
use line_up::LineUp;
use verdict::Verdict;

/// Reads jobs on standard input, a JSON object a line, runs each in the sandbox and prints a line of results for each,
/// in the order of the jobs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Options {
    /// How a job is looked at that does not say so itself
    #[arg(long, value_enum, default_value_t = Mode::Run)]
    mode: Mode,
    /// How workers come into being
    #[arg(long, value_enum, default_value_t = BackendName::Auto)]
    backend: BackendName,
    /// Jobs at a time; one for each processor unless given
    #[arg(long, value_name = "N", value_parser = whole(1..=LANES_MAX))]
    lanes: Option<usize>,
    /// Isolation layers without which nothing runs, with commas between: user, pid, net, mount, ipc, uts, cgroup, root,
    /// rlimits, no-new-privs, capabilities, landlock, seccomp
    #[arg(long, value_name = "LAYERS", value_delimiter = ',', value_parser = layer)]
    require: Vec<Layer>,
}

const EXAMPLE: &str = r#"Example:
  echo '{"id": 1, "program": "def f(x):\n    return x + 1", "inputs": ["41"]}' | azr exec
  {"id":1,"status":"ok","statuses":["ok"],"outputs":["42"],"error":null,...}

A job has program, inputs (argument lists as text) and optionally id, mode, entry (f), expected, prediction,
predicted_input, cpu_ms_max (1000), wall_ms_max (2000), memory_bytes_max, output_bytes_max, equality (python or strict),
inputs_are (literals or expressions) and bans (module names; by default the paper's list in check mode, else none).
status is ok, error, timeout, memory, killed, denied, nondeterministic or invalid."#;

/// Backends by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BackendName {
    /// fork, or exec where that does not work
    Auto,
    /// One worker for many runs, rolled back after each: the fastest, and young
    Snapshot,
    /// A forked worker for each run
    Fork,
    /// A fresh interpreter for each run
    Exec,
}

/// Jobs at a time, at most; each has processes of its own.
const LANES_MAX: usize = 1_024;

/// Size of one line of input, bytes. A longer one is no job.
const LINE_BYTES_MAX: usize = 64 << 20;

/// Reads, runs, prints.
pub fn run(options: &Options, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    let sandbox = start(options, surroundings)?;
    let interrupt = Interrupt::listen()?;
    let started = Instant::now();
    let work = Work {
        mode: options.mode,
        sandbox: &sandbox,
        surroundings,
        interrupt: &interrupt,
        input: Mutex::new(Input {
            lines: Lines::new(BufReader::new(io::stdin()), LINE_BYTES_MAX),
            jobs: 0,
            is_over: false,
        }),
        line_up: LineUp::new(),
    };
    std::thread::scope(|scope| {
        // Nobody takes a line before all are there.
        let mut input = work.input();
        let workers: Result<Vec<_>, NoThread> = (0..sandbox.lanes())
            .map(|_| thread::start(scope, || work.serve()))
            .collect();
        input.is_over = workers.is_err();
        drop(input);
        // A panic is a defect of ours; it goes on as one.
        let resume = |panic| std::panic::resume_unwind(panic);
        workers?
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(resume))
    })?;
    let jobs = work.input().jobs;
    surroundings
        .sink
        .note(summary(&sandbox, jobs, started.elapsed().as_secs_f64()));
    Ok(if interrupt.flag().load(Ordering::Relaxed) {
        Ended::Interrupted
    } else {
        Ended::Done
    })
}

fn start(options: &Options, surroundings: &Surroundings) -> anyhow::Result<Python> {
    let backend = match options.backend {
        BackendName::Auto => BackendChoice::Auto,
        BackendName::Snapshot => BackendChoice::Only(Backend::Snapshot),
        BackendName::Fork => BackendChoice::Only(Backend::Fork),
        BackendName::Exec => BackendChoice::Only(Backend::Exec),
    };
    let config = PythonConfig {
        interpreter: surroundings.environment.python.clone(),
        lanes: options.lanes.and_then(NonZeroUsize::new),
        backend,
        required: options.require.clone(),
        ..PythonConfig::default()
    };
    interpreter::start(&config)
}

fn layer(name: &str) -> Result<Layer, String> {
    if name.is_empty() {
        return Err(
            "the list is empty or has an empty place; name layers with commas between".into(),
        );
    }
    name.parse()
        .map_err(|error: UnknownLayer| error.to_string())
}

/// What the workers share.
struct Work<'run> {
    mode: Mode,
    sandbox: &'run Python,
    surroundings: &'run Surroundings,
    interrupt: &'run Interrupt,
    input: Mutex<Input>,
    line_up: LineUp,
}

struct Input {
    lines: Lines<BufReader<Stdin>>,
    /// Lines handed out so far.
    jobs: usize,
    /// Ended, or given up.
    is_over: bool,
}

impl Work<'_> {
    /// Takes a line, runs it, hands its answer to the line-up, until there is no more or something fails.
    fn serve(&self) -> anyhow::Result<()> {
        let result = self.serve_until_end();
        if result.is_err() {
            self.input().is_over = true;
            self.line_up.give_up();
        }
        result
    }

    fn serve_until_end(&self) -> anyhow::Result<()> {
        while let Some((index, line)) = self.next_line()? {
            let answer = self.answer(&line)?;
            let mut print = |text: String| self.surroundings.sink.result(text);
            self.line_up.deliver(index, answer, &mut print)?;
        }
        Ok(())
    }

    fn next_line(&self) -> anyhow::Result<Option<(usize, Line)>> {
        let mut input = self.input();
        if input.is_over || self.interrupt.flag().load(Ordering::Relaxed) {
            return Ok(None);
        }
        let line = input.lines.next();
        // Said before the lock is given back: nobody reads on behind an end or an error.
        input.is_over = !matches!(line, Ok(Some(_)));
        let Some(line) = line? else {
            return Ok(None);
        };
        input.jobs += 1;
        Ok(Some((input.jobs - 1, line)))
    }

    fn input(&self) -> MutexGuard<'_, Input> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, line: &Line) -> anyhow::Result<String> {
        let job = match line {
            Line::Whole(bytes) => JobLine::read(bytes, self.mode),
            Line::TooLong => Err(Refusal {
                id: serde_json::Value::Null,
                detail: lines::too_long(LINE_BYTES_MAX),
            }),
        };
        let verdict = match job {
            Ok(job) => Verdict::of(&job, job.mode.unwrap_or(self.mode), self.sandbox)?,
            Err(refusal) => Verdict::invalid(refusal),
        };
        Ok(json_line(&verdict)?)
    }
}

fn summary(sandbox: &Python, jobs: usize, seconds: f64) -> String {
    let isolation = sandbox.isolation();
    let layers: Vec<&str> = isolation.layers.iter().map(|layer| layer.name()).collect();
    let missing: Vec<String> = isolation
        .missing
        .iter()
        .map(|missing| format!("{} ({})", missing.layer, missing.reason))
        .collect();
    let (path, [major, minor, patch]) = sandbox.interpreter();
    format!(
        "{jobs} jobs in {seconds:.2} s, {:.0} jobs/s; {} backend, {} lanes, Python {major}.{minor}.{patch} at {}; layers {}; missing {}",
        jobs as f64 / seconds.max(1e-9),
        sandbox.backend().name(),
        sandbox.lanes(),
        path.display(),
        layers.join(" "),
        if missing.is_empty() {
            "none".to_owned()
        } else {
            missing.join(", ")
        },
    )
}
