//! The run file: everything that a run depends on, complete, with the unit last in every name that has one.
//!
//! Unknown and missing keys are refused, so a file means today what it meant when it was written. This module reads
//! text, never files: the command line does that.

mod assignment;
pub(crate) mod bounds;
mod changes;
mod check;
mod error;
mod maxima;
mod sections;

use serde::{Deserialize, Serialize};

pub use assignment::set;
pub use changes::Change;
pub use error::ConfigError;
pub(crate) use error::table;
pub use sections::{
    Activations, AdvantageConfig, CheckpointConfig, EvaluationConfig, GeneratedTasks, HeldOut,
    ModelChoice, OptimizerConfig, Proposer, SamplingConfig, SandboxConfig, SeedFiles, SeedSource,
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
    pub model: ModelChoice,
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
        let mut table = table(text)?;
        for assignment in assignments {
            set(&mut table, assignment)?;
        }
        let config = Self::deserialize(table).map_err(|it| ConfigError::keys(&it))?;
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

#[cfg(test)]
mod tests;
