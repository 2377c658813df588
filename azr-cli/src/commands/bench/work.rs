//! How much work a measurement is at least: tokens, arithmetic, and bytes that have to be moved.

use azr_model::{ModelConfig, Precision};

use super::What;
use super::measure::{SHARED_NEW_TOKENS, Shape, WAVE_PROMPTS, wave_length};

/// Of one repeat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// Tokens read, sampled or learned from.
    pub tokens: usize,
    /// Multiplications and additions of the products and of attention.
    pub flops: f64,
    /// Bytes of weights, gradients, moments, keys and values that are read or written, each once a pass: what no cache
    /// can hold. Activations are left out.
    pub bytes: f64,
}

/// Bytes of an f32.
const F32: f64 = 4.0;

/// Counts work on one model.
pub struct Counter<'a> {
    /// The model.
    pub config: &'a ModelConfig,
    /// How its products hold the weights.
    pub precision: Precision,
    /// Tokens of one pass of the learner.
    pub micro_batch_tokens: usize,
}

impl Counter<'_> {
    /// One repeat of `what`.
    pub fn of(&self, what: What, shape: &Shape) -> Work {
        let (batch, prompt, new) = (
            shape.batch as f64,
            shape.prompt_tokens as f64,
            shape.new_tokens as f64,
        );
        let (body, head) = (2.0 * self.body(), 2.0 * self.head());
        let held = self.precision.bytes() as f64;
        let read_once = (self.body() + self.head()) * held;
        match what {
            What::Prefill => self.prefill(batch, prompt),
            What::Decode => {
                let keys = prompt + new / 2.0;
                Work {
                    tokens: shape.batch * shape.new_tokens,
                    flops: batch * new * (body + head + self.attention(keys)),
                    bytes: new * (read_once + batch * keys * self.key_and_value_bytes()),
                }
            }
            What::Share => {
                let one = self.prefill(1.0, prompt);
                let new = (shape.batch * (SHARED_NEW_TOKENS - 1)) as f64;
                Work {
                    tokens: shape.batch * shape.prompt_tokens,
                    flops: one.flops + new * (body + head + self.attention(prompt)),
                    bytes: one.bytes * SHARED_NEW_TOKENS as f64,
                }
            }
            What::Wave => {
                let new: usize = (0..WAVE_PROMPTS).map(wave_length).sum();
                let prefill = self.prefill(WAVE_PROMPTS as f64, prompt);
                let keys = prompt + new as f64 / WAVE_PROMPTS as f64 / 2.0;
                let decode = body + head + self.attention(keys);
                let passes = new as f64 / batch;
                Work {
                    tokens: new,
                    flops: prefill.flops + new as f64 * decode,
                    bytes: passes * (read_once + batch * keys * self.key_and_value_bytes()),
                }
            }
            What::Train | What::Step => {
                let forward = (prompt - 1.0) * (body + head + self.attention(prompt / 2.0));
                let sequences = (self.micro_batch_tokens / shape.prompt_tokens).max(1);
                let passes = shape.batch.div_ceil(sequences) as f64;
                // Backward: the head once more, every weight as it lies, and its gradient, which is added to.
                let weights = self.body() + self.head();
                let backward = self.head() * held + weights * 3.0 * F32;
                let mut bytes = passes * (read_once + backward);
                if what == What::Step {
                    // The norm reads the gradient; then weight, gradient and two moments are read and written, and the
                    // weight is packed anew.
                    bytes += weights * (F32 + 8.0 * F32 + F32 + held);
                }
                Work {
                    tokens: shape.batch * shape.prompt_tokens,
                    flops: 3.0 * batch * forward,
                    bytes,
                }
            }
        }
    }

    /// The head is only computed for the last position of a prompt.
    fn prefill(&self, batch: f64, prompt: f64) -> Work {
        let (body, head) = (2.0 * self.body(), 2.0 * self.head());
        Work {
            tokens: (batch * prompt) as usize,
            flops: batch * (prompt * (body + self.attention(prompt / 2.0)) + head),
            bytes: (self.body() + self.head()) * self.precision.bytes() as f64,
        }
    }

    /// Weights of the products of all blocks.
    fn body(&self) -> f64 {
        let it = self.config;
        let block = it.hidden_size * (it.qkv_width() + it.query_width() + 3 * it.ffn_size);
        (it.layers * block) as f64
    }

    /// Weights of the head.
    fn head(&self) -> f64 {
        (self.config.hidden_size * self.config.vocab_size) as f64
    }

    /// Arithmetic of one token that looks at this many keys, in all layers.
    fn attention(&self, keys: f64) -> f64 {
        4.0 * keys * (self.config.layers * self.config.query_width()) as f64
    }

    /// Of one position, in all layers.
    fn key_and_value_bytes(&self) -> f64 {
        2.0 * F32 * (self.config.layers * self.config.kv_width()) as f64
    }
}
