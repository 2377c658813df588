//! A small model of each kind, for tests of files.

use crate::config::{Architecture, Dimensions, ModelConfig, RopeScaling};
use crate::language::{Language, LanguageParts, SamplingDefaults};
use crate::parameters::{Initialization, Layout, Parameters};
use crate::tokenizer::TextTokenizer;
use crate::tokenizer::phrases::phrase_tokenizer_json;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

/// Ids of the tokenizer: 256 bytes, two phrases, `<end>`.
pub(crate) const END: u32 = 258;
pub(crate) const VOCABULARY: usize = 260;

pub(crate) fn config(architecture: Architecture, tied_embeddings: bool) -> ModelConfig {
    ModelConfig::new(Dimensions {
        architecture,
        hidden_size: 32,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        ffn_size: 64,
        vocab_size: VOCABULARY,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::Unscaled,
        rms_norm_eps: 1e-5,
        tied_embeddings,
        qkv_bias: architecture == Architecture::Qwen2,
        context_tokens_max: 128,
    })
    .unwrap()
}

/// Random weights, biases and norms too, so that a swapped pair shows.
pub(crate) fn parameters(config: &ModelConfig) -> Parameters {
    let spread = Initialization {
        embedding_std: 1.0,
        head_std: 0.3,
        linear_gain: 1.0,
        residual_gain: 0.5,
    };
    let mut parameters = Parameters::random(Arc::new(Layout::of(config)), &spread, 5);
    for (idx, value) in parameters.data.iter_mut().enumerate() {
        *value += (idx % 97) as f32 * 1e-3;
    }
    parameters
}

pub(crate) fn tokenizer() -> TextTokenizer {
    let phrases = ["hello", " world"].map(String::from);
    let special = BTreeMap::from([("eos_token".to_owned(), "<end>".to_owned())]);
    TextTokenizer::from_json(
        &phrase_tokenizer_json(&phrases, "<end>").to_string(),
        special,
    )
    .unwrap()
}

pub(crate) fn language() -> Language {
    let template = "{% for m in messages %}{{ m.role }}: {{ m.content }}<end>{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}";
    let parts = LanguageParts {
        tokenizer: tokenizer(),
        chat_template: Some(template.into()),
        stop_tokens: vec![END],
        defaults: SamplingDefaults {
            temperature: Some(0.7),
            top_p: Some(0.9),
            top_k: Some(20),
            min_p: None,
        },
    };
    Language::new(parts, VOCABULARY).unwrap()
}

/// A message and all its causes, as a person reads them.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
