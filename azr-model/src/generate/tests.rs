//! What must not be seen in a sample, that sampler and learner agree to the bit, and the errors in words.

use std::sync::Arc;

use proptest::prelude::*;

use super::{BatchLimits, Completion, Finish, Request, Sampling, StopStrings, Usage, generate};
use crate::{
    CpuBackend, Transformer,
    config::Architecture,
    learn::{Sequence, TokenGradients, TokenScores, Trainer, TrainerOptions},
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

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

fn transformer(architecture: Architecture, precision: Precision, threads: usize) -> Transformer {
    let backend = CpuBackend::with_threads(threads).with_precision(precision);
    let parameters = specimens::parameters(specimens::dimensions(architecture));
    Transformer::new(backend, parameters).unwrap()
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
fn the_same_request_gives_the_same_bytes_alone_among_63_others_and_under_any_limits() {
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
    let mut of_all = Vec::new();
    for (architecture, precision) in Architecture::ALL
        .into_iter()
        .flat_map(|it| PRECISIONS.map(|precision| (it, precision)))
    {
        let [one, two, three] =
            [1, 2, 3].map(|threads| transformer(architecture, precision, threads));
        let requests = requests(64, 1);
        let expected = complete(&two, &requests, &BatchLimits::default());
        assert!(
            expected.iter().any(|it| it.finish == Finish::Stop),
            "some response ends by itself"
        );
        assert!(
            expected.iter().any(|it| it.finish == Finish::Length),
            "some response is cut"
        );
        assert_eq!(expected, complete(&one, &requests, &tight));
        assert_eq!(expected, complete(&three, &requests, &middling));
        for (request, expected) in requests.iter().zip(&expected) {
            let alone = complete(&one, std::slice::from_ref(request), &BatchLimits::default());
            assert_eq!(*expected, alone[0]);
        }
        of_all.push(expected);
    }
    // The second of each pair had its weights rounded.
    assert!(of_all.chunks(2).all(|pair| pair[0] != pair[1]));
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
    ) {
        let mut requests = requests(15, seed);
        for request in &mut requests {
            request.sampling = Sampling::at_temperature(temperature);
        }
        let limits = BatchLimits { sequences_max, ..BatchLimits::default() };
        for precision in PRECISIONS {
            let completions = complete(&transformer(architecture, precision, threads), &requests, &limits);
            let options = TrainerOptions { micro_batch_tokens_max, ..TrainerOptions::default() };
            let learner = Trainer::new(transformer(architecture, precision, 2), options).unwrap();
            let learned = learned(learner, temperature, &requests, &completions);
            for (completion, learned) in completions.iter().zip(&learned) {
                let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                prop_assert_eq!(bits(&completion.logprobs), bits(learned), "{:?}", precision);
            }
        }
    }
}

/// The learner's log-probabilities of what was sampled.
fn learned(
    mut learner: Trainer,
    temperature: f32,
    requests: &[Request],
    completions: &[Completion],
) -> Vec<Vec<f32>> {
    let sequence = |(request, completion): (&Request, &Completion)| Sequence {
        tokens: [request.prompt.as_slice(), &completion.tokens].concat(),
        prompt_len: request.prompt.len(),
    };
    let sequences: Vec<Sequence> = requests.iter().zip(completions).map(sequence).collect();
    let mut learned = Vec::new();
    let mut weigh = |_: usize, scores: &TokenScores| {
        learned.push(scores.logprobs.clone());
        let zeros = vec![0.0; scores.logprobs.len()];
        TokenGradients {
            logprob: zeros.clone(),
            entropy: zeros,
        }
    };
    learner
        .accumulate(&sequences, temperature, &mut weigh)
        .unwrap();
    learned
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
    // The same prompt twice: both draw from the same logits.
    let shared = usage(&[request(1, 3), request(1, 3)]);
    let expected = Usage {
        passes: 3,
        tokens: 10 + 2 + 2,
        slots: 6,
        slots_empty_before_the_end: 0,
        slots_empty_at_the_end: 0,
    };
    assert_eq!(shared, expected);
}

#[test]
fn a_prompt_is_read_once_even_if_the_first_to_read_it_leave_at_once() {
    let transformer = specimens::transformer(Architecture::Llama);
    let request = |prompt: usize, new_tokens_max| Request {
        prompt: specimens::tokens(prompt, 37, prompt as u32),
        new_tokens_max,
        sampling: Sampling::at_temperature(1.0),
        seed: 0,
        stop_tokens: Arc::new([]),
        stop_strings: StopStrings::default(),
    };
    let tokens = |requests: &[Request], limits: BatchLimits| {
        let mut ended = 0;
        let usage = generate(&transformer, requests, &limits, &mut |_, _| ended += 1).unwrap();
        assert_eq!(ended, requests.len());
        usage.tokens
    };
    let two = BatchLimits {
        sequences_max: 2,
        ..BatchLimits::default()
    };
    for prompt in [1, 2, 64, 65, 100, 128] {
        // The third has to read the last token again, and the fourth draws from the same logits as the third.
        let last = vec![request(prompt, 1); 4];
        assert_eq!(tokens(&last, two), prompt + 1, "{prompt}");
        let first = [vec![request(prompt, 1)], vec![request(prompt, 3); 3]].concat();
        assert_eq!(tokens(&first, two), prompt + 2 * 3 + 2, "{prompt}");
    }
    // There is no room for both prompts: the one that waits gives way, and is read again.
    let tight = BatchLimits {
        cache_tokens_max: 1,
        ..two
    };
    let crossed = [request(100, 1), request(150, 1), request(100, 1)];
    assert_eq!(tokens(&crossed, tight), 100 + 150 + 100);
    assert_eq!(tokens(&crossed, two), 100 + 150 + 1);
}

#[test]
fn greedy_takes_the_likeliest_token_whatever_the_seed() {
    let transformer = specimens::transformer(Architecture::Llama);
    let sample = |requests: &[Request]| complete(&transformer, requests, &BatchLimits::default());
    let greedy = |seed| {
        let mut requests = requests(6, seed);
        for request in &mut requests {
            request.sampling = Sampling::GREEDY;
        }
        sample(&requests)
    };
    assert_eq!(greedy(1), greedy(99));
    assert_ne!(sample(&requests(6, 1)), greedy(1));
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
