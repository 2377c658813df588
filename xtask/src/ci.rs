//! Runs `.ci/run`, so that what a person checks and what the build machine checks can never differ.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context;

/// Runs the script to its end and hands its exit code on.
pub fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let script = root.join(".ci/run");
    let status = Command::new("bash")
        .arg(&script)
        .current_dir(root)
        .status()
        .with_context(|| format!("cannot start bash {}", script.display()))?;
    // A script that a signal ended has no code; that is a failure too.
    Ok(ExitCode::from(
        status
            .code()
            .map_or(1, |code| u8::try_from(code).unwrap_or(1)),
    ))
}
