//! One line of `metrics.jsonl`: what a step did, in numbers.
//!
//! Times stand under `seconds` and in fields that end in `_per_second`, and nowhere else, so that two runs of one
//! configuration differ there only. What has no value (the mean of nothing) is `null`.

use std::collections::BTreeMap;

use azr_executor::Standing;
use azr_tasks::{Role, TaskKind};
use serde::{Deserialize, Serialize};

use crate::evaluation::KindResult;
use crate::policy::UpdateReport;
use crate::rollout::Scored;

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepMetrics {
    /// Counted from 1.
    pub step: u64,
    /// Where its programs ran: the sandbox's backend, and the isolation layers that the host refuses.
    #[serde(default)]
    pub sandbox: Standing,
    /// Where the time went.
    pub seconds: Seconds,
    /// Each lane: role, then kind.
    pub lanes: BTreeMap<Role, BTreeMap<TaskKind, LaneMetrics>>,
    /// How much the step's new tasks can teach, by kind.
    pub learnability: BTreeMap<TaskKind, LearnabilityMetrics>,
    /// What is kept.
    pub buffer: BufferMetrics,
    /// What became of proposals that are no tasks: reason, then how many.
    pub rejections: BTreeMap<String, usize>,
    /// The update.
    pub policy: PolicyMetrics,
    /// Tokens.
    pub tokens: TokenMetrics,
    /// Held-out tasks, in steps that end with an evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval: Option<BTreeMap<TaskKind, KindResult>>,
}

/// Where the time of a step went, seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Seconds {
    /// First wave: sampling proposals while workers validate them.
    pub propose: f64,
    /// Second wave: sampling answers while workers verify them.
    pub solve: f64,
    /// Work of all workers together, in both waves; it overlaps with them.
    pub verify: f64,
    /// The policy waiting for workers, in both waves: what is not hidden behind sampling.
    #[serde(default)]
    pub wait: f64,
    /// The optimizer step.
    pub update: f64,
    /// Trying held-out tasks.
    pub evaluate: f64,
    /// The whole step, from its first prompt to its record.
    pub total: f64,
}

/// One lane in one step.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LaneMetrics {
    /// Responses.
    pub rollouts: usize,
    /// Mean reward.
    pub reward_mean: Option<f64>,
    /// Proposer: share that became tasks. Solver: share that could be read.
    pub valid_rate: Option<f64>,
    /// Proposer: mean solve rate of its new tasks. Solver: share that is right.
    pub solve_rate: Option<f64>,
    /// Share in which the parts asked for could be read.
    pub format_rate: Option<f64>,
    /// Mean length of a response.
    pub response_tokens_mean: Option<f64>,
    /// Share that ended at the limit of tokens.
    pub truncated_rate: Option<f64>,
    /// Responses that were trained on.
    pub trained: usize,
}

/// New tasks of one kind in one step.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LearnabilityMetrics {
    /// New tasks.
    pub tasks: usize,
    /// Mean learnability.
    pub mean: Option<f64>,
    /// Share with a learnability above 0.
    pub learnable_rate: Option<f64>,
}

/// The buffer after a step.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BufferMetrics {
    /// Tasks that are kept, by kind.
    pub tasks: BTreeMap<TaskKind, usize>,
    /// Tasks that this step added.
    pub admitted: usize,
    /// Tasks that the run has added since it began, seeds included.
    pub admitted_total: u64,
}

/// The update of a step. All but the step size are `null` where the step had nothing to learn from.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PolicyMetrics {
    /// Loss before the update.
    pub loss: Option<f64>,
    /// Norm of the whole gradient before clipping.
    pub grad_norm: Option<f64>,
    /// Mean entropy over trained tokens, nats.
    pub entropy: Option<f64>,
    /// [`UpdateReport::kl_sampler_learner`].
    pub kl_sampler_learner: Option<f64>,
    /// Share of trained tokens at which the ratio was clipped.
    pub clip_fraction: Option<f64>,
    /// Step size.
    pub lr: f64,
}

impl PolicyMetrics {
    /// The metrics of an update at this step size.
    #[must_use]
    pub fn new(report: &UpdateReport, learning_rate: f64) -> Self {
        let measured = |value: f64| (0 < report.tokens_trained).then_some(value);
        Self {
            loss: measured(report.loss),
            grad_norm: measured(report.gradient_norm),
            entropy: measured(report.entropy),
            kl_sampler_learner: measured(report.kl_sampler_learner),
            clip_fraction: measured(report.clip_fraction),
            lr: learning_rate,
        }
    }
}

/// Tokens of a step.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct TokenMetrics {
    /// Sampled.
    pub generated: usize,
    /// Response tokens that carried gradient.
    pub trained: usize,
    /// Sampled, over the time of both waves.
    pub generated_per_second: f64,
    /// Trained, over the time of the update; 0 when nothing was trained.
    pub trained_per_second: f64,
}

impl LaneMetrics {
    /// Counts one lane. `solve_rates` are those of the tasks that a proposer's lane added; `trained` is how many of its
    /// responses went into the update.
    #[must_use]
    pub fn of(role: Role, lane: &[&Scored], solve_rates: &[f64], trained: usize) -> Self {
        let share =
            |has: fn(&Scored) -> bool| mean(lane.iter().map(|it| f64::from(u8::from(has(it)))));
        let good_rate = share(|it| it.judgement().good);
        let format_rate = share(|it| it.judgement().well_formed);
        let is_proposer = role == Role::Propose;
        Self {
            rollouts: lane.len(),
            reward_mean: mean(lane.iter().map(|it| f64::from(it.reward()))),
            valid_rate: if is_proposer { good_rate } else { format_rate },
            solve_rate: if is_proposer {
                mean(solve_rates.iter().copied())
            } else {
                good_rate
            },
            format_rate,
            response_tokens_mean: mean(
                lane.iter()
                    .map(|it| it.rollout().response.tokens.len() as f64),
            ),
            truncated_rate: share(|it| {
                it.rollout().response.finish == crate::policy::Finish::Length
            }),
            trained,
        }
    }
}

/// The mean, where there is something to take it of.
#[must_use]
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values
        .into_iter()
        .fold((0.0, 0_usize), |(sum, count), it| (sum + it, count + 1));
    (0 < count).then(|| sum / count as f64)
}
