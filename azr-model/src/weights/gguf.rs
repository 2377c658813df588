//! Loads a model from a GGUF file: its shape and tokenizer from the metadata, its weights dequantized to f32. Writes one
//! too.
//!
//! llama.cpp stores the query and key rows of `llama` models in the order of interleaved rotary pairs; Hugging Face and
//! this engine turn the two halves of a head. The rows are put back while they are read. `qwen2` files are not permuted.
//! A file with an `output.weight` has a head of its own, even if the model it came from shared it with the embedding:
//! the two may be quantized differently, and what the file says is what is computed.

mod error;
mod header;
mod metadata;
mod rope;
mod tensors;
mod write;

use crate::config::ModelConfig;
use crate::language::Language;
use crate::parameters::{Layout, Parameters};
use header::Header;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;

pub use error::GgufError;
pub(crate) use write::GgufFile;
pub use write::{Stored, ToFileError};

/// What a GGUF file holds.
#[derive(Debug)]
pub struct GgufModel {
    /// The weights, f32.
    pub parameters: Parameters,
    /// Tokenizer, chat template and stop tokens.
    pub language: Language,
}

/// Reads a file.
///
/// # Errors
/// [`GgufError`]; its words go on from "cannot load FILE:". No error leaves anything behind.
pub fn load(path: &Path) -> Result<GgufModel, GgufError> {
    let file = File::open(path).map_err(GgufError::Read)?;
    read(&mut BufReader::new(file))
}

/// The shape of the model in a file; its weights and its text side are not read.
///
/// # Errors
/// As [`load`].
pub fn shape(path: &Path) -> Result<ModelConfig, GgufError> {
    let file = File::open(path).map_err(GgufError::Read)?;
    let reader = &mut BufReader::new(file);
    let header = Header::read(reader)?;
    let factors = tensors::frequency_factors(reader, &header)?;
    metadata::config(&header, factors.as_deref())
}

/// Reads a file that is already open, or bytes in memory. Everything is checked before memory for weights is taken.
///
/// # Errors
/// As [`load`].
pub fn read(reader: &mut (impl Read + Seek)) -> Result<GgufModel, GgufError> {
    let header = Header::read(reader)?;
    let factors = tensors::frequency_factors(reader, &header)?;
    let config = metadata::config(&header, factors.as_deref())?;
    let layout = Arc::new(Layout::of(&config));
    let plan = tensors::plan(&header, &layout)?;
    let language = metadata::language(&header, &config)?;
    let parameters = tensors::read(reader, &header, &plan, layout)?;
    Ok(GgufModel {
        parameters,
        language,
    })
}

#[cfg(test)]
mod tests;
