//! Starts the binary in a directory of its own, with an environment of its own.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Exit code; -1 after a signal.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// The binary with these arguments, in `place`, without what the surrounding environment says about hubs and colors.
pub fn command(place: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_azr"));
    command
        .args(arguments)
        .current_dir(place)
        .stdin(Stdio::null());
    for name in [
        "HF_ENDPOINT",
        "HF_TOKEN",
        "HF_HOME",
        "HF_HUB_CACHE",
        "HF_HUB_OFFLINE",
        "HF_TOKEN_PATH",
        "XDG_CACHE_HOME",
        "NO_COLOR",
        "AZR_PYTHON",
        "CUDA_HOME",
        "VIRTUAL_ENV",
    ] {
        command.env_remove(name);
    }
    command
}

/// Runs to the end.
pub fn azr(place: &Path, arguments: &[impl AsRef<OsStr>]) -> Answer {
    command(place, arguments).output().unwrap().into()
}

/// Runs to the end with `input` on standard input.
pub fn azr_with_input(place: &Path, arguments: &[impl AsRef<OsStr>], input: &str) -> Answer {
    let mut command = command(place, arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A child that refuses its request closes the pipe early; what it says about that is what counts.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap().into()
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Answer {
    /// The request was wrong: exit code 2, one sentence on standard error that says each of `words`, no panic, and
    /// nothing on standard output.
    pub fn is_refused(&self, words: &[&str]) {
        assert_eq!(self.code, 2, "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
        let sentence = self.err.trim_end();
        assert_eq!(
            sentence.lines().count(),
            1,
            "one sentence, not {sentence:?}"
        );
        for word in words {
            assert!(sentence.contains(word), "{word:?} is not in {sentence:?}");
        }
    }

    /// The command line itself was wrong: exit code 2, an explanation on standard error that says each of `words`, and
    /// nothing on standard output.
    pub fn is_refused_by_its_flags(&self, words: &[&str]) {
        assert_eq!(self.code, 2, "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in {:?}", self.err);
        }
    }

    /// There was no thread to be had: exit code 1 and the limit to raise.
    pub fn has_no_thread(&self) {
        assert_eq!(self.code, 1, "{self:?}");
        assert!(
            self.err.starts_with("azr: cannot start a thread"),
            "{self:?}"
        );
        assert!(self.err.contains("ulimit -u"), "{self:?}");
    }

    /// Exit code 0.
    pub fn is_done(&self) -> &Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}
