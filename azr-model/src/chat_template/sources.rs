//! The chat templates that come with a model: one, or several with names.

use std::collections::BTreeMap;

/// The name of the template for conversations without tools.
pub(super) const DEFAULT: &str = "default";
/// The name of the template for conversations with tools.
pub(super) const TOOL_USE: &str = "tool_use";

/// The Jinja sources of the chat templates of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateSources {
    /// One for all conversations.
    One(String),
    /// Several by name.
    Named(BTreeMap<String, String>),
}

impl TemplateSources {
    /// The template for conversations without tools.
    pub fn default(&self) -> Option<&str> {
        match self {
            Self::One(source) => Some(source),
            Self::Named(sources) => sources.get(DEFAULT).map(String::as_str),
        }
    }

    /// The templates beside the default one, with their names.
    pub fn additional(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = match self {
            Self::One(_) => None,
            Self::Named(sources) => Some(sources),
        };
        named
            .into_iter()
            .flatten()
            .filter(|(name, _)| *name != DEFAULT)
            .map(|(name, source)| (name.as_str(), source.as_str()))
    }
}

impl From<String> for TemplateSources {
    fn from(source: String) -> Self {
        Self::One(source)
    }
}

impl From<&str> for TemplateSources {
    fn from(source: &str) -> Self {
        Self::One(source.to_owned())
    }
}
