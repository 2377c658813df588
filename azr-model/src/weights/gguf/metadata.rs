//! Understands the metadata of a GGUF file: the shape of the model, its tokenizer, its chat template.

use super::GgufError;
use super::header::{Header, Value};
use super::rope;
use crate::chat_template::TemplateSources;
use crate::config::{Architecture, Dimensions, ModelConfig};
use crate::language::{Language, LanguageParts, SamplingDefaults};
use crate::tokenizer::from_gguf::{self, GgufVocabulary};
use crate::weights::check_sizes;

const ROPE_THETA_DEFAULT: f64 = 10_000.0;
/// Roles of special tokens and their metadata keys.
pub(super) const SPECIAL: [(&str, &str); 4] = [
    ("bos_token", "tokenizer.ggml.bos_token_id"),
    ("eos_token", "tokenizer.ggml.eos_token_id"),
    ("unk_token", "tokenizer.ggml.unknown_token_id"),
    ("pad_token", "tokenizer.ggml.padding_token_id"),
];
/// Tokens that end a response. Padding is among them: a model that writes it has nothing more to say, and in chat
/// models it is the end-of-text token of the base model.
pub(super) const STOPS: [&str; 4] = [
    "tokenizer.ggml.eos_token_id",
    "tokenizer.ggml.eot_token_id",
    "tokenizer.ggml.eom_token_id",
    "tokenizer.ggml.padding_token_id",
];

/// Spellings of the control tokens that end a turn.
const ENDS_OF_TURNS: [&str; 16] = [
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|calls|>",
    "<|flush|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
];

/// The shape of the model, if `factors` is what its file says of the rotary frequencies.
pub(super) fn config(header: &Header, factors: Option<&[f32]>) -> Result<ModelConfig, GgufError> {
    let keys = Keys::of(header)?;
    keys.refuse_unsupported()?;
    let hidden_size = keys.size("embedding_length")?;
    let heads = keys.size("attention.head_count")?;
    let head_dim = match keys.optional_size("attention.key_length")? {
        Some(head_dim) => head_dim,
        None if heads == 0 || !hidden_size.is_multiple_of(heads) => {
            return Err(keys.bad("attention.head_count", "a divisor of the embedding length"));
        }
        None => hidden_size / heads,
    };
    for other in ["attention.value_length", "rope.dimension_count"] {
        if keys
            .optional_size(other)?
            .is_some_and(|size| size != head_dim)
        {
            return Err(keys.bad(other, "the width of a head"));
        }
    }
    let rope_theta = keys.float("rope.freq_base")?.unwrap_or(ROPE_THETA_DEFAULT) as f32;
    let dimensions = Dimensions {
        architecture: keys.architecture,
        hidden_size,
        layers: keys.size("block_count")?,
        heads,
        kv_heads: keys
            .optional_size("attention.head_count_kv")?
            .unwrap_or(heads),
        head_dim,
        ffn_size: keys.size("feed_forward_length")?,
        vocab_size: vocabulary_rows(header)?,
        rope_theta,
        rope_scaling: rope::scaling(&keys, factors, rope_theta, head_dim)?,
        rms_norm_eps: keys
            .float("attention.layer_norm_rms_epsilon")?
            .ok_or_else(|| keys.missing("attention.layer_norm_rms_epsilon"))?
            as f32,
        tied_embeddings: !header.tensors.contains_key("output.weight"),
        qkv_bias: keys.architecture == Architecture::Qwen2,
        context_tokens_max: keys.size("context_length")?,
    };
    check_sizes(&dimensions).map_err(GgufError::Size)?;
    ModelConfig::new(dimensions).map_err(GgufError::Config)
}

/// The embedding has one row a token.
fn vocabulary_rows(header: &Header) -> Result<usize, GgufError> {
    let name = "token_embd.weight";
    let place = header.tensors.get(name);
    place
        .and_then(|place| place.shape.first().copied())
        .ok_or_else(|| GgufError::MissingTensor {
            name: name.to_owned(),
        })
}

