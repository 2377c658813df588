//! The bytes of single tokens, for whoever reads a text while it is being written.
//!
//! A byte-level tokenizer spells each token on its own: the bytes of a text are those of its tokens, one after the other,
//! and half a character is half a character until its other half comes. Tokenizers of other kinds let neighbors change
//! each other (a space at the beginning, bytes that fall back), so their whole text is decoded again.

use super::phrases::byte_of_letter;
use super::{SpecialTokens, TextTokenizer, TokenizerError};
use tokenizers::{DecoderWrapper, Model};

impl TextTokenizer {
    /// Adds what the last of `tokens` says to `text`, which holds what the others said; special tokens are said too.
    /// Returns the length of the beginning of `text` that stayed.
    ///
    /// # Errors
    /// [`TokenizerError::Decode`], of tokenizers that are not byte-level.
    pub(crate) fn read_on(
        &self,
        tokens: &[u32],
        text: &mut Vec<u8>,
    ) -> Result<usize, TokenizerError> {
        if !self.is_byte_level() {
            *text = self.decode(tokens, SpecialTokens::Keep)?.into_bytes();
            return Ok(0);
        }
        let before = text.len();
        if let Some(last) = tokens.last() {
            text.extend(self.bytes(*last));
        }
        Ok(before)
    }

    /// The text of `tokens` as far as the first `end` bytes of what they say with special tokens (`read_on`).
    ///
    /// # Errors
    /// [`TokenizerError::Decode`], of tokenizers that are not byte-level.
    pub fn decode_until(
        &self,
        tokens: &[u32],
        special: SpecialTokens,
        end: usize,
    ) -> Result<String, TokenizerError> {
        if !self.is_byte_level() {
            return self.decode_whole_until(tokens, special, end);
        }
        let (mut said, mut text) = (0, Vec::new());
        for token in tokens {
            let bytes = self.bytes(*token);
            let kept = bytes.len().min(end - said);
            if special == SpecialTokens::Keep || !self.is_special(*token) {
                text.extend(&bytes[..kept]);
            }
            said += kept;
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Where special tokens are left out, drops tokens from the end while what the others say is the beginning of the
    /// text and enough (the first half of a character may say more than the whole one), then what the last one left says
    /// too much.
    fn decode_whole_until(
        &self,
        tokens: &[u32],
        special: SpecialTokens,
        end: usize,
    ) -> Result<String, TokenizerError> {
        let mut whole = self.decode(tokens, SpecialTokens::Keep)?;
        if special == SpecialTokens::Keep {
            whole.truncate(whole.floor_char_boundary(end));
            return Ok(whole);
        }
        let (mut kept, mut said) = (tokens, whole.len());
        while let [fewer @ .., _] = kept {
            let less = self.decode(fewer, SpecialTokens::Keep)?;
            if less.len() < end || !whole.starts_with(&less) {
                break;
            }
            (kept, said) = (fewer, less.len());
        }
        let mut text = self.decode(kept, special)?;
        if !kept.last().is_some_and(|it| self.is_special(*it)) {
            let wanted = text.len().saturating_sub(said.saturating_sub(end));
            text.truncate(text.floor_char_boundary(wanted));
        }
        Ok(text)
    }

    pub(super) fn is_byte_level(&self) -> bool {
        matches!(self.inner.get_decoder(), Some(DecoderWrapper::ByteLevel(_)))
    }

    fn is_special(&self, token: u32) -> bool {
        let spelled = self.spelling(token);
        spelled.is_some_and(|it| self.inner.get_added_vocabulary().is_special_token(&it))
    }

    /// What the decoder is given for a token.
    fn spelling(&self, token: u32) -> Option<String> {
        let added = self.inner.get_added_vocabulary().simple_id_to_token(token);
        added.or_else(|| self.inner.get_model().id_to_token(token))
    }

    /// What a byte-level decoder makes of a token: a byte for each letter or, if one of them stands for none, the
    /// letters themselves.
    fn bytes(&self, token: u32) -> Vec<u8> {
        let spelled = self.spelling(token).unwrap_or_default();
        let bytes: Option<Vec<u8>> = spelled.chars().map(byte_of_letter).collect();
        bytes.unwrap_or_else(|| spelled.into_bytes())
    }
}
