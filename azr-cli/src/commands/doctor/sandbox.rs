//! What programs would run in: the interpreter, and the layers between it and this machine.

use azr_executor::{Backend, BackendChoice, Python, PythonConfig, SandboxError};

use super::machine::finding;
use super::{Finding, State};
use crate::environment::Environment;
use crate::interpreter;

/// Starts a sandbox as commands do, then one with each backend that there is, and reports what it found.
pub fn findings(environment: &Environment) -> Vec<Finding> {
    let start = |backend| {
        Python::start(&PythonConfig {
            interpreter: environment.python.clone(),
            backend,
            ..PythonConfig::default()
        })
    };
    let chosen = start(BackendChoice::Auto);
    let mut findings = match &chosen {
        Ok(python) => running(python),
        Err(error) => vec![refused(error)],
    };
    if let Err(SandboxError::Interpreter { .. } | SandboxError::InterpreterTooOld { .. }) = chosen {
        return findings;
    }
    let in_use = chosen.ok().map(|python| python.backend());
    findings.extend(Backend::ALL.map(|backend| {
        // The layers that they lack are those of the first sandbox, which was logged.
        let silent = tracing::subscriber::NoSubscriber::default();
        let started = tracing::subscriber::with_default(silent, || {
            start(BackendChoice::Only(backend)).map(|_| ())
        });
        of_backend(backend, &started, in_use == Some(backend))
    }));
    findings
}

fn of_backend(backend: Backend, started: &Result<(), SandboxError>, is_in_use: bool) -> Finding {
    let about = format!("{backend}: {}", way_of_working(backend));
    let remedy = |error: &SandboxError| match error {
        SandboxError::Backend { remedy, .. } | SandboxError::Host { remedy, .. } => *remedy,
        _ => "name another interpreter in AZR_PYTHON",
    };
    match started {
        Ok(()) => {
            let used = if is_in_use {
                "in use unless another is asked for"
            } else {
                "works here when it is asked for"
            };
            finding(
                "backend",
                State::Good,
                format!("{about}; {used}"),
                String::new,
            )
        }
        Err(error) => {
            let cause =
                std::error::Error::source(error).map_or(error.to_string(), |it| it.to_string());
            let found = format!("{about}; does not work here: {cause}");
            finding("backend", State::Missing, found, || remedy(error).into())
        }
    }
}

fn way_of_working(backend: Backend) -> &'static str {
    match backend {
        Backend::Snapshot => "one worker for many runs, rolled back after each",
        Backend::Fork => "a worker forked from a template for each run",
        Backend::Exec => "an interpreter started anew for each run",
    }
}

fn running(python: &Python) -> Vec<Finding> {
    let (path, [major, minor, patch]) = python.interpreter();
    let found = format!(
        "{major}.{minor}.{patch} at {}, {} backend, {} lanes",
        path.display(),
        python.backend(),
        python.lanes()
    );
    let mut findings = vec![finding("python", State::Good, found, String::new)];
    let isolation = python.isolation();
    let layers: Vec<&str> = isolation.layers.iter().map(|it| it.name()).collect();
    let state = if isolation.missing.is_empty() {
        State::Good
    } else {
        State::Limited
    };
    findings.push(finding("isolation", state, layers.join(" "), || {
        "see below".into()
    }));
    for missing in &isolation.missing {
        let found = format!("layer {}: {}", missing.layer, missing.reason);
        findings.push(finding("isolation", State::Missing, found, || {
            missing.remedy.into()
        }));
    }
    findings
}

fn refused(error: &SandboxError) -> Finding {
    let remedy = || {
        if interpreter::is_file_size_limit(error) {
            return interpreter::RAISE_FILE_SIZE_LIMIT.to_string();
        }
        "install Python 3.10 or newer (Debian: apt-get install python3), or name one in AZR_PYTHON"
            .to_string()
    };
    match error {
        // The interpreter is well, and the remedy in the message.
        SandboxError::Backend { remedy, .. } | SandboxError::Host { remedy, .. } => {
            finding("sandbox", State::Missing, error.to_string(), || {
                (*remedy).into()
            })
        }
        _ => finding("python", State::Missing, error.to_string(), remedy),
    }
}
