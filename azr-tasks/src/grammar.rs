//! Reading what a model wrote: one reader for all models. It finds parts of a text and evaluates nothing.
//!
//! Every scan is linear in the text, whatever the text is, and the text has a largest size.

mod fence;

use serde::{Deserialize, Serialize};

pub use fence::{Fence, fences};

use crate::proposal::{Authorship, Malformed, Proposal};

/// How an answer is marked in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnswerFormat {
    /// `<think>…</think>` then `<answer>…</answer>`, as in the paper. The last complete answer element counts; a text
    /// that does not begin so is malformed.
    Tagged,
    /// The last complete fence with the right label counts; whatever stands around it is thinking.
    Fenced,
}

/// How responses are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grammar {
    /// How an answer is marked.
    pub format: AnswerFormat,
    /// Prefill and response together, bytes; a longer text is malformed.
    pub text_bytes_max: usize,
}

/// What a fence holds, by its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A program.
    Program,
    /// An argument list.
    Input,
    /// A value.
    Output,
    /// Words to the solver.
    Message,
}

/// More argument lists than this in one response are not kept: only the last ones are.
const INPUTS_MAX: usize = 256;

impl Grammar {
    /// The given format, with room for 8,000 tokens of text.
    pub fn new(format: AnswerFormat) -> Self {
        Self {
            format,
            text_bytes_max: 64 << 10,
        }
    }

    /// The part of `text` in which parts are looked for.
    ///
    /// # Errors
    /// [`Malformed::TextTooLarge`], [`Malformed::NoAnswer`].
    pub fn answer<'t>(&self, text: &'t str) -> Result<&'t str, Malformed> {
        if self.text_bytes_max < text.len() {
            return Err(Malformed::TextTooLarge);
        }
        match self.format {
            AnswerFormat::Fenced => Ok(text),
            AnswerFormat::Tagged if begins_with_thought_and_answer(text) => {
                last_answer_element(text).ok_or(Malformed::NoAnswer)
            }
            AnswerFormat::Tagged => Err(Malformed::NoAnswer),
        }
    }

    /// A program and one input: the last complete block of each.
    ///
    /// # Errors
    /// [`Malformed`] when one of them is missing.
    pub fn read_triplet(&self, text: &str) -> Result<Proposal, Malformed> {
        let answer = self.answer(text)?;
        let program = last(answer, Part::Program).ok_or(Malformed::NoProgram)?;
        let input = last(answer, Part::Input).ok_or(Malformed::NoInput)?;
        Ok(Proposal {
            program: program.to_owned(),
            authorship: Authorship::Written,
            inputs: vec![input.to_owned()],
            message: String::new(),
        })
    }

    /// All inputs in order (at most the last 256), and the last message.
    ///
    /// # Errors
    /// [`Malformed`] when there is no input.
    pub fn read_inputs(&self, text: &str) -> Result<(Vec<String>, String), Malformed> {
        let answer = self.answer(text)?;
        let inputs: Vec<&str> = fences(answer)
            .filter(|it| it.holds(Part::Input))
            .map(|it| it.body.trim())
            .collect();
        if inputs.is_empty() {
            return Err(Malformed::NoInput);
        }
        let kept = inputs.len().saturating_sub(INPUTS_MAX);
        let message = last(answer, Part::Message).unwrap_or_default();
        Ok((
            inputs[kept..].iter().map(ToString::to_string).collect(),
            message.to_owned(),
        ))
    }

    /// The solver's answer. In a tagged text without a fence the whole answer element counts, as in the reference.
    ///
    /// # Errors
    /// [`Malformed`] when there is none.
    pub fn read_answer<'t>(&self, text: &'t str, part: Part) -> Result<&'t str, Malformed> {
        let answer = self.answer(text)?;
        if let Some(found) = last(answer, part) {
            return Ok(found);
        }
        let bare = answer.trim();
        match self.format {
            AnswerFormat::Tagged if !bare.is_empty() && fences(answer).next().is_none() => Ok(bare),
            _ => Err(part.missing()),
        }
    }
}

impl Part {
    /// Labels that announce this part, in lower case.
    fn labels(self) -> &'static [&'static str] {
        match self {
            Part::Program => &["python", "py", "python3"],
            Part::Input => &["input"],
            Part::Output => &["output"],
            Part::Message => &["message"],
        }
    }

    fn missing(self) -> Malformed {
        match self {
            Part::Program => Malformed::NoProgram,
            Part::Input => Malformed::NoInput,
            Part::Output => Malformed::NoOutput,
            Part::Message => Malformed::NoAnswer,
        }
    }
}

impl Fence<'_> {
    fn holds(&self, part: Part) -> bool {
        part.labels()
            .iter()
            .any(|label| self.label.eq_ignore_ascii_case(label))
    }
}

/// The body of the last complete fence that holds `part`. A program may stand in an unlabeled fence, as in the
/// reference. Bodies of programs keep their indentation.
fn last(answer: &str, part: Part) -> Option<&str> {
    let mut labeled = None;
    let mut unlabeled = None;
    for fence in fences(answer) {
        if fence.holds(part) {
            labeled = Some(fence.body);
        } else if part == Part::Program && fence.label.is_empty() {
            unlabeled = Some(fence.body);
        }
    }
    let body = labeled.or(unlabeled)?;
    let trimmed = match part {
        Part::Program => body.trim_end(),
        _ => body.trim(),
    };
    if trimmed.trim_start().is_empty() {
        None
    } else {
        Some(trimmed)
    }
}

/// The format reward of the reference: a think element at the start, then only white space, then an answer element.
fn begins_with_thought_and_answer(text: &str) -> bool {
    let Some(thought) = text.trim_start().strip_prefix("<think>") else {
        return false;
    };
    let answer_starts = thought.match_indices("</think>").find_map(|(at, tag)| {
        thought[at + tag.len()..]
            .trim_start()
            .strip_prefix("<answer>")
    });
    answer_starts.is_some_and(|rest| rest.contains("</answer>"))
}

/// What stands in the last `<answer>…</answer>`.
fn last_answer_element(text: &str) -> Option<&str> {
    let end = text.rfind("</answer>")?;
    let start = text[..end].rfind("<answer>")? + "<answer>".len();
    Some(&text[start..end])
}

#[cfg(test)]
mod tests;
