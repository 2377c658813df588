//! azr-tiny before its first lesson: a random llama and the tokenizer of the generator's phrases.

use std::collections::BTreeMap;
use std::sync::Arc;

use azr_model::config::{Architecture, Dimensions, ModelConfig, RopeScaling};
use azr_model::language::{Language, LanguageParts, SamplingDefaults};
use azr_model::language_model::LanguageModel;
use azr_model::parameters::{Initialization, Layout, Parameters};
use azr_model::tokenizer::TextTokenizer;
use azr_model::tokenizer::phrases::phrase_tokenizer_json;
use azr_tasks::generator::phrases::phrases;

use super::config::PretrainConfig;
use crate::policy::Cause;

/// The token that ends a response.
const END: &str = "<end>";

/// A model that knows nothing.
pub(super) fn model(config: &PretrainConfig) -> Result<LanguageModel, Cause> {
    let language = language()?;
    let parameters = parameters(config, language.tokenizer().ids_end())?;
    Ok(LanguageModel::from_parts(
        parameters,
        language,
        "azr pretrain",
    )?)
}

/// The text side of azr-tiny: the generator's phrases and an end token.
fn language() -> Result<Language, Cause> {
    let phrases = phrases();
    let json = phrase_tokenizer_json(&phrases, END).to_string();
    let tokenizer = TextTokenizer::from_json(
        &json,
        BTreeMap::from([("eos_token".to_owned(), END.to_owned())]),
    )?;
    let vocab_size = tokenizer.ids_end();
    let stop_tokens = tokenizer.id(END).into_iter().collect();
    let parts = LanguageParts {
        tokenizer,
        chat_template: None,
        stop_tokens,
        defaults: SamplingDefaults::default(),
    };
    Ok(Language::new(parts, vocab_size)?)
}

/// Untied embeddings: tied ones drown a token's identity in a small residual stream.
fn parameters(config: &PretrainConfig, vocab_size: usize) -> Result<Parameters, Cause> {
    let shape = &config.model;
    let dimensions = Dimensions {
        architecture: Architecture::Llama,
        hidden_size: shape.hidden_size,
        layers: shape.layers,
        heads: shape.heads,
        kv_heads: shape.kv_heads,
        head_dim: shape.hidden_size / shape.heads.max(1),
        ffn_size: shape.ffn_size,
        vocab_size,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::Unscaled,
        rms_norm_eps: 1e-5,
        tied_embeddings: false,
        qkv_bias: false,
        context_tokens_max: shape.context_tokens_max,
    };
    let layout = Arc::new(Layout::of(&ModelConfig::new(dimensions)?));
    let initialization = Initialization {
        embedding_std: 1.0,
        head_std: 0.5 / (shape.hidden_size as f32).sqrt(),
        linear_gain: 1.0,
        residual_gain: 1.0 / (2.0 * shape.layers as f32).sqrt(),
    };
    Ok(Parameters::random(layout, &initialization, config.seed))
}
