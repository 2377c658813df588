//! The engine on the embedded shape: prompts read, tokens sampled, gradients taken.
//!
//! `cargo bench -p azr-benches --bench engine`. Other shapes and real models: `azr bench --model M`.

use std::sync::Arc;

use azr_model::generate::{BatchLimits, Completion, Request, Sampling, StopStrings, generate};
use azr_model::learn::{Sequence, TokenGradients, Trainer, TrainerOptions};
use azr_model::parameters::Initialization;
use azr_model::{
    Architecture, Dimensions, Layout, ModelConfig, Parameters, RopeScaling, Transformer, score,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const SEQUENCES: usize = 32;
const PROMPT_TOKENS: usize = 48;
const NEW_TOKENS: usize = 16;
const VOCABULARY: usize = 365;

fn model() -> Transformer {
    let dimensions = Dimensions {
        architecture: Architecture::Llama,
        hidden_size: 128,
        layers: 4,
        heads: 4,
        kv_heads: 4,
        head_dim: 32,
        ffn_size: 352,
        vocab_size: VOCABULARY,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::Unscaled,
        rms_norm_eps: 1e-5,
        tied_embeddings: false,
        qkv_bias: false,
        context_tokens_max: 512,
    };
    let config = ModelConfig::new(dimensions).expect("the shape is a model");
    let spread = Initialization {
        embedding_std: 1.0,
        head_std: 0.04,
        linear_gain: 1.0,
        residual_gain: 0.4,
    };
    let parameters = Parameters::random(Arc::new(Layout::of(&config)), &spread, 1);
    Transformer::on_cpu(parameters).expect("there is memory for the model")
}

/// Sequences that share no beginning.
fn tokens(sequence: usize, length: usize) -> Vec<u32> {
    (0..length)
        .map(|at| ((sequence * 31 + at * at * 7 + at) % VOCABULARY) as u32)
        .collect()
}

fn sampled(model: &Transformer, new_tokens: usize) -> Vec<(Vec<u32>, Completion)> {
    let requests: Vec<Request> = (0..SEQUENCES)
        .map(|index| Request {
            prompt: tokens(index, PROMPT_TOKENS),
            new_tokens_max: new_tokens,
            sampling: Sampling::at_temperature(1.0),
            seed: index as u64,
            stop_tokens: Arc::from([]),
            stop_strings: StopStrings::default(),
        })
        .collect();
    let mut completions = Vec::new();
    let mut keep = |index: usize, completion| {
        completions.push((requests[index].prompt.clone(), completion));
    };
    generate(model, &requests, &BatchLimits::default(), &mut keep).expect("the model samples");
    completions
}

fn sampling(criterion: &mut Criterion) {
    let model = model();
    for (prompt, completion) in sampled(&model, NEW_TOKENS) {
        assert_eq!(completion.tokens.len(), NEW_TOKENS);
        let whole = [prompt.as_slice(), &completion.tokens].concat();
        let scored = score::logprobs(&model, &[whole]).expect("the model scores");
        let scored: Vec<f32> = scored[0].iter().flatten().copied().collect();
        let scored = &scored[scored.len() - NEW_TOKENS..];
        assert_eq!(scored, completion.logprobs, "sampler and scorer differ");
    }
    let mut group = criterion.benchmark_group("sampling");
    group.sample_size(20);
    group.throughput(Throughput::Elements((SEQUENCES * PROMPT_TOKENS) as u64));
    group.bench_function("prompts", |bencher| bencher.iter(|| sampled(&model, 1)));
    let tokens = SEQUENCES * (PROMPT_TOKENS + NEW_TOKENS);
    group.throughput(Throughput::Elements(tokens as u64));
    group.bench_function("prompts and answers", |bencher| {
        bencher.iter(|| sampled(&model, NEW_TOKENS))
    });
    group.finish();
}

fn learning(criterion: &mut Criterion) {
    let mut trainer =
        Trainer::new(model(), TrainerOptions::default()).expect("there is memory for a gradient");
    let sequences: Vec<Sequence> = (0..SEQUENCES)
        .map(|index| Sequence {
            tokens: tokens(index, PROMPT_TOKENS + NEW_TOKENS),
            prompt_len: PROMPT_TOKENS,
        })
        .collect();
    let mut gradient = || {
        let mut likelihood = |_: usize, scores: &azr_model::learn::TokenScores| TokenGradients {
            logprob: vec![-1.0; scores.logprobs.len()],
            entropy: vec![0.0; scores.logprobs.len()],
        };
        trainer
            .accumulate(&sequences, 1.0, &mut likelihood)
            .expect("the model learns");
        let norm = trainer
            .with_gradient(|gradient| gradient.iter().map(|it| it * it).sum::<f32>())
            .expect("the gradient can be read");
        trainer.forget();
        norm
    };
    let (first, second) = (gradient(), gradient());
    assert!(0.0 < first && first == second, "{first} {second}");

    let mut group = criterion.benchmark_group("learning");
    group.sample_size(20);
    let tokens = SEQUENCES * (PROMPT_TOKENS + NEW_TOKENS);
    group.throughput(Throughput::Elements(tokens as u64));
    group.bench_function("gradient", |bencher| bencher.iter(&mut gradient));
    group.finish();
}

criterion_group!(benches, sampling, learning);
criterion_main!(benches);
