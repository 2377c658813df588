//! The whole model against a plain one in f64: scores, and the gradient of every weight against differences.

use super::specimens;
use crate::{
    CpuBackend,
    half::rounded_to_bf16,
    kernels::contract::{slope, wide},
    learn::{Sequence, TokenGradients, Trainer, TrainerOptions},
    parameters::{Parameters, Role},
    precision::Precision,
    score,
    transformer::Transformer,
};

mod reference;

/// Two blocks of chains of at most 28 products, a softmax and a norm each.
const SCORE_ERROR_MAX: f64 = 1e-5;
/// Relative to the largest element of the same weight's gradient.
const GRADIENT_ERROR_MAX: f64 = 1e-4;
const TEMPERATURE: f32 = 0.8;
/// Elements of one weight whose gradient is measured.
const ELEMENTS_MAX: usize = 24;

fn sequences(vocab_size: usize) -> Vec<Sequence> {
    [(9, 2), (1, 1), (5, 1), (7, 6), (4, 4)]
        .into_iter()
        .zip(1..)
        .map(|((tokens, prompt_len), seed)| Sequence {
            tokens: specimens::tokens(tokens, vocab_size, seed),
            prompt_len,
        })
        .collect()
}

/// Gradients that differ from token to token.
fn weigh(sequence: usize, response: usize) -> TokenGradients {
    let logprob = (0..response)
        .map(|i| 0.3 + 0.2 * (sequence as f32) - 0.1 * i as f32)
        .collect();
    let entropy = (0..response)
        .map(|i| 0.2 - 0.07 * (sequence + 2 * i) as f32)
        .collect();
    TokenGradients { logprob, entropy }
}

fn gradient(parameters: &Parameters) -> Vec<f32> {
    let transformer = Transformer::on_cpu(parameters.clone()).unwrap();
    let sequences = sequences(parameters.config().vocab_size);
    let mut trainer = Trainer::new(transformer, TrainerOptions::default()).unwrap();
    trainer
        .accumulate(&sequences, TEMPERATURE, &mut |index, scores| {
            weigh(index, scores.logprobs.len())
        })
        .unwrap();
    trainer.with_gradient(<[f32]>::to_vec).unwrap()
}

#[test]
fn scores_match_a_plain_model_in_f64() {
    for parameters in specimens::all() {
        let transformer = Transformer::on_cpu(parameters.clone()).unwrap();
        let vocab_size = parameters.config().vocab_size;
        let sequences: Vec<Vec<u32>> = (1..4)
            .map(|it| specimens::tokens(40 * it, vocab_size, it as u32))
            .collect();
        let scores = score::logprobs(&transformer, &sequences).unwrap();
        for (tokens, scores) in sequences.iter().zip(scores) {
            let truth = reference::Model::new(parameters.layout(), &wide(&parameters.data))
                .scores(tokens, 1.0);
            assert_eq!(scores[0], None);
            for (index, (score, (truth, _))) in scores.iter().skip(1).zip(truth).enumerate() {
                let error = (f64::from(score.unwrap()) - truth).abs();
                assert!(
                    error <= SCORE_ERROR_MAX,
                    "token {}: {score:?} instead of {truth}",
                    index + 1
                );
            }
        }
    }
}

#[test]
fn the_gradient_of_every_weight_matches_differences_in_f64() {
    for parameters in specimens::all() {
        let layout = parameters.layout();
        let sequences = sequences(parameters.config().vocab_size);
        let loss = |weights: &[f64]| {
            let model = reference::Model::new(layout, weights);
            let mut loss = 0.0;
            for (index, sequence) in sequences.iter().enumerate() {
                let scores = model.scores(&sequence.tokens, TEMPERATURE.into());
                let response = sequence.tokens.len() - sequence.prompt_len;
                let gradients = weigh(index, response);
                for (i, (logprob, entropy)) in scores[sequence.prompt_len - 1..].iter().enumerate()
                {
                    loss += f64::from(gradients.logprob[i]) * logprob
                        + f64::from(gradients.entropy[i]) * entropy;
                }
            }
            loss
        };
        let gradient = gradient(&parameters);
        let weights = wide(&parameters.data);
        for entry in layout.entries() {
            let scale = gradient[entry.range()]
                .iter()
                .fold(0.0f32, |largest, value| largest.max(value.abs()));
            assert!(0.0 < scale, "{} has no gradient", entry.name);
            // Spread over the weight; a stride that shares no factor with a width walks through rows and columns.
            for index in entry
                .range()
                .step_by(entry.elements().div_ceil(ELEMENTS_MAX) | 1)
            {
                let truth = slope(&weights, index, &loss);
                let error = (f64::from(gradient[index]) - truth).abs();
                let element = index - entry.offset;
                let found = gradient[index];
                assert!(
                    error <= GRADIENT_ERROR_MAX * f64::from(scale),
                    "{}[{element}]: {found}, not {truth}",
                    entry.name
                );
            }
        }
    }
}

#[test]
fn every_weight_learns() {
    for parameters in specimens::all() {
        let gradient = gradient(&parameters);
        assert!(gradient.iter().all(|value| value.is_finite()));
        for entry in parameters.layout().entries() {
            let values = &gradient[entry.range()];
            let moved = values.iter().filter(|value| **value != 0.0).count();
            // Rows of tokens that nobody read or could have said get nothing; every other element gets something.
            let least = if entry.name.contains("embed_tokens") {
                values.len() / 4
            } else {
                values.len()
            };
            assert!(
                least <= moved,
                "{}: {moved} of {} elements have a gradient",
                entry.name,
                values.len()
            );
        }
    }
}

#[test]
fn weights_held_in_bfloat16_give_the_scores_of_a_model_whose_matrices_were_rounded() {
    for parameters in specimens::all() {
        let layout = parameters.layout();
        if layout.config().tied_embeddings {
            // One matrix would have to be rounded in the head and exact in the embedding.
            continue;
        }
        let mut rounded = parameters.clone();
        let products = [Role::Linear, Role::Residual, Role::Head];
        for entry in layout
            .entries()
            .iter()
            .filter(|it| products.contains(&it.role))
        {
            for weight in &mut rounded.data[entry.range()] {
                *weight = rounded_to_bf16(*weight);
            }
        }
        let tokens = [specimens::tokens(90, layout.config().vocab_size, 1)];
        let scores = |precision, parameters: &Parameters| {
            let backend = CpuBackend::default().with_precision(precision);
            let transformer = Transformer::new(backend, parameters.clone()).unwrap();
            score::logprobs(&transformer, &tokens).unwrap()
        };
        let held = scores(Precision::Bf16, &parameters);
        assert_eq!(held, scores(Precision::F32, &rounded));
        assert_ne!(held, scores(Precision::F32, &parameters));
    }
}
