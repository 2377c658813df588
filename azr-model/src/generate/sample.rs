//! One token out of a row of logits.

use std::cmp::Ordering;

use rand_chacha::{ChaCha8Rng, rand_core::Rng};

use super::request::Sampling;
use crate::kernels::{exp::ln, head::RowSummary};

/// A token and the natural logarithm of the probability it was drawn with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Drawn {
    pub(super) token: u32,
    pub(super) logprob: f32,
}

/// A word that passed the filters: its id and `e^(z - max)`.
#[derive(Clone, Copy)]
struct Candidate {
    token: u32,
    weight: f32,
}

/// Candidates that are put in order before it is known how many `top_p` needs.
const FIRST_SORTED: usize = 64;

/// Draws a token; `None` if a logit is not a finite number. Takes one number from the generator unless greedy.
pub(super) fn draw(
    logits: &[f32],
    sampling: &Sampling,
    generator: &mut ChaCha8Rng,
) -> Option<Drawn> {
    if sampling.temperature == 0.0 {
        return greedy(logits);
    }
    let inverse_temperature = 1.0 / sampling.temperature;
    let summary = RowSummary::of(logits, inverse_temperature);
    if !summary.is_finite() {
        return None;
    }
    let unit = (generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
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

impl Sampling {
    /// Whether no word is filtered out.
    pub(super) fn keeps_all(&self, vocab: usize) -> bool {
        let all_ranks = self.top_k == 0 || vocab <= self.top_k;
        all_ranks && 1.0 <= self.top_p && self.min_p <= 0.0
    }
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

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    /// Probabilities 0.5, 0.25, 0.15, 0.1 at temperature 1, out of order and shifted.
    const SHARES: [f32; 4] = [0.15, 0.5, 0.1, 0.25];

    fn logits() -> Vec<f32> {
        SHARES.iter().map(|share| share.ln() + 3.0).collect()
    }

    /// How often each word is drawn of 20,000 times; checks that its log-probability is that of the share wanted.
    fn frequencies(sampling: Sampling, wanted: [f32; 4]) {
        let mut generator = ChaCha8Rng::seed_from_u64(5);
        let draws = 20_000;
        let mut counts = [0; 4];
        for _ in 0..draws {
            let drawn = draw(&logits(), &sampling, &mut generator).unwrap();
            let token = drawn.token as usize;
            counts[token] += 1;
            assert!(
                (drawn.logprob.exp() - wanted[token]).abs() < 1e-5,
                "{token}: {} of {wanted:?}",
                drawn.logprob.exp()
            );
        }
        for (count, wanted) in counts.iter().zip(wanted) {
            let share = *count as f32 / draws as f32;
            // Four standard errors of a share of one half are 0.014.
            assert!(
                (share - wanted).abs() < 0.015,
                "{share} instead of {wanted}"
            );
        }
    }

    #[test]
    fn unfiltered_draws_follow_the_distribution() {
        frequencies(Sampling::at_temperature(1.0), SHARES);
        let squares: f32 = SHARES.iter().map(|it| it * it).sum();
        frequencies(
            Sampling::at_temperature(0.5),
            SHARES.map(|it| it * it / squares),
        );
    }

    #[test]
    fn filters_keep_the_likeliest_and_report_the_renormalized_probability() {
        let open = Sampling::at_temperature(1.0);
        frequencies(
            Sampling { top_k: 2, ..open },
            [0.0, 2.0 / 3.0, 0.0, 1.0 / 3.0],
        );
        frequencies(
            Sampling { top_p: 0.8, ..open },
            [0.15 / 0.9, 0.5 / 0.9, 0.0, 0.25 / 0.9],
        );
        frequencies(Sampling { top_p: 0.4, ..open }, [0.0, 1.0, 0.0, 0.0]);
        frequencies(
            Sampling { min_p: 0.4, ..open },
            [0.0, 2.0 / 3.0, 0.0, 1.0 / 3.0],
        );
        // Of the two that top_k leaves, the first alone holds two thirds.
        frequencies(
            Sampling {
                top_k: 2,
                top_p: 0.6,
                ..open
            },
            [0.0, 1.0, 0.0, 0.0],
        );
    }

    #[test]
    fn a_nucleus_wider_than_the_first_sort_is_found_whole() {
        // 1000 equal words: 90 percent of the mass are the first 900, by id.
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let sampling = Sampling {
            top_p: 0.9,
            ..Sampling::at_temperature(1.0)
        };
        for _ in 0..2000 {
            let drawn = draw(&[1.0; 1000], &sampling, &mut generator).unwrap();
            assert!(drawn.token < 900);
            assert!((drawn.logprob + 900f32.ln()).abs() < 1e-4);
        }
    }

    #[test]
    fn greedy_takes_the_lowest_id_among_equals_and_needs_no_generator() {
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let untouched = generator.clone();
        let drawn = draw(&[0.0, 2.0, 2.0, 1.0], &Sampling::GREEDY, &mut generator);
        assert_eq!(
            drawn,
            Some(Drawn {
                token: 1,
                logprob: 0.0
            })
        );
        assert_eq!(generator, untouched);
    }
}
