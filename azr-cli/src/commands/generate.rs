//! `azr generate`: text from a model.

mod prompts;

use std::path::PathBuf;
use std::sync::Arc;

use azr_model::backend::Backend;
use azr_model::generate::{
    BatchLimits, Completion, Finish, GenerateError, Marker, Request, Sampling, StopStrings,
    generate,
};
use azr_model::language::Language;
use azr_model::tokenizer::SpecialTokens;
use azr_model::transformer::Transformer;
use azr_model::{CpuBackend, LanguageModel, ModelConfig};
use clap::{ArgGroup, Args};
use serde::Serialize;

use self::prompts::{Meant, Prompt};
use crate::device::{self, Device};
use crate::flag_value::{positive_share, share, temperature, whole};
use crate::in_order::InOrder;
use crate::precision::Precision;
use crate::request::WrongRequest;
use crate::sink::Sink;
use crate::visible::visible;
use crate::{Ended, Surroundings, model_name, threads};

/// Continues prompts. The same seed gives the same text, however many prompts there are beside it.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true), after_help = "\
Examples:
  azr generate --model azr-tiny --prompt 'def f(x):' --max-new-tokens 40 --n 3
  azr generate --model Qwen/Qwen2.5-Coder-0.5B-Instruct --chat --temperature 0 --prompt 'Write a haiku.'
  azr generate --model DIR --prompts prompts.jsonl --json > samples.jsonl

A line of a prompts file is {\"prompt\": TEXT}, {\"messages\": [{\"role\": R, \"content\": TEXT}, ...]} or {\"tokens\": [...]}.
A message may have any other key that the chat template reads (tool_calls, reasoning_content, ...), and beside messages may
stand \"tools\": [SCHEMA, ...] and \"documents\": [OBJECT, ...].")]
pub struct Options {
    /// Hugging Face directory, GGUF file, hub id, run directory, or azr-tiny
    #[arg(long, value_name = "M")]
    model: PathBuf,
    /// The text to continue
    #[arg(long, value_name = "TEXT", group = "what")]
    prompt: Option<String>,
    /// A file with a prompt a line
    #[arg(long, value_name = "FILE.jsonl", group = "what")]
    prompts: Option<PathBuf>,
    /// Most tokens of a response
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = whole(1..=NEW_TOKENS_MAX))]
    max_new_tokens: usize,
    /// Divides the logits: from 0.0001 to 100, or 0 for greedy [default: what the model's makers advise, or 1]
    #[arg(long, value_name = "T", value_parser = temperature)]
    temperature: Option<f32>,
    /// Keep the likeliest tokens up to this share, above 0, up to 1; 1 keeps all [default: the model's, or 1]
    #[arg(long, value_name = "P", value_parser = positive_share)]
    top_p: Option<f32>,
    /// Keep this many likeliest tokens; 0 keeps all [default: the model's, or 0]
    #[arg(long, value_name = "K", value_parser = whole(0..=usize::MAX))]
    top_k: Option<usize>,
    /// Keep tokens at least this share as likely as the likeliest; 0 keeps all [default: the model's, or 0]
    #[arg(long, value_name = "P", value_parser = share)]
    min_p: Option<f32>,
    /// Samples of each prompt
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole(1..=SAMPLES_OF_PROMPT_MAX))]
    n: usize,
    /// How products hold the weights: bf16 is nearly twice as fast where one token at a time is sampled
    #[arg(long, value_name = "PRECISION", default_value = "f32")]
    precision: Precision,
    /// Where to compute: cpu, cuda or cuda:N
    #[arg(long, value_name = "D", default_value = "cpu")]
    device: Device,
    /// Seed of all samples
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = whole(0..=u64::MAX))]
    seed: u64,
    /// End a response before this text, wherever the borders of its tokens lie; may be given several times. Tokens and
    /// logprobs keep the token that completed it
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    stop: Vec<String>,
    /// Treat text prompts as a user's message and apply the model's chat template
    #[arg(long)]
    chat: bool,
    /// Print a JSON object for each sample on standard output
    #[arg(long)]
    json: bool,
}

