//! A response on its way to the learner: sampled, then judged, then trainable.
//!
//! Each state is a type, and each can only be made from the one before it, so nothing unjudged can be trained on.

use azr_tasks::{Lane, Prompt};

use crate::policy::Response;

/// A sampled response.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// In which role and kind.
    pub lane: Lane,
    /// What it was sampled for.
    pub purpose: Purpose,
    /// Position among the rollouts of its wave and lane; the order that the learner sees.
    pub index: usize,
    /// Number of updates the policy had seen.
    pub policy_step: u64,
    /// The task it answers or, for a proposal that was admitted, the task it became.
    pub task: Option<String>,
    /// What was asked.
    pub prompt: Prompt,
    /// What came back.
    pub response: Response,
}

/// Why a response was sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To get a task.
    Propose,
    /// To measure how hard a task of this step is.
    Rate,
    /// To answer a task drawn from the buffer.
    Solve,
}

impl Purpose {
    /// Its name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Propose => "propose",
            Self::Rate => "rate",
            Self::Solve => "solve",
        }
    }
}

/// A judged response.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    rollout: Rollout,
    judgement: Judgement,
    reward: f32,
}

/// What was found about a response.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// In one word: `correct`, `incorrect`, `malformed`, `accepted`, or the reason of a rejection.
    pub verdict: &'static str,
    /// A reason in words where there is one; empty otherwise.
    pub detail: String,
    /// The parts asked for were there and could be read.
    pub well_formed: bool,
    /// A proposal that became a task, or an answer that is right.
    pub good: bool,
}

impl Scored {
    /// Judges a rollout.
    #[must_use]
    pub fn new(rollout: Rollout, judgement: Judgement, reward: f32) -> Self {
        assert!(
            reward.is_finite(),
            "a reward is a finite number, not {reward}"
        );
        Self {
            rollout,
            judgement,
            reward,
        }
    }

    /// The response.
    #[must_use]
    pub fn rollout(&self) -> &Rollout {
        &self.rollout
    }

    /// What was found about it.
    #[must_use]
    pub fn judgement(&self) -> &Judgement {
        &self.judgement
    }

    /// What it was worth.
    #[must_use]
    pub fn reward(&self) -> f32 {
        self.reward
    }

    /// The same rollout and judgement with another reward: the random-reward control ([`crate::control`]).
    #[must_use]
    pub(crate) fn with_reward(self, reward: f32) -> Self {
        Self::new(self.rollout, self.judgement, reward)
    }

    /// Makes it trainable. Only [`crate::advantage`] does this.
    #[must_use]
    pub(crate) fn into_sample(self, advantage: f32) -> Sample {
        assert!(
            advantage.is_finite(),
            "an advantage is a finite number, not {advantage}"
        );
        Sample {
            scored: self,
            advantage,
        }
    }
}

/// A trainable response: every one of its tokens has the same advantage (discount 1).
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    scored: Scored,
    advantage: f32,
}

impl Sample {
    /// The judged response.
    #[must_use]
    pub fn scored(&self) -> &Scored {
        &self.scored
    }

    /// Prompt, sampled tokens and their log-probabilities.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.scored.rollout.response
    }

    /// Reward above its baseline, in units of the baseline's spread.
    #[must_use]
    pub fn advantage(&self) -> f32 {
        self.advantage
    }
}
