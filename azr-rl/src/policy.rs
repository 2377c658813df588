//! The policy: whoever answers prompts and learns from what the answers were worth.
//!
//! The trait lives here because the step is its only consumer. The model side implements it in `learner/`; tests
//! implement it with a script. Token ids and log-probabilities are kept from sampling to update: text is rendered into
//! tokens once, when a prompt is asked, and never tokenized again.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use azr_tasks::Prompt;
use serde::{Deserialize, Serialize};

use crate::learner::loss::LossOptions;
use crate::rollout::Sample;

/// Answers prompts and learns. Owned by one thread at a time; it may use as many threads inside as it likes.
pub trait Policy: Send {
    /// How many tokens `prompt` becomes, without sampling anything.
    ///
    /// # Errors
    /// [`PolicyError::Render`] when the prompt cannot be turned into tokens.
    fn prompt_tokens(&self, prompt: &Prompt) -> Result<usize, PolicyError>;

    /// Answers every request and hands each response over, with the index of its request, as soon as it is finished.
    ///
    /// The order of delivery is free. A response depends on its own request alone: neither the other requests nor the
    /// number of threads may change it. After `deliver` breaks, the rest is not wanted; return `Ok` soon.
    ///
    /// # Errors
    /// Whatever keeps a request from being answered.
    fn respond(&mut self, requests: &[Request], deliver: Deliver<'_>) -> Result<(), PolicyError>;

    /// Takes the plan's optimizer steps, each over the whole batch.
    ///
    /// # Errors
    /// When the batch cannot be learned from, a gradient that is not finite included; that optimizer step is then not taken.
    fn update(&mut self, batch: &[Sample], plan: &UpdatePlan) -> Result<UpdateReport, PolicyError>;

    /// Writes weights, tokenizer and optimizer state below `directory`, which exists. Names that begin with `buffer`,
    /// `state` or `manifest` belong to the run. What is written by
    /// two policies in the same state is the same, byte for byte.
    ///
    /// # Errors
    /// [`PolicyError::Save`] with the cause, a full disk for instance.
    fn save(&self, directory: &Path) -> Result<(), PolicyError>;

    /// What tells this policy from any other one at its start: equal for equal weights and tokenizers, and for nothing
    /// else. A run refuses to go on with a policy that does not match what it was started with.
    fn fingerprint(&self) -> String;
}

/// Where responses go: the index of the request, and its response. Breaks when no further response is wanted.
pub type Deliver<'a> = &'a mut dyn FnMut(usize, Response) -> ControlFlow<()>;

/// One prompt to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What is asked.
    pub prompt: Prompt,
    /// Tokens of the response at most, a stop token included.
    pub new_tokens_max: usize,
    /// Divides the logits of the model, of which no token is left out; 0 takes the most likely token.
    pub temperature: f32,
    /// Seed of this response's own generator.
    pub seed: u64,
}

/// One answer, with all that the update needs of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The prompt as the policy read it.
    pub prompt_tokens: Arc<[u32]>,
    /// The sampled tokens, a stop token included, and the whole of the token that completed the prompt's last marker.
    /// Never empty.
    pub tokens: Vec<u32>,
    /// Natural log-probability of each sampled token in the distribution it was drawn from.
    pub logprobs: Vec<f32>,
    /// The response as text, the stop token left out, up to the end of the prompt's last marker.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
}

/// Why a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// A stop token, or the prompt's last marker.
    Stop,
    /// The limit of new tokens.
    Length,
}

/// How one update is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UpdatePlan {
    /// Step size of AdamW in this update, warm-up already applied.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// The whole gradient is scaled down to this norm when it is longer.
    pub gradient_norm_max: f64,
    /// Passes over the batch, one optimizer step each.
    pub updates: usize,
    /// Temperature the batch was sampled at.
    pub temperature: f32,
    /// The loss.
    pub loss: LossOptions,
}

/// What one update did.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct UpdateReport {
    /// The loss before the first optimizer step.
    pub loss: f64,
    /// Norm of the whole gradient before clipping, first pass.
    pub gradient_norm: f64,
    /// Mean entropy of the learner's next-token distribution over the tokens that carried gradient, nats.
    pub entropy: f64,
    /// How far the learner is from the sampler on the sampled tokens before the first optimizer step, nats: mean of
    /// `(r - 1) - ln r` with `r` = learner's over sampler's probability. Never negative; 0 when they agree exactly.
    pub kl_sampler_learner: f64,
    /// Share of response tokens whose gradient the clipped ratio cut off, over all passes.
    pub clip_fraction: f64,
    /// Response tokens that carried gradient, all passes together.
    pub tokens_trained: usize,
}

/// The cause of a policy's failure, whatever the policy is made of.
pub type Cause = Box<dyn Error + Send + Sync>;

/// The policy failed.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A prompt could not be turned into tokens.
    #[error("the prompt cannot be rendered; check the model's tokenizer and chat template")]
    Render {
        /// Why.
        #[source]
        source: Cause,
    },
    /// Sampling failed.
    #[error("sampling failed")]
    Respond {
        /// Why.
        #[source]
        source: Cause,
    },
    /// The update failed.
    #[error("the update failed")]
    Update {
        /// Why.
        #[source]
        source: Cause,
    },
    /// A loss or gradient was infinite or not a number.
    #[error(
        "{quantity} is not finite, so the step was not taken; lower `optimizer.learning_rate` or start from an earlier checkpoint"
    )]
    NotFinite {
        /// What it was.
        quantity: &'static str,
    },
    /// The longest prompt and the longest response do not fit into the model together.
    #[error(
        "`sampling.prompt_tokens_max` ({prompt_tokens_max}) and `{key}` ({new_tokens_max}) exceed the model's context of {context_tokens_max} tokens together; lower one of them"
    )]
    Context {
        /// `sampling.prompt_tokens_max`.
        prompt_tokens_max: usize,
        /// Which response.
        key: &'static str,
        /// How long it may be.
        new_tokens_max: usize,
        /// What the model can attend to.
        context_tokens_max: usize,
    },
    /// Writing the policy failed.
    #[error(
        "the model cannot be saved to {directory}; free space there or choose another run directory"
    )]
    Save {
        /// Where.
        directory: PathBuf,
        /// Why.
        #[source]
        source: Cause,
    },
    /// Reading the policy failed.
    #[error("the model cannot be loaded from {from}")]
    Open {
        /// From where.
        from: String,
        /// Why.
        #[source]
        source: Cause,
    },
}
