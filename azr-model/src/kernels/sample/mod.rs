//! One token out of a row of logits.
//!
//! A word weighs `w = e^(z / temperature - max)`. Filters apply one after the other, each to what the one before has left:
//! `top_k` keeps the `k` heaviest, `top_p` the fewest of the heaviest whose weights reach `top_p` of their sum, `min_p`
//! those with `min_p <= w`; heavier first, the lower id among equals. Of what is left, the words in the order of their
//! ids share the numbers from 0 to 1 by their weights, and the number that was drawn says which it is. Temperature 0
//! takes the likeliest word and needs no number.

use std::cmp::Ordering;

use super::{exp::ln, head::RowSummary};

pub(crate) mod cuda;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

/// How a token is drawn from the logits. Filters apply in this order: temperature, `top_k`, `top_p`, `min_p`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Logits are divided by it; 0 takes the likeliest token (the lowest id among equals). Anything else is at least
    /// [`Sampling::TEMPERATURE_MIN`].
    pub temperature: f32,
    /// Keep the likeliest tokens until they hold this share of the probability; 1 keeps all.
    pub top_p: f32,
    /// Keep this many likeliest tokens; 0 keeps all.
    pub top_k: usize,
    /// Keep tokens at least this share as likely as the likeliest; 0 keeps all.
    pub min_p: f32,
}

impl Sampling {
    /// The least temperature that is not greedy; dividing by less makes numbers of logits that are none.
    pub const TEMPERATURE_MIN: f32 = 1e-4;

    /// The likeliest token, always.
    pub const GREEDY: Self = Self {
        temperature: 0.0,
        top_p: 1.0,
        top_k: 0,
        min_p: 0.0,
    };

    /// The model's own distribution at this temperature, unfiltered.
    pub const fn at_temperature(temperature: f32) -> Self {
        Self {
            temperature,
            ..Self::GREEDY
        }
    }

    /// Whether the likeliest word is taken, and no number is needed.
    pub(crate) fn is_greedy(&self) -> bool {
        self.temperature == 0.0
    }

    /// What logits are multiplied by, unless the likeliest word is taken.
    fn inverse_temperature(&self) -> f32 {
        1.0 / self.temperature
    }

    /// Whether no word is filtered out.
    fn keeps_all(&self, vocab: usize) -> bool {
        let all_ranks = self.top_k == 0 || vocab <= self.top_k;
        all_ranks && 1.0 <= self.top_p && self.min_p <= 0.0
    }
}

/// A token that is to be drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// The row of logits that it is drawn from.
    pub row: usize,
    /// How.
    pub sampling: Sampling,
    /// The number that decides: at least 0, below 1, of 53 bits.
    pub unit: f64,
}

/// A token and the natural logarithm of the probability it was drawn with; 0 where the choice was greedy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    /// Its id.
    pub token: u32,
    /// In nats, in the distribution that temperature and filters leave.
    pub logprob: f32,
}

/// A word that passed the filters: its id and `e^(z - max)`.
#[derive(Clone, Copy)]
struct Candidate {
    token: u32,
    weight: f32,
}

/// Candidates that are put in order before it is known how many `top_p` needs.
const FIRST_SORTED: usize = 64;

/// Draws a token; `None` if a logit is no number or infinite, or if all of them are minus infinity.
pub(crate) fn draw(logits: &[f32], sampling: &Sampling, unit: f64) -> Option<Drawn> {
    if sampling.is_greedy() {
        return greedy(logits);
    }
    let inverse_temperature = sampling.inverse_temperature();
    let summary = RowSummary::of(logits, inverse_temperature);
    if !summary.is_finite() {
        return None;
    }
    let weight = |logit: f32| summary.weight(logit, inverse_temperature);
    if sampling.keeps_all(logits.len()) {
        let total: f64 = logits.iter().map(|logit| f64::from(weight(*logit))).sum();
        let index = pick(logits.iter().map(|logit| weight(*logit)), total * unit)?;
        return Some(Drawn {
            token: index as u32,
            logprob: summary.logprob(logits[index], inverse_temperature),
        });
    }
    let mut candidates: Vec<Candidate> = (0..)
        .zip(logits)
        .map(|(token, logit)| Candidate {
            token,
            weight: weight(*logit),
        })
        .collect();
    filter(&mut candidates, sampling);
    let total: f64 = candidates.iter().map(|it| f64::from(it.weight)).sum();
    let chosen = candidates[pick(candidates.iter().map(|it| it.weight), total * unit)?];
    Some(Drawn {
        token: chosen.token,
        logprob: ln(chosen.weight) - ln(total as f32),
    })
}

fn greedy(logits: &[f32]) -> Option<Drawn> {
    let mut best = (0, f32::NEG_INFINITY);
    for (index, logit) in logits.iter().enumerate() {
        if logit.is_nan() || *logit == f32::INFINITY {
            return None;
        }
        if best.1 < *logit {
            best = (index, *logit);
        }
    }
    best.1.is_finite().then_some(Drawn {
        token: best.0 as u32,
        logprob: 0.0,
    })
}

/// Applies `top_k`, then `top_p` of what that left, then `min_p`.
fn filter(candidates: &mut Vec<Candidate>, sampling: &Sampling) {
    if 0 < sampling.top_k && sampling.top_k < candidates.len() {
        candidates.select_nth_unstable_by(sampling.top_k, by_weight);
        candidates.truncate(sampling.top_k);
    }
    if sampling.top_p < 1.0 {
        let mass: f64 = candidates.iter().map(|it| f64::from(it.weight)).sum();
        let kept = nucleus(candidates, f64::from(sampling.top_p) * mass);
        candidates.truncate(kept);
    }
    // The likeliest word has weight 1 and is never filtered out.
    candidates.retain(|it| sampling.min_p <= it.weight);
    // The order of what is left decides which number of the generator means which word: by id, as if unfiltered.
    candidates.sort_unstable_by_key(|it| it.token);
}

/// Puts the likeliest candidates first, in order, as many as hold `mass`; returns how many.
fn nucleus(candidates: &mut [Candidate], mass: f64) -> usize {
    let mut sorted = FIRST_SORTED;
    loop {
        if sorted < candidates.len() {
            candidates.select_nth_unstable_by(sorted, by_weight);
        }
        let end = sorted.min(candidates.len());
        candidates[..end].sort_unstable_by(by_weight);
        let mut sum = 0.0;
        for (index, candidate) in candidates[..end].iter().enumerate() {
            sum += f64::from(candidate.weight);
            if mass <= sum {
                return index + 1;
            }
        }
        if end == candidates.len() {
            return end;
        }
        sorted *= 4;
    }
}

/// Heavier first; the lower id among equals.
fn by_weight(a: &Candidate, b: &Candidate) -> Ordering {
    b.weight.total_cmp(&a.weight).then(a.token.cmp(&b.token))
}

/// The index at which the running sum first exceeds `target`; the last with any weight if rounding leaves none.
fn pick(weights: impl Iterator<Item = f32>, target: f64) -> Option<usize> {
    let (mut sum, mut last) = (0.0f64, None);
    for (index, weight) in weights.enumerate() {
        if 0.0 < weight {
            last = Some(index);
        }
        sum += f64::from(weight);
        if target < sum {
            return last;
        }
    }
    last
}
