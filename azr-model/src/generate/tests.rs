//! What must not be seen in a sample, that sampler and learner agree to the bit, and the errors in words.

use std::sync::Arc;

use proptest::prelude::*;

use super::{BatchLimits, Completion, Finish, Request, Sampling, StopStrings, Usage, generate};
use crate::{
    CpuBackend, Transformer,
    config::Architecture,
    learn::{Sequence, TokenGradients, Trainer, TrainerOptions},
    precision::Precision,
    transformer::specimens,
};

fn requests(count: usize, seed: u64) -> Vec<Request> {
    (0..count)
        .map(|index| Request {
            // Some prompts repeat, some are longer than a page.
            prompt: specimens::tokens(1 + (index / 3 * 37) % 150, 37, (index / 3) as u32 + 7),
            new_tokens_max: (index * 5) % 90,
            sampling: Sampling::at_temperature([1.0, 0.7, 1.4][index % 3]),
            seed: seed + index as u64,
            stop_tokens: Arc::new([36]),
            stop_strings: StopStrings::default(),
        })
        .collect()
}

fn sample(
    transformer: &Transformer,
    requests: &[Request],
    limits: &BatchLimits,
    threads: usize,
) -> Vec<Completion> {
    let parameters = transformer.to_parameters().unwrap();
    let transformer = Transformer::new(CpuBackend::with_threads(threads), parameters).unwrap();
    complete(&transformer, requests, limits)
}

fn complete(
    transformer: &Transformer,
    requests: &[Request],
    limits: &BatchLimits,
) -> Vec<Completion> {
    let mut completions = vec![None; requests.len()];
    let mut deliver = |index: usize, completion: Completion| {
        assert!(
            completions[index].replace(completion).is_none(),
            "request {index} was delivered twice"
        );
    };
    generate(transformer, requests, limits, &mut deliver).unwrap();
    completions
        .into_iter()
        .map(|it| it.expect("every request is delivered"))
        .collect()
}

