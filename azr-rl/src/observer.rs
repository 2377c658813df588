//! What a run says while it goes on. The library prints nothing; whoever shows a run implements [`Observer`].

use std::path::Path;

use crate::config::Change;
use crate::evaluation::Evaluation;
use crate::metrics::StepMetrics;

/// Is told what happens, on the thread that runs the step. It cannot change anything.
pub trait Observer {
    /// Something happened.
    fn notice(&mut self, event: &Event<'_>);
}

/// What happens in a run.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The run begins or goes on.
    Opened {
        /// Where it is kept.
        directory: &'a Path,
        /// Steps that are done already.
        step: u64,
        /// Steps in all.
        steps: u64,
    },
    /// A phase begins.
    Phase {
        /// Of which step, counted from 1; 0 before the first.
        step: u64,
        /// Which one.
        phase: Phase,
        /// Responses or samples to go through.
        items: usize,
    },
    /// A response came in and was judged.
    Progress {
        /// Of which step.
        step: u64,
        /// In which phase.
        phase: Phase,
        /// Responses judged so far.
        done: usize,
        /// Responses of this phase.
        items: usize,
        /// Tokens sampled so far in this phase.
        tokens: usize,
    },
    /// A step is done and recorded.
    Step(&'a StepMetrics),
    /// Held-out tasks were tried.
    Evaluated {
        /// After which step; 0 before the first.
        step: u64,
        /// How it went.
        evaluation: &'a Evaluation,
    },
    /// A checkpoint is complete.
    Saved {
        /// After which step.
        step: u64,
        /// Where it is.
        directory: &'a Path,
    },
    /// The run goes on with another value than it had at its last checkpoint.
    ConfigChanged(&'a Change),
    /// A checkpoint was damaged, and an older one is used.
    CheckpointSkipped {
        /// Where it is.
        directory: &'a Path,
        /// What is wrong with it.
        damage: &'a str,
    },
}

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Proposing before the first step, without updates.
    Seed,
    /// Sampling and validating proposals.
    Propose,
    /// Sampling and verifying answers.
    Solve,
    /// Updating the weights.
    Update,
    /// Trying held-out tasks.
    Evaluate,
    /// Writing a checkpoint.
    Save,
}

impl Phase {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Propose => "propose",
            Self::Solve => "solve",
            Self::Update => "update",
            Self::Evaluate => "evaluate",
            Self::Save => "save",
        }
    }
}

/// Looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn notice(&mut self, _: &Event<'_>) {}
}
