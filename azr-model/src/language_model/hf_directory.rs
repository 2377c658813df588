//! Loads the files of a Hugging Face directory.

use super::LoadError;
use super::files::ModelFiles;
use super::hf_chat;
use super::hf_config;
use super::json;
use super::number::{Signed, TokenIds};
use crate::chat_template::TemplateSources;
use crate::config::ModelConfig;
use crate::language::{Language, LanguageParts, SamplingDefaults};
use crate::parameters::{Layout, Parameters};
use crate::tokenizer::TextTokenizer;
use crate::weights::safetensors::Checkpoint;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

const JSON_BYTES_MAX: u64 = 1 << 26;
const TOKENIZER_BYTES_MAX: u64 = 1 << 28;
const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// Loads weights and text side. Small files come first, so that what is wrong shows before the weights are read.
pub(super) fn load(files: &ModelFiles<'_>) -> Result<(Parameters, Language), LoadError> {
    let json = required(
        files,
        "config.json",
        "name the directory of a Hugging Face model",
    )?;
    let path = files.path("config.json");
    let mut hf = hf_config::parse(&json).map_err(|source| LoadError::HfConfig {
        path: path.clone(),
        source,
    })?;
    let language = language(files, hf.dimensions.vocab_size, &hf.eos)?;
    let mut checkpoint = checkpoint(files)?;
    if hf.dimensions.tied_embeddings && repeats_differ(&mut checkpoint)? {
        tracing::warn!(
            "config.json ties the output head to the embedding, but the weights differ; keeping both"
        );
        hf.dimensions.tied_embeddings = false;
    }
    let config =
        ModelConfig::new(hf.dimensions).map_err(|source| LoadError::Config { path, source })?;
    let layout = Arc::new(Layout::of(&config));
    let parameters = checkpoint.read(layout).map_err(safetensors)?;
    Ok((parameters, language))
}

/// The shape that a `config.json` says; whether the head is stored a second time is not looked at.
pub(super) fn shape(path: &Path) -> Result<ModelConfig, LoadError> {
    let (directory, name) = (path.parent(), path.file_name().and_then(|it| it.to_str()));
    let files = ModelFiles::Directory(directory.unwrap_or(Path::new("")).to_owned());
    let remedy = "name the configuration of a Hugging Face model";
    let json = required(&files, name.unwrap_or("config.json"), remedy)?;
    let hf = hf_config::parse(&json).map_err(|source| LoadError::HfConfig {
        path: path.to_owned(),
        source,
    })?;
    ModelConfig::new(hf.dimensions).map_err(|source| LoadError::Config {
        path: path.to_owned(),
        source,
    })
}

/// A head that is stored beside the embedding it is said to be tied to, and is not equal to it, is a head of its own:
/// the configuration is wrong, and transformers 5 decides likewise.
fn repeats_differ(checkpoint: &mut Checkpoint<'_>) -> Result<bool, LoadError> {
    let (head, embedding) = ("lm_head.weight", "model.embed_tokens.weight");
    if !checkpoint.has(head) || !checkpoint.has(embedding) {
        return Ok(false);
    }
    checkpoint
        .same_bytes(head, embedding)
        .map(|same| !same)
        .map_err(safetensors)
}

fn safetensors(
    (path, source): (
        std::path::PathBuf,
        crate::weights::safetensors::SafetensorsError,
    ),
) -> LoadError {
    LoadError::Safetensors { path, source }
}

fn checkpoint<'a>(files: &ModelFiles<'a>) -> Result<Checkpoint<'a>, LoadError> {
    let mut opened = Vec::new();
    for name in shard_names(files)? {
        let path = files.path(&name);
        let missing = LoadError::Missing {
            path: path.clone(),
            remedy: "fetch the missing part of the weights",
        };
        let file = files.open(&name).map_err(|source| LoadError::Read {
            path: path.clone(),
            source,
        })?;
        opened.push((path, file.ok_or(missing)?));
    }
    Checkpoint::open(opened).map_err(safetensors)
}

fn shard_names(files: &ModelFiles<'_>) -> Result<BTreeSet<String>, LoadError> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let path = files.path(INDEX);
    let single = files.open(SINGLE).map_err(|source| LoadError::Read {
        path: files.path(SINGLE),
        source,
    })?;
    if single.is_some() {
        return Ok(BTreeSet::from([SINGLE.to_owned()]));
    }
    let Some(index) = optional::<Index>(files, INDEX)? else {
        let remedy =
            "the weights must be safetensors; convert others with transformers' save_pretrained";
        return Err(LoadError::Missing {
            path: files.path(SINGLE),
            remedy,
        });
    };
    let names: BTreeSet<String> = index.weight_map.into_values().collect();
    match names.iter().find(|name| {
        Path::new(name)
            .file_name()
            .is_none_or(|file| file != name.as_str())
    }) {
        Some(shard) => Err(LoadError::BadShard {
            path,
            shard: shard.clone(),
        }),
        None if names.is_empty() => Err(LoadError::EmptyIndex { path }),
        None => Ok(names),
    }
}