/// Tokenizer, chat template and stop tokens.
pub(super) fn language(header: &Header, config: &ModelConfig) -> Result<Language, GgufError> {
    let text = |key: &str| match header.metadata.get(key) {
        Some(Value::Text(text)) => Ok(Some(text.clone())),
        None => Ok(None),
        Some(_) => Err(GgufError::BadValue {
            key: key.to_owned(),
            expected: "a text",
        }),
    };
    let ids = |pairs: &[(&str, &str)]| {
        let id = |(role, key): &(&str, &str)| {
            token_id(header, key)
                .transpose()
                .map(|id| Ok(((*role).to_owned(), id?)))
        };
        pairs
            .iter()
            .filter_map(id)
            .collect::<Result<_, GgufError>>()
    };
    let vocabulary = GgufVocabulary {
        model: text("tokenizer.ggml.model")?.ok_or_else(|| GgufError::MissingKey {
            key: "tokenizer.ggml.model".to_owned(),
        })?,
        pre: text("tokenizer.ggml.pre")?.unwrap_or_default(),
        tokens: texts(header, "tokenizer.ggml.tokens")?,
        kinds: match header.metadata.get("tokenizer.ggml.token_type") {
            Some(Value::Integers(kinds)) => kinds.clone(),
            None => Vec::new(),
            Some(_) => {
                return Err(GgufError::BadValue {
                    key: "tokenizer.ggml.token_type".to_owned(),
                    expected: "whole numbers",
                });
            }
        },
        merges: texts(header, "tokenizer.ggml.merges")?,
        special: ids(&SPECIAL)?,
        add_bos: flag(header, "tokenizer.ggml.add_bos_token")?,
        add_eos: flag(header, "tokenizer.ggml.add_eos_token")?,
    };
    let tokenizer = from_gguf::build(&vocabulary).map_err(GgufError::Vocabulary)?;
    let named = STOPS
        .iter()
        .filter_map(|key| token_id(header, key).transpose());
    let spelled = ends_of_turns(&vocabulary).map(Ok);
    let parts = LanguageParts {
        tokenizer,
        chat_template: text("tokenizer.chat_template")?.map(TemplateSources::One),
        stop_tokens: named.chain(spelled).collect::<Result<_, _>>()?,
        defaults: SamplingDefaults::default(),
    };
    Language::new(parts, config.vocab_size).map_err(GgufError::Language)
}

/// Control tokens that end a turn in the templates of known families, whether the file says so or not, as llama.cpp takes
/// them (`special_eog_ids` in its `src/llama-vocab.cpp`).
fn ends_of_turns(vocabulary: &GgufVocabulary) -> impl Iterator<Item = u32> {
    const CONTROL: i64 = 3;
    let is_control = |id: usize| vocabulary.kinds.get(id).copied() == Some(CONTROL);
    (0_u32..)
        .zip(&vocabulary.tokens)
        .filter(move |(id, token)| {
            is_control(*id as usize) && ENDS_OF_TURNS.contains(&token.as_str())
        })
        .map(|(id, _)| id)
}

fn texts(header: &Header, key: &str) -> Result<Vec<String>, GgufError> {
    match header.metadata.get(key) {
        Some(Value::Texts(texts)) => Ok(texts.clone()),
        // Writers give an empty list any kind of elements.
        Some(Value::Integers(none)) if none.is_empty() => Ok(Vec::new()),
        Some(_) => Err(GgufError::BadValue {
            key: key.to_owned(),
            expected: "a list of texts",
        }),
        None => Err(GgufError::MissingKey {
            key: key.to_owned(),
        }),
    }
}

