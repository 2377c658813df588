//! Reads and writes the `config.json` of a Hugging Face directory.
//!
//! Only what the engine computes is accepted: a setting that would change the numbers (other scaled rotary positions, sliding
//! windows, other activations, biases elsewhere, quantized weights) is refused by name, never passed over.

mod rope;

use super::json::{self, Misfit};
use super::number::{TokenIds, Whole};
use crate::config::{Architecture, Dimensions, ModelConfig};
use crate::weights::{SizeError, check_sizes};
use serde::Deserialize;
use serde_json::{Value, json};

/// Names of x * sigmoid(x) in transformers.
const SILU: [&str; 2] = ["silu", "swish"];
const RMS_NORM_EPS_DEFAULT: f64 = 1e-6;
const CONTEXT_TOKENS_DEFAULT: usize = 2048;
/// Width of a head of Qwen3 where its configuration says nothing, whatever its hidden size.
const QWEN3_HEAD_DIM_DEFAULT: usize = 128;

/// Why a `config.json` describes no model that can be loaded; goes on from "cannot load FILE:".
#[derive(Debug, thiserror::Error)]
pub enum HfConfigError {
    /// Not JSON, or a field of the wrong type or missing.
    #[error("it is not the configuration of a language model: {0}")]
    Parse(#[from] Misfit),
    /// Another kind of model.
    #[error(
        "model_type is {model_type:?}, and only \"llama\", \"qwen2\" and \"qwen3\" are supported; choose a model of one of these families"
    )]
    ModelType {
        /// What the file says.
        model_type: String,
    },
    /// A setting that the engine does not compute.
    #[error("{field} is {value}, which is not supported; {remedy}")]
    Unsupported {
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A number that scaled rotary positions need is not there.
    #[error("{name} of the scaled rotary positions is not a number; correct config.json")]
    RopeNumber {
        /// The field.
        name: &'static str,
    },
    /// The heads do not divide the hidden size and no head size is given.
    #[error(
        "hidden_size {hidden_size} is not a multiple of num_attention_heads {heads} and head_dim is absent; correct config.json"
    )]
    HeadSize {
        /// Width of the residual stream.
        hidden_size: usize,
        /// Number of query heads.
        heads: usize,
    },
    /// A size is absurd.
    #[error("its dimensions are not those of a model that can be loaded")]
    Size(#[source] SizeError),
}

/// What a `config.json` says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HfConfig {
    /// The shape of the model.
    pub dimensions: Dimensions,
    /// `eos_token_id`, one or several.
    pub eos: Vec<u32>,
}

/// Fields by their names in the file; unknown ones are other programs' business.
#[derive(Deserialize)]
struct Fields {
    hidden_size: Whole,
    num_hidden_layers: Whole,
    num_attention_heads: Whole,
    num_key_value_heads: Option<Whole>,
    head_dim: Option<Whole>,
    intermediate_size: Whole,
    vocab_size: Whole,
    max_position_embeddings: Option<Whole>,
    original_max_position_embeddings: Option<Whole>,
    rms_norm_eps: Option<f64>,
    rope_theta: Option<f64>,
    #[serde(default)]
    rope_scaling: Value,
    #[serde(default)]
    rope_parameters: Value,
    partial_rotary_factor: Option<f64>,
    #[serde(default)]
    tie_word_embeddings: bool,
    hidden_act: Option<String>,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    use_sliding_window: bool,
    sliding_window: Option<Whole>,
    max_window_layers: Option<Whole>,
    layer_types: Option<Vec<String>>,
    #[serde(default)]
    quantization_config: Value,
    #[serde(default)]
    eos_token_id: TokenIds,
}

