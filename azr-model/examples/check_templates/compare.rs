//! Compares what chat templates render with what transformers renders.

use azr_model::chat_template::{ChatTemplate, Conversation, Data, Ending, Message};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error;

/// Templates, conversations, and what transformers made of them.
#[derive(Deserialize)]
pub struct Golden {
    /// Jinja sources.
    pub templates: Vec<String>,
    /// Names and SHA-256 of real templates.
    #[serde(default)]
    pub names: Vec<(String, String)>,
    contexts: Vec<Context>,
    /// Template, context, the text, or the exception that Python raised.
    cases: Vec<(usize, usize, Option<String>, Option<String>)>,
}

#[derive(Deserialize)]
struct Context {
    messages: Vec<Message>,
    tools: Option<Vec<Data>>,
    documents: Option<Vec<Data>>,
    special: BTreeMap<String, String>,
    add_generation_prompt: bool,
}

/// What came of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The same text.
    Equal,
    /// No text from both.
    BothRefuse,
    /// A text from transformers only.
    Refused,
    /// Another text than from transformers, or a text where it raises.
    Different,
}

/// One case and what came of it.
pub struct Compared {
    /// Index of the template.
    pub template: usize,
    /// Index of the conversation.
    pub context: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// The text or the words of the refusal.
    pub found: Result<String, String>,
    /// The text or the exception.
    pub expected: Result<String, String>,
}

impl Golden {
    /// Renders every case.
    pub fn compare(&self) -> impl Iterator<Item = Compared> {
        self.cases
            .iter()
            .map(|(template, context, text, exception)| {
                let found = rendered(&self.templates[*template], &self.contexts[*context]);
                let expected = text.clone().ok_or(exception.clone().unwrap_or_default());
                let outcome = match (&found, &expected) {
                    (Ok(found), Ok(expected)) if found == expected => Outcome::Equal,
                    (Err(_), Err(_)) => Outcome::BothRefuse,
                    (Err(_), Ok(_)) => Outcome::Refused,
                    (Ok(_), _) => Outcome::Different,
                };
                Compared {
                    template: *template,
                    context: *context,
                    outcome,
                    found,
                    expected,
                }
            })
    }
}

fn rendered(source: &str, context: &Context) -> Result<String, String> {
    let conversation = Conversation {
        messages: context.messages.clone(),
        tools: context.tools.clone(),
        documents: context.documents.clone(),
    };
    let ending = match context.add_generation_prompt {
        true => Ending::AssistantTurn,
        false => Ending::LastMessage,
    };
    ChatTemplate::new(source, context.special.clone())
        .render(&conversation, ending)
        .map_err(|error| match error.source() {
            Some(source) => source.to_string(),
            None => error.to_string(),
        })
}
