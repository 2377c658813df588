//! What the values of a run file have to be, beyond their types.

use super::{Config, ConfigError, HeldOut, SeedSource};

impl Config {
    /// Checks every value.
    ///
    /// # Errors
    /// The first value that makes no sense, and what it has to be.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_sampling()?;
        self.check_self_play()?;
        self.check_learning()?;
        self.check_surroundings()
    }

    fn check_sampling(&self) -> Result<(), ConfigError> {
        let it = &self.sampling;
        let temperature_works = it.temperature.is_finite() && 0.0 < it.temperature;
        require(
            temperature_works,
            "sampling.temperature",
            it.temperature,
            "greedy samples teach nothing: give a number above 0, such as 1.0",
        )?;
        positive("sampling.prompt_tokens_max", it.prompt_tokens_max)?;
        positive("sampling.proposal_tokens_max", it.proposal_tokens_max)?;
        positive("sampling.answer_tokens_max", it.answer_tokens_max)?;
        positive("sampling.sequences_max", it.sequences_max)?;
        positive("sampling.cache_tokens_max", it.cache_tokens_max)
    }

    fn check_self_play(&self) -> Result<(), ConfigError> {
        let it = &self.self_play;
        let mut kinds = it.kinds.clone();
        kinds.sort();
        kinds.dedup();
        let kinds_work = !kinds.is_empty() && kinds.len() == it.kinds.len();
        require(
            kinds_work,
            "self_play.kinds",
            format!("{:?}", it.kinds),
            "name at least one kind, each once",
        )?;
        positive("self_play.proposals_per_kind", it.proposals_per_kind)?;
        positive("self_play.rating_samples", it.rating_samples)?;
        let solver_tasks_work =
            !it.solver_batch.draws_from_buffer() || 0 < it.solver_tasks_per_kind;
        require(
            solver_tasks_work,
            "self_play.solver_tasks_per_kind",
            it.solver_tasks_per_kind,
            "self_play.solver_batch draws tasks from the buffer: give at least 1, or set solver_batch to \"ratings\"",
        )?;
        let ratings_compare = !self.advantage.solver.compares_within_task()
            || (!it.solver_batch.draws_from_buffer() && 1 < it.rating_samples);
        require(
            ratings_compare,
            "advantage.solver",
            format!("{:?}", self.advantage.solver),
            "answers are compared within their task only where each task has several: set self_play.solver_batch to \"ratings\" and self_play.rating_samples to 2 or more",
        )?;
        require(
            !self.advantage.proposer.compares_within_task(),
            "advantage.proposer",
            format!("{:?}", self.advantage.proposer),
            "every proposal answers a prompt of its own: use \"lane_tokens\" or \"lane_sequences\"",
        )
    }

    fn check_learning(&self) -> Result<(), ConfigError> {
        let it = &self.optimizer;
        for (key, value) in [
            ("optimizer.learning_rate", it.learning_rate),
            ("optimizer.epsilon", it.epsilon),
            ("optimizer.gradient_norm_max", it.gradient_norm_max),
        ] {
            require(
                value.is_finite() && 0.0 < value,
                key,
                value,
                "give a number above 0",
            )?;
        }
        for (key, value) in [
            ("optimizer.beta1", it.beta1),
            ("optimizer.beta2", it.beta2),
            ("loss.clip_low", self.loss.clip_low),
        ] {
            require(
                (0.0..1.0).contains(&value),
                key,
                value,
                "give a number from 0 up to, but not including, 1",
            )?;
        }
        for (key, value) in [
            ("optimizer.weight_decay", it.weight_decay),
            ("loss.clip_high", self.loss.clip_high),
            ("loss.entropy_coefficient", self.loss.entropy_coefficient),
            (
                "advantage.proposer_scale",
                f64::from(self.advantage.proposer_scale),
            ),
            (
                "advantage.negative_scale",
                f64::from(self.advantage.negative_scale),
            ),
        ] {
            require(
                value.is_finite() && 0.0 <= value,
                key,
                value,
                "give 0 or more",
            )?;
        }
        for (key, value) in [
            ("reward.solver_correct", self.reward.solver_correct),
            ("reward.solver_incorrect", self.reward.solver_incorrect),
            ("reward.solver_malformed", self.reward.solver_malformed),
            ("reward.proposer_invalid", self.reward.proposer_invalid),
            ("reward.proposer_malformed", self.reward.proposer_malformed),
            ("reward.proposer_duplicate", self.reward.proposer_duplicate),
        ] {
            require(value.is_finite(), key, value, "give a number")?;
        }
        positive("optimizer.updates_per_step", it.updates_per_step)?;
        positive(
            "optimizer.micro_batch_tokens_max",
            it.micro_batch_tokens_max,
        )
    }

    fn check_surroundings(&self) -> Result<(), ConfigError> {
        positive("sandbox.workers", self.sandbox.workers)?;
        positive("buffer.tasks_max", self.buffer.tasks_max)?;
        positive("checkpoint.keep", self.checkpoint.keep)?;
        require(
            0 < self.checkpoint.every_steps,
            "checkpoint.every_steps",
            self.checkpoint.every_steps,
            "give at least 1",
        )?;
        match &self.seeding.source {
            SeedSource::Identity => {}
            SeedSource::Generated(it) => {
                positive("seeding.source.generated.tasks_per_kind", it.tasks_per_kind)?
            }
            SeedSource::Files(it) => positive(
                "seeding.source.files.tasks_per_kind_max",
                it.tasks_per_kind_max,
            )?,
        }
        match &self.evaluation.held_out {
            HeldOut::None => return Ok(()),
            HeldOut::Generated(it) => positive(
                "evaluation.held_out.generated.tasks_per_kind",
                it.tasks_per_kind,
            )?,
            HeldOut::Files(it) => positive(
                "evaluation.held_out.files.tasks_per_kind_max",
                it.tasks_per_kind_max,
            )?,
        }
        positive(
            "evaluation.samples_per_task",
            self.evaluation.samples_per_task,
        )
    }
}

fn positive(key: &'static str, value: usize) -> Result<(), ConfigError> {
    require(0 < value, key, value, "give at least 1")
}

fn require(
    holds: bool,
    key: &'static str,
    value: impl ToString,
    rule: &'static str,
) -> Result<(), ConfigError> {
    if holds {
        Ok(())
    } else {
        Err(ConfigError::Value {
            key,
            value: value.to_string(),
            rule,
        })
    }
}
