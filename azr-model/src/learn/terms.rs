//! What the learner is given and what it gives back.

/// A prompt and the response to learn from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Prompt and response, token ids.
    pub tokens: Vec<u32>,
    /// Tokens of the prompt; at least 1, because the first token of a sequence has no probability.
    pub prompt_len: usize,
}

/// Scores of the response tokens of one sequence, one element a token, at the temperature of the pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenScores {
    /// Natural logarithm of the probability of each response token given those before it.
    pub logprobs: Vec<f32>,
    /// Entropy, in nats, of the distribution each response token was drawn from.
    pub entropies: Vec<f32>,
}

/// Gradient of a caller's loss by the scores of one sequence; each vector is as long as the response.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenGradients {
    /// Loss by log-probability.
    pub logprob: Vec<f32>,
    /// Loss by entropy.
    pub entropy: Vec<f32>,
}

/// One AdamW step (Loshchilov and Hutter, arXiv 1711.05101), after clipping by the global norm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOptions {
    /// Learning rate.
    pub lr: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
    /// Decoupled decay of every weight, in units of the learning rate.
    pub weight_decay: f32,
    /// A gradient whose global norm exceeds this is scaled down to it.
    pub gradient_norm_max: f32,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// Global norm of the gradient before clipping.
    pub gradient_norm: f32,
}
