//! Learning: log-probabilities forward, a caller's gradient backward, one optimizer step.
//!
//! The loss is not here: a caller is handed the scores of each response and answers with their gradients.

pub mod optimizer;
pub mod options;
pub mod terms;
#[cfg(test)]
mod tests;
pub mod trainer;

pub use crate::backend::{Moment, MomentKind, Narrow};
pub use optimizer::{AdamW, OptimizerState};
pub use options::{Checkpointing, TrainerOptions};
pub use terms::{Sequence, StepOptions, StepReport, TokenGradients, TokenScores};
pub use trainer::{LearnError, Trainer};
