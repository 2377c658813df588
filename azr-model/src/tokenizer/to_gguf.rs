//! A tokenizer as the metadata of a GGUF file: the other direction of [`from_gguf`](super::from_gguf).
//!
//! Only what a reader of the file rebuilds exactly is written: byte-level BPE whose rule for words has a name there.

use super::from_gguf::{CONTROL, GgufVocabulary, LLAMA3_WORDS, QWEN2_WORDS, UNUSED, USER_DEFINED};
use super::{SPECIAL_ROLES, TextTokenizer, TokenizerError};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const NORMAL: i64 = 1;

/// Why a tokenizer has no form in a GGUF file.
#[derive(Debug, thiserror::Error)]
pub enum ToGgufError {
    /// Not byte-level BPE.
    #[error(
        "the tokenizer is not byte-level BPE, the one kind that azr writes to GGUF files; export a Hugging Face directory instead"
    )]
    Kind,
    /// The rule for words has no name.
    #[error(
        "GGUF files have no name for how the tokenizer cuts text into words; export a Hugging Face directory instead"
    )]
    Words,
    /// The tokenizer cannot be written as JSON, from which its parts are taken.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Its JSON lacks a part.
    #[error("the tokenizer's JSON lacks a part; fetch tokenizer.json again")]
    Parts(#[source] serde_json::Error),
}

/// The parts of a `tokenizer.json` that matter here.
#[derive(Deserialize)]
struct Parts {
    added_tokens: Vec<Added>,
    normalizer: Value,
    pre_tokenizer: Value,
    model: Model,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    special: bool,
}

#[derive(Deserialize)]
struct Model {
    vocab: BTreeMap<String, u32>,
    merges: Vec<Merge>,
    #[serde(default)]
    ignore_merges: bool,
}

/// Newer files write a pair, older ones a line.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Pair(String, String),
    Line(String),
}

/// The metadata of `tokenizer` for a model of `rows` embedding rows; those that are no token pad the list.
///
/// # Errors
/// [`ToGgufError`], which says what to export instead.
pub fn vocabulary(tokenizer: &TextTokenizer, rows: usize) -> Result<GgufVocabulary, ToGgufError> {
    // A vocabulary may be an object or, of other kinds of models, a list: the kind is looked at first.
    let json: Value = serde_json::from_str(&tokenizer.to_json()?).map_err(ToGgufError::Parts)?;
    if !tokenizer.is_byte_level() || json["model"]["type"] != "BPE" {
        return Err(ToGgufError::Kind);
    }
    let parts: Parts = serde_json::from_value(json).map_err(ToGgufError::Parts)?;
    let pre = words(&parts).ok_or(ToGgufError::Words)?.to_owned();
    let mut tokens: Vec<String> = (0..rows).map(|id| format!("[PAD{id}]")).collect();
    let mut kinds = vec![UNUSED; rows];
    let known = parts
        .model
        .vocab
        .into_iter()
        .map(|(token, id)| (id, token, NORMAL));
    let added = parts.added_tokens.into_iter().map(|it| {
        let kind = if it.special { CONTROL } else { USER_DEFINED };
        (it.id, it.content, kind)
    });
    for (id, token, kind) in known.chain(added) {
        // A tokenizer whose ids reach beyond the embedding makes no language, so there is a place for each.
        if let (Some(place), Some(its)) = (tokens.get_mut(id as usize), kinds.get_mut(id as usize))
        {
            (*place, *its) = (token, kind);
        }
    }
    let line = |merge| match merge {
        Merge::Pair(left, right) => format!("{left} {right}"),
        Merge::Line(line) => line,
    };
    let frame = tokenizer.encode_with_markers("")?;
    let is =
        |role: &str, id: Option<&u32>| id.is_some() && tokenizer.special_id(role).as_ref() == id;
    let (begins, ends) = (
        is("bos_token", frame.first()),
        is("eos_token", frame.last()),
    );
    Ok(GgufVocabulary {
        model: "gpt2".to_owned(),
        pre,
        tokens,
        kinds,
        merges: parts.model.merges.into_iter().map(line).collect(),
        special: SPECIAL_ROLES
            .iter()
            .filter_map(|role| Some(((*role).to_owned(), tokenizer.special_id(role)?)))
            .collect(),
        add_bos: Some(begins),
        // One token can have both roles, and then it is the first one.
        add_eos: Some(ends && usize::from(begins) < frame.len()),
    })
}

/// One step of cutting a text into words.
#[derive(Debug, PartialEq)]
enum Step<'a> {
    Split(&'a str),
    Digits,
    /// Bytes as letters, after GPT-2's words or of whatever there is.
    Bytes {
        words: bool,
    },
}

/// The name of the rule for words.
fn words(parts: &Parts) -> Option<&'static str> {
    let (merges, ignore_merges) = (&parts.model.merges, parts.model.ignore_merges);
    let steps = steps(&parts.pre_tokenizer)?;
    let by_bytes = matches!(steps[..], [.., Step::Bytes { .. }]) && parts.normalizer.is_null();
    if by_bytes && merges.is_empty() && !ignore_merges {
        // Every word becomes its bytes, so it does not matter where a word ends.
        return Some("gpt-2");
    }
    let normalized = match &parts.normalizer {
        Value::Null => false,
        it if it["type"] == "NFC" => true,
        _ => return None,
    };
    match (&steps[..], normalized, ignore_merges) {
        ([Step::Bytes { words: true }], false, false) => Some("gpt-2"),
        ([Step::Digits, Step::Bytes { words: true }], false, false) => Some("smollm"),
        ([Step::Split(LLAMA3_WORDS), Step::Bytes { words: false }], false, true) => {
            Some("llama-bpe")
        }
        ([Step::Split(QWEN2_WORDS), Step::Bytes { words: false }], true, false) => Some("qwen2"),
        _ => None,
    }
}

fn steps(pre_tokenizer: &Value) -> Option<Vec<Step<'_>>> {
    let all = match pre_tokenizer["pretokenizers"].as_array() {
        Some(all) => all.iter().collect(),
        None => vec![pre_tokenizer],
    };
    all.into_iter().map(step).collect()
}

fn step(json: &Value) -> Option<Step<'_>> {
    match json["type"].as_str()? {
        "Digits" if json["individual_digits"] == true => Some(Step::Digits),
        "ByteLevel" if json["add_prefix_space"] == false => Some(Step::Bytes {
            words: json["use_regex"] != false,
        }),
        "Split" if json["behavior"] == "Isolated" && json["invert"] == false => {
            Some(Step::Split(json["pattern"]["Regex"].as_str()?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
