//! The one transformer on the device of the tests beside the processor: scores, gradients, a step.

mod sampling;

use super::CudaBackend;
use crate::{
    Transformer,
    backend::Backend,
    config::{Architecture, Dimensions},
    cuda::{Device, caught, test_device},
    kernels::contract::{check, wide},
    learn::{
        Checkpointing, Moment, Sequence, StepOptions, TokenGradients, TokenScores, Trainer,
        TrainerOptions,
    },
    parameters::Parameters,
    precision::Precision,
    score,
    transformer::specimens,
};

/// Nats, between two forms of the same f32 arithmetic in other orders: each is within 1e-5 of the truth.
const SCORE_ERROR_MAX: f32 = 2e-5;
/// Of the largest element of the same weight's gradient; each is within 1e-4 of the truth.
const GRADIENT_ERROR_MAX: f64 = 2e-4;
const TEMPERATURE: f32 = 0.8;

fn on_cpu(parameters: &Parameters) -> Transformer {
    Transformer::on_cpu(parameters.clone()).unwrap()
}

fn on_device(device: &Device, parameters: &Parameters) -> Transformer<CudaBackend> {
    in_precision(device, parameters, Precision::F32)
}

fn in_precision(
    device: &Device,
    parameters: &Parameters,
    precision: Precision,
) -> Transformer<CudaBackend> {
    let backend = CudaBackend::new(device.clone()).with_precision(precision);
    Transformer::new(backend, parameters.clone()).unwrap()
}

/// More than a page.
const LONG: usize = 67;
/// Less than one; the emulated machine takes its time for every row.
const SHORT: usize = 9;

/// Some that are packed, one of them without a response.
fn sequences(longest: usize) -> Vec<Sequence> {
    [(4, 2), (1, 1), (longest, longest - 6), (3, 1)]
        .into_iter()
        .zip(1..)
        .map(|((tokens, prompt_len), seed)| Sequence {
            tokens: specimens::tokens(tokens, 37, seed),
            prompt_len,
        })
        .collect()
}

/// Gradients that differ from token to token.
fn weigh(sequence: usize, scores: &TokenScores) -> TokenGradients {
    let response = scores.logprobs.len();
    let logprob = (0..response)
        .map(|i| 0.3 + 0.2 * sequence as f32 - 0.05 * i as f32)
        .collect();
    let entropy = (0..response)
        .map(|i| 0.2 - 0.03 * (sequence + i) as f32)
        .collect();
    TokenGradients { logprob, entropy }
}

/// The gradient, and the scores of all sequences on the way.
fn learned<B: Backend>(
    transformer: Transformer<B>,
    sequences: &[Sequence],
    options: TrainerOptions,
) -> (Trainer<B>, Vec<f32>, Vec<TokenScores>) {
    let mut trainer = Trainer::new(transformer, options).unwrap();
    let mut seen = Vec::new();
    trainer
        .accumulate(sequences, TEMPERATURE, &mut |index, scores| {
            seen.push(scores.clone());
            weigh(index, scores)
        })
        .unwrap();
    let gradient = trainer.with_gradient(<[f32]>::to_vec).unwrap();
    (trainer, gradient, seen)
}

fn compare_scores(device: &Device, parameters: &Parameters, longest: usize) {
    let sequences = [1, 3, longest].map(|count| specimens::tokens(count, 37, count as u32));
    let expected = score::logprobs(&on_cpu(parameters), &sequences).unwrap();
    let found = score::logprobs(&on_device(device, parameters), &sequences).unwrap();
    for (expected, found) in expected.iter().flatten().zip(found.iter().flatten()) {
        match (expected, found) {
            (Some(expected), Some(found)) => assert!(
                (expected - found).abs() <= SCORE_ERROR_MAX,
                "{found}, and {expected} on the processor"
            ),
            other => assert_eq!(other, (&None, &None)),
        }
    }
}

