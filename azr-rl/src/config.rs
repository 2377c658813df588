//! The run file: everything that a run depends on, complete, with the unit last in every name that has one.
//!
//! Unknown and missing keys are refused, so a file means today what it meant when it was written. This module reads
//! text, never files: the command line does that.

mod assignment;
pub(crate) mod bounds;
mod check;
mod maxima;
mod sections;

use serde::{Deserialize, Serialize};

pub use assignment::set;
pub use sections::{
    Activations, AdvantageConfig, CheckpointConfig, EvaluationConfig, GeneratedTasks, HeldOut,
    ModelSource, OptimizerConfig, Proposer, SamplingConfig, SandboxConfig, SeedFiles, SeedSource,
    SeedingConfig, SelfPlayConfig, SolverBatch, StandardsConfig,
};

use azr_tasks::{BufferOptions, Grammar, PromptOptions};

use crate::learner::loss::LossOptions;
use crate::reward::RewardTable;

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Every random draw of the run derives from it.
    pub seed: u64,
    /// Updates in all.
    pub steps: u64,
    /// What is trained.
    pub model: ModelSource,
    /// What the model is asked.
    pub prompts: PromptOptions,
    /// How its responses are read.
    pub grammar: Grammar,
    /// What tasks and answers are held to.
    pub standards: StandardsConfig,
    /// How responses are sampled.
    pub sampling: SamplingConfig,
    /// What a step does.
    pub self_play: SelfPlayConfig,
    /// What verdicts are worth.
    pub reward: RewardTable,
    /// What rewards are compared with.
    pub advantage: AdvantageConfig,
    /// The policy loss.
    pub loss: LossOptions,
    /// The optimizer.
    pub optimizer: OptimizerConfig,
    /// Where programs run.
    pub sandbox: SandboxConfig,
    /// Tasks that are kept, and how they are drawn.
    pub buffer: BufferOptions,
    /// Tasks that a run begins with.
    pub seeding: SeedingConfig,
    /// Tasks that are never trained on.
    pub evaluation: EvaluationConfig,
    /// When the run is saved.
    pub checkpoint: CheckpointConfig,
}

impl Config {
    /// Reads a run file, applies `assignments` of the form `section.key=value` in order, and checks the result.
    ///
    /// # Errors
    /// Names the key and what to write instead.
    pub fn parse<'a>(
        text: &str,
        assignments: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ConfigError> {
        let mut table: toml::Table =
            toml::from_str(text).map_err(|source| ConfigError::Syntax { source })?;
        for assignment in assignments {
            set(&mut table, assignment)?;
        }
        let config = Self::deserialize(table).map_err(|source| ConfigError::Keys { source })?;
        config.check()?;
        Ok(config)
    }

    /// The complete run file of this configuration. [`Config::parse`] reads it back as itself.
    ///
    /// # Errors
    /// [`ConfigError::Write`], for numbers that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|source| ConfigError::Write { source })
    }
}

/// A run file or an assignment cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not TOML.
    #[error("the run file is not TOML: {source}")]
    Syntax {
        /// What the parser says, with the line.
        source: toml::de::Error,
    },
    /// A key is unknown, missing or of the wrong type.
    #[error(
        "the run file does not fit: {}; compare it with the files in configs/",
        one_line(source)
    )]
    Keys {
        /// What does not fit, with the key.
        source: toml::de::Error,
    },
    /// A value makes no sense.
    #[error("`{key}` is {value}; {rule}")]
    Value {
        /// The key, with its section.
        key: String,
        /// What it is.
        value: String,
        /// What it has to be.
        rule: String,
    },
    /// An assignment is not `key=value`.
    #[error(
        "`{assignment}` is not an assignment; write section.key=value, for instance optimizer.learning_rate=1e-5"
    )]
    Assignment {
        /// What was written.
        assignment: String,
    },
    /// An assignment names a key that the run file does not have.
    #[error("the run file has no key `{key}`; {known}")]
    NoSuchKey {
        /// What was written.
        key: String,
        /// What there is, in words.
        known: String,
    },
    /// The configuration cannot be written.
    #[error("the configuration cannot be written as TOML: {source}")]
    Write {
        /// Why.
        source: toml::ser::Error,
    },
}

fn one_line(error: &toml::de::Error) -> String {
    error
        .to_string()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests;
