//! Turns a conversation into the text a model was trained on, by the model's own Jinja template.
//!
//! Templates are written for Python's Jinja2 as Hugging Face `apply_chat_template` sets it up: blocks are trimmed,
//! Python's string and dictionary methods exist, `tojson` writes JSON as Python does, and `raise_exception` and
//! `strftime_now` are functions. This module gives MiniJinja the same manners. It never reads the clock: the date that a
//! template may print is a value that the caller sets, so that a prompt is the same on every day.

mod date;
mod python_json;

use minijinja::{Environment, Error as JinjaError, ErrorKind, Value, context};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use date::CivilTime;

const NAME: &str = "chat_template";
/// Work a template may do before it is stopped, in MiniJinja instructions; real templates need a few thousand.
const RENDER_FUEL_MAX: u64 = 5_000_000;

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks, in the words of chat templates: `system`, `user`, `assistant`, `tool`.
    pub role: String,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A turn of the person or program that asks.
    pub fn user(content: impl Into<String>) -> Self {
        Self {
            role: "user".to_owned(),
            content: content.into(),
        }
    }

    /// The instructions before the first turn.
    pub fn system(content: impl Into<String>) -> Self {
        Self {
            role: "system".to_owned(),
            content: content.into(),
        }
    }

    /// A turn of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self {
            role: "assistant".to_owned(),
            content: content.into(),
        }
    }
}

/// Where the rendered text stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// After the last message (`add_generation_prompt=False`).
    LastMessage,
    /// After the words that open the model's turn (`add_generation_prompt=True`).
    AssistantTurn,
}

/// Why a chat template could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ChatTemplateError {
    /// The template is not valid Jinja, or uses something MiniJinja lacks.
    #[error(
        "the chat template does not parse; correct it, or remove it to use the model with plain text"
    )]
    Parse(#[source] Box<JinjaError>),
    /// The template refused the conversation or failed while it ran.
    #[error(
        "the chat template failed on this conversation (roles: {roles:?}); a template may refuse system messages or turns that do not alternate"
    )]
    Render {
        /// The roles of the conversation, in order.
        roles: Vec<String>,
        /// What the template said.
        #[source]
        source: Box<JinjaError>,
    },
}

/// A model's chat template, compiled once.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    source: String,
    environment: Environment<'static>,
    special_tokens: BTreeMap<String, String>,
}

impl ChatTemplate {
    /// Compiles `source`. `special_tokens` are the variables such as `bos_token` that the template may print.
    ///
    /// # Errors
    /// [`ChatTemplateError::Parse`] if the template is not valid.
    pub fn new(
        source: impl Into<String>,
        special_tokens: BTreeMap<String, String>,
    ) -> Result<Self, ChatTemplateError> {
        let source = source.into();
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_fuel(Some(RENDER_FUEL_MAX));
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_filter("tojson", python_json::tojson);
        environment.add_function("raise_exception", raise_exception);
        environment
            .add_template_owned(NAME, without_generation_tags(&source))
            .map_err(|error| ChatTemplateError::Parse(Box::new(error)))?;
        Ok(Self {
            source,
            environment,
            special_tokens,
        }
        .with_date(CivilTime::UNLESS_SET))
    }

    /// The same template with the date that `strftime_now` prints. Unless set, it is [`CivilTime::UNLESS_SET`].
    #[must_use]
    pub fn with_date(mut self, date: CivilTime) -> Self {
        self.environment
            .add_function("strftime_now", move |format: &str| date.format(format));
        self
    }

    /// The template as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text of `messages`, up to `ending`.
    ///
    /// # Errors
    /// [`ChatTemplateError::Render`] if the template refuses the conversation or fails.
    pub fn render(
        &self,
        messages: &[Message],
        ending: Ending,
    ) -> Result<String, ChatTemplateError> {
        let failed = |source: JinjaError| ChatTemplateError::Render {
            roles: messages
                .iter()
                .map(|message| message.role.clone())
                .collect(),
            source: Box::new(source),
        };
        let template = self.environment.get_template(NAME).map_err(failed)?;
        let variables = context! {
            messages => messages,
            tools => Value::from(()),
            documents => Value::from(()),
            add_generation_prompt => ending == Ending::AssistantTurn,
            ..Value::from_serialize(&self.special_tokens)
        };
        template.render(variables).map_err(failed)
    }
}

/// `raise_exception("why")`: how a template refuses a conversation.
fn raise_exception(message: String) -> Result<Value, JinjaError> {
    Err(JinjaError::new(ErrorKind::InvalidOperation, message))
}

/// Hugging Face's `{% generation %}` marks the model's words for training masks and prints nothing of its own, so a
/// condition that always holds says the same.
fn without_generation_tags(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        let Some(length) = rest[start..].find("%}") else {
            break;
        };
        let tag = &rest[start + 2..start + length];
        let word = tag.trim_matches(|c: char| c == '-' || c == '+' || c.is_whitespace());
        text.push_str(&rest[..start + 2]);
        match word {
            "generation" => text.push_str(&tag.replace(word, "if true")),
            "endgeneration" => text.push_str(&tag.replace(word, "endif")),
            _ => text.push_str(tag),
        }
        rest = &rest[start + length..];
    }
    text + rest
}

#[cfg(test)]
mod tests;