fn language(
    files: &ModelFiles<'_>,
    vocab_size: usize,
    config_eos: &[u32],
) -> Result<Language, LoadError> {
    let tokenizer_path = files.path("tokenizer.json");
    let remedy =
        "write it with transformers' AutoTokenizer.from_pretrained(...).save_pretrained(...)";
    let json =
        read(files, "tokenizer.json", TOKENIZER_BYTES_MAX)?.ok_or_else(|| LoadError::Missing {
            path: tokenizer_path.clone(),
            remedy,
        })?;
    let settings =
        optional::<BTreeMap<String, Value>>(files, "tokenizer_config.json")?.unwrap_or_default();
    let map =
        optional::<BTreeMap<String, Value>>(files, "special_tokens_map.json")?.unwrap_or_default();
    let special = hf_chat::special_tokens(&settings, &map);
    let tokenizer =
        TextTokenizer::from_json(&json, special).map_err(|source| LoadError::Tokenizer {
            path: tokenizer_path,
            source,
        })?;
    let generation = optional::<Generation>(files, "generation_config.json")?;
    let mut stop_tokens = match &generation {
        Some(generation) if !generation.eos_token_id.0.is_empty() => {
            generation.eos_token_id.0.clone()
        }
        _ => config_eos.to_vec(),
    };
    stop_tokens.extend(tokenizer.special_id("eos_token"));
    let parts = LanguageParts {
        tokenizer,
        chat_template: templates(files, &settings)?,
        stop_tokens,
        defaults: generation
            .map(|generation| generation.defaults())
            .unwrap_or_default(),
    };
    let path = files.path("");
    Language::new(parts, vocab_size).map_err(|source| LoadError::Language { path, source })
}

/// Templates in files of their own come before those of `tokenizer_config.json`.
fn templates(
    files: &ModelFiles<'_>,
    settings: &BTreeMap<String, Value>,
) -> Result<Option<TemplateSources>, LoadError> {
    let default = read(files, "chat_template.jinja", JSON_BYTES_MAX)?;
    let mut named = BTreeMap::new();
    let additional = files.names_in(hf_chat::ADDITIONAL);
    let additional = additional.map_err(|source| LoadError::Read {
        path: files.path(hf_chat::ADDITIONAL),
        source,
    })?;
    for name in additional {
        let Some(stem) = name.strip_suffix(".jinja") else {
            continue;
        };
        let path = format!("{}/{name}", hf_chat::ADDITIONAL);
        if let Some(source) = read(files, &path, JSON_BYTES_MAX)? {
            named.insert(stem.to_owned(), source);
        }
    }
    Ok(hf_chat::sources(default, named, settings))
}

/// The fields of `generation_config.json` that matter here.
#[derive(Deserialize)]
struct Generation {
    #[serde(default)]
    eos_token_id: TokenIds,
    temperature: Option<f32>,
    top_p: Option<f32>,
    /// 0 and -1 turn it off.
    top_k: Option<Signed>,
    min_p: Option<f32>,
}

impl Generation {
    fn defaults(&self) -> SamplingDefaults {
        let Self {
            temperature,
            top_p,
            top_k,
            min_p,
            ..
        } = *self;
        SamplingDefaults {
            temperature,
            top_p,
            top_k: top_k.map(|Signed(top_k)| usize::try_from(top_k).unwrap_or(0)),
            min_p,
        }
    }
}

fn required(files: &ModelFiles<'_>, name: &str, remedy: &'static str) -> Result<String, LoadError> {
    read(files, name, JSON_BYTES_MAX)?.ok_or_else(|| LoadError::Missing {
        path: files.path(name),
        remedy,
    })
}

fn optional<T: DeserializeOwned>(
    files: &ModelFiles<'_>,
    name: &str,
) -> Result<Option<T>, LoadError> {
    let Some(json) = read(files, name, JSON_BYTES_MAX)? else {
        return Ok(None);
    };
    json::read(&json)
        .map(Some)
        .map_err(|source| LoadError::Json {
            path: files.path(name),
            source,
        })
}

fn read(files: &ModelFiles<'_>, name: &str, bytes_max: u64) -> Result<Option<String>, LoadError> {
    files
        .text(name, bytes_max)
        .map_err(|source| LoadError::Read {
            path: files.path(name),
            source,
        })
}
