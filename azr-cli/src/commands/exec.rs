//! `azr exec`: the executor on files of jobs, a line a job.

mod desk;
mod job;
mod verdict;

use std::io::{self, BufReader};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use azr_executor::isolation::UnknownLayer;
use azr_executor::{Backend, BackendChoice, Layer, Python, PythonConfig};
use azr_rl::thread::{self, NoThread};
use clap::{Args, ValueEnum};

use crate::flag_value::whole;
use crate::interrupt::Interrupt;
use crate::json_object::{self, Refusal};
use crate::lines::{self, Line, Lines};
use crate::visible::json_line;
use crate::{Ended, Surroundings, interpreter};
use desk::Desk;
use job::{JobLine, Mode};
use verdict::{Pace, Verdict};

/// Reads jobs on standard input, a JSON object a line, runs each in the sandbox and prints a line of results for each,
/// in the order of the jobs. A job that is not over within a few milliseconds while others wait is put aside, and has its
/// whole time when they are done.
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
    /// Isolation layers without which nothing runs, with commas between: user, pid, net, mount, ipc, uts, cgroup,
    /// control-group, root, rlimits, no-new-privs, capabilities, landlock, seccomp
    #[arg(long, value_name = "LAYERS", value_delimiter = ',', value_parser = layer)]
    require: Vec<Layer>,
    /// Packages that programs may import beside the standard library, from the interpreter's own site directory, by the
    /// names that they are imported by: --packages numpy sympy
    #[arg(long, value_name = "NAME", num_args = 1..)]
    packages: Vec<String>,
}

const EXAMPLE: &str = r#"Example:
  echo '{"id": 1, "program": "def f(x):\n    return x + 1", "inputs": ["41"]}' | azr exec
  {"id":1,"status":"ok","statuses":["ok"],"outputs":["42"],"error":null,...}

A job has program, inputs (argument lists as text) and optionally id, mode, entry (f), expected, prediction,
predicted_input, cpu_ms_max (1000), wall_ms_max (2000), memory_bytes_max, output_bytes_max, source_bytes_max, equality
(python or strict), inputs_are (literals or expressions) and bans (module names; by default the paper's list in check
mode, else none).
Outputs and predictions are literals of None, bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset,
... (Ellipsis), range(0, 3), Decimal('1.50'), Fraction(1, 3), Counter({'a': 2}), OrderedDict({'a': 1}), deque([1], maxlen=3)
and defaultdict(int, {'a': 1}) with a built-in factory; all else is an error, UnsupportedType with the name of the type.
Equality python is Python's == (1 == 1.0 == Fraction(1, 1)), but NaN equals NaN; strict also wants the same types throughout,
the digits of a Decimal, the factory of a defaultdict, the maxlen of a deque and the counts of zero of a Counter.
status is ok, error, timeout, memory, killed, denied, nondeterministic or invalid; missing names the isolation layers
that this host refuses."#;

/// Backends by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BackendName {
    /// The fastest that works here: snapshot, fork or exec; the log says why others were passed over
    Auto,
    /// One worker for many runs, rolled back after each
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
    let desk = Arc::new(Desk::for_lanes(sandbox.lanes()));
    let work = Work {
        mode: options.mode,
        sandbox: &sandbox,
        surroundings,
        interrupt: &interrupt,
        desk: &desk,
    };
    let served = std::thread::scope(|scope| {
        let workers: Result<Vec<_>, NoThread> = (0..sandbox.lanes())
            .map(|_| thread::start(scope, || work.serve()))
            .collect();
        // Nobody takes a line before all are there.
        let reader = workers.and_then(|workers| read_lines(&desk).map(|()| workers));
        if reader.is_err() {
            desk.close();
        }
        // A panic is a defect of ours; it goes on as one.
        let resume = |panic| std::panic::resume_unwind(panic);
        reader?
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(resume))
    });
    // Whatever ended the work: a verdict that was reached is not lost.
    desk.deliver_waiting(&mut |text| surroundings.sink.result(text))?;
    served?;
    desk.input()?;
    surroundings.sink.note(summary(&sandbox, &desk, started));
    Ok(if interrupt.flag().load(Ordering::Relaxed) {
        Ended::Interrupted
    } else {
        Ended::Done
    })
}

