//! `azr logprobs`: the model's log-probability of given tokens.

use std::io::{self, BufRead};

use azr_model::score;
use azr_model::transformer::Transformer;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::visible::visible_line;
use crate::{Ended, Surroundings, model_name};

/// Reads lines of token ids on standard input and prints a line of natural log-probabilities for each, at temperature 1:
/// entry i is that of token i given those before it, and the first is null.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  echo '{\"id\": 1, \"tokens\": [1, 2, 3]}' | azr logprobs --model azr-tiny
  {\"id\":1,\"logprobs\":[null,-5.545,-5.517]}

A line that cannot be scored gives {\"id\": .., \"logprobs\": null, \"error\": ..} and the rest goes on.")]
pub struct Options {
    /// Hugging Face directory, GGUF file, hub id, run directory, or azr-tiny
    #[arg(long, value_name = "M")]
    model: String,
}

/// Tokens that are scored together, at most; a longer line is scored alone.
const BATCH_TOKENS_MAX: usize = 4_096;

#[derive(Debug, Deserialize)]
struct Line {
    #[serde(default)]
    id: Value,
    tokens: Vec<u32>,
}

/// f32 is written with as many digits as tell it from every other one: 7 to 9 significant ones.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    id: &'a Value,
    logprobs: Vec<Option<f32>>,
}

/// Reads, scores, prints.
pub fn run(options: &Options, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    let model = model_name::load(&options.model, surroundings)?;
    let transformer = Transformer::on_cpu(model.parameters)?;
    let mut batch = Batch {
        transformer: &transformer,
        surroundings,
        lines: Vec::new(),
        tokens: 0,
    };
    for line in io::stdin().lock().lines() {
        let line = line?;
        if !line.trim().is_empty() {
            batch.add(read(&line, &transformer))?;
        }
    }
    batch.score()?;
    Ok(Ended::Done)
}

/// Lines that wait to be scored together. Their answers keep their order.
struct Batch<'a> {
    transformer: &'a Transformer,
    surroundings: &'a Surroundings,
    lines: Vec<Result<Line, Value>>,
    tokens: usize,
}

impl Batch<'_> {
    fn add(&mut self, line: Result<Line, Value>) -> anyhow::Result<()> {
        let tokens = line.as_ref().map_or(0, |it| it.tokens.len());
        if BATCH_TOKENS_MAX < self.tokens + tokens {
            self.score()?;
        }
        self.tokens += tokens;
        self.lines.push(line);
        Ok(())
    }

    fn score(&mut self) -> anyhow::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        self.tokens = 0;
        let sequences: Vec<Vec<u32>> = lines.iter().flatten().map(|it| it.tokens.clone()).collect();
        let mut scores = score::logprobs(self.transformer, &sequences)?.into_iter();
        for line in &lines {
            let sink = &self.surroundings.sink;
            match line {
                Ok(line) => sink.json(&Answer {
                    id: &line.id,
                    logprobs: scores.next().unwrap_or_default(),
                })?,
                Err(refusal) => sink.json(refusal)?,
            }
        }
        Ok(())
    }
}

/// A line, or the answer that refuses it.
fn read(text: &str, transformer: &Transformer) -> Result<Line, Value> {
    let refuse = |id: Value, words: String| json!({ "id": id, "logprobs": null, "error": words });
    let line: Line = serde_json::from_str(text).map_err(|error| {
        let id = serde_json::from_str::<Value>(text)
            .ok()
            .and_then(|it| it.get("id").cloned())
            .unwrap_or(Value::Null);
        refuse(
            id,
            format!(
                "{} is not {{\"id\": .., \"tokens\": [..]}}: {error}",
                visible_line(text, 40)
            ),
        )
    })?;
    let (vocabulary, context) = (
        transformer.config().vocab_size,
        transformer.config().context_tokens_max,
    );
    if let Some(token) = line.tokens.iter().find(|it| vocabulary <= **it as usize) {
        return Err(refuse(
            line.id,
            format!("token {token} is beyond the vocabulary of {vocabulary}"),
        ));
    }
    if line.tokens.is_empty() {
        return Err(refuse(line.id, "there are no tokens".to_string()));
    }
    if context < line.tokens.len() {
        return Err(refuse(
            line.id,
            format!(
                "{} tokens, and the model takes {context}",
                line.tokens.len()
            ),
        ));
    }
    Ok(line)
}