/// Tokens of a response, at most; a model's context is shorter.
const NEW_TOKENS_MAX: usize = 1 << 20;

/// Samples of one prompt, at most.
const SAMPLES_OF_PROMPT_MAX: usize = 1 << 16;

/// Samples of all prompts together, at most: each is held until it is its turn.
const SAMPLES_MAX: usize = 1 << 18;

/// One sample as JSON.
#[derive(Debug, Serialize)]
struct Sample<'a> {
    prompt_index: usize,
    sample: usize,
    text: &'a str,
    tokens: &'a [u32],
    logprobs: &'a [f32],
    finish: &'static str,
}

/// Which sample a request is.
#[derive(Debug, Clone, Copy)]
struct Place {
    prompt_index: usize,
    sample: usize,
}

/// Loads, samples, prints.
pub fn run(options: &Options, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    let prompts = read(options)?;
    check_samples(prompts.len(), options.n)?;
    threads::start()?;
    let load = || model_name::load(&options.model, surroundings);
    match options.device {
        Device::Cpu => {
            let backend = CpuBackend::default().with_precision(options.precision.into());
            sample(backend, load()?, &prompts, options, surroundings)
        }
        Device::Cuda(index) => {
            let backend = device::cuda(index, options.precision, &surroundings.environment)?;
            sample(backend, load()?, &prompts, options, surroundings)
        }
    }
}

/// Samples and prints, on a device.
fn sample<B: Backend>(
    backend: B,
    model: LanguageModel,
    prompts: &[Result<Prompt, String>],
    options: &Options,
    surroundings: &Surroundings,
) -> anyhow::Result<Ended> {
    let language = model.language;
    let transformer = Transformer::new(backend, model.parameters)?;
    let (requests, places) = requests(
        prompts,
        &language,
        transformer.config(),
        options,
        &surroundings.sink,
    );
    let printer = Printer {
        options,
        language: &language,
        sink: &surroundings.sink,
        samples: requests.len(),
    };
    let mut line = InOrder::new();
    let mut printed = Ok(());
    generate(
        &transformer,
        &requests,
        &BatchLimits::default(),
        &mut |index, completion| {
            for (index, completion) in line.deliver(index, completion) {
                if printed.is_ok() {
                    printed = printer.print(places[index], &completion);
                }
            }
        },
    )
    .map_err(wrong_advice)?;
    printed?;
    let wrong = prompts.len() - requests.len() / options.n;
    if 0 < wrong {
        return Err(WrongRequest::new(format!(
            "{wrong} of {} prompts could not be used; {} done",
            prompts.len(),
            match prompts.len() - wrong {
                0 => "nothing was",
                1 => "the other one is",
                _ => "the others are",
            }
        )));
    }
    Ok(Ended::Done)
}

/// Flags were checked when they were read, so a sampling parameter that makes no sense is one that the model advises.
fn wrong_advice(error: GenerateError) -> anyhow::Error {
    match error {
        GenerateError::Sampling { .. } => {
            let words = "what the model advises cannot be done; say it yourself with --temperature, --top-p or --min-p";
            WrongRequest::because(words, error)
        }
        error => error.into(),
    }
}

fn check_samples(prompts: usize, samples_of_prompt: usize) -> anyhow::Result<()> {
    if SAMPLES_MAX / samples_of_prompt < prompts {
        return Err(WrongRequest::new(format!(
            "{prompts} prompts with {samples_of_prompt} samples each are more than {SAMPLES_MAX}; ask for fewer at a time"
        )));
    }
    Ok(())
}

fn read(options: &Options) -> anyhow::Result<Vec<Result<Prompt, String>>> {
    let meant = if options.chat {
        Meant::AsChat
    } else {
        Meant::AsText
    };
    match (&options.prompt, &options.prompts) {
        (_, Some(path)) => prompts::read(path, meant),
        (Some(text), None) => Ok(vec![Ok(prompts::meant(text.clone(), meant))]),
        (None, None) => Err(WrongRequest::new(
            "there is nothing to continue; give --prompt TEXT or --prompts FILE",
        )),
    }
}

