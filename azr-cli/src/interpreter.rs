//! The sandbox that commands use, built from a configuration and the environment.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use azr_executor::{Python, PythonConfig, Sandbox, SandboxError};
use azr_rl::config::SandboxConfig;

use crate::Surroundings;
use crate::request::WrongRequest;

const REMEDY: &str =
    "install Python 3.10 or newer, or name one in the environment variable AZR_PYTHON";

/// What to do when the memory that the sandbox shares with programs, which counts as a file, may not be as large as it is.
pub const RAISE_FILE_SIZE_LIMIT: &str = "raise the limit on the size of files (ulimit -f)";

/// A sandbox with a lane for every worker. Layers that this host refuses are said in the log, as warnings.
///
/// # Errors
/// A wrong request when there is no usable interpreter.
pub fn sandbox(
    config: &SandboxConfig,
    surroundings: &Surroundings,
) -> anyhow::Result<Arc<dyn Sandbox>> {
    let python = PythonConfig {
        interpreter: surroundings.environment.python.clone(),
        lanes: NonZeroUsize::new(config.workers),
        packages: config.packages.clone(),
        ..PythonConfig::default()
    };
    Ok(Arc::new(start(&python)?))
}

/// Starts it, and says whose fault a failure is.
///
/// # Errors
/// A wrong request when there is no usable interpreter, or a layer that is required is missing.
pub fn start(config: &PythonConfig) -> anyhow::Result<Python> {
    Python::start(config).map_err(|error| match error {
        // The remedies are ours: the executor does not know what its interpreter was named by.
        SandboxError::Interpreter { path, source } if is_too_large(&source) => WrongRequest::new(
            format!("the sandbox with {path} does not start: {source}; {RAISE_FILE_SIZE_LIMIT}"),
        ),
        SandboxError::Interpreter { path, source }
            if source.kind() == io::ErrorKind::WouldBlock =>
        {
            anyhow::anyhow!(
                "the sandbox with {path} does not start: {source}; raise the limit on processes (ulimit -u)"
            )
        }
        SandboxError::Interpreter { path, source }
            if source.kind() == io::ErrorKind::NotFound && !path.contains('/') =>
        {
            WrongRequest::new(format!(
                "there is no file {path} here, and AZR_PYTHON is not looked for on the PATH; give a full path: AZR_PYTHON=$(command -v {path})"
            ))
        }
        SandboxError::Interpreter { path, source } => WrongRequest::new(format!(
            "no usable Python interpreter at {path}: {source}; {REMEDY}"
        )),
        SandboxError::InterpreterTooOld { path, version } => {
            let [major, minor, patch] = version;
            WrongRequest::new(format!(
                "{path} is Python {major}.{minor}.{patch}; {REMEDY}"
            ))
        }
        SandboxError::Package { .. } => {
            WrongRequest::new(format!("{error}, named in AZR_PYTHON"))
        }
        SandboxError::MissingLayers { .. } => {
            WrongRequest::because("the sandbox does not start", error)
        }
        _ => anyhow::Error::new(error),
    })
}

/// The interpreter is well, and a limit on the size of files keeps the sandbox from starting.
pub fn is_file_size_limit(error: &SandboxError) -> bool {
    matches!(error, SandboxError::Interpreter { source, .. } if is_too_large(source))
}

fn is_too_large(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::FileTooLarge
}
