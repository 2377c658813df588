//! The weights of a model that has learned nothing yet.

use std::sync::Arc;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::{Layout, Parameters, Role};

/// Spread of the weights of a fresh model. Norm scales begin at 1 and biases at 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Initialization {
    /// Standard deviation of the token vectors.
    pub embedding_std: f32,
    /// Standard deviation of untied output rows.
    pub head_std: f32,
    /// Standard deviation of a projection is this over the square root of its inputs.
    pub linear_gain: f32,
    /// The same for projections back into the residual stream; smaller keeps a deep stack calm.
    pub residual_gain: f32,
}

impl Parameters {
    /// A fresh model: uniform draws with the given standard deviations, the same on every machine for one seed.
    pub fn random(layout: Arc<Layout>, initialization: &Initialization, seed: u64) -> Self {
        let mut parameters = Self::zeros(layout);
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let layout = Arc::clone(&parameters.layout);
        for entry in layout.entries() {
            let inputs = entry.shape.last().map_or(1.0, |inputs| *inputs as f32);
            let values = &mut parameters.data[entry.range()];
            match entry.role {
                Role::Embedding => draw(&mut generator, initialization.embedding_std, values),
                Role::Head => draw(&mut generator, initialization.head_std, values),
                Role::Linear => draw(
                    &mut generator,
                    initialization.linear_gain / inputs.sqrt(),
                    values,
                ),
                Role::Residual => draw(
                    &mut generator,
                    initialization.residual_gain / inputs.sqrt(),
                    values,
                ),
                Role::Norm => values.fill(1.0),
                Role::Bias => values.fill(0.0),
            }
        }
        parameters
    }
}

/// Fills with uniform numbers of mean 0 and the given standard deviation (24 random bits each).
fn draw(generator: &mut ChaCha8Rng, standard_deviation: f32, values: &mut [f32]) {
    let half_width = standard_deviation * 3.0f32.sqrt();
    for value in values {
        let unit = (generator.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0;
        *value = unit * half_width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Architecture, ConfigError, Dimensions, ModelConfig, RopeScaling};

    #[test]
    fn a_fresh_model_has_the_asked_spread_and_is_the_same_for_one_seed() -> Result<(), ConfigError>
    {
        let config = ModelConfig::new(Dimensions {
            architecture: Architecture::Qwen2,
            hidden_size: 8,
            layers: 2,
            heads: 2,
            kv_heads: 1,
            head_dim: 4,
            ffn_size: 12,
            vocab_size: 11,
            rope_theta: 10_000.0,
            rope_scaling: RopeScaling::Unscaled,
            rms_norm_eps: 1e-5,
            tied_embeddings: false,
            qkv_bias: true,
            context_tokens_max: 32,
        })?;
        let layout = Arc::new(Layout::of(&config));
        let spread = Initialization {
            embedding_std: 1.0,
            head_std: 0.1,
            linear_gain: 1.0,
            residual_gain: 0.5,
        };
        let fresh = Parameters::random(Arc::clone(&layout), &spread, 7);
        assert_eq!(fresh, Parameters::random(Arc::clone(&layout), &spread, 7));
        assert_ne!(fresh, Parameters::random(layout, &spread, 8));
        let embedding = fresh.get("model.embed_tokens.weight").unwrap();
        let variance = embedding.iter().map(|v| v * v).sum::<f32>() / embedding.len() as f32;
        assert!((0.6..1.4).contains(&variance), "variance {variance}");
        assert!(
            fresh
                .get("model.norm.weight")
                .unwrap()
                .iter()
                .all(|v| *v == 1.0)
        );
        Ok(())
    }
}
