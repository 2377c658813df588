//! The policy loss: the clipped surrogate of PPO (arXiv 1707.06347) with separate bounds, and an entropy bonus.
//!
//! For response token t of sequence j, with `r = exp(l - l_old)` (learner's over sampler's probability), advantage `A_j`
//! and entropy `H` of the learner's next-token distribution:
//!
//! ```text
//! L = sum_jt w_jt [ -min(r A_j, clip(r, 1 - low, 1 + high) A_j) - c H ]
//! dL/dl = -w r A_j   where the first term is the smaller one (or both are equal), else 0
//! dL/dH = -w c
//! ```
//!
//! `w_jt` is `1 / M` for the token mean (M response tokens in the whole batch) and `1 / (N T_j)` for the sequence mean.
//! The mean is over the batch, whatever micro-batches it is cut into: the reference averages micro-batches instead, which
//! weighs short answers up.

use serde::{Deserialize, Serialize};

/// Constants of the loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossOptions {
    /// The ratio counts no further below 1 than this.
    pub clip_low: f64,
    /// The ratio counts no further above 1 than this.
    pub clip_high: f64,
    /// Weight of the entropy bonus; 0 turns it off.
    pub entropy_coefficient: f64,
    /// What the loss is a mean over.
    pub mean: LossMean,
}

/// What the loss is a mean over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossMean {
    /// All response tokens of the batch.
    Tokens,
    /// Sequences, each the mean over its own tokens.
    Sequences,
}

/// Size of the whole batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSize {
    /// Sequences.
    pub sequences: usize,
    /// Response tokens.
    pub tokens: usize,
}

/// One sequence as the loss sees it. All slices have the length of the response.
#[derive(Debug, Clone, Copy)]
pub struct SequenceScores<'a> {
    /// Of every token of the response.
    pub advantage: f64,
    /// Sampler's log-probabilities.
    pub sampled: &'a [f32],
    /// Learner's log-probabilities.
    pub learner: &'a [f32],
    /// Learner's entropies.
    pub entropies: &'a [f32],
}

/// One sequence's share of the loss, and its gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct SequenceLoss {
    /// Its share of the batch's loss.
    pub loss: f64,
    /// dL/dl for each response token.
    pub logprob_gradient: Vec<f32>,
    /// dL/dH for each response token.
    pub entropy_gradient: Vec<f32>,
    /// Tokens whose gradient the clipping cut off.
    pub tokens_clipped: usize,
    /// Sum of entropies.
    pub entropy_sum: f64,
    /// Sum of `(r - 1) - ln r`.
    pub kl_sum: f64,
}

impl LossOptions {
    /// Loss and gradient of one sequence of a batch of `size`.
    #[must_use]
    pub fn of(&self, scores: &SequenceScores<'_>, size: BatchSize) -> SequenceLoss {
        let tokens = scores.sampled.len();
        assert!(
            tokens == scores.learner.len() && tokens == scores.entropies.len(),
            "sampler and learner saw the same response"
        );
        let weight = self.token_weight(tokens, size);
        let mut out = SequenceLoss {
            loss: 0.0,
            logprob_gradient: Vec::with_capacity(tokens),
            entropy_gradient: vec![(-weight * self.entropy_coefficient) as f32; tokens],
            tokens_clipped: 0,
            entropy_sum: 0.0,
            kl_sum: 0.0,
        };
        for t in 0..tokens {
            let log_ratio = f64::from(scores.learner[t]) - f64::from(scores.sampled[t]);
            let token = self.surrogate(log_ratio.exp(), scores.advantage);
            let entropy = f64::from(scores.entropies[t]);
            out.loss += weight * (token.loss - self.entropy_coefficient * entropy);
            out.logprob_gradient.push((weight * token.gradient) as f32);
            out.tokens_clipped += usize::from(token.clipped);
            out.entropy_sum += entropy;
            out.kl_sum += log_ratio.exp_m1() - log_ratio;
        }
        out
    }

    fn token_weight(&self, tokens: usize, size: BatchSize) -> f64 {
        match self.mean {
            LossMean::Tokens => 1.0 / size.tokens as f64,
            LossMean::Sequences => 1.0 / (size.sequences * tokens) as f64,
        }
    }

    fn surrogate(&self, ratio: f64, advantage: f64) -> TokenSurrogate {
        let plain = ratio * advantage;
        let bounded = ratio.clamp(1.0 - self.clip_low, 1.0 + self.clip_high) * advantage;
        if plain <= bounded {
            TokenSurrogate {
                loss: -plain,
                gradient: -plain,
                clipped: false,
            }
        } else {
            TokenSurrogate {
                loss: -bounded,
                gradient: 0.0,
                clipped: true,
            }
        }
    }
}

struct TokenSurrogate {
    loss: f64,
    /// With respect to the learner's log-probability: d(ratio)/dl is the ratio itself.
    gradient: f64,
    clipped: bool,
}

#[cfg(test)]
mod tests;
