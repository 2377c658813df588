//! `azr generate`: text from a model.

mod prompts;
mod ordered;

use std::path::PathBuf;
use std::sync::Arc;

use azr_model::generate::{self, BatchLimits, Completion, Finish, Request, Sampling};
use azr_model::language_model::LanguageModel;
use azr_model::tokenizer::SpecialTokens;
use azr_model::transformer::Transformer;
use clap::Args;
use serde::Serialize;

use self::ordered::InOrder;
use self::prompts::Prompt;
use crate::request::WrongRequest;
use crate::sink::{Paint, Sink};
use crate::visible::visible;
use crate::{Ended, Surroundings, model_name};

/// Continues prompts. The same seed gives the same text, however many prompts there are and in whatever order.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  azr generate --model azr-tiny --prompt 'def f(x):' --max-new-tokens 40 --n 3
  azr generate --model Qwen/Qwen2.5-Coder-0.5B-Instruct --chat --temperature 0 --prompt 'Write a haiku.'
  azr generate --model DIR --prompts prompts.jsonl --json > samples.jsonl

A line of a prompts file is {\"prompt\": TEXT}, {\"messages\": [{\"role\": .., \"content\": ..}, ..]} or {\"tokens\": [..]}.")]
pub struct Options {
    /// Directory, GGUF file, hub id, run directory, or azr-tiny
    #[arg(long, value_name = "M")]
    model: String,
    /// The text to continue
    #[arg(long, value_name = "TEXT", conflicts_with = "prompts", required_unless_present = "prompts")]
    prompt: Option<String>,
    /// A file with a prompt a line
    #[arg(long, value_name = "FILE.jsonl")]
    prompts: Option<PathBuf>,
    /// Most tokens of a response
    #[arg(long, value_name = "N", default_value_t = 128)]
    max_new_tokens: usize,
    /// Divides the logits; 0 is greedy [default: what the model's makers advise, or 1]
    #[arg(long, value_name = "T")]
    temperature: Option<f32>,
    /// Keep the likeliest tokens up to this share; 1 keeps all [default: the model's, or 1]
    #[arg(long, value_name = "P")]
    top_p: Option<f32>,
    /// Keep this many likeliest tokens; 0 keeps all [default: the model's, or 0]
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,
    /// Keep tokens at least this share as likely as the likeliest; 0 keeps all [default: the model's, or 0]
    #[arg(long, value_name = "P")]
    min_p: Option<f32>,
    /// Samples of each prompt
    #[arg(long, value_name = "N", default_value_t = 1)]
    n: usize,
    /// Seed of all samples
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Treat prompts as a user's message and apply the model's chat template
    #[arg(long)]
    chat: bool,
    /// Print a JSON object for each sample on standard output
    #[arg(long)]
    json: bool,
}

/// One sample as JSON.
#[derive(Serialize)]
struct Sample<'a> {
    prompt_index: usize,
    sample: usize,
    text: &'a str,
    tokens: &'a [u32],
    logprobs: &'a [f32],
    finish: &'static str,
}

/// Loads, samples, prints.
pub fn run(options: &Options, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    check(options)?;
    let read = prompts::read(options.prompt.as_deref(), options.prompts.as_deref(), options.chat)?;
    let model = model_name::load(&options.model, surroundings)?;
    let (requests, places) = requests(&read, &model, options, &surroundings.sink);
    let wrong = read.len() - places.len() / options.n;
    let language = model.language.clone();
    let transformer = Transformer::new(model.parameters);
    let limits = BatchLimits::default();
    let mut samples = InOrder::new();
    let mut outcome = Ok(());
    generate::generate(&transformer, &requests, &limits, &mut |index, completion| {
        for (index, completion) in samples.deliver(index, completion) {
            if outcome.is_ok() {
                outcome = print(places[index], &completion, &language, options, surroundings, requests.len());
            }
        }
    })?;
    outcome?;
    if 0 < wrong {
        return Err(WrongRequest::new(format!("{wrong} of {} prompts could not be used; the others are done", read.len())));
    }
    Ok(Ended::Done)
}
