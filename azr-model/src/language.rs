//! The text side of a model: tokenizer, chat template, stop tokens and the sampling its makers advise.
//!
//! A [`Language`] knows no weights, so it can be shared by whoever turns text into tokens while the weights are trained.

use crate::chat_template::{
    ChatTemplate, ChatTemplateError, Conversation, Ending, Message, TemplateSources,
};
use crate::tokenizer::{SpecialTokens, TextTokenizer, TokenizerError};
use std::sync::Arc;

/// What a [`Language`] is made of, before it is known to fit a model.
#[derive(Debug, Clone)]
pub struct LanguageParts {
    /// Text to tokens and back.
    pub tokenizer: TextTokenizer,
    /// The Jinja sources of the chat templates.
    pub chat_template: Option<TemplateSources>,
    /// Tokens that end a response, in any order.
    pub stop_tokens: Vec<u32>,
    /// Sampling settings that come with the model.
    pub defaults: SamplingDefaults,
}

/// Sampling settings of a `generation_config.json`. Absent ones were not given.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SamplingDefaults {
    /// Softmax temperature.
    pub temperature: Option<f32>,
    /// Share of probability kept by nucleus sampling.
    pub top_p: Option<f32>,
    /// Number of tokens kept; 0 keeps all.
    pub top_k: Option<usize>,
    /// Share of the largest probability below which tokens are dropped.
    pub min_p: Option<f32>,
}

/// Why text and model do not come together.
#[derive(Debug, thiserror::Error)]
pub enum LanguageError {
    /// The tokenizer makes ids that the model has no embedding for.
    #[error(
        "the tokenizer has ids up to {largest} and the model only {vocab_size} embedding rows; use the tokenizer the model was trained with"
    )]
    VocabularyTooLarge {
        /// The largest id.
        largest: usize,
        /// Rows of the embedding.
        vocab_size: usize,
    },
    /// A stop token is no token.
    #[error(
        "the stop token {token} is not below the vocabulary size {vocab_size}; correct eos_token_id"
    )]
    StopTokenOutOfRange {
        /// Its id.
        token: u32,
        /// Rows of the embedding.
        vocab_size: usize,
    },
    /// There is no chat template.
    #[error(
        "the model has no chat template; give it plain text instead of a conversation, or choose an instruction-tuned model"
    )]
    NoChatTemplate,
    /// The chat template failed.
    #[error(transparent)]
    ChatTemplate(#[from] ChatTemplateError),
    /// The tokenizer failed.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

/// The text side of one model.
#[derive(Debug, Clone)]
pub struct Language {
    tokenizer: TextTokenizer,
    chat_template: Option<ChatTemplate>,
    stop_tokens: Arc<[u32]>,
    defaults: SamplingDefaults,
}

impl Language {
    /// Checks that `parts` fit a model of `vocab_size` embedding rows, and reads the chat templates, of which one that is not
    /// valid is an error where a conversation is rendered.
    ///
    /// # Errors
    /// Ids beyond the embedding.
    pub fn new(parts: LanguageParts, vocab_size: usize) -> Result<Self, LanguageError> {
        let mut stop_tokens = parts.stop_tokens;
        stop_tokens.sort_unstable();
        stop_tokens.dedup();
        let special = parts.tokenizer.special().clone();
        let chat_template = parts
            .chat_template
            .map(|sources| ChatTemplate::new(sources, special));
        let language = Self {
            tokenizer: parts.tokenizer,
            chat_template,
            stop_tokens: stop_tokens.into(),
            defaults: parts.defaults,
        };
        language.check_fits(vocab_size)?;
        Ok(language)
    }

    /// Refuses a model of `vocab_size` embedding rows that lacks some of the ids of this language.
    ///
    /// # Errors
    /// [`LanguageError::VocabularyTooLarge`], [`LanguageError::StopTokenOutOfRange`].
    pub fn check_fits(&self, vocab_size: usize) -> Result<(), LanguageError> {
        let ids_end = self.tokenizer.ids_end();
        if vocab_size < ids_end {
            return Err(LanguageError::VocabularyTooLarge {
                largest: ids_end - 1,
                vocab_size,
            });
        }
        match self
            .stop_tokens
            .iter()
            .find(|&&token| vocab_size <= token as usize)
        {
            Some(&token) => Err(LanguageError::StopTokenOutOfRange { token, vocab_size }),
            None => Ok(()),
        }
    }

    /// Text to tokens and back.
    pub fn tokenizer(&self) -> &TextTokenizer {
        &self.tokenizer
    }

    /// How conversations are written, if the model was trained on them.
    pub fn chat_template(&self) -> Option<&ChatTemplate> {
        self.chat_template.as_ref()
    }

    /// Tokens that end a response, ascending.
    pub fn stop_tokens(&self) -> &Arc<[u32]> {
        &self.stop_tokens
    }

    /// Sampling settings that came with the model.
    pub fn defaults(&self) -> SamplingDefaults {
        self.defaults
    }

    /// The tokens of a text that the model is to continue, with the first token it expects if there is one.
    ///
    /// # Errors
    /// [`LanguageError::Tokenizer`].
    pub fn encode_completion(&self, text: &str) -> Result<Vec<u32>, LanguageError> {
        Ok(self.tokenizer.encode_with_markers(text)?)
    }

    /// The tokens of one question to a chat model, up to where its answer begins. The answer is made to begin with
    /// `prefill`, which is empty to leave the model free.
    ///
    /// # Errors
    /// As [`Self::encode_conversation`].
    pub fn encode_chat(&self, user: &str, prefill: &str) -> Result<Vec<u32>, LanguageError> {
        self.encode_conversation(&vec![Message::user(user)].into(), prefill)
    }

    /// The tokens of a conversation, up to where the model's next turn begins, and of `prefill` as its first words.
    /// The template writes special tokens itself, so none are added.
    ///
    /// # Errors
    /// [`LanguageError::NoChatTemplate`]; a template that refuses the conversation; [`LanguageError::Tokenizer`].
    pub fn encode_conversation(
        &self,
        conversation: &Conversation,
        prefill: &str,
    ) -> Result<Vec<u32>, LanguageError> {
        let text = self.render(conversation, Ending::AssistantTurn)? + prefill;
        Ok(self.tokenizer.encode(&text)?)
    }

    /// The text of a conversation.
    ///
    /// # Errors
    /// [`LanguageError::NoChatTemplate`]; a template that refuses the conversation.
    pub fn render(
        &self,
        conversation: &Conversation,
        ending: Ending,
    ) -> Result<String, LanguageError> {
        let template = self
            .chat_template
            .as_ref()
            .ok_or(LanguageError::NoChatTemplate)?;
        Ok(template.render(conversation, ending)?)
    }

    /// The text of tokens.
    ///
    /// # Errors
    /// [`LanguageError::Tokenizer`].
    pub fn decode(&self, tokens: &[u32], special: SpecialTokens) -> Result<String, LanguageError> {
        Ok(self.tokenizer.decode(tokens, special)?)
    }
}
