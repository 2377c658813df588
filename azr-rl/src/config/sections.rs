//! The sections of a run file.

use std::path::PathBuf;

use azr_executor::{Bans, Equality, Limits};
use azr_model::Precision;
use azr_model::learn::MomentKind;
pub use azr_tasks::generator::GeneratedTasks;
use azr_tasks::{Grammar, InductionRules, Sizes, Standards, TaskKind};
use serde::{Deserialize, Serialize};

use crate::advantage::Estimator;

/// What is trained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelChoice {
    /// `azr-tiny`, a Hugging Face directory, a GGUF file, or a hub id.
    pub source: String,
    /// How exactly the products of sampler and learner hold the weights; what learns is f32 in either case. Run files of
    /// before this could be chosen say nothing of it, and mean f32.
    #[serde(default)]
    pub precision: Precision,
}

/// What tasks and answers are held to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardsConfig {
    /// When two values count as equal.
    pub equality: Equality,
    /// Modules that no program may import.
    pub banned_modules: Vec<String>,
    /// How large the parts may be.
    pub sizes: Sizes,
    /// How many cases an induction task has.
    pub induction: InductionRules,
}

impl StandardsConfig {
    /// The standards of a run.
    #[must_use]
    pub fn standards(&self, grammar: Grammar, sandbox: &SandboxConfig) -> Standards {
        Standards {
            grammar,
            limits: sandbox.limits(),
            bans: Bans {
                modules: self.banned_modules.clone(),
            },
            equality: self.equality,
            sizes: self.sizes,
            induction: self.induction,
        }
    }
}

/// How responses are sampled. Nothing is cut off the distribution: what is sampled from is what is trained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplingConfig {
    /// Divides the logits, in sampling and in training.
    pub temperature: f32,
    /// A longer prompt is never asked.
    pub prompt_tokens_max: usize,
    /// Length of a proposal.
    pub proposal_tokens_max: usize,
    /// Length of an answer.
    pub answer_tokens_max: usize,
    /// Responses that grow at the same time.
    pub sequences_max: usize,
    /// Tokens, over all of them, whose keys and values are kept in memory.
    pub cache_tokens_max: usize,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfPlayConfig {
    /// Kinds of task, each of which has two lanes.
    pub kinds: Vec<TaskKind>,
    /// Proposals of a kind in a step.
    pub proposals_per_kind: usize,
    /// Whether the proposer's own rollouts are trained on.
    pub proposer: Proposer,
    /// Answers sampled to every new task of the step, to rate it (n).
    pub rating_samples: usize,
    /// Which answers the solver is trained on.
    pub solver_batch: SolverBatch,
    /// Tasks of a kind drawn from the buffer in a step, one answer each; unused when `solver_batch` is `ratings`.
    pub solver_tasks_per_kind: usize,
}

/// Whether the proposer's own rollouts are trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proposer {
    /// They are.
    Trained,
    /// They are not. A control: tasks still come from the policy.
    Frozen,
}

/// Which answers the solver is trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SolverBatch {
    /// The rating samples: no answer is thrown away, and the tasks are those of this step.
    Ratings,
    /// Answers to tasks drawn from the buffer; rating samples only rate (the published method).
    Buffer,
    /// Both.
    Both,
}

impl SolverBatch {
    /// Rating samples are trained on.
    #[must_use]
    pub fn trains_ratings(self) -> bool {
        matches!(self, Self::Ratings | Self::Both)
    }

    /// Tasks are drawn from the buffer.
    #[must_use]
    pub fn draws_from_buffer(self) -> bool {
        matches!(self, Self::Buffer | Self::Both)
    }
}

/// What rewards are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdvantageConfig {
    /// Of proposals.
    pub proposer: Estimator,
    /// Of answers.
    pub solver: Estimator,
    /// Factor on the proposer's advantages.
    pub proposer_scale: f32,
    /// Factor on every negative advantage.
    pub negative_scale: f32,
}

