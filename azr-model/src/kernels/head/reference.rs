//! The head in f64 with all logits in memory.

pub(super) struct Scores {
    pub(super) logprobs: Vec<f64>,
    pub(super) entropies: Vec<f64>,
}

fn probabilities(hidden: &[f64], w: &[f64], d: usize, temperature: f64) -> Vec<f64> {
    let logits: Vec<f64> = w
        .chunks_exact(d)
        .map(|w| w.iter().zip(hidden).map(|(w, h)| w * h).sum::<f64>() / temperature)
        .collect();
    let max = logits.iter().fold(f64::NEG_INFINITY, |max, z| max.max(*z));
    let sum: f64 = logits.iter().map(|z| (z - max).exp()).sum();
    logits.iter().map(|z| (z - max).exp() / sum).collect()
}

pub(super) fn forward(
    hidden: &[f64],
    w: &[f64],
    d: usize,
    targets: &[u32],
    temperature: f64,
) -> Scores {
    let mut scores = Scores {
        logprobs: Vec::new(),
        entropies: Vec::new(),
    };
    for (hidden, target) in hidden.chunks_exact(d).zip(targets) {
        let p = probabilities(hidden, w, d, temperature);
        scores.logprobs.push(p[*target as usize].ln());
        scores
            .entropies
            .push(-p.iter().map(|p| p * p.ln()).sum::<f64>());
    }
    scores
}

/// Gradients by the hidden rows and by the head.
pub(super) fn backward(
    hidden: &[f64],
    w: &[f64],
    d: usize,
    targets: &[u32],
    temperature: f64,
    gradients: (&[f64], &[f64]),
) -> (Vec<f64>, Vec<f64>) {
    let (mut dhidden, mut dw) = (vec![0.0; hidden.len()], vec![0.0; w.len()]);
    for (n, target) in targets.iter().enumerate() {
        let row = &hidden[n * d..(n + 1) * d];
        let p = probabilities(row, w, d, temperature);
        let entropy = -p.iter().map(|p| p * p.ln()).sum::<f64>();
        for v in 0..p.len() {
            let hit = if v == *target as usize { 1.0 } else { 0.0 };
            let by_logprob = gradients.0[n] * (hit - p[v]);
            let by_entropy = -gradients.1[n] * p[v] * (p[v].ln() + entropy);
            let dz = (by_logprob + by_entropy) / temperature;
            for i in 0..d {
                dhidden[n * d + i] += dz * w[v * d + i];
                dw[v * d + i] += dz * row[i];
            }
        }
    }
    (dhidden, dw)
}
