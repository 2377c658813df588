//! The real sandbox: CPython in shut-in processes, several at a time.
//!
//! A *lane* runs one job at a time. It owns *templates*: interpreters that have loaded the standard library and were
//! then shut in, once and for all, before any program exists. A template forks a *worker* for each run; the worker runs
//! one program, leaves a typed result in shared memory and is gone, or, where that is asked for, is rolled back to what
//! it was. The supervisor, that is this crate, reads the result when the worker is dead or stopped, and alone compares it
//! with anything.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::isolation::{Isolation, Layer, MissingLayer};
use crate::job::{Bans, Job, Limits, Scrutiny};
use crate::outcome::{Outcome, Report};
use crate::sys::Processor;
use crate::value::{Arguments, Equality, Value};
use crate::{Sandbox, SandboxError, Standing, syntax};

mod backend;
mod deadline;
mod filter;
mod greeting;
mod interpreter;
mod keeper;
mod lane;
mod namespaces;
mod refusal;
mod request;
mod result;
mod template;
mod verdict;

pub use backend::{Backend, BackendChoice, PassedOver};

use keeper::Keeper;
use lane::Lane;
use namespaces::NamespacePlan;
use refusal::Need;
use template::Recipe;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub use template::fuzzing;

/// How a [`Python`] sandbox is built.
#[derive(Debug, Clone)]
pub struct PythonConfig {
    /// The interpreter; none to look in the usual places.
    pub interpreter: Option<PathBuf>,
    /// Jobs at a time; none for one on each processor.
    pub lanes: Option<NonZeroUsize>,
    /// Which backend.
    pub backend: BackendChoice,
    /// Layers without which the sandbox refuses to start.
    pub required: Vec<Layer>,
    /// Seeds of the string hashes of the two templates of a lane. Runs use the first.
    pub hash_seeds: [u32; 2],
}

impl Default for PythonConfig {
    fn default() -> Self {
        Self {
            interpreter: None,
            lanes: None,
            backend: BackendChoice::Auto,
            required: Vec::new(),
            hash_seeds: [1, 2],
        }
    }
}

/// CPython behind the layers of [`Isolation`].
pub struct Python {
    /// Lanes that nobody uses now.
    idle: Mutex<Vec<Lane>>,
    returned: Condvar,
    lanes: usize,
    isolation: Isolation,
    backend: Backend,
    passed_over: Vec<PassedOver>,
    interpreter: PathBuf,
    version: [u32; 3],
}

impl Python {
    /// Finds an interpreter, learns which layers this host permits, starts one template and runs a program whose result
    /// is known; then the next backend of those to choose from, if that does not work. Layers that are missing, and
    /// backends that were passed over, are logged as warnings, once.
    ///
    /// # Errors
    /// When there is no interpreter that works, the host permits none of the backends, or a required layer is missing.
    pub fn start(config: &PythonConfig) -> Result<Self, SandboxError> {
        let interpreter = interpreter::find(config.interpreter.as_deref())?;
        let namespaces = NamespacePlan::probe();
        let start = |backend| Self::start_backend(config, backend, &interpreter, &namespaces);
        let (preferred, last) = config.backend.candidates();
        let mut passed_over = Vec::new();
        for &backend in preferred {
            match start(backend) {
                Err(error) if error.is_of_backend() => {
                    passed_over.push(PassedOver { backend, error });
                }
                decided => return decided.map(|python| python.instead_of(passed_over)),
            }
        }
        start(last).map(|python| python.instead_of(passed_over))
    }

    fn instead_of(self, passed_over: Vec<PassedOver>) -> Self {
        passed_over.iter().for_each(|it| tracing::warn!("{it}"));
        Self {
            passed_over,
            ..self
        }
    }

