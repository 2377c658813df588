//! The shape of a model: what must be known of it before its weights can be read.

use std::ops::Deref;

use serde::{Deserialize, Serialize};
use thiserror::Error;

mod rope;

pub use rope::RopeScaling;

/// Families of decoder-only transformers that the engine computes. All are RMSNorm, rotary positions, grouped-query
/// attention and SwiGLU; they differ in their biases, in the norms of their heads and in how their files are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// Llama 2 and its kin (SmolLM2 among them): no biases.
    Llama,
    /// Qwen2 and Qwen2.5: biases on the query, key and value projections.
    Qwen2,
    /// Qwen3, the dense ones: no biases, a norm of each query and key head.
    Qwen3,
}

impl Architecture {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Llama, Self::Qwen2, Self::Qwen3];
}

/// The numbers that fix every shape and constant of a model. Not yet checked: [`ModelConfig::new`] does that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dimensions {
    /// The family.
    pub architecture: Architecture,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Number of transformer blocks.
    pub layers: usize,
    /// Number of query heads.
    pub heads: usize,
    /// Number of key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head; even, because rotary positions turn pairs.
    pub head_dim: usize,
    /// Width of the gated hidden layer of each block.
    pub ffn_size: usize,
    /// Number of token ids.
    pub vocab_size: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f32,
    /// What becomes of the rotary frequencies.
    #[serde(default)]
    pub rope_scaling: RopeScaling,
    /// Added to the mean square in RMSNorm.
    pub rms_norm_eps: f32,
    /// The output head is the embedding matrix.
    pub tied_embeddings: bool,
    /// The query, key and value projections have biases.
    pub qkv_bias: bool,
    /// Longest sequence the model may see, prompt and response together.
    pub context_tokens_max: usize,
}

/// Checked [`Dimensions`]: whoever holds one need not ask again whether the heads divide or a size is zero.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelConfig(Dimensions);

/// Why a set of dimensions is no model.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ConfigError {
    /// A size is zero.
    #[error("{name} is 0; every size of a model must be at least 1")]
    ZeroSize {
        /// The field.
        name: &'static str,
    },
    /// Query heads cannot be shared out evenly.
    #[error(
        "{heads} query heads cannot share {kv_heads} key/value heads evenly; heads must be a multiple of kv_heads"
    )]
    UnevenHeads {
        /// Query heads.
        heads: usize,
        /// Key and value heads.
        kv_heads: usize,
    },
    /// Rotary positions need pairs.
    #[error("head_dim {head_dim} is odd; rotary positions turn pairs, so it must be even")]
    OddHeadDim {
        /// Width of a head.
        head_dim: usize,
    },
    /// Token ids are 32-bit.
    #[error("vocab_size {vocab_size} does not fit in 32-bit token ids")]
    VocabularyTooLarge {
        /// Number of token ids.
        vocab_size: usize,
    },
    /// Scaled positions would come closer together, not further apart.
    #[error("the rotary scaling factor is {factor}; it must be a finite number of at least 1")]
    RopeFactor {
        /// What it was.
        factor: f64,
    },
    /// There is no band between slow and fast rotary waves.
    #[error(
        "low_freq_factor {low} and high_freq_factor {high} enclose no band; the first must be above 0 and below the second"
    )]
    RopeBand {
        /// `low_freq_factor`.
        low: f64,
        /// `high_freq_factor`.
        high: f64,
    },
    /// A constant of the formulas is unusable.
    #[error("{name} is {value}; it must be a finite number greater than 0")]
    BadConstant {
        /// The field.
        name: &'static str,
        /// What it was.
        value: f32,
    },
}

