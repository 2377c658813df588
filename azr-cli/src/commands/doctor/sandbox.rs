//! What programs would run in: the interpreter, and the layers between it and this machine.

use azr_executor::{Backend, Python, PythonConfig, SandboxError};

use super::machine::finding;
use super::{Finding, State};
use crate::environment::Environment;
use crate::interpreter;

/// Starts a sandbox and reports what it found.
pub fn findings(environment: &Environment) -> Vec<Finding> {
    let config = PythonConfig {
        interpreter: environment.python.clone(),
        ..PythonConfig::default()
    };
    match Python::start(&config) {
        Ok(python) => running(&python),
        Err(error) => vec![refused(&error)],
    }
}

fn running(python: &Python) -> Vec<Finding> {
    let (path, [major, minor, patch]) = python.interpreter();
    let backend = match python.backend() {
        Backend::Snapshot => "one worker for many runs, rolled back after each",
        Backend::Fork => "forked from a template for each run",
        Backend::Exec => "started anew for each run",
    };
    let found = format!(
        "{major}.{minor}.{patch} at {}, {backend}, {} lanes",
        path.display(),
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
    finding("python", State::Missing, error.to_string(), remedy)
}