fn flag(header: &Header, key: &str) -> Result<Option<bool>, GgufError> {
    match header.metadata.get(key) {
        Some(Value::Flag(flag)) => Ok(Some(*flag)),
        None => Ok(None),
        Some(_) => Err(GgufError::BadValue {
            key: key.to_owned(),
            expected: "true or false",
        }),
    }
}

fn token_id(header: &Header, key: &str) -> Result<Option<u32>, GgufError> {
    let id = match header.metadata.get(key) {
        None => return Ok(None),
        Some(Value::Unsigned(id)) => u32::try_from(*id).ok(),
        Some(Value::Signed(id)) => u32::try_from(*id).ok(),
        Some(_) => None,
    };
    id.map(Some).ok_or_else(|| GgufError::BadValue {
        key: key.to_owned(),
        expected: "a token id",
    })
}

/// Metadata keys of one architecture, which all begin with its name.
pub(super) struct Keys<'a> {
    pub header: &'a Header,
    architecture: Architecture,
}

impl<'a> Keys<'a> {
    fn of(header: &'a Header) -> Result<Self, GgufError> {
        let key = "general.architecture";
        let name = match header.metadata.get(key) {
            Some(Value::Text(name)) => name.as_str(),
            Some(_) => {
                return Err(GgufError::BadValue {
                    key: key.to_owned(),
                    expected: "a text",
                });
            }
            None => {
                return Err(GgufError::MissingKey {
                    key: key.to_owned(),
                });
            }
        };
        let architecture = Architecture::ALL
            .into_iter()
            .find(|architecture| architecture.model_type() == name)
            .ok_or_else(|| GgufError::Unsupported {
                key: key.to_owned(),
                value: name.to_owned(),
                remedy: "choose a model of architecture llama, qwen2 or qwen3",
            })?;
        Ok(Self {
            header,
            architecture,
        })
    }

    /// Refuses what would be computed wrongly without a word.
    fn refuse_unsupported(&self) -> Result<(), GgufError> {
        let refused =
            |key: String, value: String, remedy| Err(GgufError::Unsupported { key, value, remedy });
        let counts = [
            ("expert_count", "choose a dense model"),
            (
                "attention.sliding_window",
                "choose a model with full attention",
            ),
        ];
        for (name, remedy) in counts {
            let count = self.optional_size(name)?.unwrap_or(0);
            if 0 < count {
                return refused(self.key(name), count.to_string(), remedy);
            }
        }
        let shards = match self.header.metadata.get("split.count") {
            Some(Value::Unsigned(count)) => *count,
            _ => 0,
        };
        if 1 < shards {
            let remedy = "join the pieces first (llama-gguf-split --merge)";
            return refused("split.count".to_owned(), shards.to_string(), remedy);
        }
        Ok(())
    }

    pub(super) fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture.model_type())
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.header.metadata.get(&self.key(name))
    }

    fn missing(&self, name: &str) -> GgufError {
        GgufError::MissingKey {
            key: self.key(name),
        }
    }

    fn bad(&self, name: &str, expected: &'static str) -> GgufError {
        GgufError::BadValue {
            key: self.key(name),
            expected,
        }
    }

    fn size(&self, name: &str) -> Result<usize, GgufError> {
        self.optional_size(name)?.ok_or_else(|| self.missing(name))
    }

    fn optional_size(&self, name: &str) -> Result<Option<usize>, GgufError> {
        let size = match self.get(name) {
            None => return Ok(None),
            Some(Value::Unsigned(size)) => usize::try_from(*size).ok(),
            Some(Value::Signed(size)) => usize::try_from(*size).ok(),
            Some(_) => None,
        };
        size.map(Some)
            .ok_or_else(|| self.bad(name, "one whole number for all layers"))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, GgufError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.bad(name, "a text")),
        }
    }

    pub(super) fn float(&self, name: &str) -> Result<Option<f64>, GgufError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Float(value)) => Ok(Some(*value)),
            Some(_) => Err(self.bad(name, "a number")),
        }
    }
}