#[test]
fn the_same_request_gives_the_same_bytes_alone_among_others_and_under_any_limits() {
    for architecture in Architecture::ALL {
        let transformer = specimens::transformer(architecture);
        let requests = requests(24, 1);
        let expected = sample(&transformer, &requests, &BatchLimits::default(), 2);
        assert!(
            expected.iter().any(|it| it.finish == Finish::Stop),
            "some response ends by itself"
        );
        assert!(
            expected.iter().any(|it| it.finish == Finish::Length),
            "some response is cut"
        );
        let tight = BatchLimits {
            sequences_max: 3,
            cache_tokens_max: 1,
            prefill_tokens_max: 10,
        };
        let middling = BatchLimits {
            sequences_max: 7,
            cache_tokens_max: 900,
            prefill_tokens_max: 100,
        };
        assert_eq!(expected, sample(&transformer, &requests, &tight, 1));
        assert_eq!(expected, sample(&transformer, &requests, &middling, 3));
        for (request, expected) in requests.iter().zip(&expected) {
            let alone = sample(
                &transformer,
                std::slice::from_ref(request),
                &BatchLimits::default(),
                1,
            );
            assert_eq!(*expected, alone[0]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_learner_computes_the_sampler_s_logprobs_bit_for_bit(
        seed in 0u64..1000,
        temperature in prop::sample::select(vec![0.5f32, 1.0, 1.3]),
        sequences_max in 1usize..40,
        micro_batch_tokens_max in 1usize..2000,
        threads in 1usize..4,
        architecture in prop::sample::select(Architecture::ALL.to_vec()),
        precision in prop::sample::select(vec![Precision::F32, Precision::Bf16]),
    ) {
        let parameters = specimens::parameters(specimens::dimensions(architecture));
        let backend = CpuBackend::with_threads(threads).with_precision(precision);
        let sampler = Transformer::new(backend, parameters.clone()).unwrap();
        let learner = CpuBackend::default().with_precision(precision);
        let learner = Transformer::new(learner, parameters).unwrap();
        let mut requests = requests(15, seed);
        for request in &mut requests {
            request.sampling = Sampling::at_temperature(temperature);
        }
        let limits = BatchLimits { sequences_max, ..BatchLimits::default() };
        let completions = complete(&sampler, &requests, &limits);
        let sequences: Vec<Sequence> = requests.iter().zip(&completions).map(|(request, completion)| Sequence {
            tokens: [request.prompt.clone(), completion.tokens.clone()].concat(),
            prompt_len: request.prompt.len(),
        }).collect();
        let options = TrainerOptions { micro_batch_tokens_max, ..TrainerOptions::default() };
        let mut trainer = Trainer::new(learner, options).unwrap();
        let mut learned = Vec::new();
        trainer.accumulate(&sequences, temperature, &mut |_, scores| {
            learned.push(scores.logprobs.clone());
            let zeros = vec![0.0; scores.logprobs.len()];
            TokenGradients { logprob: zeros.clone(), entropy: zeros }
        }).unwrap();
        for (completion, learned) in completions.iter().zip(&learned) {
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&completion.logprobs), bits(learned));
        }
    }
}

#[test]
fn what_a_wave_took_is_counted() {
    let transformer = specimens::transformer(Architecture::Llama);
    let request = |seed: u32, new_tokens_max| Request {
        prompt: specimens::tokens(10, 37, seed),
        new_tokens_max,
        sampling: Sampling::GREEDY,
        seed: 0,
        stop_tokens: Arc::new([]),
        stop_strings: StopStrings::default(),
    };
    let limits = BatchLimits {
        sequences_max: 2,
        ..BatchLimits::default()
    };
    let usage =
        |requests: &[Request]| generate(&transformer, requests, &limits, &mut |_, _| {}).unwrap();
    // Two places: the first is taken for 4 passes, the second for 1 and then for 2.
    let mixed = usage(&[request(1, 4), request(2, 1), request(3, 2)]);
    let expected = Usage {
        passes: 4,
        tokens: 3 * 10 + 3 + 1,
        slots: 8,
        slots_empty_before_the_end: 0,
        slots_empty_at_the_end: 1,
    };
    assert_eq!(mixed, expected);
    // The same prompt twice: the second waits for a pass, then reads only the prompt's last token.
    let shared = usage(&[request(1, 3), request(1, 3)]);
    let expected = Usage {
        passes: 4,
        tokens: 10 + 1 + 2 + 2,
        slots: 8,
        slots_empty_before_the_end: 1,
        slots_empty_at_the_end: 1,
    };
    assert_eq!(shared, expected);
}

#[test]
fn greedy_takes_the_likeliest_token_whatever_the_seed() {
    let transformer = specimens::transformer(Architecture::Llama);
    let greedy = |seed| {
        let mut requests = requests(6, seed);
        for request in &mut requests {
            request.sampling = Sampling::GREEDY;
        }
        sample(&transformer, &requests, &BatchLimits::default(), 1)
    };
    assert_eq!(greedy(1), greedy(99));
    assert_ne!(
        sample(&transformer, &requests(6, 1), &BatchLimits::default(), 1),
        greedy(1)
    );
}

#[test]
fn what_cannot_be_sampled_is_refused_before_anything_is_delivered() {
    let transformer = specimens::transformer(Architecture::Llama);
    let refuse = |change: &dyn Fn(&mut Request)| {
        let mut requests = requests(2, 1);
        change(&mut requests[1]);
        let mut deliver = |_: usize, _: Completion| panic!("something was delivered");
        let error = generate(
            &transformer,
            &requests,
            &BatchLimits::default(),
            &mut deliver,
        )
        .unwrap_err();
        let source = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        format!("{error}: {source}")
    };
    assert!(
        refuse(&|it| it.prompt.clear())
            .contains("request 1 cannot be sampled: the sequence is empty")
    );
    assert!(
        refuse(&|it| it.prompt = vec![40])
            .contains("token 40 at position 0 is not in the vocabulary of 37")
    );
    assert!(refuse(&|it| it.new_tokens_max = 300).contains("exceed the model's context of 300"));
    assert!(refuse(&|it| it.sampling.temperature = -1.0).contains("request 1 has temperature -1"));
    assert!(refuse(&|it| it.sampling.temperature = f32::NAN).contains("temperature NaN"));
    assert!(
        refuse(&|it| it.sampling.temperature = 1e-40)
            .contains("it must be 0 (greedy) or at least 0.0001")
    );
    assert!(
        refuse(&|it| it.sampling.top_p = 0.0)
            .contains("top_p 0; it must be greater than 0 and at most 1")
    );
    assert!(
        refuse(&|it| it.sampling.min_p = 1.5).contains("min_p 1.5; it must be between 0 and 1")
    );
}

#[test]
fn damaged_weights_are_named_instead_of_sampled() {
    let mut parameters = specimens::parameters(specimens::dimensions(Architecture::Llama));
    parameters.get_mut("model.norm.weight").unwrap()[3] = f32::NAN;
    let transformer = Transformer::on_cpu(parameters).unwrap();
    for sampling in [Sampling::GREEDY, Sampling::at_temperature(1.0)] {
        let request = Request {
            new_tokens_max: 4,
            sampling,
            ..requests(1, 1).remove(0)
        };
        let error = generate(
            &transformer,
            &[request],
            &BatchLimits::default(),
            &mut |_, _| {},
        )
        .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("request 0, new token 0: the logits are not finite"),
            "{error}"
        );
    }
}
