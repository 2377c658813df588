//! A language model as people have it: a directory, a file or a name goes in; shape, weights and text side come out.

mod error;
mod files;
mod hf_chat;
mod hf_config;
mod hf_directory;
mod json;
mod number;
mod save;
mod save_gguf;
mod source;

use crate::Precision;
use crate::config::ModelConfig;
use crate::guard::guarded;
use crate::language::Language;
use crate::parameters::Parameters;
use crate::weights::gguf::{self, Stored};
use crate::weights::hub::{self, Fetched, Hub};
use files::ModelFiles;
use std::path::Path;

pub use error::{LoadError, SaveError, SourceError};
pub use hf_config::HfConfigError;
pub use json::Misfit;
pub use save::save_directory;
pub use save_gguf::save_gguf;
pub use source::ModelSource;

/// Weights and text side of one model.
#[derive(Debug, Clone)]
pub struct LanguageModel {
    /// The weights, f32, with the shape they belong to.
    pub parameters: Parameters,
    /// Tokenizer, chat template, stop tokens.
    pub language: Language,
    /// Where it came from, in words.
    pub origin: String,
}

impl LanguageModel {
    /// Loads a model. `hub` is asked only for a source that names a model on it.
    ///
    /// # Errors
    /// [`LoadError`]: one sentence with its sources, which names the file and what to do. Nothing is left behind.
    pub fn load(source: &ModelSource, hub: &Hub) -> Result<Self, LoadError> {
        let (Fetched::Directory(path) | Fetched::Gguf(path)) = match source {
            ModelSource::Directory(path) => Fetched::Directory(path.clone()),
            ModelSource::Gguf(path) => Fetched::Gguf(path.clone()),
            ModelSource::Hub(model) => hub::fetch(hub, model).map_err(|source| LoadError::Hub {
                model: model.clone(),
                source: Box::new(source),
            })?,
        };
        Ok(Self {
            origin: source.to_string(),
            ..Self::load_local(&path)?
        })
    }

    /// The shape that a model says it has. Of a directory, or of a model on the hub, only `config.json` is read, and of a
    /// GGUF file its head: the weights need not be there.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn shape(source: &ModelSource, hub: &Hub) -> Result<ModelConfig, LoadError> {
        let fetched = match source {
            ModelSource::Directory(path) => Fetched::Directory(path.clone()),
            ModelSource::Gguf(path) => Fetched::Gguf(path.clone()),
            ModelSource::Hub(model) => {
                hub::fetch_shape(hub, model)
                    .map_err(Box::new)
                    .map_err(|source| LoadError::Hub {
                        model: model.clone(),
                        source,
                    })?
            }
        };
        match fetched {
            Fetched::Directory(path) => Self::shape_in(&path.join("config.json")),
            Fetched::Gguf(path) => gguf::shape(&path).map_err(|source| LoadError::Gguf {
                path,
                source: Box::new(source),
            }),
        }
    }

    /// The shape that a `config.json` says.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn shape_in(path: &Path) -> Result<ModelConfig, LoadError> {
        hf_directory::shape(path)
    }

    /// Loads a model from the disk: a Hugging Face directory, or else a GGUF file.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_local(path: &Path) -> Result<Self, LoadError> {
        let loaded = guarded(|| {
            if path.is_dir() {
                hf_directory::load(&ModelFiles::Directory(path.to_owned()))
            } else {
                load_gguf(path)
            }
        });
        let (parameters, language) = loaded.map_err(|source| LoadError::Panicked {
            path: path.to_owned(),
            source,
        })??;
        Ok(Self {
            parameters,
            language,
            origin: path.display().to_string(),
        })
    }

    /// Loads a model from the files of a Hugging Face directory in memory, by name (`config.json`, `model.safetensors`,
    /// `tokenizer.json`, ...), as a program carries it. `origin` is what to call it.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_embedded(origin: &str, files: &[(&str, &[u8])]) -> Result<Self, LoadError> {
        let loaded = guarded(|| hf_directory::load(&ModelFiles::Embedded(files)));
        let (parameters, language) = loaded.map_err(|source| LoadError::Panicked {
            path: origin.into(),
            source,
        })??;
        Ok(Self {
            parameters,
            language,
            origin: origin.to_owned(),
        })
    }

    /// Puts a model together that was made here.
    ///
    /// # Errors
    /// [`LoadError::Parts`] if the text side does not fit the weights.
    pub fn from_parts(
        parameters: Parameters,
        language: Language,
        origin: &str,
    ) -> Result<Self, LoadError> {
        language
            .check_fits(parameters.config().vocab_size)
            .map_err(LoadError::Parts)?;
        Ok(Self {
            parameters,
            language,
            origin: origin.to_owned(),
        })
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        self.parameters.config()
    }

    /// Writes a Hugging Face directory; see [`save_directory`].
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn save(&self, directory: &Path, precision: Precision) -> Result<(), SaveError> {
        save_directory(directory, &self.parameters, &self.language, precision)
    }

    /// Writes a GGUF file; see [`save_gguf`].
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn save_gguf(&self, path: &Path, stored: Stored) -> Result<(), SaveError> {
        save_gguf(path, &self.parameters, &self.language, stored)
    }
}

fn load_gguf(path: &Path) -> Result<(Parameters, Language), LoadError> {
    let model = gguf::load(path).map_err(|source| LoadError::Gguf {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    Ok((model.parameters, model.language))
}

#[cfg(test)]
mod tests;