fn compare_gradients(device: &Device, parameters: &Parameters, longest: usize) {
    let sequences = sequences(longest);
    // Several passes, so that one finds what the one before has left.
    let options = TrainerOptions {
        micro_batch_tokens_max: 10,
        ..TrainerOptions::default()
    };
    let (_, expected, _) = learned(on_cpu(parameters), &sequences, options);
    let (_, found, _) = learned(on_device(device, parameters), &sequences, options);
    for entry in parameters.layout().entries() {
        let (found, expected) = (&found[entry.range()], wide(&expected[entry.range()]));
        check(&entry.name, found, &expected, GRADIENT_ERROR_MAX);
    }
}

#[test]
fn every_model_scores_as_on_the_processor() {
    let device = test_device();
    for parameters in specimens::all() {
        compare_scores(&device, &parameters, SHORT);
    }
    let parameters = specimens::parameters(specimens::dimensions(Architecture::Qwen2));
    compare_scores(&device, &parameters, LONG);
}

#[test]
fn every_weight_gets_the_gradient_that_it_gets_on_the_processor() {
    let device = test_device();
    for parameters in specimens::all() {
        compare_gradients(&device, &parameters, SHORT);
    }
    let parameters = specimens::parameters(specimens::dimensions(Architecture::Qwen3));
    compare_gradients(&device, &parameters, LONG);
}

#[test]
fn a_fault_in_a_kernel_shows_in_the_model() {
    let parameters = specimens::parameters(specimens::dimensions(Architecture::Qwen3));
    for (source, fault) in [
        (
            crate::kernels::rope::cuda::SOURCE,
            ("b * cosine + a * sine", "b * cosine - a * sine"),
        ),
        (
            crate::kernels::swiglu::cuda::SOURCE,
            ("fmaf(gate, 1.0f - s, 1.0f)", "1.0f"),
        ),
        (
            crate::kernels::embedding::cuda::SOURCE,
            (
                "i < starts[blockIdx.x + 1]; i++",
                "i < starts[blockIdx.x] + 1; i++",
            ),
        ),
        (
            crate::kernels::head_norm::cuda::SOURCE,
            (
                "scale = head < queries ? w : w + e;\n    float sum",
                "scale = w;\n    float sum",
            ),
        ),
        (
            crate::kernels::attention::cuda::SOURCE,
            ("(table[first + block])", "(table[block])"),
        ),
    ] {
        caught(&source, &[fault], |device| {
            compare_gradients(device, &parameters, SHORT);
        });
    }
}

/// Of the largest element, where weights and what they multiply have 8 binary digits and the processor rounds weights
/// alone; the model's gradients are sums over two blocks of such products.
const BF16_ERROR_MAX: f64 = 0.1;

#[test]
fn weights_in_bf16_give_scores_and_gradients_near_those_of_f32() {
    let (device, parameters) = (
        test_device(),
        specimens::parameters(specimens::dimensions(Architecture::Llama)),
    );
    let sequences = sequences(SHORT);
    let options = TrainerOptions::default();
    let (_, expected, exact) = learned(on_cpu(&parameters), &sequences, options);
    let narrow = in_precision(&device, &parameters, Precision::Bf16);
    let (mut trainer, found, rounded) = learned(narrow, &sequences, options);
    assert_ne!(exact, rounded);
    for (exact, rounded) in exact.iter().zip(&rounded) {
        for (a, b) in exact.logprobs.iter().zip(&rounded.logprobs) {
            assert!((a - b).abs() <= BF16_ERROR_MAX as f32, "{a} and {b}");
        }
    }
    for entry in parameters.layout().entries() {
        let (found, expected) = (&found[entry.range()], wide(&expected[entry.range()]));
        check(&entry.name, found, &expected, BF16_ERROR_MAX);
    }
    // A step rounds the weights anew.
    trainer.step(&STEP).unwrap();
    let after = score::logprobs(trainer.transformer(), &[sequences[2].tokens.clone()]).unwrap();
    let weights = trainer.transformer().to_parameters().unwrap();
    let fresh = in_precision(&device, &weights, Precision::Bf16);
    let again = score::logprobs(&fresh, &[sequences[2].tokens.clone()]).unwrap();
    assert_eq!(after, again);
}

