//! From rewards to advantages: how much better a response was than what was to be expected.
//!
//! An estimator sees the rollouts of one lane and nothing else; it is pure. Constant rewards give 0, never a NaN.

pub mod per_task;
pub mod task_relative;

use serde::{Deserialize, Serialize};

use self::per_task::{PerTask, Scale};
use self::task_relative::{TaskRelative, Weighting};
use crate::rollout::{Sample, Scored};

/// Turns the rewards of one lane into advantages.
pub trait AdvantageEstimator {
    /// One advantage for each outcome, in order.
    fn advantages(&self, lane: &[Outcome]) -> Vec<f64>;
}

/// What an estimator may know of a rollout.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Its reward.
    pub reward: f64,
    /// Its response's length.
    pub tokens: usize,
    /// Rollouts with the same number answer the same prompt.
    pub group: usize,
}

/// Which estimator a lane uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// TRR++ as the reference computes it: mean and spread of the lane over response tokens.
    LaneTokens,
    /// TRR++ as the paper writes it: mean and spread of the lane over sequences.
    LaneSequences,
    /// Mean and spread over the answers to the same task; a task that all or none solved teaches nothing.
    PerTask,
    /// Mean over the answers to the same task, without dividing by their spread (Dr. GRPO).
    PerTaskCentered,
}

impl Estimator {
    /// The estimator of this name.
    #[must_use]
    pub fn build(self) -> Box<dyn AdvantageEstimator> {
        match self {
            Self::LaneTokens => Box::new(TaskRelative {
                weighting: Weighting::Tokens,
            }),
            Self::LaneSequences => Box::new(TaskRelative {
                weighting: Weighting::Sequences,
            }),
            Self::PerTask => Box::new(PerTask {
                scale: Scale::Spread,
            }),
            Self::PerTaskCentered => Box::new(PerTask { scale: Scale::None }),
        }
    }

    /// Rollouts are compared with the answers to the same task only.
    #[must_use]
    pub fn compares_within_task(self) -> bool {
        matches!(self, Self::PerTask | Self::PerTaskCentered)
    }
}

/// Factors on top of the estimator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scales {
    /// On every advantage of the lane.
    pub lane: f32,
    /// On negative ones, once more.
    pub negative: f32,
}

/// Makes the rollouts of one lane trainable. `groups[i]` numbers the prompt that `lane[i]` answers.
#[must_use]
pub fn samples(
    estimator: Estimator,
    scales: Scales,
    lane: Vec<Scored>,
    groups: &[usize],
) -> Vec<Sample> {
    assert_eq!(
        lane.len(),
        groups.len(),
        "every rollout of a lane belongs to a group"
    );
    let outcomes: Vec<Outcome> = lane
        .iter()
        .zip(groups)
        .map(|(scored, &group)| Outcome {
            reward: f64::from(scored.reward()),
            tokens: scored.rollout().response.tokens.len(),
            group,
        })
        .collect();
    let advantages = estimator.build().advantages(&outcomes);
    assert_eq!(
        advantages.len(),
        lane.len(),
        "an estimator gives one advantage for each rollout"
    );
    lane.into_iter()
        .zip(advantages)
        .map(|(scored, advantage)| {
            let negative = if advantage < 0.0 {
                scales.negative
            } else {
                1.0
            };
            scored.into_sample(advantage as f32 * scales.lane * negative)
        })
        .collect()
}
