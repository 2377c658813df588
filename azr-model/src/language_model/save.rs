//! Writes a model as a Hugging Face directory that transformers and other engines load.
//!
//! Everything is written into a directory beside the target, synced, and renamed into place at the end: at every moment
//! the target is either absent or whole.

use super::SaveError;
use super::hf_config::{eos_json, to_json};
use crate::chat_template::{ChatTemplate, TemplateSources};
use crate::language::Language;
use crate::parameters::Parameters;
use crate::precision::Precision;
use crate::tokenizer::SPECIAL_ROLES;
use crate::weights::safetensors::write;
use serde_json::{Map, Value, json};
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

const BUFFER_BYTES: usize = 1 << 20;

/// Writes `config.json`, `model.safetensors`, `tokenizer.json`, `tokenizer_config.json`, `generation_config.json` and,
/// if the model has one, `chat_template.jinja`. The directory must not exist, or be empty.
///
/// # Errors
/// [`SaveError`]; nothing is left behind, and nothing that was there is touched.
pub fn save_directory(
    directory: &Path,
    parameters: &Parameters,
    language: &Language,
    precision: Precision,
) -> Result<(), SaveError> {
    save_through(&Disk, directory, parameters, language, precision)
}

/// The operations on disk that can fail, so that tests can make each of them fail.
pub(super) trait Storage {
    /// Creates a file to be written.
    fn create(&self, path: &Path) -> io::Result<Box<dyn SyncWrite>>;
}

/// A file that can be made durable.
pub(super) trait SyncWrite: Write {
    /// Returns when the content is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

pub(super) struct Disk;

impl Storage for Disk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn SyncWrite>> {
        Ok(Box::new(File::create_new(path)?))
    }
}

impl SyncWrite for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

pub(super) fn save_through(
    storage: &dyn Storage,
    directory: &Path,
    parameters: &Parameters,
    language: &Language,
    precision: Precision,
) -> Result<(), SaveError> {
    let aside = aside(directory)?;
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| SaveError::Write { path, source }
    };
    let parent = aside.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(at(parent))?;
    remove(&aside).map_err(at(&aside))?;
    fs::create_dir(&aside).map_err(at(&aside))?;
    let written = write_files(storage, &aside, parameters, language, precision)
        .and_then(|()| sync_directory(&aside).map_err(at(&aside)))
        .and_then(|()| fs::rename(&aside, directory).map_err(at(directory)))
        .and_then(|()| sync_directory(parent).map_err(at(parent)));
    if written.is_err() {
        // The first error is the one to report; a leftover is removed by the next save.
        let _ = remove(&aside);
    }
    written
}

/// The place to write, beside the target; refuses a target that is in use.
fn aside(directory: &Path) -> Result<PathBuf, SaveError> {
    let aside = aside_of(directory)?;
    let occupied = match fs::read_dir(directory) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != ErrorKind::NotFound,
    };
    if occupied {
        return Err(SaveError::Occupied {
            path: directory.to_owned(),
        });
    }
    Ok(aside)
}

/// `.NAME.partial` beside `NAME`.
pub(super) fn aside_of(target: &Path) -> Result<PathBuf, SaveError> {
    let Some(name) = target.file_name() else {
        return Err(SaveError::NoName {
            path: target.to_owned(),
        });
    };
    let mut aside_name = std::ffi::OsString::from(".");
    aside_name.push(name);
    aside_name.push(".partial");
    let parent = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    Ok(parent.join(aside_name))
}

fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn write_files(
    storage: &dyn Storage,
    aside: &Path,
    parameters: &Parameters,
    language: &Language,
    precision: Precision,
) -> Result<(), SaveError> {
    let config = parameters.config();
    let tokenizer = language.tokenizer();
    let special: Vec<(&str, u32)> = [("bos_token_id", "bos_token"), ("pad_token_id", "pad_token")]
        .into_iter()
        .filter_map(|(field, role)| Some((field, tokenizer.special_id(role)?)))
        .collect();
    let stops = language.stop_tokens();
    let mut texts = vec![
        (
            "config.json",
            pretty(&to_json(config, stops, &special, precision.torch_name())),
        ),
        (
            "generation_config.json",
            pretty(&generation_config(language, &special)),
        ),
        (
            "tokenizer_config.json",
            pretty(&tokenizer_config(language, config.context_tokens_max)),
        ),
        (
            "tokenizer.json",
            tokenizer.to_json().map_err(SaveError::Tokenizer)?,
        ),
    ];
    let sources = language.chat_template().map(ChatTemplate::sources);
    if let Some(TemplateSources::One(source)) = sources {
        texts.push(("chat_template.jinja", source.clone()));
    }
    for (name, text) in texts {
        write_file(storage, &aside.join(name), &|writer| {
            writer.write_all(text.as_bytes())
        })?;
    }
    write_file(storage, &aside.join("model.safetensors"), &|writer| {
        write(parameters, precision, writer)
    })
}

pub(super) fn write_file(
    storage: &dyn Storage,
    path: &Path,
    fill: &dyn Fn(&mut dyn Write) -> io::Result<()>,
) -> Result<(), SaveError> {
    let attempt = || {
        let mut buffered = BufWriter::with_capacity(BUFFER_BYTES, storage.create(path)?);
        fill(&mut buffered)?;
        buffered.flush()?;
        buffered.get_mut().sync()
    };
    attempt().map_err(|source| SaveError::Write {
        path: path.to_owned(),
        source,
    })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn generation_config(language: &Language, special: &[(&str, u32)]) -> Value {
    let mut value = Map::new();
    let defaults = language.defaults();
    for (name, id) in special {
        value.insert((*name).to_owned(), json!(id));
    }
    value.insert("eos_token_id".to_owned(), eos_json(language.stop_tokens()));
    let numbers = [
        ("temperature", defaults.temperature),
        ("top_p", defaults.top_p),
        ("min_p", defaults.min_p),
    ];
    let given = numbers.iter().any(|(_, number)| number.is_some()) || defaults.top_k.is_some();
    if given {
        value.insert("do_sample".to_owned(), json!(true));
    }
    for (name, number) in numbers {
        if let Some(number) = number {
            value.insert(name.to_owned(), json!(number));
        }
    }
    if let Some(top_k) = defaults.top_k {
        value.insert("top_k".to_owned(), json!(top_k));
    }
    Value::Object(value)
}

fn tokenizer_config(language: &Language, context_tokens_max: usize) -> Value {
    let mut value = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": false,
        "model_max_length": context_tokens_max,
    });
    // An absent role is written as null, because tokenizer classes of transformers invent tokens for roles not named.
    for role in SPECIAL_ROLES {
        value[role] = json!(null);
    }
    for (name, token) in language.tokenizer().special() {
        value[name] = json!(token);
    }
    match language.chat_template().map(ChatTemplate::sources) {
        None => {}
        Some(TemplateSources::One(source)) => value["chat_template"] = json!(source),
        Some(TemplateSources::Named(sources)) => {
            let entry = |(name, template)| json!({"name": name, "template": template});
            value["chat_template"] = sources.iter().map(entry).collect();
        }
    }
    value
}
