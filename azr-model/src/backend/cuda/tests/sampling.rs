//! Samples are those of the processor, no batch changes one, and sampler and learner agree to the bit.

use std::sync::Arc;

use super::{SCORE_ERROR_MAX, TEMPERATURE, in_precision, on_cpu, on_device};
use crate::{
    Transformer,
    backend::Backend,
    config::Architecture,
    cuda::test_device,
    generate::{BatchLimits, Completion, Request, Sampling, StopStrings, generate},
    learn::{Sequence, TokenGradients, TokenScores, Trainer, TrainerOptions},
    precision::Precision,
    transformer::specimens,
};

/// Prompts that repeat, one longer than a page and one that ends just before, so that pages are shared, copied, crossed.
fn requests() -> Vec<Request> {
    let samplings = [
        Sampling::at_temperature(TEMPERATURE),
        Sampling::at_temperature(1.3),
        Sampling::GREEDY,
        Sampling {
            top_p: 0.7,
            ..Sampling::at_temperature(1.0)
        },
        Sampling {
            top_k: 9,
            min_p: 0.1,
            ..Sampling::at_temperature(1.3)
        },
    ];
    [(66, 1), (66, 1), (3, 2), (62, 3), (3, 2)]
        .into_iter()
        .enumerate()
        .map(|(index, (tokens, prompt))| Request {
            prompt: specimens::tokens(tokens, 37, prompt),
            new_tokens_max: 3 + index % 2,
            sampling: samplings[index],
            seed: index as u64,
            stop_tokens: Arc::new([36]),
            stop_strings: StopStrings::default(),
        })
        .collect()
}

const WIDE: BatchLimits = BatchLimits {
    sequences_max: 16,
    cache_tokens_max: 2000,
    prefill_tokens_max: 1000,
};
const NARROW: BatchLimits = BatchLimits {
    sequences_max: 2,
    cache_tokens_max: 1,
    prefill_tokens_max: 10,
};

fn completions<B: Backend>(
    transformer: &Transformer<B>,
    requests: &[Request],
    limits: &BatchLimits,
) -> Vec<Completion> {
    let mut completions = vec![None; requests.len()];
    generate(transformer, requests, limits, &mut |index, completion| {
        completions[index] = Some(completion);
    })
    .unwrap();
    completions.into_iter().flatten().collect()
}

#[test]
fn the_same_tokens_are_sampled_as_on_the_processor() {
    let device = test_device();
    for architecture in Architecture::ALL {
        let parameters = specimens::parameters(specimens::dimensions(architecture));
        let expected = completions(&on_cpu(&parameters), &requests(), &WIDE);
        let found = completions(&on_device(&device, &parameters), &requests(), &WIDE);
        assert_eq!(expected.len(), found.len());
        for (expected, found) in expected.iter().zip(&found) {
            assert_eq!(expected.tokens, found.tokens);
            assert_eq!(expected.finish, found.finish);
            for (a, b) in expected.logprobs.iter().zip(&found.logprobs) {
                assert!((a - b).abs() <= SCORE_ERROR_MAX, "{a} and {b}");
            }
        }
    }
}

#[test]
fn no_batch_changes_a_sample_and_no_packing_a_score_by_a_bit() {
    let device = test_device();
    let bits = |values: &[f32]| values.iter().map(|it| it.to_bits()).collect::<Vec<_>>();
    for (architecture, precision) in [
        (Architecture::Qwen3, Precision::F32),
        (Architecture::Llama, Precision::Bf16),
    ] {
        let parameters = specimens::parameters(specimens::dimensions(architecture));
        let mut requests = requests();
        for request in &mut requests {
            request.sampling = Sampling::at_temperature(TEMPERATURE);
        }
        let sampler = in_precision(&device, &parameters, precision);
        let sampled = completions(&sampler, &requests, &WIDE);
        assert_eq!(sampled, completions(&sampler, &requests, &NARROW));
        let sequences: Vec<Sequence> = requests
            .iter()
            .zip(&sampled)
            .map(|(request, sample)| Sequence {
                tokens: [&request.prompt[..], &sample.tokens[..]].concat(),
                prompt_len: request.prompt.len(),
            })
            .collect();
        for micro_batch_tokens_max in [1, 10_000] {
            let options = TrainerOptions {
                micro_batch_tokens_max,
                ..TrainerOptions::default()
            };
            let learner = in_precision(&device, &parameters, precision);
            let mut trainer = Trainer::new(learner, options).unwrap();
            let mut scores = Vec::new();
            let mut nothing = |_: usize, it: &TokenScores| {
                scores.push(it.clone());
                let zeros = vec![0.0; it.logprobs.len()];
                TokenGradients {
                    logprob: zeros.clone(),
                    entropy: zeros,
                }
            };
            trainer
                .accumulate(&sequences, TEMPERATURE, &mut nothing)
                .unwrap();
            for (sampled, learned) in sampled.iter().zip(&scores) {
                assert_eq!(bits(&sampled.logprobs), bits(&learned.logprobs));
            }
        }
    }
}

#[test]
fn damaged_weights_are_named_instead_of_sampled() {
    let mut parameters = specimens::parameters(specimens::dimensions(Architecture::Llama));
    parameters.get_mut("model.norm.weight").unwrap()[3] = f32::NAN;
    let transformer = on_device(&test_device(), &parameters);
    for request in requests() {
        let failed = generate(&transformer, &[request], &WIDE, &mut |_, _| {});
        let words = failed.unwrap_err().to_string();
        assert!(
            words.contains("request 0, new token 0: the logits are not finite"),
            "{words}"
        );
    }
}
