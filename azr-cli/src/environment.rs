//! The environment variables that count, read once at the start. Nothing else in the workspace reads any.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::request::WrongRequest;

/// What the environment says.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `HF_ENDPOINT`: where models are fetched from instead of the public hub.
    pub hub_endpoint: Option<String>,
    /// `HF_TOKEN`, or what the file `HF_TOKEN_PATH` (`token` in `HF_HOME`) holds: sent to that place.
    pub hub_token: Option<String>,
    /// `HF_HUB_CACHE`, or `hub` in `HF_HOME`: where fetched models are kept, as in every program of Hugging Face.
    pub hub_cache: PathBuf,
    /// `HF_HUB_OFFLINE`: models come from the cache alone.
    pub hub_is_offline: bool,
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
    ///
    /// # Errors
    /// A wrong request, when a value that is no path is not UTF-8.
    pub fn read() -> anyhow::Result<Self> {
        let home = path("HF_HOME").unwrap_or_else(|| {
            let cache = path("XDG_CACHE_HOME").unwrap_or_else(|| expanded("~/.cache".into()));
            cache.join("huggingface")
        });
        let token_file = path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
        Ok(Self {
            hub_endpoint: text("HF_ENDPOINT")?,
            hub_token: text("HF_TOKEN")?.or_else(|| token(&token_file)),
            hub_cache: path("HF_HUB_CACHE").unwrap_or_else(|| home.join("hub")),
            hub_is_offline: text("HF_HUB_OFFLINE")?.is_some_and(|it| is_yes(&it)),
            python: path("AZR_PYTHON"),
            cuda_home: path("CUDA_HOME"),
            python_environment: path("VIRTUAL_ENV"),
            no_color: variable("NO_COLOR").is_some(),
            dumb_terminal: variable("TERM").is_some_and(|it| it == "dumb"),
        })
    }
}

fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|it| !it.is_empty())
}

fn text(name: &str) -> anyhow::Result<Option<String>> {
    let Some(value) = variable(name) else {
        return Ok(None);
    };
    let value = value.into_string().map_err(|_| {
        WrongRequest::new(format!("{name} is not UTF-8; set it to text, or unset it"))
    })?;
    Ok(Some(value))
}

fn path(name: &str) -> Option<PathBuf> {
    variable(name).map(expanded)
}

/// With the home directory in place of a first `~`, as a shell would have it.
pub fn expanded(path: OsString) -> PathBuf {
    let path = PathBuf::from(path);
    match (path.strip_prefix("~"), variable("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path,
    }
}

/// What Hugging Face's programs take for yes.
fn is_yes(value: &str) -> bool {
    ["1", "ON", "YES", "TRUE"].contains(&value.to_uppercase().as_str())
}

fn token(file: &Path) -> Option<String> {
    let token = fs::read_to_string(file).ok()?.trim().to_owned();
    (!token.is_empty()).then_some(token)
}
