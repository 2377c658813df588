//! Turns a conversation into the text a model was trained on, by the model's own Jinja template.
//!
//! The text is the one that Hugging Face `apply_chat_template` makes, or there is none and an error names what the
//! template asks for: models were not trained on anything else. This module never reads the clock: the date that a
//! template may print is a value that the caller sets, so that a prompt is the same on every day.

mod date;
mod message;
mod sources;

use crate::jinja::Template;
use crate::jinja::fault::Fault;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use crate::jinja::data::Data;
pub use crate::jinja::fault::{
    Construct, Exception, Fault as TemplateProblem, Limit, Problem, TemplateFault,
};
pub use date::CivilTime;
pub use message::Message;
pub use sources::TemplateSources;

/// What is put before a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conversation {
    /// Its turns.
    pub messages: Vec<Message>,
    /// Schemas of the functions that the model may call.
    pub tools: Option<Vec<Data>>,
    /// Texts that the model may look things up in.
    pub documents: Option<Vec<Data>>,
}

impl From<Vec<Message>> for Conversation {
    fn from(messages: Vec<Message>) -> Self {
        Self {
            messages,
            ..Self::default()
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
    /// The template is not valid, or uses something that is not supported.
    #[error("the chat template cannot be read; give the model plain text, or correct the template")]
    Parse(#[source] TemplateFault),
    /// The template called `raise_exception`.
    #[error(
        "the chat template refused this conversation (roles: {roles:?}): {words}; a template may refuse system messages or turns that do not alternate"
    )]
    Refused {
        /// The roles of the conversation, in order.
        roles: Vec<String>,
        /// What the template said.
        words: Problem,
    },
    /// The template failed while it ran.
    #[error("the chat template failed on this conversation (roles: {roles:?})")]
    Render {
        /// The roles of the conversation, in order.
        roles: Vec<String>,
        /// What failed, and where.
        #[source]
        source: TemplateFault,
    },
    /// There are templates with names, and none for this conversation.
    #[error(
        "this model has multiple chat templates with no default specified (there are {names:?}); name one of them \"default\""
    )]
    NoDefault {
        /// Their names.
        names: Vec<String>,
    },
    /// There is nothing to render.
    #[error("the conversation is empty; it needs at least one message")]
    NoMessages,
    /// A tool or a document is of a form that no template expects.
    #[error("{kind} {index} is no object; tools and documents are lists of objects")]
    NoObject {
        /// `tool` or `document`.
        kind: &'static str,
        /// Which one, from 0.
        index: usize,
    },
}

/// A model's chat templates, read once.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    sources: TemplateSources,
    templates: Arc<BTreeMap<String, Result<Template, TemplateFault>>>,
    special_tokens: BTreeMap<String, String>,
    date: CivilTime,
}

impl ChatTemplate {
    /// Reads the templates in `sources`. `special_tokens` are the variables such as `bos_token` that a template may print.
    /// A template that is not valid is an error where it is used.
    pub fn new(
        sources: impl Into<TemplateSources>,
        special_tokens: BTreeMap<String, String>,
    ) -> Self {
        let sources = sources.into();
        let read = |(name, source): (&str, &str)| (name.to_owned(), Template::new(source));
        let default = sources.default().map(|it| (sources::DEFAULT, it));
        let templates = default.into_iter().chain(sources.additional()).map(read);
        Self {
            templates: Arc::new(templates.collect()),
            sources,
            special_tokens,
            date: CivilTime::UNLESS_SET,
        }
    }

    /// The same templates with the date that `strftime_now` prints. Unless set, it is [`CivilTime::UNLESS_SET`].
    #[must_use]
    pub fn with_date(mut self, date: CivilTime) -> Self {
        self.date = date;
        self
    }

    /// The templates as they were written.
    pub fn sources(&self) -> &TemplateSources {
        &self.sources
    }

    /// The text of a conversation, up to `ending`.
    ///
    /// # Errors
    /// A template that is not valid, is not there, refuses the conversation or fails; a conversation that is none.
    pub fn render(
        &self,
        conversation: &Conversation,
        ending: Ending,
    ) -> Result<String, ChatTemplateError> {
        if conversation.messages.is_empty() {
            return Err(ChatTemplateError::NoMessages);
        }
        let messages = conversation.messages.iter().map(Message::normalized);
        let special = self.special_tokens.iter();
        let special = special.map(|(name, token)| (&**name, Data::Text(token.clone())));
        let variables: Vec<(&str, Data)> = [
            ("messages", Data::List(messages.collect())),
            ("tools", objects("tool", conversation.tools.as_deref())?),
            (
                "documents",
                objects("document", conversation.documents.as_deref())?,
            ),
            (
                "add_generation_prompt",
                Data::Bool(ending == Ending::AssistantTurn),
            ),
        ]
        .into_iter()
        .chain(special)
        .collect();
        let rendered = self.template(conversation)?.render(&variables, self.date);
        rendered.map_err(|fault| {
            let roles = conversation.messages.iter();
            let roles = roles.map(|it| it.role().to_owned()).collect();
            match fault.fault {
                Fault::Refused(words) => ChatTemplateError::Refused { roles, words },
                _ => ChatTemplateError::Render {
                    roles,
                    source: fault,
                },
            }
        })
    }

    fn template(&self, conversation: &Conversation) -> Result<&Template, ChatTemplateError> {
        let tool_use = self.templates.get(sources::TOOL_USE);
        let tool_use = tool_use.filter(|_| conversation.tools.is_some());
        match tool_use.or_else(|| self.templates.get(sources::DEFAULT)) {
            Some(Ok(template)) => Ok(template),
            Some(Err(fault)) => Err(ChatTemplateError::Parse(fault.clone())),
            None => Err(ChatTemplateError::NoDefault {
                names: self.templates.keys().cloned().collect(),
            }),
        }
    }
}

fn objects(kind: &'static str, values: Option<&[Data]>) -> Result<Data, ChatTemplateError> {
    let Some(values) = values else {
        return Ok(Data::Null);
    };
    let is_none = |it: &Data| !matches!(it, Data::Object(_));
    match values.iter().position(is_none) {
        Some(index) => Err(ChatTemplateError::NoObject { kind, index }),
        None => Ok(Data::List(values.to_vec())),
    }
}

#[cfg(test)]
mod tests;
