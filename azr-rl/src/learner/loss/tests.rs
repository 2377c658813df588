//! The loss beside its scalar reference.

use proptest::prelude::*;

use super::*;

/// The formula, one token at a time, nothing shared with the code under test.
fn reference(options: &LossOptions, batch: &[Sequence]) -> f64 {
    let all_tokens: usize = batch.iter().map(|it| it.sampled.len()).sum();
    let mut total = 0.0;
    for sequence in batch {
        let tokens = sequence.sampled.len();
        for t in 0..tokens {
            let r = (f64::from(sequence.learner[t]) - f64::from(sequence.sampled[t])).exp();
            let a = sequence.advantage;
            let clipped = r.max(1.0 - options.clip_low).min(1.0 + options.clip_high);
            let objective = f64::min(r * a, clipped * a)
                + options.entropy_coefficient * f64::from(sequence.entropies[t]);
            total -= match options.mean {
                LossMean::Tokens => objective / all_tokens as f64,
                LossMean::Sequences => objective / (batch.len() * tokens) as f64,
            };
        }
    }
    total
}

#[derive(Debug, Clone)]
struct Sequence {
    advantage: f64,
    sampled: Vec<f32>,
    learner: Vec<f32>,
    entropies: Vec<f32>,
}

impl Sequence {
    fn scores(&self) -> SequenceScores<'_> {
        SequenceScores {
            advantage: self.advantage,
            sampled: &self.sampled,
            learner: &self.learner,
            entropies: &self.entropies,
        }
    }
}

fn size(batch: &[Sequence]) -> BatchSize {
    BatchSize {
        sequences: batch.len(),
        tokens: batch.iter().map(|it| it.sampled.len()).sum(),
    }
}

fn options() -> impl Strategy<Value = LossOptions> {
    let mean = prop_oneof![Just(LossMean::Tokens), Just(LossMean::Sequences)];
    (0.05..0.5f64, 0.05..0.5f64, 0.0..0.1f64, mean).prop_map(
        |(clip_low, clip_high, entropy_coefficient, mean)| LossOptions {
            clip_low,
            clip_high,
            entropy_coefficient,
            mean,
        },
    )
}

fn batch() -> impl Strategy<Value = Vec<Sequence>> {
    let token = (-4.0..0.0f32, -0.8..0.8f32, 0.0..3.0f32);
    let sequence =
        (-2.0..2.0f64, proptest::collection::vec(token, 1..12)).prop_map(|(advantage, tokens)| {
            Sequence {
                advantage,
                sampled: tokens.iter().map(|it| it.0).collect(),
                learner: tokens.iter().map(|it| it.0 + it.1).collect(),
                entropies: tokens.iter().map(|it| it.2).collect(),
            }
        });
    proptest::collection::vec(sequence, 1..8)
}

proptest! {
    #[test]
    fn the_loss_equals_its_scalar_reference(options in options(), batch in batch()) {
        let size = size(&batch);
        let loss: f64 = batch.iter().map(|it| options.of(&it.scores(), size).loss).sum();
        let expected = reference(&options, &batch);
        prop_assert!((loss - expected).abs() <= 1e-12 * (1.0 + expected.abs()), "{loss} is not {expected}");
    }

    #[test]
    fn the_gradient_equals_the_reference_s_differences(options in options(), batch in batch()) {
        let size = size(&batch);
        // Where the ratio stands on a bound the loss has a kink, and differences say nothing.
        let bounds = [1.0 - options.clip_low, 1.0 + options.clip_high];
        let (j, t) = (batch.len() - 1, 0);
        let ratio = (f64::from(batch[j].learner[t]) - f64::from(batch[j].sampled[t])).exp();
        prop_assume!(bounds.iter().all(|bound| 0.02 < (ratio - bound).abs()));
        // Powers of two near the values in f32, so that the step taken is the step meant.
        let step = 0.001_953_125_f32;
        let differ = |change: &dyn Fn(&mut Sequence, f32)| {
            let at = |by: f32| {
                let mut moved = batch.clone();
                change(&mut moved[j], by);
                reference(&options, &moved)
            };
            (at(step) - at(-step)) / (2.0 * f64::from(step))
        };
        let out = options.of(&batch[j].scores(), size);
        let logprob = differ(&|it, by| it.learner[t] += by);
        let entropy = differ(&|it, by| it.entropies[t] += by);
        prop_assert!((logprob - f64::from(out.logprob_gradient[t])).abs() < 1e-3, "{logprob} {:?}", out.logprob_gradient);
        prop_assert!((entropy - f64::from(out.entropy_gradient[t])).abs() < 1e-4, "{entropy} {:?}", out.entropy_gradient);
    }
}

#[test]
fn at_the_sampler_the_gradient_is_minus_the_advantage_over_all_tokens() {
    let options = LossOptions {
        clip_low: 0.2,
        clip_high: 0.28,
        entropy_coefficient: 0.0,
        mean: LossMean::Tokens,
    };
    let sequence = Sequence {
        advantage: 1.5,
        sampled: vec![-1.0, -2.0],
        learner: vec![-1.0, -2.0],
        entropies: vec![0.3, 0.4],
    };
    let out = options.of(
        &sequence.scores(),
        BatchSize {
            sequences: 2,
            tokens: 6,
        },
    );
    assert_eq!(out.logprob_gradient, [-0.25, -0.25]);
    assert_eq!(out.entropy_gradient, [0.0, 0.0]);
    assert_eq!((out.kl_sum, out.tokens_clipped), (0.0, 0));
}

#[test]
fn clipping_holds_back_a_gain_and_never_a_loss() {
    let options = LossOptions {
        clip_low: 0.2,
        clip_high: 0.2,
        entropy_coefficient: 0.0,
        mean: LossMean::Tokens,
    };
    let gradient = |advantage: f64, log_ratio: f32| {
        let sequence = Sequence {
            advantage,
            sampled: vec![-1.0],
            learner: vec![-1.0 + log_ratio],
            entropies: vec![0.0],
        };
        options
            .of(
                &sequence.scores(),
                BatchSize {
                    sequences: 1,
                    tokens: 1,
                },
            )
            .logprob_gradient[0]
    };
    assert_eq!(
        gradient(1.0, 0.5),
        0.0,
        "a good answer that is already much more likely"
    );
    assert_eq!(
        gradient(-1.0, -0.5),
        0.0,
        "a bad answer that is already much less likely"
    );
    assert!(
        gradient(1.0, -0.5) < 0.0,
        "a good answer that became less likely is pulled back"
    );
    assert!(
        0.0 < gradient(-1.0, 0.5),
        "a bad answer that became more likely is pulled back"
    );
}
