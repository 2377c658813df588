//! What can go wrong when a model is named, loaded or saved.
//!
//! A message and its sources, joined by colons, are one sentence: what was tried, what is wrong, what to do.

use super::HfConfigError;
use super::json::Misfit;
use crate::config::ConfigError;
use crate::guard::Panicked;
use crate::language::LanguageError;
use crate::tokenizer::TokenizerError;
use crate::weights::gguf::{GgufError, ToFileError};
use crate::weights::hub::{HubError, HubModel};
use crate::weights::safetensors::SafetensorsError;
use std::io;
use std::path::PathBuf;

/// Why a text names no model.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing of this name, and no hub id either.
    #[error(
        "there is no file or directory {}, and it is not a hub id of the form org/name; name a Hugging Face directory, a .gguf file or a hub id", path.display()
    )]
    NotFound {
        /// What was given.
        path: PathBuf,
    },
    /// A directory without a model.
    #[error("{} has no config.json; name a directory that holds config.json, tokenizer.json and model.safetensors", path.display())]
    DirectoryWithoutConfig {
        /// The directory.
        path: PathBuf,
    },
    /// A file of another kind.
    #[error("{} is not a .gguf file; name a Hugging Face directory, a .gguf file or a hub id", path.display())]
    UnknownFile {
        /// The file.
        path: PathBuf,
    },
}

/// Why a model could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file that every model has is not there.
    #[error("{} does not exist; {remedy}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// The operating system refused a file, or it is not text.
    #[error("cannot read {}; check that you may read it and that it is whole", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// `config.json` describes no model that can be loaded.
    #[error("cannot load {}", path.display())]
    HfConfig {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: HfConfigError,
    },
    /// The dimensions contradict each other.
    #[error("cannot load {}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: ConfigError,
    },
    /// A JSON file beside the configuration is damaged.
    #[error("cannot load {}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Misfit,
    },
    /// A library that reads a file stopped at what it holds.
    #[error("cannot load {}", path.display())]
    Panicked {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        #[source]
        source: Panicked,
    },
    /// The index of shards names a file outside the directory.
    #[error("{} names a shard {shard:?} that is not in its directory; fetch the model again", path.display())]
    BadShard {
        /// The index.
        path: PathBuf,
        /// The name.
        shard: String,
    },
    /// The index of shards names none.
    #[error("{} names no shard in its weight_map; fetch it again from where the model came from", path.display())]
    EmptyIndex {
        /// The index.
        path: PathBuf,
    },
    /// The weights cannot be read.
    #[error("cannot load {}", path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: SafetensorsError,
    },
    /// The tokenizer cannot be read.
    #[error("cannot load {}", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: TokenizerError,
    },
    /// Tokenizer, chat template and model do not fit together.
    #[error("cannot load the text side of {}", path.display())]
    Language {
        /// The directory.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: LanguageError,
    },
    /// The GGUF file cannot be read.
    #[error("cannot load {}", path.display())]
    Gguf {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<GgufError>,
    },
    /// The model could not be fetched.
    #[error("cannot fetch {model}")]
    Hub {
        /// The model.
        model: HubModel,
        /// What is wrong.
        #[source]
        source: Box<HubError>,
    },
    /// Parts that were made here do not fit together.
    #[error("the text side does not fit the weights")]
    Parts(#[source] LanguageError),
}

/// Why a model could not be saved. What was written so far has been removed.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The place is taken.
    #[error("{} exists already and is not empty; name a new directory", path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// The path ends in no name.
    #[error("{} is not the name of a directory; name a new directory", path.display())]
    NoName {
        /// The path.
        path: PathBuf,
    },
    /// A file of this name is there already.
    #[error("{} exists already; name a new file", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Nobody would take the file for a GGUF file.
    #[error("{} does not end in .gguf, by which such files are known; name a file that does", path.display())]
    NotGguf {
        /// The file.
        path: PathBuf,
    },
    /// The model has no form in a GGUF file.
    #[error("cannot write the model as GGUF")]
    Gguf(#[source] ToFileError),
    /// The tokenizer cannot be written.
    #[error("cannot save the tokenizer")]
    Tokenizer(#[source] TokenizerError),
    /// A file cannot be written.
    #[error("cannot write {}; check the permissions and the free space of the disk", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}
