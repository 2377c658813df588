//! What went wrong, and whose fault it was: the request's (exit code 2) or the work's (exit code 1).

use std::error::Error;
use std::fmt;
use std::io;

use crate::json_object::plain;
use crate::sink::ReaderGone;
use crate::visible::visible;

/// Exit code of work that failed.
pub const FAILED: u8 = 1;
/// Exit code of a request that was wrong: a flag, a file, a configuration.
pub const WRONG: u8 = 2;
/// Exit code after a signal.
pub const INTERRUPTED: u8 = 130;

/// The request was wrong; doing the same again gives the same. Carries one sentence with a remedy.
#[derive(Debug)]
pub struct WrongRequest {
    sentence: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl WrongRequest {
    /// A request that is wrong by what it says.
    #[expect(
        clippy::new_ret_no_self,
        reason = "every command returns anyhow errors; this type only marks one"
    )]
    pub fn new(sentence: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self {
            sentence: sentence.into(),
            source: None,
        })
    }

    /// A request that is wrong because of what was found on following it; the cause says what to do.
    pub fn because(
        sentence: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> anyhow::Error {
        anyhow::Error::new(Self {
            sentence: sentence.into(),
            source: Some(source.into()),
        })
    }
}

impl fmt::Display for WrongRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl Error for WrongRequest {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|it| it as &(dyn Error + 'static))
    }
}

/// 2 if the request was wrong anywhere in the chain, 1 otherwise.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if error.chain().any(|it| it.is::<WrongRequest>()) {
        WRONG
    } else {
        FAILED
    }
}

/// Whoever read our output has gone away (`azr inspect RUN | head`): no failure of ours.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|it| {
        it.downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .is_some_and(|it| it.is::<ReaderGone>())
    })
}

/// The chain of causes as one line that is safe to print. A cause that the one before it already quotes is left out.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let words = cause.to_string();
        if !words.is_empty() && !parts.iter().any(|it| it.contains(&words)) {
            parts.push(words);
        }
    }
    visible(&plain(&parts.join(": "))).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_wrong_request_stays_one_under_any_context() {
        let error = Err::<(), _>(WrongRequest::new("no such file; name another"))
            .context("reading")
            .unwrap_err();
        assert_eq!(exit_code(&error), WRONG);
        assert_eq!(exit_code(&anyhow::anyhow!("the disk is full")), FAILED);
    }

    #[test]
    fn a_cause_is_said_once() {
        let cause = io::Error::other("no such file");
        let error = WrongRequest::because("cannot read a.toml: no such file; name another", cause);
        assert_eq!(
            sentence(&error),
            "cannot read a.toml: no such file; name another"
        );
    }

    #[test]
    fn text_of_others_in_an_error_cannot_reach_the_terminal() {
        let error = WrongRequest::new("no model \u{1b}]0;owned\u{7}\nat all");
        assert_eq!(sentence(&error), "no model \\x1b]0;owned\\x07 at all");
    }

    #[test]
    fn a_closed_pipe_is_seen_through_context() {
        let of = |error| is_closed_pipe(&anyhow::Error::new(error).context("printing"));
        assert!(of(io::Error::new(io::ErrorKind::BrokenPipe, ReaderGone)));
        assert!(
            !of(io::Error::from(io::ErrorKind::BrokenPipe)),
            "a lane of the sandbox, perhaps"
        );
    }
}
