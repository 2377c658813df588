//! What must not be seen in a gradient or a step: threads, checkpointing, an interruption.

use super::{
    Checkpointing, LearnError, MomentKind, OptimizerState, Sequence, StepOptions, TokenGradients,
    Trainer, TrainerOptions,
};
use crate::{
    CpuBackend, Transformer,
    config::Architecture,
    learn::{TokenScores, optimizer::StepError},
    precision::Precision,
    transformer::specimens,
};

const STEP: StepOptions = StepOptions {
    lr: 1e-2,
    beta1: 0.9,
    beta2: 0.99,
    eps: 1e-8,
    weight_decay: 0.01,
    gradient_norm_max: 1.0,
};

fn sequences(seed: u32) -> Vec<Sequence> {
    (0..9)
        .map(|index| Sequence {
            tokens: specimens::tokens(3 + (index as usize * 17) % 70, 37, seed * 100 + index),
            prompt_len: 1 + index as usize % 3,
        })
        .collect()
}

/// The gradient of minus the mean log-probability, with a little entropy.
fn weigh(_: usize, scores: &TokenScores) -> TokenGradients {
    let n = scores.logprobs.len();
    TokenGradients {
        logprob: vec![-1.0 / n as f32; n],
        entropy: vec![-0.01; n],
    }
}

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

fn trainer(options: TrainerOptions) -> Trainer {
    Trainer::new(specimens::transformer(Architecture::Qwen2), options).unwrap()
}

fn trainer_in(precision: Precision, options: TrainerOptions, threads: usize) -> Trainer {
    let parameters = specimens::parameters(specimens::dimensions(Architecture::Qwen2));
    let backend = CpuBackend::with_threads(threads).with_precision(precision);
    Trainer::new(Transformer::new(backend, parameters).unwrap(), options).unwrap()
}

fn gradient(precision: Precision, options: TrainerOptions, threads: usize) -> Vec<f32> {
    let mut trainer = trainer_in(precision, options, threads);
    trainer.accumulate(&sequences(1), 1.0, &mut weigh).unwrap();
    trainer.with_gradient(<[f32]>::to_vec).unwrap()
}

fn weights(trainer: &Trainer) -> Vec<f32> {
    trainer.transformer().with_weights(<[f32]>::to_vec).unwrap()
}

#[test]
fn checkpointing_and_threads_change_no_bit_of_the_gradient() {
    for precision in PRECISIONS {
        for micro_batch_tokens_max in [1, 100, 100_000] {
            let with = |checkpointing, threads| {
                let options = TrainerOptions {
                    micro_batch_tokens_max,
                    checkpointing,
                    ..TrainerOptions::default()
                };
                gradient(precision, options, threads)
            };
            let expected = with(Checkpointing::None, 1);
            assert!(expected.iter().any(|value| *value != 0.0));
            assert_eq!(expected, with(Checkpointing::None, 3), "threads");
            let recomputed = with(Checkpointing::EveryLayer, 2);
            assert_eq!(expected, recomputed, "checkpointing");
        }
    }
}

#[test]
fn packing_changes_no_score_and_hardly_the_gradient() {
    for precision in PRECISIONS {
        let with = |micro_batch_tokens_max| {
            let options = TrainerOptions {
                micro_batch_tokens_max,
                ..TrainerOptions::default()
            };
            let mut trainer = trainer_in(precision, options, 2);
            let mut seen = Vec::new();
            let weigh = &mut |index: usize, scores: &TokenScores| {
                seen.push((index, scores.clone()));
                weigh(index, scores)
            };
            trainer.accumulate(&sequences(1), 0.9, weigh).unwrap();
            (seen, trainer.with_gradient(<[f32]>::to_vec).unwrap())
        };
        let (alone, together) = (with(1), with(100_000));
        assert_eq!(alone.0, together.0);
        let largest = |most: f32, value: &f32| most.max(value.abs());
        let scale = alone.1.iter().fold(0.0, largest);
        for (a, b) in alone.1.iter().zip(&together.1) {
            assert!((a - b).abs() <= 1e-5 * scale, "{a} and {b}");
        }
    }
}

#[test]
fn learning_raises_the_probability_of_what_is_learned() {
    for moments in MomentKind::ALL {
        let mut trainer = trainer(with_moments(moments));
        let mut means = Vec::new();
        for _ in 0..30 {
            let (mut sum, mut count) = (0.0, 0);
            let weigh = &mut |index: usize, scores: &TokenScores| {
                sum += scores.logprobs.iter().sum::<f32>();
                count += scores.logprobs.len();
                weigh(index, scores)
            };
            trainer.accumulate(&sequences(1), 1.0, weigh).unwrap();
            means.push(sum / count as f32);
            assert!(0.0 < trainer.step(&STEP).unwrap().gradient_norm);
        }
        let (first, last) = (means[0], means[29]);
        assert!(
            first + 1.0 < last,
            "{moments:?}: from {first} to {last} nats a token"
        );
    }
}

