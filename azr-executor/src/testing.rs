//! For tests of code that uses a sandbox: a scripted one, and the contract that every real one keeps.

mod contract;

pub use contract::{Case, Expected, contract, withstand};

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{
    Arguments, Backend, BackendChoice, Job, Outcome, Python, PythonConfig, Report, Sandbox,
    SandboxError, Standing,
};

/// A sandbox that runs nothing: a closure says what each call of a program with an input does.
pub struct FakeSandbox {
    script: Box<Script>,
    jobs_run: AtomicUsize,
    /// The job, counted from 1, whose run fails; 0 for none.
    failing_job: usize,
}

type Script = dyn Fn(&Job, &Arguments) -> Outcome + Send + Sync;

impl FakeSandbox {
    /// A sandbox that answers each input of each job by `script`.
    pub fn new(script: impl Fn(&Job, &Arguments) -> Outcome + Send + Sync + 'static) -> Self {
        Self {
            script: Box::new(script),
            jobs_run: AtomicUsize::new(0),
            failing_job: 0,
        }
    }

    /// The same, but its `nth` run, counted from 1, is a [`SandboxError`].
    pub fn failing_at(self, nth: usize) -> Self {
        Self {
            failing_job: nth,
            ..self
        }
    }

    /// How many jobs it was given so far, the failed one included.
    pub fn jobs_run(&self) -> usize {
        self.jobs_run.load(Ordering::SeqCst)
    }
}

impl Sandbox for FakeSandbox {
    fn run(&self, job: &Job) -> Result<Report, SandboxError> {
        let nth = self.jobs_run.fetch_add(1, Ordering::SeqCst) + 1;
        if nth == self.failing_job {
            let source = std::io::Error::other("scripted failure");
            return Err(SandboxError::LaneLost { lane: 0, source });
        }
        let outcomes = job
            .inputs
            .iter()
            .map(|input| (self.script)(job, input))
            .collect();
        Ok(Report {
            outcomes,
            micros: 0,
        })
    }

    fn standing(&self) -> Standing {
        Standing {
            backend: "scripted".to_owned(),
            missing: vec![crate::Layer::Net.to_string()],
        }
    }
}

/// The backends that this host permits. All hosts permit two; [`Backend::Snapshot`] needs more, and where it does not
/// start, the reason is logged as a warning.
#[must_use]
pub fn permitted_backends() -> Vec<Backend> {
    let starts = |backend: &Backend| {
        if *backend != Backend::Snapshot {
            return true;
        }
        let config = PythonConfig {
            lanes: std::num::NonZeroUsize::new(1),
            backend: BackendChoice::Only(*backend),
            ..PythonConfig::default()
        };
        match Python::start(&config) {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(%error, "this host does not permit the snapshot backend");
                false
            }
        }
    };
    Backend::ALL.into_iter().filter(starts).collect()
}
