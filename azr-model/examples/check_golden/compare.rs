//! Holds a loaded model against golden numbers that transformers made (`golden/README.md`).

use azr_model::LanguageModel;
use azr_model::chat_template::{Ending, Message};
use azr_model::generate::{BatchLimits, Request, Sampling, StopStrings, generate};
use azr_model::score;
use azr_model::tokenizer::SpecialTokens;
use azr_model::transformer::Transformer;
use serde::Deserialize;
use std::error::Error;
use std::sync::Arc;

/// The numbers of one model.
#[derive(Deserialize)]
pub struct Golden {
    encodings: Vec<Encoded>,
    chats: Vec<Chat>,
    logprobs: Vec<Scored>,
    greedy: Vec<Continued>,
}

#[derive(Deserialize)]
struct Encoded {
    text: String,
    ids: Vec<u32>,
}

#[derive(Deserialize)]
struct Chat {
    messages: Vec<Message>,
    text: String,
}

#[derive(Deserialize)]
struct Scored {
    tokens: Vec<u32>,
    logprobs: Vec<Option<f32>>,
}

#[derive(Deserialize)]
struct Continued {
    prompt: Vec<u32>,
    tokens: Vec<u32>,
    /// By how many nats the closest choice was won.
    margin_min: f32,
}

/// Log-probabilities of two makers.
#[derive(Debug, Default)]
pub struct Agreement {
    /// Number of log-probabilities.
    pub tokens: usize,
    /// Largest difference, in nats.
    pub nats_max: f32,
}

/// A continuation that differs from the golden one.
#[derive(Debug)]
pub struct Departure {
    /// Which prompt.
    pub prompt: usize,
    /// The first token that differs.
    pub at: usize,
    /// How close the golden choice was at its closest, in nats.
    pub margin_min: f32,
}

impl std::fmt::Display for Departure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            prompt,
            at,
            margin_min,
        } = self;
        write!(
            f,
            "prompt {prompt} departs at new token {at}; its closest choice was won by {margin_min} nats"
        )
    }
}

/// What is wrong with texts and chats: the first difference in words.
pub fn texts(model: &LanguageModel, golden: &Golden) -> Result<usize, Box<dyn Error>> {
    let language = &model.language;
    for Encoded { text, ids } in &golden.encodings {
        let found = language.tokenizer().encode(text)?;
        if found != *ids {
            return Err(format!("{text:?} is {found:?} and should be {ids:?}").into());
        }
        language.decode(ids, SpecialTokens::Keep)?;
    }
    for Chat { messages, text } in &golden.chats {
        let found = language.render(&messages.clone().into(), Ending::AssistantTurn)?;
        if found != *text {
            return Err(format!("a chat is {found:?} and should be {text:?}").into());
        }
    }
    Ok(golden.encodings.len() + golden.chats.len())
}

/// Log-probabilities of every sequence.
pub fn scores(
    transformer: &Transformer,
    golden: &Golden,
) -> Result<Vec<Vec<Option<f32>>>, Box<dyn Error>> {
    let sequences: Vec<Vec<u32>> = golden
        .logprobs
        .iter()
        .map(|one| one.tokens.clone())
        .collect();
    Ok(score::logprobs(transformer, &sequences)?)
}

/// Compares them with the golden ones.
pub fn logprobs(transformer: &Transformer, golden: &Golden) -> Result<Agreement, Box<dyn Error>> {
    let found = scores(transformer, golden)?;
    let mut agreement = Agreement::default();
    for (ours, theirs) in found.iter().zip(&golden.logprobs) {
        if ours.len() != theirs.logprobs.len() || ours[0].is_some() || theirs.logprobs[0].is_some()
        {
            return Err("a sequence has another number of log-probabilities".into());
        }
        for (ours, theirs) in ours.iter().flatten().zip(theirs.logprobs.iter().flatten()) {
            agreement.tokens += 1;
            // In this order what is not a number is the largest.
            let nats = (ours - theirs).abs();
            agreement.nats_max = std::cmp::max_by(agreement.nats_max, nats, f32::total_cmp);
        }
    }
    Ok(agreement)
}

/// Continues every prompt greedily, all in one batch.
pub fn greedy(
    transformer: &Transformer,
    golden: &Golden,
) -> Result<Vec<Departure>, Box<dyn Error>> {
    let requests: Vec<Request> = golden
        .greedy
        .iter()
        .map(|one| Request {
            prompt: one.prompt.clone(),
            new_tokens_max: one.tokens.len(),
            sampling: Sampling::GREEDY,
            seed: 0,
            stop_tokens: Arc::from([]),
            stop_strings: StopStrings::default(),
        })
        .collect();
    let mut departures = Vec::new();
    generate(
        transformer,
        &requests,
        &BatchLimits::default(),
        &mut |prompt, completion| {
            let theirs = &golden.greedy[prompt];
            let differs = completion
                .tokens
                .iter()
                .zip(&theirs.tokens)
                .position(|(ours, theirs)| ours != theirs);
            if differs.is_some() || completion.tokens.len() != theirs.tokens.len() {
                let at = differs.unwrap_or(completion.tokens.len());
                departures.push(Departure {
                    prompt,
                    at,
                    margin_min: theirs.margin_min,
                });
            }
        },
    )?;
    Ok(departures)
}
