//! Numbers that describe a program by its text: shape, complexity, volume, and how far two programs are apart.
//!
//! Each follows the rules of a tool that the field quotes, so that figures compare: [`Cyclomatic`] and [`Halstead`] are
//! those of radon 6.0.1, [`Cognitive`] is that of complexipy 8.3.0, [`Shape`] is the tree of CPython 3.11. Nothing is run,
//! and no text makes this panic or run out of stack.

mod cognitive;
mod cyclomatic;
mod distance;
mod halstead;
mod lines;
mod node;
mod shape;

pub use cognitive::{Cognitive, FunctionComplexity};
pub use cyclomatic::{Block, BlockKind, Cyclomatic};
pub use distance::{DISTANCE_STEPS_MAX, Distance};
pub use halstead::Halstead;
pub use node::NodeKind;
pub use shape::Shape;

use ruff_python_ast::ModModule;

use crate::syntax::{self, SOURCE_BYTES_MAX};

use self::lines::Lines;

/// All that is measured of one program.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// Nodes of the syntax tree by kind, their number, their depth; compares with another by edit distance.
    pub shape: Shape,
    /// Independent paths through each function and class (McCabe 1976).
    pub cyclomatic: Cyclomatic,
    /// How hard each function is to follow.
    pub cognitive: Cognitive,
    /// Operators and operands, and what follows from their numbers (Halstead 1977).
    pub halstead: Halstead,
    /// Equal for programs that differ only in layout and local names: see [`syntax::normalized_hash`].
    pub normalized_hash: [u8; 32],
}

impl Metrics {
    /// Measures `program`, which is parsed once. Takes time and memory linear in its length, tens of microseconds for a
    /// program of a few dozen lines.
    ///
    /// # Errors
    /// When the text is too large, too deep, or not valid Python 3.11.
    pub fn of(program: &str) -> Result<Metrics, MetricsError> {
        with_module(program, |module| {
            let lines = Lines::of(program);
            Metrics {
                shape: Shape::of_module(&module),
                cyclomatic: Cyclomatic::of_module(&module, &lines),
                cognitive: Cognitive::of_module(&module, &lines),
                halstead: Halstead::of_module(&module),
                normalized_hash: syntax::hash_of(module),
            }
        })
    }
}

impl Shape {
    /// The shape of `program` alone, for comparing many.
    ///
    /// # Errors
    /// When the text is too large, too deep, or not valid Python 3.11.
    pub fn of(program: &str) -> Result<Shape, MetricsError> {
        with_module(program, |module| Shape::of_module(&module))
    }
}

fn with_module<T>(program: &str, measure: impl FnOnce(ModModule) -> T) -> Result<T, MetricsError> {
    if SOURCE_BYTES_MAX < program.len() {
        return Err(MetricsError::TooLarge {
            bytes: program.len(),
        });
    }
    match syntax::parse(program, |module, valid| valid.then(|| measure(module))) {
        Ok(Some(measured)) => Ok(measured),
        Ok(None) => Err(MetricsError::Invalid),
        Err(syntax::TooDeep) => Err(MetricsError::TooDeep),
    }
}

/// Why a text has no metrics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricsError {
    /// Larger than is analyzed.
    #[error("the program has {bytes} bytes, at most {SOURCE_BYTES_MAX} are analyzed; shorten it")]
    TooLarge {
        /// Size of the text, bytes.
        bytes: usize,
    },
    /// Nested more deeply than is analyzed.
    #[error("the program is nested too deeply to be analyzed; flatten it")]
    TooDeep,
    /// No program.
    #[error("the text is not valid Python 3.11; only programs that parse are measured")]
    Invalid,
}
