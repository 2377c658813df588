//! From a prompt to the tokens that a model reads.

use azr_model::language::{Language, LanguageError};
use azr_tasks::Prompt;

/// The tokens of a prompt, up to where the response begins: the user's turn of a conversation and the head of the answer
/// for a model with a chat template, one text for a model without.
///
/// # Errors
/// The chat template or the tokenizer refuses the text.
pub fn encode_prompt(language: &Language, prompt: &Prompt) -> Result<Vec<u32>, LanguageError> {
    match language.chat_template() {
        Some(_) => language.encode_chat(&prompt.user, &prompt.prefill),
        None => language.encode_completion(&format!("{}{}", prompt.user, prompt.prefill)),
    }
}
