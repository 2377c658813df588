//! Probabilities in f64, with the whole vocabulary in order.

use super::Sampling;

/// Of every word, after temperature and filters; 0 where it is filtered out.
pub(super) fn probabilities(logits: &[f32], sampling: &Sampling) -> Vec<f64> {
    let temperature = match sampling.is_greedy() {
        true => 1.0,
        false => f64::from(sampling.temperature),
    };
    let scores: Vec<f64> = logits
        .iter()
        .map(|it| f64::from(*it) / temperature)
        .collect();
    let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|z| (z - max).exp()).collect();
    let mut kept: Vec<usize> = (0..logits.len()).collect();
    // A stable sort: the lower id stays first among equals.
    kept.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    if sampling.is_greedy() {
        kept.truncate(1);
    }
    if 0 < sampling.top_k {
        kept.truncate(sampling.top_k);
    }
    if sampling.top_p < 1.0 {
        let mass: f64 = kept.iter().map(|it| weights[*it]).sum();
        let mut sum = 0.0;
        let reaches = |word: &usize| {
            sum += weights[*word];
            f64::from(sampling.top_p) * mass <= sum
        };
        let last = kept.iter().position(reaches).unwrap_or(kept.len());
        kept.truncate(last + 1);
    }
    kept.retain(|it| f64::from(sampling.min_p) <= weights[*it]);
    let total: f64 = kept.iter().map(|it| weights[*it]).sum();
    let mut probabilities = vec![0.0; logits.len()];
    for word in kept {
        probabilities[word] = weights[word] / total;
    }
    probabilities
}