/// Parses the text of a `config.json`.
pub(super) fn parse(text: &str) -> Result<HfConfig, HfConfigError> {
    let value: Value = json::read(text)?;
    let model_type = value
        .get("model_type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let architecture = Architecture::ALL
        .into_iter()
        .find(|architecture| architecture.model_type() == model_type)
        .ok_or_else(|| HfConfigError::ModelType {
            model_type: model_type.to_owned(),
        })?;
    let fields: Fields = json::read(text)?;
    refuse_unsupported(&fields)?;
    let (rope_theta, rope_scaling) = rope::read(&fields)?;
    let dimensions = Dimensions {
        architecture,
        hidden_size: fields.hidden_size.0,
        layers: fields.num_hidden_layers.0,
        heads: fields.num_attention_heads.0,
        kv_heads: fields
            .num_key_value_heads
            .unwrap_or(fields.num_attention_heads)
            .0,
        head_dim: head_dim(architecture, &fields)?,
        ffn_size: fields.intermediate_size.0,
        vocab_size: fields.vocab_size.0,
        rope_theta: rope_theta as f32,
        rope_scaling,
        rms_norm_eps: fields.rms_norm_eps.unwrap_or(RMS_NORM_EPS_DEFAULT) as f32,
        tied_embeddings: fields.tie_word_embeddings,
        qkv_bias: architecture == Architecture::Qwen2,
        context_tokens_max: fields
            .max_position_embeddings
            .map_or(CONTEXT_TOKENS_DEFAULT, |it| it.0),
    };
    check_sizes(&dimensions).map_err(HfConfigError::Size)?;
    Ok(HfConfig {
        dimensions,
        eos: fields.eos_token_id.0,
    })
}

fn head_dim(architecture: Architecture, fields: &Fields) -> Result<usize, HfConfigError> {
    let (hidden_size, heads) = (fields.hidden_size.0, fields.num_attention_heads.0);
    match fields.head_dim {
        Some(Whole(head_dim)) => Ok(head_dim),
        None if architecture == Architecture::Qwen3 => Ok(QWEN3_HEAD_DIM_DEFAULT),
        None if heads == 0 || !hidden_size.is_multiple_of(heads) => {
            Err(HfConfigError::HeadSize { hidden_size, heads })
        }
        None => Ok(hidden_size / heads),
    }
}

fn refuse_unsupported(fields: &Fields) -> Result<(), HfConfigError> {
    let refused = |field, value: String, remedy| {
        Err(HfConfigError::Unsupported {
            field,
            value,
            remedy,
        })
    };
    let full_precision = "choose a model with full-precision weights, or a GGUF file of it";
    if !fields.quantization_config.is_null() {
        return refused("quantization_config", "present".to_owned(), full_precision);
    }
    if let Some(activation) = fields
        .hidden_act
        .as_ref()
        .filter(|name| !SILU.contains(&name.as_str()))
    {
        return refused(
            "hidden_act",
            activation.clone(),
            "choose a model with SwiGLU (silu)",
        );
    }
    for (field, present) in [
        ("attention_bias", fields.attention_bias),
        ("mlp_bias", fields.mlp_bias),
    ] {
        if present {
            return refused(
                field,
                "true".to_owned(),
                "choose a model without these biases",
            );
        }
    }
    refuse_windows(fields)
}

/// A sliding window matters if some layer uses it and a sequence can be longer than it.
fn refuse_windows(fields: &Fields) -> Result<(), HfConfigError> {
    let context = fields
        .max_position_embeddings
        .map_or(CONTEXT_TOKENS_DEFAULT, |it| it.0);
    let reaches_all = fields
        .sliding_window
        .is_some_and(|Whole(window)| context <= window);
    let by_rule = fields.use_sliding_window
        && fields.sliding_window.is_some()
        && fields.max_window_layers.map_or(0, |it| it.0) < fields.num_hidden_layers.0;
    let by_list = fields
        .layer_types
        .as_ref()
        .is_some_and(|types| types.iter().any(|kind| kind != "full_attention"));
    let windowed = match fields.layer_types {
        Some(_) => by_list,
        None => by_rule,
    };
    if windowed && !reaches_all {
        let value = fields
            .sliding_window
            .map_or("used".to_owned(), |Whole(window)| window.to_string());
        let remedy = "choose a model with full attention in every layer, or set use_sliding_window to false if its window is not needed";
        return Err(HfConfigError::Unsupported {
            field: "sliding_window",
            value,
            remedy,
        });
    }
    Ok(())
}

/// The `config.json` of a model, in the fields that transformers 4 and 5 and other engines read.
pub(super) fn to_json(
    config: &ModelConfig,
    eos: &[u32],
    special: &[(&str, u32)],
    dtype: &str,
) -> Value {
    let (class, model_type) = match config.architecture {
        Architecture::Llama => ("LlamaForCausalLM", "llama"),
        Architecture::Qwen2 => ("Qwen2ForCausalLM", "qwen2"),
        Architecture::Qwen3 => ("Qwen3ForCausalLM", "qwen3"),
    };
    let mut value = json!({
        "architectures": [class],
        "model_type": model_type,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "intermediate_size": config.ffn_size,
        "vocab_size": config.vocab_size,
        "max_position_embeddings": config.context_tokens_max,
        "rms_norm_eps": shortest(config.rms_norm_eps),
        "rope_theta": shortest(config.rope_theta),
        "rope_scaling": rope::to_json(&config.rope_scaling),
        "tie_word_embeddings": config.tied_embeddings,
        "hidden_act": "silu",
        "use_cache": true,
        "torch_dtype": dtype,
        "eos_token_id": eos_json(eos),
    });
    match config.architecture {
        Architecture::Llama => {
            value["attention_bias"] = json!(false);
            value["mlp_bias"] = json!(false);
        }
        Architecture::Qwen2 => value["use_sliding_window"] = json!(false),
        Architecture::Qwen3 => {
            value["attention_bias"] = json!(false);
            value["use_sliding_window"] = json!(false);
        }
    }
    for (name, id) in special {
        value[*name] = json!(id);
    }
    value
}

/// `null`, one id, or a list, as transformers writes it.
pub(super) fn eos_json(eos: &[u32]) -> Value {
    match eos {
        [] => Value::Null,
        [one] => json!(one),
        many => json!(many),
    }
}

/// The shortest decimal number that is this f32, so that 1e-5 does not become 9.999999747378752e-6.
fn shortest(value: f32) -> f64 {
    value
        .to_string()
        .parse()
        .unwrap_or_else(|_| f64::from(value))
}

#[cfg(test)]
mod tests;