    fn start_backend(
        config: &PythonConfig,
        backend: Backend,
        interpreter: &Path,
        namespaces: &NamespacePlan,
    ) -> Result<Self, SandboxError> {
        if backend == Backend::Snapshot && !cfg!(target_arch = "x86_64") {
            let source = std::io::ErrorKind::Unsupported.into();
            let source = Need::Processor.refused(source);
            return Err(refusal::of_backend(backend, source));
        }
        let mut idle = lanes(config, backend, interpreter, namespaces)?;
        let lanes = idle.len();
        let Some(first) = idle.last_mut() else {
            return Err(SandboxError::LaneLost {
                lane: 0,
                source: std::io::ErrorKind::NotFound.into(),
            });
        };
        let path = || interpreter.display().to_string();
        let opened = first.open().map_err(|source| {
            if refusal::is_refusal(&source) {
                return refusal::of_backend(backend, source);
            }
            SandboxError::Interpreter {
                path: path(),
                source,
            }
        });
        let hello = opened?.clone();
        let version = hello.version;
        if version < interpreter::VERSION_MIN {
            return Err(SandboxError::InterpreterTooOld {
                path: path(),
                version,
            });
        }
        if backend == Backend::Fork && (namespaces.keeps_root || hello.keeps_root) {
            let source = std::io::ErrorKind::PermissionDenied.into();
            return Err(refusal::of_backend(backend, Need::User.refused(source)));
        }
        let refused = namespaces.refused.iter().cloned().chain(hello.refused());
        let isolation = Isolation::from_refusals(refused.collect());
        let lacking = isolation.lacking(&config.required);
        if !lacking.is_empty() {
            return Err(SandboxError::MissingLayers { missing: lacking });
        }
        self_test(first).map_err(|error| match error {
            SandboxError::LaneLost { source, .. } => refusal::of_backend(backend, source),
            other => other,
        })?;
        isolation
            .missing
            .iter()
            .for_each(|missing| tracing::warn!("{missing}"));
        Ok(Self {
            idle: Mutex::new(idle),
            returned: Condvar::new(),
            lanes,
            isolation,
            backend,
            passed_over: Vec::new(),
            interpreter: interpreter.to_owned(),
            version,
        })
    }

    /// The layers in place, and those this host refuses.
    pub fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    /// How workers come into being.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Backends that would have been taken before this one, and why they do not work on this host.
    pub fn passed_over(&self) -> &[PassedOver] {
        &self.passed_over
    }

    /// Jobs that run at a time.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Path and version of the interpreter.
    pub fn interpreter(&self) -> (&Path, [u32; 3]) {
        (&self.interpreter, self.version)
    }

    /// Compares every page of every idle worker with what it was before its first program. Gives how many differ, which is
    /// 0 unless rolling back is broken, and always where no worker runs twice.
    ///
    /// # Errors
    /// When a worker is lost meanwhile.
    pub fn audit(&self) -> Result<u32, SandboxError> {
        self.idle_lanes().iter_mut().map(Lane::audit).sum()
    }

