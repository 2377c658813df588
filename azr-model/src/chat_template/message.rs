//! One turn of a conversation, with everything that was said about it.

use crate::jinja::data::{Data, insert};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The names under which the reasoning of a model is handed over. The first is the one that templates read.
const REASONING: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// One turn of a conversation: `role`, `content` and any other key, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    fields: Vec<(String, Data)>,
}

impl Message {
    fn new(role: &str, content: String) -> Self {
        Self {
            fields: vec![
                ("role".to_owned(), role.into()),
                ("content".to_owned(), Data::Text(content)),
            ],
        }
    }

    /// A turn of the person or program that asks.
    pub fn user(content: impl Into<String>) -> Self {
        Self::new("user", content.into())
    }

    /// The instructions before the first turn.
    pub fn system(content: impl Into<String>) -> Self {
        Self::new("system", content.into())
    }

    /// A turn of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new("assistant", content.into())
    }

    /// The same turn with `value` under `key`.
    #[must_use]
    pub fn with(mut self, key: &str, value: Data) -> Self {
        insert(&mut self.fields, key.to_owned(), value);
        self
    }

    /// Who speaks, in the words of chat templates: `system`, `user`, `assistant`, `tool`.
    pub fn role(&self) -> &str {
        self.get("role").and_then(Data::as_text).unwrap_or("")
    }

    fn get(&self, key: &str) -> Option<&Data> {
        self.fields
            .iter()
            .find(|(it, _)| it == key)
            .map(|(_, value)| value)
    }

    /// What templates are given: as transformers does, without keys that are null, and with the reasoning under the
    /// names that templates look for.
    pub(super) fn normalized(&self) -> Data {
        let fields = self.fields.iter().filter(|(_, value)| *value != Data::Null);
        let mut fields: Vec<(String, Data)> = fields.cloned().collect();
        let of = |key: &&str| self.get(key).filter(|it| **it != Data::Null).cloned();
        if let Some(reasoning) = REASONING.iter().find_map(of) {
            let thinking = fields.iter().position(|(key, _)| key == "thinking");
            let thinking = match thinking {
                Some(at) => fields.remove(at),
                None => ("thinking".to_owned(), reasoning.clone()),
            };
            fields.insert(0, thinking);
            insert(&mut fields, "reasoning_content".to_owned(), reasoning);
        }
        Data::Object(fields)
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Data::Object(fields) = Data::deserialize(deserializer)? else {
            return Err(D::Error::custom("a message is an object"));
        };
        let message = Self { fields };
        match message.get("role") {
            Some(Data::Text(_)) => Ok(message),
            _ => Err(D::Error::custom("a message has a role, which is a string")),
        }
    }
}
