//! Small models for tests: every kind of configuration, with widths that fit no vector.

use std::sync::Arc;

use crate::{
    config::{Architecture, Dimensions, ModelConfig, RopeScaling},
    kernels::contract::numbers,
    parameters::{Layout, Parameters, Role},
    transformer::Transformer,
};

/// Each family, with tied and with separate heads, and a llama with scaled rotary positions.
pub(crate) fn all() -> Vec<Parameters> {
    let mut models = Vec::new();
    for architecture in Architecture::ALL {
        for tied_embeddings in [true, false] {
            models.push(parameters(Dimensions {
                architecture,
                tied_embeddings,
                ..dimensions(architecture)
            }));
        }
    }
    models.push(parameters(Dimensions {
        // Waves of 6, 101 and 1608 tokens: a fast, a medium and a slow one.
        rope_scaling: RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 200,
        },
        rope_theta: 4096.0,
        ..dimensions(Architecture::Llama)
    }));
    models
}

/// A small model on the processor.
pub(crate) fn transformer(architecture: Architecture) -> Transformer {
    Transformer::on_cpu(parameters(dimensions(architecture))).unwrap()
}

pub(crate) fn dimensions(architecture: Architecture) -> Dimensions {
    let qwen = architecture != Architecture::Llama;
    Dimensions {
        architecture,
        hidden_size: 20,
        layers: 2,
        heads: if qwen { 4 } else { 3 },
        kv_heads: if qwen { 2 } else { 3 },
        head_dim: 6,
        ffn_size: 28,
        vocab_size: 37,
        rope_theta: if qwen { 1e6 } else { 1e4 },
        rope_scaling: RopeScaling::Unscaled,
        rms_norm_eps: 1e-5,
        tied_embeddings: qwen,
        qkv_bias: architecture == Architecture::Qwen2,
        context_tokens_max: 300,
    }
}

/// Weights that are nowhere trivial: norm scales around 1, biases off 0, logits a few nats apart.
pub(crate) fn parameters(dimensions: Dimensions) -> Parameters {
    let config = ModelConfig::new(dimensions).unwrap();
    let mut parameters = Parameters::zeros(Arc::new(Layout::of(&config)));
    let layout = Arc::clone(parameters.layout());
    for (seed, entry) in (1..).zip(layout.entries()) {
        let inputs = entry.shape.last().copied().unwrap_or(1) as f32;
        let (center, spread) = match entry.role {
            Role::Norm => (1.0, 0.3),
            Role::Bias => (0.0, 0.3),
            Role::Embedding | Role::Head => (0.0, 0.7),
            Role::Linear | Role::Residual => (0.0, 2.0 / inputs.sqrt()),
        };
        let values = numbers(entry.elements(), seed);
        for (weight, value) in parameters.data[entry.range()].iter_mut().zip(values) {
            *weight = center + spread * value;
        }
    }
    parameters
}

/// Token ids that repeat for one seed.
pub(crate) fn tokens(count: usize, vocab_size: usize, seed: u32) -> Vec<u32> {
    numbers(count, seed)
        .iter()
        .map(|value| ((value + 1.0) * 0.5 * vocab_size as f32) as u32 % vocab_size as u32)
        .collect()
}