    fn idle_lanes(&self) -> MutexGuard<'_, Vec<Lane>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_lane(&self) -> LaneInUse<'_> {
        let mut idle = self.idle_lanes();
        loop {
            let here = Processor::current();
            let nearest = idle.iter().rposition(|lane| lane.processor() == here);
            let last = idle.len().checked_sub(1);
            if let Some(lane) = nearest.or(last).map(|at| idle.swap_remove(at)) {
                return LaneInUse {
                    pool: self,
                    lane: Some(lane),
                };
            }
            idle = self
                .returned
                .wait(idle)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Runs `job` if that takes a few milliseconds (in [`Backend::Exec`] a few hundred): none when one of its runs is not
    /// over then, and nothing is known of it. For those who have much to do: what is not brief is put aside, and has its
    /// whole time when nothing brief is left; so programs that hang hold up nobody but each other.
    ///
    /// # Errors
    /// As [`Sandbox::run`].
    pub fn run_if_brief(&self, job: &Job) -> Result<Option<Report>, SandboxError> {
        let patience = match self.backend {
            Backend::Snapshot => 2,
            Backend::Fork => 20,
            Backend::Exec => 300,
        };
        self.report(job, Some(Duration::from_millis(patience)))
    }

    fn report(
        &self,
        job: &Job,
        patience: Option<Duration>,
    ) -> Result<Option<Report>, SandboxError> {
        let started = Instant::now();
        let outcomes = match syntax::denial(&job.program, &job.bans, &job.limits) {
            Some(denial) => Some(vec![Outcome::Denied(denial); job.inputs.len()]),
            None => self.take_lane().run(job, patience)?,
        };
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        Ok(outcomes.map(|outcomes| Report { outcomes, micros }))
    }
}

impl Sandbox for Python {
    fn run(&self, job: &Job) -> Result<Report, SandboxError> {
        // Only a brief run is given up.
        self.report(job, None)?.ok_or(SandboxError::LaneLost {
            lane: 0,
            source: std::io::ErrorKind::TimedOut.into(),
        })
    }

    fn standing(&self) -> Standing {
        let missing = self.isolation.missing.iter();
        Standing {
            backend: self.backend.to_string(),
            missing: missing.map(|it| it.layer.to_string()).collect(),
        }
    }
}

/// A lane that goes back when this is dropped.
struct LaneInUse<'pool> {
    pool: &'pool Python,
    lane: Option<Lane>,
}

impl LaneInUse<'_> {
    fn run(
        &mut self,
        job: &Job,
        patience: Option<Duration>,
    ) -> Result<Option<Vec<Outcome>>, SandboxError> {
        match &mut self.lane {
            Some(lane) => lane.run(job, patience),
            None => Err(SandboxError::LaneLost {
                lane: 0,
                source: std::io::ErrorKind::NotFound.into(),
            }),
        }
    }
}

impl Drop for LaneInUse<'_> {
    fn drop(&mut self) {
        self.pool.idle_lanes().extend(self.lane.take());
        self.pool.returned.notify_one();
    }
}

/// As many lanes as are wanted, the first one last, spread over the processors.
fn lanes(
    config: &PythonConfig,
    backend: Backend,
    interpreter: &Path,
    namespaces: &NamespacePlan,
) -> Result<Vec<Lane>, SandboxError> {
    let keeper = Arc::new(Keeper::start().map_err(|source| SandboxError::Keeper { source })?);
    let lanes = config
        .lanes
        .or_else(|| std::thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get);
    let processors = match backend {
        Backend::Snapshot | Backend::Fork => Processor::allowed(),
        // An interpreter that starts may as well start elsewhere.
        Backend::Exec => Vec::new(),
    };
    let new_lane = |index: usize| {
        let recipes = config.hash_seeds.map(|hash_seed| Recipe {
            interpreter: interpreter.to_owned(),
            hash_seed,
            backend,
            namespaces: namespaces.clone(),
            processor: processors.iter().cycle().nth(index).copied(),
        });
        Lane::new(index, recipes, Arc::clone(&keeper))
    };
    Ok((0..lanes).rev().map(new_lane).collect())
}

/// Runs a program whose result is known: arguments, result, an exception's way out.
fn self_test(lane: &mut Lane) -> Result<(), SandboxError> {
    let input = Value::List(vec![
        Value::from(-7),
        Value::from("é"),
        Value::Float(0.5),
        Value::None,
    ]);
    let job = Job {
        program: "def f(x):\n    return {'given': (x, True)}\n".to_owned(),
        entry: "f".to_owned(),
        inputs: vec![Arguments::positional(vec![input.clone()])],
        scrutiny: Scrutiny::Run,
        bans: Bans::none(),
        limits: Limits {
            wall_ms_max: 30_000,
            cpu_ms_max: 30_000,
            ..Limits::default()
        },
    };
    let expected = Value::Dict(vec![(
        Value::from("given"),
        Value::Tuple(vec![input, Value::Bool(true)]),
    )]);
    match lane.run(&job, None)?.as_deref() {
        Some([Outcome::Returned(value)]) if Equality::Strict.equal(value, &expected) => Ok(()),
        outcomes => {
            let met = format!("the test program gave {outcomes:?}");
            Err(SandboxError::SelfTest {
                source: std::io::Error::other(met),
            })
        }
    }
}

/// Layers in words, for errors.
pub(crate) fn in_words(missing: &[MissingLayer]) -> String {
    missing
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