/// The optimizer: AdamW.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizerConfig {
    /// Step size after the warm-up.
    pub learning_rate: f64,
    /// Steps over which the step size rises linearly; 0 starts at the full size.
    pub warmup_steps: u64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// A longer gradient is scaled down to this norm.
    pub gradient_norm_max: f64,
    /// Optimizer steps on each batch.
    pub updates_per_step: usize,
    /// Tokens that go through the model together; a longer sequence goes alone. Gradients are summed in this order, so it
    /// changes their last bits and nothing else.
    pub micro_batch_tokens_max: usize,
    /// What is kept of the forward pass.
    pub activations: Activations,
    /// How moments are held between steps. Run files of before this could be chosen say nothing of it, and mean f32.
    #[serde(default)]
    pub moments: MomentKind,
}

/// What is kept of the forward pass for the backward pass. The gradients are the same, bit for bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activations {
    /// Everything: fastest.
    Kept,
    /// The input of every layer; the rest is computed again. A third more arithmetic, and the memory of one layer.
    Recomputed,
}

impl OptimizerConfig {
    /// Step size in step `step`, counted from 1.
    #[must_use]
    pub fn learning_rate_at(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            self.learning_rate * step as f64 / self.warmup_steps as f64
        } else {
            self.learning_rate
        }
    }
}

/// Where programs run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxConfig {
    /// Threads that judge responses, each with a program of its own running.
    pub workers: usize,
    /// Processor time of one call.
    pub cpu_ms_max: u64,
    /// Elapsed time of one call.
    pub wall_ms_max: u64,
    /// Memory of one call.
    pub memory_bytes_max: u64,
    /// Size of one result.
    pub output_bytes_max: u64,
    /// Size of one program.
    pub source_bytes_max: u64,
    /// Packages that programs may import beside the standard library, by the names that they are imported by.
    pub packages: Vec<String>,
}

impl SandboxConfig {
    /// What one run may use.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            cpu_ms_max: self.cpu_ms_max,
            wall_ms_max: self.wall_ms_max,
            memory_bytes_max: self.memory_bytes_max,
            output_bytes_max: self.output_bytes_max,
            source_bytes_max: self.source_bytes_max,
        }
    }
}

/// Tasks that a run begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedingConfig {
    /// Rounds of proposing without any update that come before the first step, at most.
    pub rounds_max: usize,
    /// Rounds end when every kind has this many tasks.
    pub tasks_per_kind_enough: usize,
    /// Where the first tasks come from.
    pub source: SeedSource,
}

/// Where the first tasks come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SeedSource {
    /// The identity function, and nothing else (the paper's zero).
    Identity,
    /// Programs that a generator wrote and the sandbox ran.
    Generated(GeneratedTasks),
    /// Seed files of the published code.
    Files(SeedFiles),
}

/// Tasks that are never trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationConfig {
    /// Answers to each task, at temperature 1.
    pub samples_per_task: usize,
    /// Steps from one evaluation to the next; 0 evaluates before the first and after the last step only.
    pub every_steps: u64,
    /// Where they come from.
    pub held_out: HeldOut,
}

/// Where held-out tasks come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HeldOut {
    /// There are none, and nothing is evaluated.
    None,
    /// Programs that a generator wrote and the sandbox ran.
    Generated(GeneratedTasks),
    /// Seed files of the published code.
    Files(SeedFiles),
}

/// Tasks out of seed files of the published code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedFiles {
    /// Deduction and abduction: one task of each out of every row.
    pub triplets: PathBuf,
    /// Induction.
    pub induction: PathBuf,
    /// Tasks of a kind at most, from the head of the file.
    pub tasks_per_kind_max: usize,
}

/// When the run is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Steps from one checkpoint to the next. The last step is always saved.
    pub every_steps: u64,
    /// Checkpoints that are kept; older ones are removed.
    pub keep: usize,
}
