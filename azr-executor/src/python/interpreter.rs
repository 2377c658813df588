//! Which Python interpreter runs the programs.

use std::path::{Path, PathBuf};

use crate::SandboxError;

/// The oldest interpreter that the driver works with.
pub(super) const VERSION_MIN: [u32; 3] = [3, 10, 0];

/// Where interpreters are, in order of preference.
const INTERPRETERS: [&str; 12] = [
    "/usr/bin/python3",
    "/usr/local/bin/python3",
    "/usr/bin/python3.11",
    "/usr/bin/python3.12",
    "/usr/bin/python3.13",
    "/usr/bin/python3.10",
    "/usr/bin/python3.14",
    "/usr/local/bin/python3.11",
    "/usr/local/bin/python3.12",
    "/usr/local/bin/python3.13",
    "/usr/local/bin/python3.10",
    "/usr/local/bin/python3.14",
];

/// The interpreter to use: the one that is named, or the first there is.
pub(super) fn find(named: Option<&Path>) -> Result<PathBuf, SandboxError> {
    let not_found = |path: String| SandboxError::Interpreter {
        path,
        source: std::io::ErrorKind::NotFound.into(),
    };
    let is_file = |path: &Path| path.metadata().is_ok_and(|metadata| metadata.is_file());
    match named {
        Some(path) if is_file(path) => Ok(path.to_owned()),
        Some(path) => Err(not_found(path.display().to_string())),
        None => {
            let found = INTERPRETERS
                .iter()
                .map(Path::new)
                .find(|path| is_file(path));
            found
                .map(Path::to_owned)
                .ok_or_else(|| not_found(INTERPRETERS.join(", ")))
        }
    }
}
