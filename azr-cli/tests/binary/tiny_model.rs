//! A random llama with a tokenizer of bytes, made on the spot: small enough that nothing waits for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use azr_model::Precision;
use azr_model::language::{Language, LanguageParts, SamplingDefaults};
use azr_model::parameters::Initialization;
use azr_model::tokenizer::TextTokenizer;
use azr_model::{
    Architecture, Dimensions, LanguageModel, Layout, ModelConfig, Parameters, RopeScaling,
};
use serde_json::{Map, Value, json};

/// The token that ends a response.
const END: u32 = 256;
/// Longest sequence.
pub const CONTEXT_TOKENS_MAX: usize = 512;

/// Writes the model to `place/name` and says where it is.
pub fn write(place: &Path, name: &str, seed: u64) -> PathBuf {
    let dimensions = Dimensions {
        architecture: Architecture::Llama,
        hidden_size: 32,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        ffn_size: 48,
        vocab_size: 257,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::Unscaled,
        rms_norm_eps: 1e-5,
        tied_embeddings: true,
        qkv_bias: false,
        context_tokens_max: CONTEXT_TOKENS_MAX,
    };
    let config = ModelConfig::new(dimensions).unwrap();
    let spread = Initialization {
        embedding_std: 0.3,
        head_std: 0.3,
        linear_gain: 1.0,
        residual_gain: 0.5,
    };
    let parameters = Parameters::random(Arc::new(Layout::of(&config)), &spread, seed);
    let special = BTreeMap::from([("eos_token".to_string(), "<end>".to_string())]);
    let parts = LanguageParts {
        tokenizer: TextTokenizer::from_json(&tokenizer().to_string(), special).unwrap(),
        chat_template: Some(
            "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant]".into(),
        ),
        stop_tokens: vec![END],
        defaults: SamplingDefaults::default(),
    };
    let language = Language::new(parts, config.vocab_size).unwrap();
    let directory = place.join(name);
    LanguageModel::from_parts(parameters, language, name)
        .unwrap()
        .save(&directory, Precision::F32)
        .unwrap();
    directory
}

/// `tokenizer.json`: a token for each byte and one for the end.
fn tokenizer() -> Value {
    let vocabulary: Map<String, Value> = (0..=255u8)
        .map(|byte| (letter(byte).to_string(), json!(byte)))
        .collect();
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false});
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "post_processor": null,
        "added_tokens": [{
            "id": END, "content": "<end>", "special": true,
            "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        }],
        "pre_tokenizer": byte_level, "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocabulary, "merges": [],
        },
    })
}

/// The letter that byte-level vocabularies write for a byte.
fn letter(byte: u8) -> char {
    let prints = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if prints(byte) {
        return char::from(byte);
    }
    char::from_u32(0x100 + (0..byte).filter(|it| !prints(*it)).count() as u32).unwrap()
}
