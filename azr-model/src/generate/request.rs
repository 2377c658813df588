//! What is asked of the sampler and what it answers.

use std::sync::Arc;

use super::stop::{StopMatch, StopStrings};
pub use crate::kernels::sample::Sampling;

/// One prompt to be continued.
#[derive(Clone, Debug)]
pub struct Request {
    /// Token ids; at least one.
    pub prompt: Vec<u32>,
    /// Most tokens to sample. Prompt and new tokens together may not exceed the model's context.
    pub new_tokens_max: usize,
    /// How a token is drawn.
    pub sampling: Sampling,
    /// Seed of this request's own generator: its sample does not depend on what else is in the batch.
    pub seed: u64,
    /// A response ends after any of these ids, which is kept as its last token.
    pub stop_tokens: Arc<[u32]>,
    /// A response ends with the token that completes any of these texts, which is kept as its last token.
    pub stop_strings: StopStrings,
}

/// A finished response.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The sampled ids, with the stop token if one was sampled, or the token that completed a stop string: whole, even if
    /// it says more than that.
    pub tokens: Vec<u32>,
    /// Natural logarithm of each token's probability in the distribution it was drawn from (temperature and filters
    /// included; 0 where the choice was greedy). At one temperature without filters this is, bit for bit, what the
    /// learner computes for the same tokens.
    pub logprobs: Vec<f32>,
    /// Why it ended.
    pub finish: Finish,
}

/// Why a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finish {
    /// A stop token was sampled.
    Stop,
    /// A stop string was completed.
    StopString(StopMatch),
    /// `new_tokens_max` tokens were sampled.
    Length,
}

/// What it took to answer all requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Passes of the model.
    pub passes: usize,
    /// Tokens that were read, over all passes; there is no padding. A prompt that several requests share counts once.
    pub tokens: usize,
    /// Places for a sequence, over all passes.
    pub slots: usize,
    /// Places that were empty while a request waited for one.
    pub slots_empty_before_the_end: usize,
    /// Places that were empty because nobody waited anymore.
    pub slots_empty_at_the_end: usize,
}

/// How much may be in flight at once. None of these change a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Sequences that decode side by side.
    pub sequences_max: usize,
    /// Tokens whose keys and values are kept at once, over all sequences; bounds the memory of the cache. A request
    /// enters only when its prompt and all its new tokens fit; one that alone exceeds this runs alone.
    pub cache_tokens_max: usize,
    /// Prompt tokens that are read in one pass of the model.
    pub prefill_tokens_max: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            sequences_max: 256,
            cache_tokens_max: 1 << 16,
            prefill_tokens_max: 1024,
        }
    }
}