/// Every sample to be made. Prompts that cannot be used are said on standard error and left out.
fn requests(
    prompts: &[Result<Prompt, String>],
    language: &Language,
    config: &ModelConfig,
    options: &Options,
    sink: &Sink,
) -> (Vec<Request>, Vec<Place>) {
    let (vocabulary, context) = (config.vocab_size, config.context_tokens_max);
    let sampling = sampling(language, options);
    let stop_strings = StopStrings::new(options.stop.iter().cloned(), language.tokenizer());
    let (mut requests, mut places) = (Vec::new(), Vec::new());
    for (prompt_index, prompt) in prompts.iter().enumerate() {
        let encoded = prompt
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|it| it.encode(language, vocabulary, context));
        let tokens = match encoded {
            Ok(tokens) => tokens,
            Err(reason) => {
                sink.note(format_args!("prompt {prompt_index} is left out: {reason}"));
                continue;
            }
        };
        for sample in 0..options.n {
            requests.push(Request {
                new_tokens_max: options.max_new_tokens.min(context - tokens.len()),
                prompt: tokens.clone(),
                sampling,
                seed: seed(options.seed, prompt_index, sample),
                stop_tokens: Arc::clone(language.stop_tokens()),
                stop_strings: stop_strings.clone(),
            });
            places.push(Place {
                prompt_index,
                sample,
            });
        }
    }
    (requests, places)
}

fn sampling(language: &Language, options: &Options) -> Sampling {
    let advised = language.defaults();
    Sampling {
        temperature: options.temperature.or(advised.temperature).unwrap_or(1.0),
        top_p: options.top_p.or(advised.top_p).unwrap_or(1.0),
        top_k: options.top_k.or(advised.top_k).unwrap_or(0),
        min_p: options.min_p.or(advised.min_p).unwrap_or(0.0),
    }
}

/// A seed for each sample (SplitMix64 over the three numbers), so that samples of a prompt differ and do not depend on
/// what else is asked.
fn seed(run: u64, prompt_index: usize, sample: usize) -> u64 {
    [run, prompt_index as u64, sample as u64]
        .into_iter()
        .fold(0, |state, number| {
            let mut z = (state ^ number).wrapping_add(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        })
}

/// Prints samples one after the other.
struct Printer<'a> {
    options: &'a Options,
    language: &'a Language,
    sink: &'a Sink,
    samples: usize,
}

impl Printer<'_> {
    fn print(&self, place: Place, completion: &Completion) -> anyhow::Result<()> {
        let tokenizer = self.language.tokenizer();
        let text = completion.text(tokenizer, SpecialTokens::Skip, Marker::LeftOut)?;
        if self.options.json {
            let finish = match completion.finish {
                Finish::Stop | Finish::StopString(_) => "stop",
                Finish::Length => "length",
            };
            let Place {
                prompt_index,
                sample,
            } = place;
            let (tokens, logprobs) = (&completion.tokens, &completion.logprobs);
            let sample = Sample {
                prompt_index,
                sample,
                text: &text,
                tokens,
                logprobs,
                finish,
            };
            self.sink.json(&sample)?;
            return Ok(());
        }
        if 1 < self.samples {
            let head = format!("--- prompt {} sample {}", place.prompt_index, place.sample);
            self.sink.result(self.sink.results().dim(&head))?;
        }
        // A file gets what the model wrote; a terminal gets it without what could steer the terminal.
        self.sink.result(if self.sink.results_are_watched {
            visible(&text)
        } else {
            text
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_sample_has_a_seed_of_its_own() {
        let mut seeds = BTreeSet::new();
        for run in 0..4 {
            for prompt_index in 0..8 {
                seeds.extend((0..8).map(|sample| seed(run, prompt_index, sample)));
            }
        }
        assert_eq!(seeds.len(), 4 * 8 * 8);
    }
}
