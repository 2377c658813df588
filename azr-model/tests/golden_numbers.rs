//! Log-probabilities, greedy continuations, gradients and training steps of the small golden models, as transformers and
//! PyTorch compute them (`golden/small_models.py`).

#[path = "../examples/check_golden/compare.rs"]
mod compare;

use azr_model::learn::{Sequence, StepOptions, TokenGradients, Trainer, TrainerOptions};
use azr_model::transformer::Transformer;
use azr_model::{CpuBackend, LanguageModel, Precision};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Both sides round to f32 in orders of their own; the golden numbers are written with 8 digits.
const NATS_MAX: f32 = 5e-5;
const GRADIENT_ERROR_MAX: f64 = 1e-4;
/// Weights rounded to 8 binary digits are off by 2e-3 of themselves at most; the blocks add their errors up.
const GRADIENT_ERROR_BF16_MAX: f64 = 2e-2;
const PERPLEXITY_BF16_CHANGE_MAX: f32 = 5e-3;
/// Losses of ten steps, relative: the difference of one step is carried into the next.
const LOSS_ERROR_MAX: f32 = 1e-4;

const MODELS: [&str; 8] = [
    "llama-tied-gqa",
    "llama-untied-wide-heads",
    "qwen2-tied-one-kv-head",
    "qwen2-untied-sharded",
    "llama3-scaled-rope",
    "llama-linear-rope",
    "qwen3-tied-wide-heads",
    "qwen3-untied-bf16",
];
const TRAINED: [&str; 4] = [
    "llama-tied-gqa",
    "qwen2-untied-sharded",
    "llama3-scaled-rope",
    "qwen3-tied-wide-heads",
];

#[derive(Deserialize)]
struct Training {
    gradient_tokens: Vec<u32>,
    steps: Steps,
}

#[derive(Deserialize)]
struct Steps {
    lr: f32,
    betas: (f32, f32),
    eps: f32,
    weight_decay: f32,
    gradient_norm_max: f32,
    tokens: Vec<u32>,
    losses: Vec<f32>,
    gradient_norms: Vec<f32>,
    weight: String,
    values: Vec<f32>,
}

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../golden/small")
        .join(name)
}

fn load(name: &str) -> LanguageModel {
    LanguageModel::load_local(&directory(name)).expect("a model that loads")
}

fn golden<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    let json = std::fs::read_to_string(directory(name).join("golden.json")).expect("golden.json");
    serde_json::from_str(&json).expect("golden numbers")
}

fn trainer(name: &str, precision: Precision) -> Trainer {
    let backend = CpuBackend::default().with_precision(precision);
    let transformer = Transformer::new(backend, load(name).parameters).expect("a transformer");
    Trainer::new(transformer, TrainerOptions::default()).expect("a trainer")
}

/// Adds the gradient of the mean negative log-probability of all tokens but the first; returns that mean.
fn learn(trainer: &mut Trainer, tokens: &[u32]) -> f32 {
    let scored = (tokens.len() - 1) as f32;
    let sequences = [Sequence {
        tokens: tokens.to_vec(),
        prompt_len: 1,
    }];
    let mut loss = 0.0;
    let weigh = &mut |_, scores: &azr_model::learn::TokenScores| {
        loss = -scores.logprobs.iter().sum::<f32>() / scored;
        let count = scores.logprobs.len();
        TokenGradients {
            logprob: vec![-1.0 / scored; count],
            entropy: vec![0.0; count],
        }
    };
    trainer
        .accumulate(&sequences, 1.0, weigh)
        .expect("a gradient");
    loss
}

#[test]
fn texts_and_chats_become_what_transformers_makes_of_them() {
    for name in MODELS {
        let checked = compare::texts(&load(name), &golden(name)).unwrap();
        assert!(40 < checked, "{name}: {checked}");
    }
}

#[test]
fn log_probabilities_are_those_of_transformers() {
    for name in MODELS {
        let transformer = Transformer::on_cpu(load(name).parameters).unwrap();
        let agreement = compare::logprobs(&transformer, &golden(name)).unwrap();
        println!("{name}: {agreement:?}");
        assert!(
            1000 <= agreement.tokens && agreement.nats_max <= NATS_MAX,
            "{name}: {agreement:?}"
        );
    }
}

