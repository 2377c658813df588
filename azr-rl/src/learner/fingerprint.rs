//! What tells one model from another.

use azr_model::language::Language;
use azr_model::tokenizer::TokenizerError;
use sha2::{Digest, Sha256};

/// SHA-256 over tokenizer and weights.
pub(super) fn fingerprint(weights: &[f32], language: &Language) -> Result<String, TokenizerError> {
    let mut hash = Sha256::new();
    hash.update(language.tokenizer().to_json()?);
    for chunk in weights.chunks(1 << 16) {
        let bytes: Vec<u8> = chunk.iter().flat_map(|it| it.to_le_bytes()).collect();
        hash.update(&bytes);
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