impl ModelConfig {
    /// Checks the dimensions.
    ///
    /// # Errors
    /// A size of zero, heads that do not divide, an odd head width, a vocabulary beyond 32 bits, or a constant that is
    /// not a positive number.
    pub fn new(dimensions: Dimensions) -> Result<Self, ConfigError> {
        let d = &dimensions;
        let sizes = [
            ("hidden_size", d.hidden_size),
            ("layers", d.layers),
            ("heads", d.heads),
            ("kv_heads", d.kv_heads),
            ("head_dim", d.head_dim),
            ("ffn_size", d.ffn_size),
            ("vocab_size", d.vocab_size),
            ("context_tokens_max", d.context_tokens_max),
        ];
        if let Some((name, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            return Err(ConfigError::ZeroSize { name });
        }
        if !d.heads.is_multiple_of(d.kv_heads) {
            return Err(ConfigError::UnevenHeads {
                heads: d.heads,
                kv_heads: d.kv_heads,
            });
        }
        if !d.head_dim.is_multiple_of(2) {
            return Err(ConfigError::OddHeadDim {
                head_dim: d.head_dim,
            });
        }
        if u32::try_from(d.vocab_size).is_err() {
            return Err(ConfigError::VocabularyTooLarge {
                vocab_size: d.vocab_size,
            });
        }
        for (name, value) in [
            ("rope_theta", d.rope_theta),
            ("rms_norm_eps", d.rms_norm_eps),
        ] {
            if !(value.is_finite() && 0.0 < value) {
                return Err(ConfigError::BadConstant { name, value });
            }
        }
        dimensions.rope_scaling.check()?;
        Ok(Self(dimensions))
    }

    /// Each query and key head is normalized before its rotation.
    pub fn qk_norm(&self) -> bool {
        self.architecture == Architecture::Qwen3
    }

    /// Width of all query heads together.
    pub fn query_width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Width of all key heads together; the values are as wide.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// Width of queries, keys and values side by side.
    pub fn qkv_width(&self) -> usize {
        self.query_width() + 2 * self.kv_width()
    }

    /// Query heads that read one key/value head.
    pub fn heads_per_kv_head(&self) -> usize {
        self.heads / self.kv_heads
    }
}

impl Deref for ModelConfig {
    type Target = Dimensions;

    fn deref(&self) -> &Dimensions {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Dimensions {
        Dimensions {
            architecture: Architecture::Llama,
            hidden_size: 8,
            layers: 2,
            heads: 4,
            kv_heads: 2,
            head_dim: 2,
            ffn_size: 12,
            vocab_size: 11,
            rope_theta: 10_000.0,
            rope_scaling: RopeScaling::Unscaled,
            rms_norm_eps: 1e-5,
            tied_embeddings: true,
            qkv_bias: false,
            context_tokens_max: 32,
        }
    }

    #[test]
    fn a_plain_model_is_accepted_and_its_widths_follow() -> Result<(), ConfigError> {
        let config = ModelConfig::new(small())?;
        assert_eq!(
            (config.query_width(), config.kv_width(), config.qkv_width()),
            (8, 4, 16)
        );
        assert_eq!(config.heads_per_kv_head(), 2);
        Ok(())
    }

    #[test]
    fn impossible_shapes_are_refused_by_name() {
        let zero = ModelConfig::new(Dimensions {
            ffn_size: 0,
            ..small()
        });
        assert_eq!(zero, Err(ConfigError::ZeroSize { name: "ffn_size" }));
        let uneven = ModelConfig::new(Dimensions {
            kv_heads: 3,
            ..small()
        });
        assert_eq!(
            uneven,
            Err(ConfigError::UnevenHeads {
                heads: 4,
                kv_heads: 3
            })
        );
        let odd = ModelConfig::new(Dimensions {
            head_dim: 3,
            ..small()
        });
        assert_eq!(odd, Err(ConfigError::OddHeadDim { head_dim: 3 }));
        let bad = ModelConfig::new(Dimensions {
            rms_norm_eps: 0.0,
            ..small()
        });
        assert_eq!(
            bad,
            Err(ConfigError::BadConstant {
                name: "rms_norm_eps",
                value: 0.0
            })
        );
    }
}