/// Lays the lines of standard input on the desk, in a thread that nobody waits for: there may never be another line.
fn read_lines(desk: &Arc<Desk>) -> Result<(), NoThread> {
    let desk = Arc::clone(desk);
    let read = move || {
        let mut lines = Lines::new(BufReader::new(io::stdin()), LINE_BYTES_MAX);
        let end = loop {
            match lines.next() {
                Ok(Some(line)) => {
                    if !desk.lay(line) {
                        break Ok(());
                    }
                }
                end => break end.map(drop),
            }
        };
        desk.end_of_input(end);
    };
    let started = std::thread::Builder::new().spawn(read);
    started.map(drop).map_err(NoThread::because)
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
        packages: options.packages.clone(),
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

/// What those who run jobs share.
struct Work<'run> {
    mode: Mode,
    sandbox: &'run Python,
    surroundings: &'run Surroundings,
    interrupt: &'run Interrupt,
    desk: &'run Desk,
}

impl Work<'_> {
    /// Takes a job, runs it, delivers its answer or puts it aside, until there is no more or something fails.
    fn serve(&self) -> anyhow::Result<()> {
        let result = self.serve_until_end();
        if result.is_err() {
            self.desk.close();
        }
        result
    }

    fn serve_until_end(&self) -> anyhow::Result<()> {
        while let Some((job, pace)) = self.desk.take(self.interrupt.flag()) {
            let mut print = |text: String| self.surroundings.sink.result(text);
            match self.answer(&job.line, pace)? {
                Some(answer) => self.desk.deliver(job.index, answer, pace, &mut print)?,
                None => self.desk.put_aside(job),
            }
        }
        Ok(())
    }

    /// The answer to a line; none when it was to be brief and was not.
    fn answer(&self, line: &Line, pace: Pace) -> anyhow::Result<Option<String>> {
        let job = match line {
            Line::Whole(bytes) => JobLine::read(bytes, self.mode),
            Line::TooLong => Err(Refusal {
                id: json_object::no_id(),
                detail: lines::too_long(LINE_BYTES_MAX),
            }),
        };
        let verdict = match job {
            Ok(job) => Verdict::of(&job, job.mode.unwrap_or(self.mode), self.sandbox, pace)?,
            Err(refusal) => Some(Verdict::invalid(refusal)),
        };
        Ok(verdict.map(|verdict| json_line(&verdict)).transpose()?)
    }
}

fn summary(sandbox: &Python, desk: &Desk, started: Instant) -> String {
    let (jobs, seconds) = (desk.lines(), started.elapsed().as_secs_f64());
    let brief = match desk.put_aside_so_far() {
        (0, _) => String::new(),
        (put_aside, until) => format!(
            " ({} brief ones in the first {:.2} s)",
            jobs - put_aside,
            until.duration_since(started).as_secs_f64()
        ),
    };
    let passed_over: String = sandbox
        .passed_over()
        .iter()
        .map(|it| format!(", not {} ({})", it.backend, it.cause()))
        .collect();
    let isolation = sandbox.isolation();
    let layers: Vec<&str> = isolation.layers.iter().map(|layer| layer.name()).collect();
    let missing: Vec<String> = isolation
        .missing
        .iter()
        .map(|missing| format!("{} ({})", missing.layer, missing.reason))
        .collect();
    let (path, [major, minor, patch]) = sandbox.interpreter();
    format!(
        "{jobs} jobs in {seconds:.2} s{brief}, {:.0} jobs/s; {} backend{passed_over}, {} lanes, Python {major}.{minor}.{patch} at {}; layers {}; missing {}",
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
