//! Sandboxes of tests about modules: of the interpreter that the environment names, and what programs give in words.

use azr_executor::{Backend, BackendChoice, Job, Outcome, Python, PythonConfig, Sandbox};

/// Time enough for anything here, on a machine that other tests use too.
pub const WALL_MS_MAX: u64 = 60_000;

/// With the interpreter that the environment names, or the one that a sandbox finds.
pub fn config(backend: Backend) -> PythonConfig {
    PythonConfig {
        interpreter: std::env::var_os("AZR_PYTHON").map(Into::into),
        lanes: 1.try_into().ok(),
        backend: BackendChoice::Only(backend),
        ..PythonConfig::default()
    }
}

pub fn start(config: &PythonConfig) -> Python {
    Python::start(config).unwrap_or_else(|error| panic!("{error}"))
}

/// What a program gives.
pub fn shown(sandbox: &Python, job: &Job) -> String {
    let report = sandbox.run(job).unwrap_or_else(|error| panic!("{error}"));
    match &report.outcomes[0] {
        Outcome::Returned(value) => value.to_string(),
        Outcome::Raised(raised) => format!("{}: {}", raised.class, raised.message),
        other => other.status().to_owned(),
    }
}
