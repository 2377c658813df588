//! Rebuilds a byte-level BPE tokenizer from the metadata of a GGUF file.
//!
//! A GGUF file keeps the tokens, their kinds and the merges, but names the rule that cuts text into words
//! (`tokenizer.ggml.pre`) only by a word. The rules are those of the `tokenizer.json` files of the model families.

use super::TextTokenizer;
use std::collections::BTreeMap;
use tokenizers::decoders::byte_level::ByteLevel;
use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer};

/// Words of Llama 3: numbers are cut into groups of up to three digits.
pub(super) const LLAMA3_WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Words of Qwen2: the same with single digits.
pub(super) const QWEN2_WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// What a GGUF file says of its tokenizer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GgufVocabulary {
    /// `tokenizer.ggml.model`: `gpt2` is byte-level BPE.
    pub model: String,
    /// `tokenizer.ggml.pre`: how text is cut into words before merging.
    pub pre: String,
    /// `tokenizer.ggml.tokens`, by id.
    pub tokens: Vec<String>,
    /// `tokenizer.ggml.token_type`, by id.
    pub kinds: Vec<i64>,
    /// `tokenizer.ggml.merges`: pairs separated by a space, best first.
    pub merges: Vec<String>,
    /// Ids by role: `bos_token`, `eos_token`, `unk_token`, `pad_token`.
    pub special: BTreeMap<String, u32>,
    /// `tokenizer.ggml.add_bos_token`.
    pub add_bos: Option<bool>,
    /// `tokenizer.ggml.add_eos_token`.
    pub add_eos: Option<bool>,
}

