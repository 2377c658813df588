//! The contract over vocabularies around the block, temperatures and rows; bits against a whole row of logits.

use super::{Head, RowSummary, reference};
use crate::{
    kernels::{
        contract::{check, differences, numbers, wide},
        matmul::{self, Plus, Weights},
        scratch::Scratch,
    },
    precision::Precision,
    simd::team::Team,
};

/// Logits are chains of up to 200 products (2e-6 of their size, which is a few units); probabilities inherit it.
const TOLERANCE: f64 = 1e-5;

fn packed(w: &[f32], v: usize, d: usize) -> Weights {
    let mut weights = Weights::new(v, d, Precision::F32).unwrap();
    weights.pack(&Team::default(), w);
    weights
}

#[test]
fn forward_and_every_gradient_match_the_reference() {
    for (n, v, d, temperature) in [
        (1, 2, 1, 1.0f32),
        (3, 7, 5, 0.7),
        (97, 300, 33, 1.0),
        (5, 1500, 64, 1.3),
        (130, 513, 20, 1.0),
    ] {
        let hidden: Vec<f32> = numbers(n * d, 1).iter().map(|h| h * 2.0).collect();
        let (w, dlogprob, dentropy) = (numbers(v * d, 2), numbers(n, 3), numbers(n, 4));
        let targets: Vec<u32> = (0..n).map(|i| ((i * 7 + 1) % v) as u32).collect();
        let weights = packed(&w, v, d);
        let scratch = Scratch::default();
        let head = Head {
            scratch: &scratch,
            weights: &weights,
            hidden: &hidden,
            targets: &targets,
            inverse_temperature: 1.0 / temperature,
        };
        let (mut logprobs, mut entropies) = (vec![f32::NAN; n], vec![f32::NAN; n]);
        head.forward(&mut logprobs, &mut entropies);
        let truth = reference::forward(&wide(&hidden), &wide(&w), d, &targets, temperature.into());
        check("logprobs", &logprobs, &truth.logprobs, TOLERANCE);
        check("entropies", &entropies, &truth.entropies, TOLERANCE);

        let before = numbers(v * d, 5);
        let (mut dhidden, mut dw) = (vec![f32::NAN; n * d], before.clone());
        head.backward((&dlogprob, &dentropy), &w, &mut dhidden, &mut dw);
        let wanted = (wide(&dlogprob), wide(&dentropy));
        let (dh_truth, dw_truth) = reference::backward(
            &wide(&hidden),
            &wide(&w),
            d,
            &targets,
            temperature.into(),
            (&wanted.0, &wanted.1),
        );
        check("dhidden", &dhidden, &dh_truth, TOLERANCE);
        let dw_truth: Vec<f64> = dw_truth
            .iter()
            .zip(&before)
            .map(|(dw, before)| dw + f64::from(*before))
            .collect();
        check("dw", &dw, &dw_truth, TOLERANCE);
    }
}

#[test]
fn the_reference_gradient_is_the_slope_of_the_reference() {
    let (hidden, w) = (wide(&numbers(2 * 3, 1)), wide(&numbers(5 * 3, 2)));
    let (targets, a, b) = ([1, 4], [0.3, -0.8], [0.9, 0.2]);
    let loss = |hidden: &[f64], w: &[f64]| {
        let scores = reference::forward(hidden, w, 3, &targets, 0.8);
        (0..2)
            .map(|n| a[n] * scores.logprobs[n] + b[n] * scores.entropies[n])
            .sum::<f64>()
    };
    let (dhidden, dw) = reference::backward(&hidden, &w, 3, &targets, 0.8, (&a, &b));
    let numeric = (
        differences(&hidden, |hidden| loss(hidden, &w)),
        differences(&w, |w| loss(&hidden, w)),
    );
    for (analytic, numeric) in dhidden
        .iter()
        .chain(&dw)
        .zip(numeric.0.iter().chain(&numeric.1))
    {
        assert!(
            (analytic - numeric).abs() < 1e-8,
            "{analytic} and {numeric}"
        );
    }
}

#[test]
fn a_whole_row_of_logits_gives_the_bits_of_the_blocks() {
    let cases = [(300, 1.0f32), (512, 0.6), (513, 1.0), (3000, 1.7)];
    let precisions = [Precision::F32, Precision::Bf16];
    for ((v, temperature), precision) in
        cases.into_iter().flat_map(|it| precisions.map(|p| (it, p)))
    {
        let (n, d) = (100, 24);
        let (hidden, w) = (numbers(n * d, 1), numbers(v * d, 2));
        let targets: Vec<u32> = (0..n).map(|i| ((i * 31) % v) as u32).collect();
        let mut weights = Weights::new(v, d, precision).unwrap();
        weights.pack(&Team::default(), &w);
        let inverse_temperature = 1.0 / temperature;
        let (mut logprobs, mut entropies) = (vec![0.0; n], vec![0.0; n]);
        let scratch = Scratch::default();
        let head = Head {
            scratch: &scratch,
            weights: &weights,
            hidden: &hidden,
            targets: &targets,
            inverse_temperature,
        };
        head.forward(&mut logprobs, &mut entropies);
        for i in 0..n {
            let mut logits = vec![0.0; v];
            matmul::forward(
                &scratch,
                &hidden[i * d..(i + 1) * d],
                &weights,
                Plus::Nothing,
                &mut logits,
            );
            let summary = RowSummary::of(&logits, inverse_temperature);
            let logprob = summary.logprob(logits[targets[i] as usize], inverse_temperature);
            assert_eq!(logprob.to_bits(), logprobs[i].to_bits());
            assert_eq!(summary.entropy.to_bits(), entropies[i].to_bits());
        }
    }
}

#[test]
fn a_logit_that_is_no_number_is_noticed() {
    let mut logits = numbers(700, 1);
    assert!(RowSummary::of(&logits, 1.0).is_finite());
    for bad in [f32::NAN, f32::INFINITY] {
        logits[600] = bad;
        assert!(!RowSummary::of(&logits, 1.0).is_finite(), "{bad}");
    }
}
