//! Text to token ids and back: a Hugging Face tokenizer with the names of its special tokens.
//!
//! Built from a `tokenizer.json`, or rebuilt from the metadata of a GGUF file ([`from_gguf`]).

pub mod from_gguf;
pub mod phrases;
mod spelling;
pub mod to_gguf;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use tokenizers::{ModelWrapper, Tokenizer};

use crate::guard::{Panicked, guarded};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The roles that special tokens have in `tokenizer_config.json` and that matter to a language model.
pub const SPECIAL_ROLES: [&str; 4] = ["bos_token", "eos_token", "unk_token", "pad_token"];

/// What [`TextTokenizer::decode`] does with special tokens such as `<|im_end|>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecialTokens {
    /// Print them.
    Keep,
    /// Leave them out.
    Skip,
}

/// Why text or tokens could not be converted.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The file is not a tokenizer.
    #[error(
        "the tokenizer does not parse; fetch tokenizer.json again from where the model came from"
    )]
    Parse(#[source] Cause),
    /// The tokenizer refused a text.
    #[error("the tokenizer cannot encode this text of {bytes} bytes")]
    Encode {
        /// Length of the text.
        bytes: usize,
        /// What the tokenizer said.
        #[source]
        source: Cause,
    },
    /// The tokenizer refused a list of ids.
    #[error("the tokenizer cannot decode these {tokens} tokens")]
    Decode {
        /// Number of ids.
        tokens: usize,
        /// What the tokenizer said.
        #[source]
        source: Cause,
    },
    /// The tokenizer cannot be written as JSON.
    #[error("the tokenizer cannot be written as tokenizer.json")]
    Serialize(#[source] Cause),
}

impl TokenizerError {
    fn parse(panic: Panicked) -> Self {
        Self::Parse(panic.into())
    }
}

/// A tokenizer that encodes any text. Cheap operations take `&self`; it can be shared between threads, and a clone is
/// cheap.
#[derive(Debug, Clone)]
pub struct TextTokenizer {
    inner: Arc<Tokenizer>,
    special: BTreeMap<String, String>,
}

impl TextTokenizer {
    /// Reads the text of a `tokenizer.json`. `special` names tokens by their role, as `tokenizer_config.json` does:
    /// `bos_token`, `eos_token` and whatever else the model's makers have given a name.
    ///
    /// # Errors
    /// [`TokenizerError::Parse`].
    pub fn from_json(
        json: &str,
        special: BTreeMap<String, String>,
    ) -> Result<Self, TokenizerError> {
        let inner = guarded(|| Tokenizer::from_str(json)).map_err(TokenizerError::parse)?;
        Self::new(inner.map_err(TokenizerError::Parse)?, special).map_err(TokenizerError::Parse)
    }

    /// Wraps a tokenizer. What would change what a text is, truncation and padding, or cut it by chance, BPE dropout, is
    /// switched off.
    fn new(mut inner: Tokenizer, special: BTreeMap<String, String>) -> Result<Self, Cause> {
        inner.with_padding(None);
        inner.with_truncation(None)?;
        if let ModelWrapper::BPE(bpe) = inner.get_model()
            && bpe.dropout.is_some()
        {
            let mut certain = bpe.clone();
            certain.dropout = None;
            inner.with_model(certain);
        }
        Ok(Self {
            inner: Arc::new(inner),
            special,
        })
    }

    /// The ids of `text` and nothing else. Special tokens written in the text become their ids.
    ///
    /// # Errors
    /// [`TokenizerError::Encode`] if the vocabulary cannot express the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        self.ids(text, false)
    }

    /// The ids of `text` with the tokens that the tokenizer puts around every text, such as a first `<s>`.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_with_markers(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        self.ids(text, true)
    }

    fn ids(&self, text: &str, with_markers: bool) -> Result<Vec<u32>, TokenizerError> {
        let failed = |source| TokenizerError::Encode {
            bytes: text.len(),
            source,
        };
        let encoding = guarded(|| self.inner.encode_fast(text, with_markers))
            .map_err(|panic| failed(panic.into()))?;
        Ok(encoding.map_err(failed)?.get_ids().to_vec())
    }

    /// The text of `tokens`. Bytes that are no UTF-8, as half a character is, print as U+FFFD; ids beyond the
    /// vocabulary print nothing.
    ///
    /// # Errors
    /// [`TokenizerError::Decode`] if the tokenizer's decoder fails.
    pub fn decode(&self, tokens: &[u32], special: SpecialTokens) -> Result<String, TokenizerError> {
        let failed = |source| TokenizerError::Decode {
            tokens: tokens.len(),
            source,
        };
        guarded(|| self.inner.decode(tokens, special == SpecialTokens::Skip))
            .map_err(|panic| failed(panic.into()))?
            .map_err(failed)
    }

    /// The id of a token by its exact spelling in the vocabulary.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The spelling of a token in the vocabulary.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// Special tokens by name: `bos_token`, `eos_token` and others.
    pub fn special(&self) -> &BTreeMap<String, String> {
        &self.special
    }

    /// The id of the special token with this role.
    pub fn special_id(&self, role: &str) -> Option<u32> {
        self.id(self.special.get(role)?)
    }

    /// One more than the largest id; a model needs at least as many embedding rows.
    pub fn ids_end(&self) -> usize {
        let largest = self.inner.get_vocab(true).into_values().max();
        largest.map_or(0, |id| id as usize + 1)
    }

    /// The text of a `tokenizer.json`.
    ///
    /// # Errors
    /// [`TokenizerError::Serialize`].
    pub fn to_json(&self) -> Result<String, TokenizerError> {
        self.inner
            .to_string(false)
            .map_err(TokenizerError::Serialize)
    }
}

#[cfg(test)]
mod tests;
