//! `azr logprobs`: the model's log-probability of given tokens.

use std::io;
use std::path::PathBuf;

use azr_model::backend::Backend;
use azr_model::score;
use azr_model::transformer::Transformer;
use azr_model::{CpuBackend, LanguageModel, ModelConfig};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::device::{self, Device};
use crate::json_object::{self, Id, Refusal};
use crate::lines::{self, Lines};
use crate::precision::Precision;
use crate::{Ended, Surroundings, model_name, threads};

/// Reads lines of token ids on standard input and prints a line of natural log-probabilities for each, at temperature 1:
/// entry i is that of token i given those before it, and the first is null.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  echo '{\"id\": 1, \"tokens\": [1, 2, 3]}' | azr logprobs --model azr-tiny
  {\"id\":1,\"logprobs\":[null,-20.809925,-19.488712]}

A line that cannot be scored gives {\"id\": .., \"logprobs\": null, \"error\": ..} and the rest goes on.")]
pub struct Options {
    /// Hugging Face directory, GGUF file, hub id, run directory, or azr-tiny
    #[arg(long, value_name = "M")]
    model: PathBuf,
    /// How products hold the weights; `azr generate` gives the same log-probabilities in the same precision
    #[arg(long, value_name = "PRECISION", default_value = "f32")]
    precision: Precision,
    /// Where to compute: cpu, cuda or cuda:N
    #[arg(long, value_name = "D", default_value = "cpu")]
    device: Device,
}

/// Tokens that are scored together, at most; a longer line is scored alone.
const BATCH_TOKENS_MAX: usize = 4_096;

/// Size of one line of input, bytes.
const LINE_BYTES_MAX: usize = 16 << 20;

/// Lines that wait for the others of their batch, at most, and their bytes.
const BATCH_LINES_MAX: usize = 1_024;
const BATCH_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default = "json_object::no_id")]
    id: Id,
    tokens: Vec<u32>,
}

/// f32 is written with as many digits as tell it from every other one: 7 to 9 significant ones.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    id: &'a Id,
    logprobs: Vec<Option<f32>>,
}

/// The answer to a line that cannot be scored.
#[derive(Debug, Serialize)]
struct Refused<'a> {
    id: &'a Id,
    logprobs: (),
    error: &'a str,
}

/// Reads, scores, prints.
pub fn run(options: &Options, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    threads::start()?;
    let load = || model_name::load(&options.model, surroundings);
    match options.device {
        Device::Cpu => {
            let backend = CpuBackend::default().with_precision(options.precision.into());
            answer(backend, load()?, surroundings)
        }
        Device::Cuda(index) => {
            let backend = device::cuda(index, options.precision, &surroundings.environment)?;
            answer(backend, load()?, surroundings)
        }
    }
}

/// Reads, scores and prints, on a device.
fn answer<B: Backend>(
    backend: B,
    model: LanguageModel,
    surroundings: &Surroundings,
) -> anyhow::Result<Ended> {
    let transformer = Transformer::new(backend, model.parameters)?;
    let mut batch = Batch {
        transformer: &transformer,
        surroundings,
        lines: Vec::new(),
        tokens: 0,
        bytes: 0,
    };
    let mut lines = Lines::new(io::stdin().lock(), LINE_BYTES_MAX);
    loop {
        match lines.next() {
            Ok(Some(lines::Line::Whole(line))) => {
                batch.add(read(&line, transformer.config()), line.len())?;
            }
            Ok(Some(lines::Line::TooLong)) => {
                let words = lines::too_long(LINE_BYTES_MAX);
                batch.add(Err(refusal(json_object::no_id(), words)), 0)?;
            }
            Ok(None) => break,
            Err(error) => {
                // What came before is answered all the same.
                batch.score()?;
                return Err(error);
            }
        }
    }
    batch.score()?;
    Ok(Ended::Done)
}

/// Lines that wait to be scored together. Their answers keep their order.
struct Batch<'a, B: Backend> {
    transformer: &'a Transformer<B>,
    surroundings: &'a Surroundings,
    lines: Vec<Result<Line, Refusal>>,
    tokens: usize,
    bytes: usize,
}

impl<B: Backend> Batch<'_, B> {
    fn add(&mut self, line: Result<Line, Refusal>, bytes: usize) -> anyhow::Result<()> {
        let tokens = line.as_ref().map_or(0, |it| it.tokens.len());
        if BATCH_TOKENS_MAX < self.tokens + tokens
            || BATCH_BYTES_MAX < self.bytes + bytes
            || BATCH_LINES_MAX <= self.lines.len()
        {
            self.score()?;
        }
        self.tokens += tokens;
        self.bytes += bytes;
        self.lines.push(line);
        Ok(())
    }

    fn score(&mut self) -> anyhow::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        (self.tokens, self.bytes) = (0, 0);
        let sequences: Vec<Vec<u32>> = lines.iter().flatten().map(|it| it.tokens.clone()).collect();
        let mut scores = score::logprobs(self.transformer, &sequences)?.into_iter();
        for line in &lines {
            let sink = &self.surroundings.sink;
            match line {
                Ok(line) => sink.json(&Answer {
                    id: &line.id,
                    logprobs: scores.next().unwrap_or_default(),
                })?,
                Err(Refusal { id, detail }) => sink.json(&Refused {
                    id,
                    logprobs: (),
                    error: detail,
                })?,
            }
        }
        Ok(())
    }
}

/// A line, or why it cannot be scored.
fn read(text: &[u8], config: &ModelConfig) -> Result<Line, Refusal> {
    let line = parse(text)?;
    let (vocabulary, context) = (config.vocab_size, config.context_tokens_max);
    if let Some(token) = line.tokens.iter().find(|it| vocabulary <= **it as usize) {
        return Err(refusal(
            line.id,
            format!("token {token} is beyond the vocabulary of {vocabulary}"),
        ));
    }
    if line.tokens.is_empty() {
        return Err(refusal(line.id, "there are no tokens".to_string()));
    }
    if context < line.tokens.len() {
        return Err(refusal(
            line.id,
            format!(
                "{} tokens, and the model takes {context}",
                line.tokens.len()
            ),
        ));
    }
    Ok(line)
}

/// A line as it stands, or why it is none.
fn parse(text: &[u8]) -> Result<Line, Refusal> {
    json_object::read(text, "{\"id\": .., \"tokens\": [..]}")
}

fn refusal(id: Id, detail: String) -> Refusal {
    Refusal { id, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_with_keys_that_are_known_is_a_line() {
        for (line, words) in [
            (&b"[1, [2, 3]]"[..], "no JSON object"),
            (br#"{"tokens": [1], "bogus": 2}"#, "bogus"),
            (b"{\"id\": \"\xff\"}", "not JSON"),
        ] {
            let refusal = parse(line).unwrap_err();
            assert!(refusal.detail.contains(words), "{refusal:?}");
        }
        assert_eq!(parse(br#"{"tokens": [1, 2]}"#).unwrap().tokens, [1, 2]);
    }
}