fn state(trainer: &Trainer) -> OptimizerState<'static> {
    let owned = |it: OptimizerState<'_>| OptimizerState {
        steps: it.steps,
        first: it.first.into_owned(),
        second: it.second.into_owned(),
    };
    trainer.with_optimizer_state(owned).unwrap()
}

fn with_moments(moments: MomentKind) -> TrainerOptions {
    TrainerOptions {
        moments,
        seed: 11,
        ..TrainerOptions::default()
    }
}

#[test]
fn a_resumed_trainer_goes_on_as_if_nothing_had_happened() {
    let step = |trainer: &mut Trainer, seed: u32| {
        trainer
            .accumulate(&sequences(seed), 1.0, &mut weigh)
            .unwrap();
        trainer.step(&STEP).unwrap();
    };
    for moments in MomentKind::ALL {
        let options = with_moments(moments);
        let mut whole = trainer(options);
        (1..=4).for_each(|seed| step(&mut whole, seed));
        let mut before = trainer(options);
        (1..=2).for_each(|seed| step(&mut before, seed));
        let kept = state(&before);
        assert_eq!((kept.steps, kept.first.kind()), (2, moments));
        let saved = Transformer::on_cpu(before.transformer().to_parameters().unwrap()).unwrap();
        let mut after = Trainer::resume(saved, options, kept).unwrap();
        (3..=4).for_each(|seed| step(&mut after, seed));
        assert_eq!(weights(&whole), weights(&after), "{moments:?}");
        assert_eq!(state(&whole), state(&after), "{moments:?}");
    }
}

#[test]
fn moments_of_another_kind_are_refused_in_words() {
    let kept = state(&trainer(with_moments(MomentKind::Bf16)));
    let model = specimens::transformer(Architecture::Qwen2);
    let error = Trainer::resume(model, with_moments(MomentKind::Float8), kept)
        .err()
        .unwrap();
    let words = error.to_string();
    assert!(
        words.contains("in bf16 and bf16, and float8 is asked for"),
        "{words}"
    );
}

#[test]
fn a_gradient_that_is_no_number_is_refused_and_nothing_moves() {
    let mut trainer = trainer(TrainerOptions::default());
    let before = weights(&trainer);
    let huge = &mut |_: usize, scores: &TokenScores| TokenGradients {
        logprob: vec![f32::MAX; scores.logprobs.len()],
        entropy: vec![0.0; scores.logprobs.len()],
    };
    trainer.accumulate(&sequences(1), 1.0, huge).unwrap();
    let refused = trainer.step(&STEP);
    assert!(
        matches!(
            refused,
            Err(LearnError::Step(StepError::GradientNotFinite { .. }))
        ),
        "{refused:?}"
    );
    assert_eq!(before, weights(&trainer));
    assert!(
        trainer
            .with_gradient(|it| it.iter().all(|value| *value == 0.0))
            .unwrap(),
        "the gradient is empty"
    );
    let nan = &mut |_: usize, scores: &TokenScores| TokenGradients {
        logprob: vec![f32::NAN; scores.logprobs.len()],
        entropy: vec![0.0; scores.logprobs.len()],
    };
    let refused = trainer.accumulate(&sequences(1), 1.0, nan);
    assert!(
        matches!(refused, Err(LearnError::GradientNotFinite { sequence: 0 })),
        "{refused:?}"
    );
}

#[test]
fn sequences_that_cannot_be_learned_from_are_named() {
    let mut trainer = trainer(TrainerOptions::default());
    let mut refuse = |tokens: Vec<u32>, prompt_len: usize| {
        let good = Sequence {
            tokens: vec![1, 2],
            prompt_len: 1,
        };
        let error = trainer
            .accumulate(&[good, Sequence { tokens, prompt_len }], 1.0, &mut weigh)
            .unwrap_err();
        let source = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        format!("{error}: {source}")
    };
    assert!(refuse(vec![], 0).contains("sequence 1 cannot be learned from: the sequence is empty"));
    assert!(
        refuse(vec![1, 37], 1).contains("token 37 at position 1 is not in the vocabulary of 37")
    );
    assert!(refuse(vec![1; 301], 1).contains("301 tokens exceed the model's context of 300"));
    assert!(refuse(vec![1, 2], 0).contains("sequence 1 has a prompt of 0 tokens and 2 in all"));
    assert!(refuse(vec![1, 2], 3).contains("sequence 1 has a prompt of 3 tokens and 2 in all"));
}
