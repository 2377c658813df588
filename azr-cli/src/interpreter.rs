//! The sandbox that commands use, built from a configuration and the environment.

use std::num::NonZeroUsize;
use std::sync::Arc;

use azr_executor::{Python, PythonConfig, Sandbox, SandboxError};
use azr_rl::config::SandboxConfig;

use crate::Surroundings;
use crate::request::WrongRequest;

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
        ..PythonConfig::default()
    };
    Ok(Arc::new(start(&python)?))
}

/// Starts it, and says whose fault a failure is.
///
/// # Errors
/// A wrong request when there is no usable interpreter.
pub fn start(config: &PythonConfig) -> anyhow::Result<Python> {
    Python::start(config).map_err(|error| match error {
        SandboxError::Interpreter { .. } | SandboxError::InterpreterTooOld { .. } => {
            WrongRequest::because(
                "programs cannot be run; AZR_PYTHON names an interpreter",
                error,
            )
        }
        _ => anyhow::Error::new(error),
    })
}
