//! The file of a pretraining run: everything that decides what azr-tiny becomes.

mod check;

use azr_tasks::generator::{Curriculum, GeneratedTasks};
use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, table};

/// A pretraining run, complete: the same file gives the same weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PretrainConfig {
    /// Weights and lessons are drawn from this.
    pub seed: u64,
    /// Optimizer steps.
    pub steps: u64,
    /// Lessons in a step.
    pub lessons_per_step: usize,
    /// Steps from one report of held-out solve rates to the next.
    pub report_every_steps: u64,
    /// Steps from one checkpoint to the next.
    pub checkpoint_every_steps: u64,
    /// Shape of the model.
    pub model: ModelShape,
    /// How the loss goes down.
    pub optimizer: PretrainOptimizer,
    /// What is taught.
    pub curriculum: Curriculum,
    /// What is not: tasks of these programs are kept for evaluation.
    pub held_out: GeneratedTasks,
}

/// A llama model; the vocabulary is that of the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelShape {
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of the feed-forward layer.
    pub ffn_size: usize,
    /// Longest sequence.
    pub context_tokens_max: usize,
}

/// AdamW with a linear warm-up and a linear decay to `learning_rate_last`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PretrainOptimizer {
    /// Step size after the warm-up.
    pub learning_rate: f32,
    /// Step size of the last step.
    pub learning_rate_last: f32,
    /// Steps of the warm-up.
    pub warmup_steps: u64,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// A longer gradient is scaled down to this norm.
    pub gradient_norm_max: f32,
}

impl PretrainConfig {
    /// Reads a pretraining file and checks it.
    ///
    /// # Errors
    /// Names the key and what to write instead.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config = Self::deserialize(table(text)?).map_err(|it| ConfigError::keys(&it))?;
        config.check()?;
        Ok(config)
    }

    /// Step size of step `step`, counted from 0.
    #[must_use]
    pub fn learning_rate(&self, step: u64) -> f32 {
        let optimizer = &self.optimizer;
        if step < optimizer.warmup_steps {
            return optimizer.learning_rate * (step + 1) as f32 / optimizer.warmup_steps as f32;
        }
        let done = (step - optimizer.warmup_steps) as f32;
        let decay_steps = self.steps.saturating_sub(optimizer.warmup_steps).max(1) as f32;
        optimizer.learning_rate
            + (optimizer.learning_rate_last - optimizer.learning_rate) * done / decay_steps
    }
}
