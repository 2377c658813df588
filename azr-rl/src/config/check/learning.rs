//! What has to be right about a step: its size, its rewards, its loss and its optimizer.

use super::answers_at_once;
use crate::config::bounds::{SMALLEST, below_one, count, number, require};
use crate::config::maxima::*;
use crate::config::{Config, ConfigError};

impl Config {
    pub(super) fn check_self_play(&self) -> Result<(), ConfigError> {
        let it = &self.self_play;
        let mut kinds = it.kinds.clone();
        kinds.sort();
        kinds.dedup();
        let kinds_work = !kinds.is_empty() && kinds.len() == it.kinds.len();
        let rule = || "name at least one kind, each once".to_owned();
        require(
            kinds_work,
            "self_play.kinds",
            format!("{:?}", it.kinds),
            rule,
        )?;
        count(
            "self_play.proposals_per_kind",
            it.proposals_per_kind,
            1..=TASKS_MAX,
        )?;
        count(
            "self_play.rating_samples",
            it.rating_samples,
            1..=SAMPLES_MAX,
        )?;
        let answers = kinds.len() * it.proposals_per_kind * it.rating_samples;
        answers_at_once("self_play.rating_samples", it.rating_samples, answers)?;
        // Tasks are drawn from the buffer, or the number is not used.
        let drawn_min = u64::from(it.solver_batch.draws_from_buffer());
        let key = "self_play.solver_tasks_per_kind";
        count(key, it.solver_tasks_per_kind, drawn_min..=TASKS_MAX)
    }

    /// Rewards and what they are compared with.
    pub(super) fn check_credit(&self) -> Result<(), ConfigError> {
        let (play, it) = (&self.self_play, &self.advantage);
        let ratings_compare = !it.solver.compares_within_task()
            || (!play.solver_batch.draws_from_buffer() && 1 < play.rating_samples);
        let rule = || {
            "answers are compared within their task only where each task has several: set self_play.solver_batch to \"ratings\" and self_play.rating_samples to 2 or more".to_owned()
        };
        require(
            ratings_compare,
            "advantage.solver",
            format!("{:?}", it.solver),
            rule,
        )?;
        let proposals_compare = !it.proposer.compares_within_task();
        let rule = || {
            "every proposal answers a prompt of its own: use \"lane_tokens\" or \"lane_sequences\""
                .to_owned()
        };
        require(
            proposals_compare,
            "advantage.proposer",
            format!("{:?}", it.proposer),
            rule,
        )?;
        number(
            "advantage.proposer_scale",
            it.proposer_scale,
            0.0..=FACTOR_MAX,
        )?;
        number(
            "advantage.negative_scale",
            it.negative_scale,
            0.0..=FACTOR_MAX,
        )?;
        for (key, value) in [
            ("reward.solver_correct", self.reward.solver_correct),
            ("reward.solver_incorrect", self.reward.solver_incorrect),
            ("reward.solver_malformed", self.reward.solver_malformed),
            ("reward.proposer_invalid", self.reward.proposer_invalid),
            ("reward.proposer_malformed", self.reward.proposer_malformed),
            ("reward.proposer_duplicate", self.reward.proposer_duplicate),
        ] {
            number(key, value, -FACTOR_MAX..=FACTOR_MAX)?;
        }
        Ok(())
    }

    pub(super) fn check_optimizer(&self) -> Result<(), ConfigError> {
        let it = &self.optimizer;
        for (key, value, least, most) in [
            ("optimizer.learning_rate", it.learning_rate, SMALLEST, 1.0),
            ("optimizer.epsilon", it.epsilon, SMALLEST, 1.0),
            ("optimizer.weight_decay", it.weight_decay, 0.0, 1.0),
            (
                "optimizer.gradient_norm_max",
                it.gradient_norm_max,
                SMALLEST,
                NORM_MAX,
            ),
            ("loss.clip_high", self.loss.clip_high, 0.0, FACTOR_MAX),
            (
                "loss.entropy_coefficient",
                self.loss.entropy_coefficient,
                0.0,
                FACTOR_MAX,
            ),
        ] {
            number(key, value, least..=most)?;
        }
        below_one("optimizer.beta1", it.beta1)?;
        below_one("optimizer.beta2", it.beta2)?;
        below_one("loss.clip_low", self.loss.clip_low)?;
        count("optimizer.warmup_steps", it.warmup_steps, 0..=STEPS_MAX)?;
        count(
            "optimizer.updates_per_step",
            it.updates_per_step,
            1..=UPDATES_MAX,
        )?;
        let key = "optimizer.micro_batch_tokens_max";
        count(key, it.micro_batch_tokens_max, 1..=TOKENS_MAX)
    }
}
