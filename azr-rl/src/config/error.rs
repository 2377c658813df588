//! Why a run file, a pretraining file or an assignment cannot be used. What is quoted of them is cut.

/// Characters that are quoted from either end of a text.
const QUOTED_CHARACTERS_MAX: usize = 200;

/// A file or an assignment cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not TOML.
    #[error("the file is not TOML: line {line}: {problem}; compare it with the files in configs/")]
    Syntax {
        /// Where.
        line: usize,
        /// What the parser says.
        problem: String,
    },
    /// A key is unknown, missing or of the wrong type.
    #[error("a key does not fit: {problem}; compare with the files in configs/")]
    Keys {
        /// What does not fit, with the key.
        problem: String,
    },
    /// A value makes no sense.
    #[error("`{key}` is {value}; {rule}")]
    Value {
        /// The key, with its section.
        key: String,
        /// What it is.
        value: String,
        /// What it has to be.
        rule: String,
    },
    /// An assignment is not `key=value`.
    #[error(
        "`{assignment}` is not an assignment; write section.key=value, for instance optimizer.learning_rate=1e-5"
    )]
    Assignment {
        /// What was written.
        assignment: String,
    },
    /// An assignment gives a whole number that no key can hold.
    #[error(
        "`{assignment}` gives a number that is too large; give {} at most",
        i64::MAX
    )]
    TooLarge {
        /// What was written.
        assignment: String,
    },
    /// An assignment names a key that the run file does not have.
    #[error("the run file has no key `{key}`; {known}")]
    NoSuchKey {
        /// What was written.
        key: String,
        /// What there is, in words.
        known: String,
    },
    /// The configuration cannot be written.
    #[error("the configuration cannot be written as TOML: {source}")]
    Write {
        /// Why.
        source: toml::ser::Error,
    },
}

impl ConfigError {
    pub(crate) fn keys(error: &toml::de::Error) -> Self {
        Self::Keys {
            problem: quoted(&error.to_string()),
        }
    }
}

/// The TOML of `text`.
///
/// # Errors
/// [`ConfigError::Syntax`], with the line and without its text.
pub(crate) fn table(text: &str) -> Result<toml::Table, ConfigError> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|it| text.get(..it.start));
        ConfigError::Syntax {
            line: 1 + before.unwrap_or_default().matches('\n').count(),
            problem: quoted(error.message()),
        }
    })
}

/// The text on one line; of a long one the head and the tail.
pub(super) fn quoted(text: &str) -> String {
    let line: Vec<char> = text.trim().chars().collect();
    let cut: String = if line.len() <= 2 * QUOTED_CHARACTERS_MAX {
        line.iter().collect()
    } else {
        let (head, rest) = line.split_at(QUOTED_CHARACTERS_MAX);
        let tail = &rest[rest.len() - QUOTED_CHARACTERS_MAX..];
        head.iter().chain(&['…']).chain(tail).collect()
    };
    cut.split_whitespace().collect::<Vec<_>>().join(" ")
}
