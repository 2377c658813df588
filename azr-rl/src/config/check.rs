//! What the values of a run file have to be, beyond their types.

mod learning;

use super::bounds::{count, generated, number, require};
use super::maxima::*;
use super::{Config, ConfigError, HeldOut, SeedFiles, SeedSource};

impl Config {
    /// Checks every value.
    ///
    /// # Errors
    /// The first value that makes no sense, and what it has to be.
    pub fn check(&self) -> Result<(), ConfigError> {
        let has_model = !self.model.source.trim().is_empty();
        let rule = || "name a model, such as \"azr-tiny\"".to_owned();
        require(has_model, "model.source", "empty", rule)?;
        count("steps", self.steps, 0..=STEPS_MAX)?;
        self.check_standards()?;
        self.check_sampling()?;
        self.check_self_play()?;
        self.check_credit()?;
        self.check_optimizer()?;
        self.check_sandbox()?;
        self.check_memory()?;
        self.check_seeding()?;
        self.check_evaluation()
    }

    fn check_standards(&self) -> Result<(), ConfigError> {
        let (sizes, induction) = (&self.standards.sizes, &self.standards.induction);
        for (key, bytes_max) in [
            ("grammar.text_bytes_max", self.grammar.text_bytes_max),
            ("standards.sizes.program_bytes_max", sizes.program_bytes_max),
            ("standards.sizes.input_bytes_max", sizes.input_bytes_max),
            ("standards.sizes.output_bytes_max", sizes.output_bytes_max),
            ("standards.sizes.answer_bytes_max", sizes.answer_bytes_max),
            ("standards.sizes.message_bytes_max", sizes.message_bytes_max),
        ] {
            count(key, bytes_max, 1..=TEXT_BYTES_MAX)?;
        }
        count(
            "standards.induction.inputs",
            induction.inputs,
            2..=INPUTS_MAX,
        )?;
        let key = "standards.induction.inputs_valid_min";
        count(key, induction.inputs_valid_min, 2..=induction.inputs as u64)
    }

    fn check_sampling(&self) -> Result<(), ConfigError> {
        let it = &self.sampling;
        let key = "sampling.temperature";
        // Greedy samples teach nothing.
        number(key, it.temperature, 0.01..=FACTOR_MAX)?;
        for (key, value, most) in [
            (
                "sampling.prompt_tokens_max",
                it.prompt_tokens_max,
                SEQUENCE_TOKENS_MAX,
            ),
            (
                "sampling.proposal_tokens_max",
                it.proposal_tokens_max,
                SEQUENCE_TOKENS_MAX,
            ),
            (
                "sampling.answer_tokens_max",
                it.answer_tokens_max,
                SEQUENCE_TOKENS_MAX,
            ),
            ("sampling.sequences_max", it.sequences_max, SEQUENCES_MAX),
            ("sampling.cache_tokens_max", it.cache_tokens_max, TOKENS_MAX),
        ] {
            count(key, value, 1..=most)?;
        }
        Ok(())
    }

    fn check_sandbox(&self) -> Result<(), ConfigError> {
        let it = &self.sandbox;
        count("sandbox.workers", it.workers, 1..=WORKERS_MAX)?;
        for (key, value, least, most) in [
            ("sandbox.cpu_ms_max", it.cpu_ms_max, 1, CALL_MS_MAX),
            ("sandbox.wall_ms_max", it.wall_ms_max, 1, CALL_MS_MAX),
            (
                "sandbox.memory_bytes_max",
                it.memory_bytes_max,
                MEMORY_BYTES_MIN,
                MEMORY_BYTES_MAX,
            ),
            (
                "sandbox.output_bytes_max",
                it.output_bytes_max,
                1,
                TEXT_BYTES_MAX,
            ),
            (
                "sandbox.source_bytes_max",
                it.source_bytes_max,
                1,
                TEXT_BYTES_MAX,
            ),
        ] {
            count(key, value, least..=most)?;
        }
        Ok(())
    }

    /// What is kept: tasks and checkpoints.
    fn check_memory(&self) -> Result<(), ConfigError> {
        let it = &self.buffer;
        count("buffer.tasks_max", it.tasks_max, 1..=TASKS_MAX)?;
        count("buffer.examples", it.examples, 0..=SHOWN_MAX)?;
        count("buffer.ingredients", it.ingredients, 0..=SHOWN_MAX)?;
        count("buffer.recent_steps", it.recent_steps, 0..=STEPS_MAX)?;
        count("checkpoint.keep", self.checkpoint.keep, 1..=KEEP_MAX)?;
        count(
            "checkpoint.every_steps",
            self.checkpoint.every_steps,
            1..=STEPS_MAX,
        )
    }

    fn check_seeding(&self) -> Result<(), ConfigError> {
        let it = &self.seeding;
        count("seeding.rounds_max", it.rounds_max, 0..=STEPS_MAX)?;
        count(
            "seeding.tasks_per_kind_enough",
            it.tasks_per_kind_enough,
            0..=TASKS_MAX,
        )?;
        match &it.source {
            SeedSource::Identity => Ok(()),
            SeedSource::Generated(it) => generated("seeding.source.generated", it),
            SeedSource::Files(it) => files("seeding.source.files.tasks_per_kind_max", it),
        }
    }

    fn check_evaluation(&self) -> Result<(), ConfigError> {
        let it = &self.evaluation;
        count("evaluation.every_steps", it.every_steps, 0..=STEPS_MAX)?;
        count(
            "evaluation.samples_per_task",
            it.samples_per_task,
            1..=SAMPLES_MAX,
        )?;
        let tasks_per_kind = match &it.held_out {
            HeldOut::None => return Ok(()),
            HeldOut::Generated(it) => {
                generated("evaluation.held_out.generated", it)?;
                it.tasks_per_kind
            }
            HeldOut::Files(it) => {
                files("evaluation.held_out.files.tasks_per_kind_max", it)?;
                // A file has as many tasks as it has; the number only cuts it.
                return Ok(());
            }
        };
        let answers = self.self_play.kinds.len() * tasks_per_kind * it.samples_per_task;
        answers_at_once("evaluation.samples_per_task", it.samples_per_task, answers)
    }
}

fn files(key: &str, it: &SeedFiles) -> Result<(), ConfigError> {
    count(key, it.tasks_per_kind_max, 1..=TASKS_MAX)
}

pub(super) fn answers_at_once(key: &str, value: usize, answers: usize) -> Result<(), ConfigError> {
    let rule = || {
        format!(
            "together with the tasks of every kind that asks for {answers} answers at once: give less, {ANSWERS_MAX} answers at most"
        )
    };
    require(answers <= ANSWERS_MAX, key, value, rule)
}
