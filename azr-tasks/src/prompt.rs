//! Prompt texts: which set of them, how the answer is opened, and what every prompt may mention.
//!
//! The texts themselves are files beside the kinds; this module knows no kind.

mod template;

use serde::{Deserialize, Serialize};

pub(crate) use template::Template;

use crate::grammar::AnswerFormat;
use crate::task::Prompt;
use crate::workshop::Standards;

/// Which texts are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptSet {
    /// Instructions in English, for language models.
    Full,
    /// Bare blocks, for azr-tiny, which has learned what they mean.
    Compact,
}

/// How the answer begins, as part of the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Opening {
    /// The model writes from the first token.
    Free,
    /// The opening think tag (the reference does this).
    Think,
    /// The opening of the block asked for, and where that is a program the head of `f`. Small models need it.
    Block,
}

/// What a run says about its prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptOptions {
    /// Which texts.
    pub set: PromptSet,
    /// How proposals begin.
    pub propose_opening: Opening,
    /// How answers begin.
    pub solve_opening: Opening,
}

/// The fenced blocks of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blocks {
    /// One, which the prompt has opened.
    OneOpened,
    /// Any number, among thoughts.
    Several,
}

/// The texts of a run, ready to be filled.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompts {
    /// What the run says about them.
    pub options: PromptOptions,
    /// How the answer has to be marked.
    pub format: AnswerFormat,
    /// Inputs an induction proposal has to write.
    pub inputs: usize,
    /// Names of banned modules, separated by commas.
    pub banned: String,
}

impl Prompts {
    /// Prompts that ask for what `standards` will accept.
    pub fn new(options: PromptOptions, standards: &Standards) -> Self {
        Self {
            options,
            format: standards.grammar.format,
            inputs: standards.induction.inputs,
            banned: standards.bans.modules.join(", "),
        }
    }

    /// A proposer's prompt; `block` is how its first block begins.
    pub(crate) fn propose(&self, user: String, block: &str) -> Prompt {
        Prompt {
            user,
            prefill: opened(self.options.propose_opening, block),
            last_marker: self.last_marker(Blocks::Several),
        }
    }

    /// A solver's prompt; `block` is how its first block begins.
    pub(crate) fn solve(&self, user: String, block: &str) -> Prompt {
        Prompt {
            user,
            prefill: opened(self.options.solve_opening, block),
            last_marker: self.last_marker(match self.options.solve_opening {
                Opening::Block => Blocks::OneOpened,
                Opening::Free | Opening::Think => Blocks::Several,
            }),
        }
    }

    /// What closes the answer. A fence closes only its own block, and nothing tells which of several is the last.
    fn last_marker(&self, blocks: Blocks) -> Option<&'static str> {
        match (self.format, blocks) {
            (AnswerFormat::Tagged, _) => Some("</answer>"),
            (AnswerFormat::Fenced, Blocks::OneOpened) => Some("\n```"),
            (AnswerFormat::Fenced, Blocks::Several) => None,
        }
    }

    /// How the instructions name the marks around the answer.
    pub(crate) fn form(&self) -> &'static str {
        match self.format {
            AnswerFormat::Tagged => {
                include_str!("kind/prompts/full/form_tagged.txt").trim_ascii_end()
            }
            AnswerFormat::Fenced => {
                include_str!("kind/prompts/full/form_fenced.txt").trim_ascii_end()
            }
        }
    }
}

impl PromptOptions {
    /// Full texts; the reference's opening think tag when answers are tagged, the block itself when they are fenced.
    pub fn full(format: AnswerFormat) -> Self {
        let opening = match format {
            AnswerFormat::Tagged => Opening::Think,
            AnswerFormat::Fenced => Opening::Block,
        };
        Self {
            set: PromptSet::Full,
            propose_opening: opening,
            solve_opening: Opening::Think,
        }
    }

    /// Compact texts: proposals start freely, answers after a think tag.
    pub fn compact() -> Self {
        Self {
            set: PromptSet::Compact,
            propose_opening: Opening::Free,
            solve_opening: Opening::Think,
        }
    }
}

fn opened(opening: Opening, block: &str) -> String {
    match opening {
        Opening::Free => String::new(),
        Opening::Think => "<think>".to_owned(),
        Opening::Block => block.to_owned(),
    }
}
