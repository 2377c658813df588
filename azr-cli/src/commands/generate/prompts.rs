//! Reads prompts: one from the command line, or one a line from a file.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use azr_model::chat_template::{Conversation, Data, Message};
use azr_model::language::Language;
use serde::Deserialize;

use crate::json_object;
use crate::lines::{self, Lines};
use crate::request::WrongRequest;
use crate::visible::visible_line;

/// What a model is to continue.
#[derive(Debug, Clone, PartialEq)]
pub enum Prompt {
    /// Text as it stands.
    Text(String),
    /// A conversation whose next turn is the model's.
    Conversation(Conversation),
    /// Token ids as they stand.
    Tokens(Vec<u32>),
}

/// Size of one line of a file, bytes.
const LINE_BYTES_MAX: usize = 16 << 20;

/// Prompts of one file, at most, and their bytes: all are held at once.
const PROMPTS_MAX: usize = 1 << 18;
const FILE_BYTES_MAX: usize = 1 << 30;

/// A line of a prompts file: exactly one of the first three; tools and documents go with messages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    prompt: Option<String>,
    #[serde(default)]
    messages: Option<Vec<Message>>,
    #[serde(default)]
    tokens: Option<Vec<u32>>,
    #[serde(default)]
    tools: Option<Vec<Data>>,
    #[serde(default)]
    documents: Option<Vec<Data>>,
}

/// How text prompts are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant {
    /// To be continued as they stand.
    AsText,
    /// As a user's message to a chat model.
    AsChat,
}

/// The prompts of a file, in order; a line that is none is `Err` with the reason in words. Blank lines are passed over.
///
/// # Errors
/// A wrong request, when the file cannot be read or has no prompt at all.
pub fn read(path: &Path, meant: Meant) -> anyhow::Result<Vec<Result<Prompt, String>>> {
    let unreadable = || format!("cannot read the prompts in {}", path.display());
    let file = File::open(path).map_err(|error| WrongRequest::because(unreadable(), error))?;
    let mut lines = Lines::new(BufReader::new(file), LINE_BYTES_MAX);
    let (mut prompts, mut bytes) = (Vec::new(), 0);
    while let Some(line) = lines
        .next()
        .map_err(|error| WrongRequest::because(unreadable(), error))?
    {
        let prompt = match line {
            lines::Line::Whole(line) => {
                bytes += line.len();
                parse(lines.number(), &line, meant)
            }
            lines::Line::TooLong => Err(format!(
                "line {}: {}",
                lines.number(),
                lines::too_long(LINE_BYTES_MAX)
            )),
        };
        prompts.push(prompt);
        if PROMPTS_MAX < prompts.len() || FILE_BYTES_MAX < bytes {
            return Err(WrongRequest::new(format!(
                "{} has more than {PROMPTS_MAX} prompts or {} MiB; split it",
                path.display(),
                FILE_BYTES_MAX >> 20
            )));
        }
    }
    if prompts.is_empty() {
        let words = "write a line such as {\"prompt\": \"...\"}";
        return Err(WrongRequest::new(format!(
            "{} has no prompts; {words}",
            path.display()
        )));
    }
    Ok(prompts)
}

/// A text on the command line.
pub fn meant(text: String, meant: Meant) -> Prompt {
    match meant {
        Meant::AsText => Prompt::Text(text),
        Meant::AsChat => Prompt::Conversation(vec![Message::user(text)].into()),
    }
}

impl Prompt {
    /// Its token ids, for a model with this text side, vocabulary and longest context. Reasons are in words.
    pub fn encode(
        &self,
        language: &Language,
        vocabulary: usize,
        context_tokens_max: usize,
    ) -> Result<Vec<u32>, String> {
        let in_words =
            |error: azr_model::language::LanguageError| format!("{:#}", anyhow::Error::new(error));
        let tokens = match self {
            Self::Text(text) => language.encode_completion(text).map_err(in_words)?,
            Self::Conversation(conversation) => language
                .encode_conversation(conversation, "")
                .map_err(in_words)?,
            Self::Tokens(tokens) => tokens.clone(),
        };
        if let Some(token) = tokens.iter().find(|it| vocabulary <= **it as usize) {
            return Err(format!(
                "token {token} is beyond the vocabulary of {vocabulary}"
            ));
        }
        if tokens.is_empty() {
            return Err("it is empty, and this model begins with no token of its own".to_string());
        }
        if context_tokens_max <= tokens.len() {
            return Err(format!(
                "it has {} tokens, and the model takes {context_tokens_max} with its answer",
                tokens.len()
            ));
        }
        Ok(tokens)
    }
}

fn parse(number: usize, line: &[u8], meant: Meant) -> Result<Prompt, String> {
    let shown = String::from_utf8_lossy(&line[..line.len().min(160)]);
    let here = |words: &str| {
        format!(
            "line {number} ({}): {words}",
            visible_line(shown.trim_end(), 40)
        )
    };
    let line: Line =
        json_object::read(line, "a prompt").map_err(|refusal| here(&refusal.detail))?;
    let has_more = line.tools.is_some() || line.documents.is_some();
    if has_more && line.messages.is_none() {
        return Err(here("tools and documents go with messages"));
    }
    match (line.prompt, line.messages, line.tokens) {
        (Some(text), None, None) => Ok(self::meant(text, meant)),
        (None, Some(messages), None) => Ok(Prompt::Conversation(Conversation {
            messages,
            tools: line.tools,
            documents: line.documents,
        })),
        (None, None, Some(tokens)) => Ok(Prompt::Tokens(tokens)),
        _ => Err(here("give exactly one of prompt, messages and tokens")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read_text(text: &str) -> anyhow::Result<Vec<Result<Prompt, String>>> {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("prompts.jsonl");
        fs::write(&path, text).unwrap();
        read(&path, Meant::AsText)
    }

    #[test]
    fn a_prompts_file_may_mix_all_three_forms() {
        let text = "{\"prompt\": \"a\"}\n\n{\"messages\": [{\"role\": \"user\", \"content\": \"b\"}]}\n{\"tokens\": [1, 2]}\n";
        let prompts: Vec<Prompt> = read_text(text)
            .unwrap()
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let expected = [
            Prompt::Text("a".into()),
            Prompt::Conversation(vec![Message::user("b")].into()),
            Prompt::Tokens(vec![1, 2]),
        ];
        assert_eq!(prompts, expected);
    }

    #[test]
    fn a_line_that_is_no_prompt_says_why_and_the_rest_is_read() {
        let text = "{\"prompt\": 3}\n{\"prompt\": \"a\", \"tokens\": []}\nnonsense\n{\"promt\": \"a\"}\n{\"prompt\": \"a\"}\n";
        let prompts = read_text(text).unwrap();
        assert_eq!(prompts.iter().filter(|it| it.is_err()).count(), 4);
        assert!(prompts[1].as_ref().unwrap_err().contains("exactly one"));
        assert!(prompts[3].as_ref().unwrap_err().starts_with("line 4"));
        let words = prompts[0].as_ref().unwrap_err();
        assert!(
            words.contains("prompt: invalid type: the number `3`, expected a string"),
            "{words}"
        );
        assert_eq!(prompts[4], Ok(Prompt::Text("a".into())));
    }

    #[test]
    fn a_file_without_prompts_is_a_wrong_request() {
        assert_eq!(
            crate::request::exit_code(&read_text("\n").unwrap_err()),
            crate::request::WRONG
        );
    }
}
