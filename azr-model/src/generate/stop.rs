//! Stop strings: texts that end a response, wherever the borders of its tokens lie.
//!
//! Each request reads its own response token by token, so what is beside it changes nothing. A response ends with the
//! first token after which its text holds one of the strings. That token is kept whole, with its log-probability: it
//! was sampled, and what learns must see what was sampled. What of it goes beyond the string is part of the tokens and
//! of no text.

use super::request::{Completion, Finish};
use crate::tokenizer::{SpecialTokens, TextTokenizer, TokenizerError};
use std::sync::Arc;

/// Texts that end a response. They are looked for in the text with its special tokens.
#[derive(Clone, Debug, Default)]
pub struct StopStrings {
    strings: Arc<[String]>,
    /// Nobody reads where nothing is looked for.
    reader: Option<TextTokenizer>,
}

/// Where a stop string lies in the text of a response, special tokens included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StopMatch {
    /// Bytes before it.
    pub start: usize,
    /// Bytes up to its end.
    pub end: usize,
}

/// Which part of a response that a stop string ended is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// The text before the stop string.
    LeftOut,
    /// The text up to the end of the stop string.
    Kept,
}

impl StopStrings {
    /// Looks for `strings` in what tokens of `tokenizer` say. Empty ones are found nowhere.
    pub fn new(strings: impl IntoIterator<Item = String>, tokenizer: &TextTokenizer) -> Self {
        let strings: Arc<[String]> = strings.into_iter().filter(|it| !it.is_empty()).collect();
        let reader = (!strings.is_empty()).then(|| tokenizer.clone());
        Self { strings, reader }
    }

    /// The stop string in `text` that begins first, if it reaches beyond the first `seen` bytes; the longest of those
    /// that begin there.
    fn find(&self, text: &[u8], seen: usize) -> Option<StopMatch> {
        let found = self.strings.iter().filter_map(|string| {
            let from = seen.saturating_sub(string.len() - 1);
            let at = text[from..]
                .windows(string.len())
                .position(|it| it == string.as_bytes())?;
            let start = from + at;
            let end = start + string.len();
            Some(StopMatch { start, end })
        });
        found.min_by_key(|it| (it.start, std::cmp::Reverse(it.end)))
    }
}

/// The text of one response so far.
#[derive(Debug, Default)]
pub(super) struct StopWatch {
    text: Vec<u8>,
}

impl StopWatch {
    /// Reads the last of `tokens`; those before were read one by one. A stop string if this token completed it.
    pub(super) fn read(
        &mut self,
        stops: &StopStrings,
        tokens: &[u32],
    ) -> Result<Option<StopMatch>, TokenizerError> {
        let Some(reader) = &stops.reader else {
            return Ok(None);
        };
        let seen = reader.read_on(tokens, &mut self.text)?;
        Ok(stops.find(&self.text, seen))
    }
}

impl Completion {
    /// The response as text: without the stop token that ended it and, if it was a stop string, up to there.
    ///
    /// # Errors
    /// [`TokenizerError::Decode`] if the tokenizer's decoder fails.
    pub fn text(
        &self,
        tokenizer: &TextTokenizer,
        special: SpecialTokens,
        marker: Marker,
    ) -> Result<String, TokenizerError> {
        let tokens = &self.tokens[..];
        match (self.finish, marker) {
            (Finish::Length, _) => tokenizer.decode(tokens, special),
            (Finish::Stop, _) => {
                tokenizer.decode(&tokens[..tokens.len().saturating_sub(1)], special)
            }
            (Finish::StopString(at), Marker::LeftOut) => {
                tokenizer.decode_until(tokens, special, at.start)
            }
            (Finish::StopString(at), Marker::Kept) => {
                tokenizer.decode_until(tokens, special, at.end)
            }
        }
    }
}

#[cfg(test)]
mod tests;
