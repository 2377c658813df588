//! Why a template could not be read or rendered.

use std::fmt;

/// What goes wrong while a template is read or rendered, before it is known where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The text is no template.
    #[error("syntax error: {problem}")]
    Syntax {
        /// What is wrong, as Jinja2 says it.
        problem: Problem,
    },
    /// Jinja2 has it, and this engine does not.
    #[error("{construct} {name} is not supported")]
    Unsupported {
        /// What kind of thing it is.
        construct: Construct,
        /// How it is written in templates.
        name: String,
    },
    /// The template called `raise_exception`.
    #[error("the template refuses the conversation: {}", .0.0)]
    Refused(Problem),
    /// Python would raise this exception.
    #[error("{exception}: {detail}")]
    Python {
        /// The class.
        exception: Exception,
        /// What it would say, more or less.
        detail: String,
    },
    /// The template is larger, deeper or slower than any real one.
    #[error("the template goes beyond {0}")]
    Beyond(Limit),
}

/// Words about one place of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(pub String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Kinds of things that a template can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Construct {
    /// `{% name %}`.
    Tag,
    /// `value | name`.
    Filter,
    /// `value is name`.
    Test,
    /// `name()`.
    Function,
    /// `value.name`.
    Attribute,
    /// `'%q'`, `'{:q}'`, a `strftime` directive.
    Format,
    /// Anything else: an expression, or a value that is used in one.
    Expression,
}

impl fmt::Display for Construct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tag => "the tag",
            Self::Filter => "the filter",
            Self::Test => "the test",
            Self::Function => "the function",
            Self::Attribute => "the attribute",
            Self::Format => "the format",
            Self::Expression => "the expression",
        })
    }
}

/// Classes of exceptions that Jinja2 and Python raise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Exception {
    AssertionError,
    FilterArgumentError,
    IndexError,
    KeyError,
    OverflowError,
    RuntimeError,
    SecurityError,
    TemplateAssertionError,
    TemplateRuntimeError,
    TypeError,
    UndefinedError,
    ValueError,
    ZeroDivisionError,
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// What a template may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Evaluated nodes.
    Steps,
    /// Bytes read and written.
    Bytes,
    /// Nested calls, blocks and expressions.
    Depth,
    /// Nested lists and dictionaries.
    Nesting,
    /// Digits of an integer.
    Digits,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Steps => "the number of steps a template may take",
            Self::Bytes => "the bytes a template may read and write",
            Self::Depth => "the depth to which calls, blocks and expressions may be nested",
            Self::Nesting => "the depth to which values may be nested",
            Self::Digits => "the digits an integer may have",
        })
    }
}

/// A [`Fault`] and its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct TemplateFault {
    /// The line of the template, from 1.
    pub line: usize,
    /// What went wrong there.
    pub fault: Fault,
}

/// What every part of the engine returns.
pub(crate) type Result<T> = std::result::Result<T, Box<Fault>>;

/// An exception of Python.
pub(super) fn raised<T>(exception: Exception, detail: impl Into<String>) -> Result<T> {
    Err(Box::new(Fault::Python {
        exception,
        detail: detail.into(),
    }))
}

/// A `TypeError`.
pub(super) fn type_error<T>(detail: impl Into<String>) -> Result<T> {
    raised(Exception::TypeError, detail)
}

/// A `ValueError`.
pub(super) fn value_error<T>(detail: impl Into<String>) -> Result<T> {
    raised(Exception::ValueError, detail)
}

/// Something that Jinja2 has and this engine does not.
pub(crate) fn unsupported<T>(construct: Construct, name: impl Into<String>) -> Result<T> {
    Err(Box::new(Fault::Unsupported {
        construct,
        name: name.into(),
    }))
}

/// The text is no template.
pub(super) fn syntax<T>(problem: impl Into<String>) -> Result<T> {
    Err(Box::new(Fault::Syntax {
        problem: Problem(problem.into()),
    }))
}

/// A limit that is passed.
pub(super) fn beyond<T>(limit: Limit) -> Result<T> {
    Err(Box::new(Fault::Beyond(limit)))
}
