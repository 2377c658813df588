//! What a run writes down about single responses and tasks.

use azr_tasks::{EntryRecord, Lane};
use serde::{Deserialize, Serialize};

use crate::policy::Finish;
use crate::rollout::Scored;

/// One line of `rollouts/step-N.jsonl.zst`: everything about one response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RolloutRecord {
    /// Step.
    pub step: u64,
    /// `propose.deduction` and so on.
    pub lane: Lane,
    /// `propose`, `rate` or `solve`.
    pub purpose: String,
    /// Position in its lane and purpose.
    pub index: usize,
    /// Updates that the policy had seen.
    pub policy_step: u64,
    /// The task that was answered, or that a proposal became.
    pub task: Option<String>,
    /// What was asked.
    pub prompt: String,
    /// The beginning of the answer, given with the prompt.
    pub prefill: String,
    /// What came back.
    pub response: String,
    /// Length of the prompt, tokens.
    pub prompt_tokens: usize,
    /// The sampled tokens.
    pub tokens: Vec<u32>,
    /// Log-probability of the whole response.
    pub logprob: f64,
    /// Why it ended.
    pub finish: Finish,
    /// In one word.
    pub verdict: String,
    /// In more words, where there are any.
    pub detail: String,
    /// What it was worth.
    pub reward: f32,
    /// How much better that was than expected; `null` for a response that was not trained on.
    pub advantage: Option<f32>,
}

impl RolloutRecord {
    /// The record of a judged response.
    #[must_use]
    pub fn new(step: u64, scored: &Scored, advantage: Option<f32>) -> Self {
        let (rollout, judgement) = (scored.rollout(), scored.judgement());
        let response = &rollout.response;
        Self {
            step,
            lane: rollout.lane,
            purpose: rollout.purpose.name().to_owned(),
            index: rollout.index,
            policy_step: rollout.policy_step,
            task: rollout.task.clone(),
            prompt: rollout.prompt.user.clone(),
            prefill: rollout.prompt.prefill.clone(),
            response: response.text.clone(),
            prompt_tokens: response.prompt_tokens.len(),
            tokens: response.tokens.clone(),
            logprob: response.logprobs.iter().map(|&it| f64::from(it)).sum(),
            finish: response.finish,
            verdict: judgement.verdict.to_owned(),
            detail: judgement.detail.clone(),
            reward: scored.reward(),
            advantage,
        }
    }
}

/// One line of `tasks.jsonl`: a task when it was admitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskLine {
    /// The task, where it comes from, and how often it was solved in the step that admitted it.
    #[serde(flatten)]
    pub entry: EntryRecord,
    /// Position of its proposal in its lane; `null` for a seed.
    pub proposal: Option<usize>,
    /// Share of its rating samples that solved it; `null` for a task that was never rated.
    pub solve_rate: Option<f64>,
    /// What that makes it worth to its proposer.
    pub learnability: Option<f64>,
}