/// Why the metadata of a GGUF file makes no tokenizer.
#[derive(Debug, thiserror::Error)]
pub enum GgufVocabularyError {
    /// Not byte-level BPE.
    #[error(
        "tokenizer.ggml.model is {model:?}, and only \"gpt2\" (byte-level BPE) can be rebuilt from GGUF; load the model's Hugging Face directory instead"
    )]
    UnsupportedModel {
        /// The kind of tokenizer.
        model: String,
    },
    /// The rule for words is not known.
    #[error(
        "tokenizer.ggml.pre is {pre:?}, which is not one of default, gpt-2, smollm, starcoder, refact, qwen2, deepseek-r1-qwen, llama-bpe, llama3, llama-v3; load the model's Hugging Face directory instead"
    )]
    UnsupportedWords {
        /// The name of the rule.
        pre: String,
    },
    /// Token kinds and tokens differ in number.
    #[error(
        "tokenizer.ggml.token_type has {kinds} entries for {tokens} tokens; convert the model to GGUF again"
    )]
    KindsMismatch {
        /// Number of kinds.
        kinds: usize,
        /// Number of tokens.
        tokens: usize,
    },
    /// Two ids share a spelling.
    #[error("token {token:?} has two ids, {first} and {second}; convert the model to GGUF again")]
    DuplicateToken {
        /// The spelling.
        token: String,
        /// The id met first.
        first: u32,
        /// The id met second.
        second: u32,
    },
    /// A merge is not two tokens with a space between.
    #[error(
        "merge {index} is {merge:?}, not two tokens with a space between; convert the model to GGUF again"
    )]
    BadMerge {
        /// Its place in the list.
        index: usize,
        /// Its text.
        merge: String,
    },
    /// A special token's id is not in the vocabulary.
    #[error(
        "the {role} is {id}, but the vocabulary has {tokens} tokens; convert the model to GGUF again"
    )]
    SpecialOutOfRange {
        /// Its role.
        role: String,
        /// Its id.
        id: u32,
        /// Size of the vocabulary.
        tokens: usize,
    },
    /// The tokenizer library refused the parts.
    #[error(
        "the vocabulary and merges of the file make no tokenizer; convert the model to GGUF again"
    )]
    Build(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// How the words of a text are found, and what goes with that rule.
enum Words {
    /// GPT-2's expression, which is part of the byte-level step.
    Gpt2,
    /// The same after every digit has been set apart.
    SingleDigits,
    /// Llama 3's expression; a word that is a token needs no merges.
    Llama3,
    /// Qwen2's expression, on text in normal form C.
    Qwen2,
}

/// `tokenizer.ggml.token_type`.
pub(super) const CONTROL: i64 = 3;
pub(super) const USER_DEFINED: i64 = 4;
pub(super) const UNUSED: i64 = 5;

/// Builds the tokenizer.
///
/// # Errors
/// [`GgufVocabularyError`] for kinds of tokenizers that are not supported and for metadata that contradicts itself.
pub fn build(vocabulary: &GgufVocabulary) -> Result<TextTokenizer, GgufVocabularyError> {
    if vocabulary.model != "gpt2" {
        return Err(GgufVocabularyError::UnsupportedModel {
            model: vocabulary.model.clone(),
        });
    }
    let words = Words::named(&vocabulary.pre)?;
    let tokens = vocabulary.tokens.len();
    if !vocabulary.kinds.is_empty() && vocabulary.kinds.len() != tokens {
        return Err(GgufVocabularyError::KindsMismatch {
            kinds: vocabulary.kinds.len(),
            tokens,
        });
    }
    let special = special_names(vocabulary)?;
    let model = BPE::builder()
        .vocab_and_merges(ids(vocabulary)?, merges(&vocabulary.merges)?)
        .ignore_merges(matches!(words, Words::Llama3))
        .build()
        .map_err(GgufVocabularyError::Build)?;
    let mut tokenizer = Tokenizer::new(model);
    if matches!(words, Words::Qwen2) {
        tokenizer
            .with_normalizer(Some(NFC))
            .map_err(GgufVocabularyError::Build)?;
    }
    let add_bos = vocabulary.add_bos.unwrap_or(matches!(words, Words::Llama3));
    tokenizer.with_pre_tokenizer(Some(words.splitter().map_err(GgufVocabularyError::Build)?));
    tokenizer.with_decoder(Some(ByteLevel::default()));
    if let Some(frame) = frame(vocabulary, &special, add_bos).map_err(GgufVocabularyError::Build)? {
        tokenizer.with_post_processor(Some(frame));
    }
    tokenizer
        .add_tokens(added_tokens(vocabulary))
        .map_err(GgufVocabularyError::Build)?;
    TextTokenizer::new(tokenizer, special).map_err(GgufVocabularyError::Build)
}

impl Words {
    fn named(pre: &str) -> Result<Self, GgufVocabularyError> {
        match pre {
            "" | "default" | "gpt-2" => Ok(Self::Gpt2),
            "smollm" | "starcoder" | "refact" => Ok(Self::SingleDigits),
            "llama-bpe" | "llama3" | "llama-v3" => Ok(Self::Llama3),
            "qwen2" | "deepseek-r1-qwen" => Ok(Self::Qwen2),
            _ => Err(GgufVocabularyError::UnsupportedWords {
                pre: pre.to_owned(),
            }),
        }
    }

    fn splitter(&self) -> Result<Sequence, tokenizers::Error> {
        let byte_level = ByteLevel::default().add_prefix_space(false);
        let by = |expression: &str| {
            let pattern = SplitPattern::Regex(expression.to_owned());
            Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
                .map(PreTokenizerWrapper::from)
        };
        let digits = || PreTokenizerWrapper::from(Digits::new(true));
        Ok(Sequence::new(match self {
            Self::Gpt2 => vec![byte_level.use_regex(true).into()],
            Self::SingleDigits => vec![digits(), byte_level.use_regex(true).into()],
            Self::Llama3 => vec![by(LLAMA3_WORDS)?, byte_level.use_regex(false).into()],
            Self::Qwen2 => vec![by(QWEN2_WORDS)?, byte_level.use_regex(false).into()],
        }))
    }
}

/// Ids by spelling. Rows that only pad the embedding matrix are no tokens.
fn ids(vocabulary: &GgufVocabulary) -> Result<Vocab, GgufVocabularyError> {
    let mut ids = Vocab::default();
    for (id, token) in (0u32..).zip(&vocabulary.tokens) {
        if vocabulary.kinds.get(id as usize) == Some(&UNUSED) {
            continue;
        }
        if let Some(first) = ids.insert(token.clone(), id) {
            return Err(GgufVocabularyError::DuplicateToken {
                token: token.clone(),
                first,
                second: id,
            });
        }
    }
    Ok(ids)
}

fn merges(lines: &[String]) -> Result<Merges, GgufVocabularyError> {
    let bad = |index: usize| GgufVocabularyError::BadMerge {
        index,
        merge: lines[index].clone(),
    };
    let pair = |(index, line): (usize, &String)| {
        let (left, right) = line.split_once(' ').ok_or_else(|| bad(index))?;
        if left.is_empty() || right.is_empty() || right.contains(' ') {
            return Err(bad(index));
        }
        Ok((left.to_owned(), right.to_owned()))
    };
    lines.iter().enumerate().map(pair).collect()
}

fn special_names(
    vocabulary: &GgufVocabulary,
) -> Result<BTreeMap<String, String>, GgufVocabularyError> {
    let tokens = vocabulary.tokens.len();
    let name = |(role, &id): (&String, &u32)| match vocabulary.tokens.get(id as usize) {
        Some(token) => Ok((role.clone(), token.clone())),
        None => Err(GgufVocabularyError::SpecialOutOfRange {
            role: role.clone(),
            id,
            tokens,
        }),
    };
    vocabulary.special.iter().map(name).collect()
}

/// Tokens that are found in text before it is cut into words.
fn added_tokens(vocabulary: &GgufVocabulary) -> Vec<AddedToken> {
    let whole = |(token, &kind): (&String, &i64)| match kind {
        CONTROL => Some(AddedToken::from(token.clone(), true).normalized(false)),
        USER_DEFINED => Some(AddedToken::from(token.clone(), false).normalized(false)),
        _ => None,
    };
    vocabulary
        .tokens
        .iter()
        .zip(&vocabulary.kinds)
        .filter_map(whole)
        .collect()
}

/// The step that puts a first and a last token around a text, where the file asks for them.
fn frame(
    vocabulary: &GgufVocabulary,
    special: &BTreeMap<String, String>,
    add_bos: bool,
) -> Result<Option<TemplateProcessing>, tokenizers::Error> {
    let wanted = [
        ("bos_token", add_bos),
        ("eos_token", vocabulary.add_eos.unwrap_or(false)),
    ];
    let framing = |role: &str| {
        let asked = wanted.iter().any(|(name, add)| *name == role && *add);
        let (token, id) = (special.get(role)?, vocabulary.special.get(role)?);
        asked.then(|| (token.clone(), *id))
    };
    let (first, last) = (framing("bos_token"), framing("eos_token"));
    if first.is_none() && last.is_none() {
        return Ok(None);
    }
    let pieces = |(token, _): &(String, u32)| token.clone();
    let template: Vec<String> = first
        .iter()
        .map(pieces)
        .chain(["$A".to_owned()])
        .chain(last.iter().map(pieces))
        .collect();
    let names: Vec<(String, u32)> = first.into_iter().chain(last).collect();
    let frame = TemplateProcessing::builder()
        .try_single(template)?
        .special_tokens(names)
        .build()?;
    Ok(Some(frame))
}
