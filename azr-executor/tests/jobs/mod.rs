//! Sandboxes and jobs that several tests need.

use azr_executor::testing::permitted_backends;
use azr_executor::{
    Arguments, Backend, BackendChoice, Bans, Job, Limits, Outcome, Python, PythonConfig, Sandbox,
    Scrutiny,
};

/// With the interpreter that the environment variable `AZR_PYTHON` names, if it does: tests are for all versions.
pub fn start(lanes: usize, backend: Backend) -> Python {
    let config = PythonConfig {
        interpreter: std::env::var_os("AZR_PYTHON").map(Into::into),
        lanes: lanes.try_into().ok(),
        backend: BackendChoice::Only(backend),
        ..PythonConfig::default()
    };
    Python::start(&config).unwrap_or_else(|error| panic!("{error}"))
}

pub fn job(program: &str, inputs: &[&str], scrutiny: Scrutiny, wall_ms_max: u64) -> Job {
    Job {
        program: program.to_owned(),
        entry: "f".to_owned(),
        inputs: inputs
            .iter()
            .map(|text| Arguments::parse(text).unwrap())
            .collect(),
        scrutiny,
        bans: Bans::none(),
        limits: Limits {
            wall_ms_max,
            cpu_ms_max: 60_000,
            ..Limits::default()
        },
    }
}

pub const SLEEPS: &str = "import time\ndef f(x):\n    time.sleep(x)\n    return 'awake'\n";
pub const DOUBLES: &str = "def f(x):\n    return 2 * x\n";

/// Whether it was kept from starting so many processes.
pub const FORKS: &str = "
import os, time
def f(x):
    started = 0
    try:
        while started < x:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            started += 1
    except OSError:
        pass
    return started < x
";

pub fn outputs(sandbox: &Python, job: &Job) -> Vec<String> {
    let report = sandbox.run(job).unwrap_or_else(|error| panic!("{error}"));
    let shown = |outcome: &Outcome| match outcome {
        Outcome::Returned(value) => value.to_string(),
        other => other.status().to_owned(),
    };
    report.outcomes.iter().map(shown).collect()
}

/// Backends whose templates serve many runs.
pub fn serving() -> Vec<Backend> {
    let mut backends = permitted_backends();
    backends.retain(|it| *it != Backend::Exec);
    backends
}

/// Begins a program that has native control of its worker: `driver()` gives the names of the driver, `ctypes` among them.
pub const WITH_DRIVER: &str = "
import gc, sys
def driver():
    gc.unfreeze()
    return next(it for it in gc.get_objects() if type(it) is dict and 'KEPT' in it and 'map_window' in it)
";
