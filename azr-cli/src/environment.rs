//! The environment variables that count, read once at the start. Nothing else in the workspace reads any.

use std::env;
use std::path::PathBuf;

/// What the environment says.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `HF_ENDPOINT`: where models are fetched from instead of the public hub.
    pub hub_endpoint: Option<String>,
    /// `HF_TOKEN`: sent to that place.
    pub hub_token: Option<String>,
    /// `HF_HOME`, or its default below the home directory: where fetched models are kept.
    pub hub_home: Option<PathBuf>,
    /// `AZR_PYTHON`: the interpreter that runs programs inside the sandbox.
    pub python: Option<PathBuf>,
    /// `CUDA_HOME`: a CUDA toolkit, where NVRTC is looked for.
    pub cuda_home: Option<PathBuf>,
    /// `VIRTUAL_ENV`: Python packages, which NVRTC may come in.
    pub python_environment: Option<PathBuf>,
    /// `NO_COLOR` (any value but an empty one): no color, whatever the terminal.
    pub no_color: bool,
    /// `TERM=dumb`: neither color nor a live display.
    pub dumb_terminal: bool,
}

impl Environment {
    /// Reads it. An empty value counts as unset.
    pub fn read() -> Self {
        let home_cache =
            || variable("HOME").map(|home| PathBuf::from(home).join(".cache/huggingface"));
        Self {
            hub_endpoint: variable("HF_ENDPOINT"),
            hub_token: variable("HF_TOKEN"),
            hub_home: variable("HF_HOME").map(PathBuf::from).or_else(home_cache),
            python: variable("AZR_PYTHON").map(PathBuf::from),
            cuda_home: variable("CUDA_HOME").map(PathBuf::from),
            python_environment: variable("VIRTUAL_ENV").map(PathBuf::from),
            no_color: variable("NO_COLOR").is_some(),
            dumb_terminal: variable("TERM").is_some_and(|it| it == "dumb"),
        }
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|it| !it.is_empty())
}
