//! The real sandbox: CPython in shut-in processes, several at a time.
//!
//! A *lane* runs one job at a time. It owns *templates*: interpreters that have loaded the standard library and were
//! then shut in, once and for all, before any program exists. A template forks a *worker* for each run; the worker runs
//! one program, leaves a typed result in shared memory and is gone, or, where that is asked for, is rolled back to what
//! it was. The supervisor, that is this crate, reads the result when the worker is dead or stopped, and alone compares it
//! with anything.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::isolation::{Isolation, Layer, MissingLayer};
use crate::job::Job;
use crate::outcome::{Outcome, Report};
use crate::sys::Processor;
use crate::{Sandbox, SandboxError, Standing, syntax};

mod backend;
mod command;
mod deadline;
mod filter;
mod greeting;
mod group;
mod hierarchy;
mod interpreter;
mod keeper;
mod lane;
mod library;
mod namespaces;
mod refusal;
mod request;
mod result;
mod start;
mod template;
mod verdict;

pub use backend::{Backend, BackendChoice, PassedOver};

use lane::Lane;
use start::Start;
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
    /// Packages that programs may import beside the standard library, from the interpreter's own site directory, by the
    /// names that they are imported by. None by default.
    pub packages: Vec<String>,
}

impl Default for PythonConfig {
    fn default() -> Self {
        Self {
            interpreter: None,
            lanes: None,
            backend: BackendChoice::Auto,
            required: Vec::new(),
            hash_seeds: [1, 2],
            packages: Vec::new(),
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
        Start::new(config)?.sandbox()
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

/// Layers in words, for errors.
pub(crate) fn in_words(missing: &[MissingLayer]) -> String {
    missing
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