/// A large `eps`, so that a step is smooth in the gradient: with a small one it is its sign, and zeros have either.
const STEP: StepOptions = StepOptions {
    lr: 1e-2,
    beta1: 0.9,
    beta2: 0.99,
    eps: 0.1,
    weight_decay: 0.01,
    gradient_norm_max: 1.0,
};

fn exact(moment: Moment<'_>) -> Vec<f32> {
    match moment {
        Moment::F32(values) => values.into_owned(),
        other => panic!("{:?} is not asked for", other.kind()),
    }
}

#[test]
fn a_step_changes_weights_and_moments_as_on_the_processor() {
    let parameters = specimens::parameters(specimens::dimensions(Architecture::Qwen2));
    let sequences = sequences(SHORT);
    fn stepped<B: Backend>(
        transformer: Transformer<B>,
        sequences: &[Sequence],
    ) -> (f32, [Vec<f32>; 4]) {
        let (mut trainer, ..) = learned(transformer, sequences, TrainerOptions::default());
        let norm = trainer.step(&STEP).unwrap().gradient_norm;
        let weights = trainer.transformer().with_weights(<[f32]>::to_vec).unwrap();
        let left = trainer.with_gradient(<[f32]>::to_vec).unwrap();
        let moments = trainer
            .with_optimizer_state(|it| [it.first, it.second].map(exact))
            .unwrap();
        // The weights that were prepared anew are those that the next pass computes with.
        let tokens = [sequences[2].tokens.clone()];
        let scores = score::logprobs(trainer.transformer(), &tokens).unwrap();
        let scores = scores[0].iter().flatten().copied().collect();
        assert!(left.iter().all(|it| *it == 0.0), "the gradient is empty");
        let [first, second] = moments;
        (norm, [weights, first, second, scores])
    }
    let (norm, expected) = stepped(on_cpu(&parameters), &sequences);
    let (found_norm, found) = stepped(on_device(&test_device(), &parameters), &sequences);
    assert!(
        (norm - found_norm).abs() <= 1e-4 * norm,
        "{norm} {found_norm}"
    );
    let before = &parameters.data;
    assert!(
        before
            .iter()
            .zip(&found[0])
            .any(|(a, b)| 1e-3 < (a - b).abs())
    );
    let names = ["weights", "first moments", "second moments", "scores"];
    for (name, (found, expected)) in names.iter().zip(found.iter().zip(&expected)) {
        check(name, found, &wide(expected), GRADIENT_ERROR_MAX);
    }
}

#[test]
fn recomputing_activations_changes_no_bit_of_the_gradient() {
    let (device, parameters) = (
        test_device(),
        specimens::parameters(specimens::dimensions(Architecture::Qwen3)),
    );
    let gradient = |checkpointing| {
        let options = TrainerOptions {
            checkpointing,
            ..TrainerOptions::default()
        };
        learned(on_device(&device, &parameters), &sequences(SHORT), options).1
    };
    let kept = gradient(Checkpointing::None);
    assert_eq!(kept, gradient(Checkpointing::EveryLayer));
}

#[test]
fn what_goes_wrong_is_said_where_results_are_read_and_nothing_is_done_after_it() {
    let wide = Dimensions {
        heads: 1,
        kv_heads: 1,
        head_dim: 130,
        ..specimens::dimensions(Architecture::Llama)
    };
    let transformer = on_device(&test_device(), &specimens::parameters(wide));
    let words = "attention forward: the width of a head is 130, and at most 128 is supported";
    for _ in 0..2 {
        let error = score::logprobs(&transformer, &[vec![1, 2, 3]]).unwrap_err();
        assert_eq!(error.to_string(), words);
    }
    let error = transformer.to_parameters().unwrap_err();
    assert_eq!(error.to_string(), words);
}