#[test]
fn greedy_continuations_are_those_of_transformers() {
    for name in MODELS {
        let transformer = Transformer::on_cpu(load(name).parameters).unwrap();
        let departures = compare::greedy(&transformer, &golden(name)).unwrap();
        let words: Vec<String> = departures.iter().map(ToString::to_string).collect();
        assert!(words.is_empty(), "{name}: {words:?}");
    }
}

#[test]
fn the_gradient_of_every_weight_is_that_of_pytorch() {
    for name in TRAINED {
        let file = std::fs::read(directory(name).join("gradients.safetensors")).unwrap();
        let file = safetensors::SafeTensors::deserialize(&file).unwrap();
        let reference: HashMap<String, Vec<f32>> = file
            .iter()
            .map(|(name, tensor)| {
                let values = tensor
                    .data()
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|four| f32::from_le_bytes(*four));
                (
                    name.trim_start_matches("grad.").to_owned(),
                    values.collect(),
                )
            })
            .collect();
        for (precision, error_max) in [
            (Precision::F32, GRADIENT_ERROR_MAX),
            (Precision::Bf16, GRADIENT_ERROR_BF16_MAX),
        ] {
            let mut trainer = trainer(name, precision);
            learn(&mut trainer, &golden::<Training>(name).gradient_tokens);
            let entries = trainer.transformer().layout().entries().to_vec();
            assert_eq!(entries.len(), reference.len(), "{name} has other weights");
            let gradient = trainer.with_gradient(<[f32]>::to_vec).unwrap();
            for entry in entries {
                let error = distance(&gradient[entry.range()], &reference[&entry.name]);
                assert!(
                    error <= error_max,
                    "{name} {} in {precision:?}: relative error {error:.2e}",
                    entry.name
                );
            }
        }
    }
}

/// The norm of the difference by the norm of `theirs`.
fn distance(ours: &[f32], theirs: &[f32]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f32>| {
        values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt()
    };
    let difference = norm(&mut ours.iter().zip(theirs).map(|(a, b)| a - b));
    difference / norm(&mut theirs.iter().copied())
}

#[test]
fn weights_held_in_bfloat16_leave_the_perplexity_of_a_text_where_it_was() {
    let mut changes = Vec::new();
    for name in TRAINED {
        let tokens = golden::<Training>(name).gradient_tokens;
        let loss = |precision| learn(&mut trainer(name, precision), &tokens);
        let (exact, rounded) = (loss(Precision::F32), loss(Precision::Bf16));
        let change = (rounded - exact).exp() - 1.0;
        assert!(
            change.abs() <= PERPLEXITY_BF16_CHANGE_MAX,
            "{name}: {exact} and {rounded} nats a token, {change:+.2e}"
        );
        changes.push(change);
    }
    // One of the models was stored in bfloat16, and nothing changes there.
    assert!(changes.iter().any(|it| *it != 0.0), "nothing was rounded");
}

#[test]
fn ten_steps_of_adamw_are_those_of_pytorch() {
    for name in TRAINED {
        let Training { steps, .. } = golden(name);
        let options = StepOptions {
            lr: steps.lr,
            beta1: steps.betas.0,
            beta2: steps.betas.1,
            eps: steps.eps,
            weight_decay: steps.weight_decay,
            gradient_norm_max: steps.gradient_norm_max,
        };
        let mut trainer = trainer(name, Precision::F32);
        for (step, (loss, norm)) in steps.losses.iter().zip(&steps.gradient_norms).enumerate() {
            let ours = learn(&mut trainer, &steps.tokens);
            let report = trainer.step(&options).unwrap();
            let close = |ours: f32, theirs: f32| (ours - theirs).abs() <= LOSS_ERROR_MAX * theirs;
            assert!(
                close(ours, *loss),
                "{name} step {step}: loss {ours} and {loss}"
            );
            let ours = report.gradient_norm;
            assert!(
                close(ours, *norm),
                "{name} step {step}: gradient norm {ours} and {norm}"
            );
        }
        let parameters = trainer.transformer().to_parameters().unwrap();
        let weights = &parameters.get(&steps.weight).unwrap()[..steps.values.len()];
        for (ours, theirs) in weights.iter().zip(&steps.values) {
            assert!(
                (ours - theirs).abs() <= 1e-5,
                "{name} {}: {ours} and {theirs}",
                steps.weight
            );
        }
    }
}
