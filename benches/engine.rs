//! Whole passes of the engine: prompts read, tokens sampled, gradients taken, steps of the optimizer.
//!
//! `cargo bench -p azr-benches --bench engine`; see `benches/README.md`. Real models: `azr bench --model M`.

use std::sync::Arc;

use azr_benches::rates::{Rates, work};
use azr_model::generate::{BatchLimits, Completion, Request, Sampling, StopStrings, generate};
use azr_model::learn::{
    Sequence, StepOptions, TokenGradients, TokenScores, Trainer, TrainerOptions,
};
use azr_model::parameters::Initialization;
use azr_model::{
    Architecture, CpuBackend, Dimensions, Layout, ModelConfig, Parameters, Precision, RopeScaling,
    Transformer, score,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const PROMPT_TOKENS: usize = 103;
const NEW_TOKENS: usize = 16;
/// To learn from: sequences, and tokens of each.
const SEQUENCES: usize = 2;
const SEQUENCE_TOKENS: usize = 257;

/// Four blocks of SmolLM2-135M, and fewer words.
fn model(precision: Precision) -> Transformer {
    let dimensions = Dimensions {
        architecture: Architecture::Llama,
        hidden_size: 576,
        layers: 4,
        heads: 9,
        kv_heads: 3,
        head_dim: 64,
        ffn_size: 1_536,
        vocab_size: 8_192,
        rope_theta: 100_000.0,
        rope_scaling: RopeScaling::Unscaled,
        rms_norm_eps: 1e-5,
        tied_embeddings: true,
        qkv_bias: false,
        context_tokens_max: 2_048,
    };
    let config = ModelConfig::new(dimensions).expect("the shape is a model");
    let spread = Initialization {
        embedding_std: 0.04,
        head_std: 0.04,
        linear_gain: 1.0,
        residual_gain: 0.4,
    };
    let parameters = Parameters::random(Arc::new(Layout::of(&config)), &spread, 1);
    let backend = CpuBackend::default().with_precision(precision);
    Transformer::new(backend, parameters).expect("there is memory for the model")
}

/// Weights of the products of all blocks, and of the head.
fn weights(config: &ModelConfig) -> (usize, usize) {
    let block =
        config.hidden_size * (config.qkv_width() + config.query_width() + 3 * config.ffn_size);
    (
        config.layers * block,
        config.hidden_size * config.vocab_size,
    )
}

/// Arithmetic of one token that looks at so many keys, in all blocks.
fn attention(config: &ModelConfig, keys: usize) -> usize {
    4 * keys * config.layers * config.query_width()
}

/// Sequences that share no beginning.
fn tokens(sequence: usize, length: usize, vocabulary: usize) -> Vec<u32> {
    (0..length)
        .map(|at| ((sequence * 31 + at * at * 7 + at) % vocabulary) as u32)
        .collect()
}

fn requests(model: &Transformer, sequences: usize, new_tokens: usize) -> Vec<Request> {
    (0..sequences)
        .map(|index| Request {
            prompt: tokens(index, PROMPT_TOKENS, model.config().vocab_size),
            new_tokens_max: new_tokens,
            sampling: Sampling::at_temperature(1.0),
            seed: index as u64,
            stop_tokens: Arc::from([]),
            stop_strings: StopStrings::default(),
        })
        .collect()
}

fn sampled(model: &Transformer, requests: &[Request]) -> Vec<(usize, Completion)> {
    let mut completions = Vec::new();
    let mut keep = |index: usize, completion| completions.push((index, completion));
    let limits = BatchLimits {
        prefill_tokens_max: requests.len() * PROMPT_TOKENS,
        ..BatchLimits::default()
    };
    generate(model, requests, &limits, &mut keep).expect("the model samples");
    completions
}

/// The log-probabilities of what was sampled are those that a scorer finds, bit for bit.
fn check(model: &Transformer, requests: &[Request]) {
    for (index, completion) in sampled(model, requests) {
        assert_eq!(completion.tokens.len(), requests[index].new_tokens_max);
        let whole = [requests[index].prompt.as_slice(), &completion.tokens].concat();
        let scored = score::logprobs(model, &[whole]).expect("the model scores");
        let scored: Vec<f32> = scored[0].iter().flatten().copied().collect();
        let scored = &scored[scored.len() - completion.tokens.len()..];
        assert_eq!(scored, completion.logprobs, "sampler and scorer differ");
    }
}

fn sampling(criterion: &mut Criterion<Rates>) {
    for precision in [Precision::F32, Precision::Bf16] {
        let model = model(precision);
        let name = precision.torch_name();
        let (body, head) = weights(model.config());
        let bytes = (body + head) * precision.bytes();
        for sequences in [1, 8, 32] {
            check(&model, &requests(&model, sequences.min(8), 4));
            let tokens = sequences * PROMPT_TOKENS;
            let keys = attention(model.config(), PROMPT_TOKENS / 2);
            let prefill = tokens * (2 * body + keys) + sequences * 2 * head;
            time(
                criterion,
                "prefill",
                format!("{name} {sequences}x{PROMPT_TOKENS}"),
                work(prefill, bytes),
                || sampled(&model, &requests(&model, sequences, 1)),
            );
            // The first token comes with the prompt.
            let keys = attention(model.config(), PROMPT_TOKENS + NEW_TOKENS / 2);
            let decode = sequences * (NEW_TOKENS - 1) * (2 * (body + head) + keys);
            let flops = work(prefill + decode, NEW_TOKENS * bytes);
            let name = format!("{name} {sequences}x{PROMPT_TOKENS}+{NEW_TOKENS}");
            time(criterion, "prefill and decode", name, flops, || {
                sampled(&model, &requests(&model, sequences, NEW_TOKENS))
            });
        }
    }
}

fn learning(criterion: &mut Criterion<Rates>) {
    let model = model(Precision::F32);
    let config = model.config().clone();
    let elements = model.layout().elements();
    let sequences: Vec<Sequence> = (0..SEQUENCES)
        .map(|index| Sequence {
            tokens: tokens(index, SEQUENCE_TOKENS, config.vocab_size),
            prompt_len: 1,
        })
        .collect();
    let mut trainer =
        Trainer::new(model, TrainerOptions::default()).expect("there is memory for a gradient");
    let (first, second) = (
        gradient(&mut trainer, &sequences),
        gradient(&mut trainer, &sequences),
    );
    assert!(
        first.iter().any(|it| *it != 0.0) && first == second,
        "a gradient that repeats"
    );

    let (body, head) = weights(&config);
    let read = SEQUENCES * (SEQUENCE_TOKENS - 1);
    let flops = 3 * read * (2 * (body + head) + attention(&config, SEQUENCE_TOKENS / 2));
    // Packed once, as they lie once, and the gradient is read and written.
    let bytes = 4 * 4 * (body + head);
    let name = format!("{SEQUENCES}x{SEQUENCE_TOKENS}");
    time(
        criterion,
        "gradient",
        name.clone(),
        work(flops, bytes),
        || {
            accumulate(&mut trainer, &sequences);
        },
    );
    // The norm reads the gradient; weight, gradient and moments are read and written, and the weight is packed.
    let update = 4 * (11 * elements);
    time(criterion, "step", name, work(flops, bytes + update), || {
        accumulate(&mut trainer, &sequences);
        step(&mut trainer)
    });
}

fn time<R>(
    criterion: &mut Criterion<Rates>,
    group: &str,
    name: String,
    work: Throughput,
    mut run: impl FnMut() -> R,
) {
    let mut group = criterion.benchmark_group(group);
    group.sample_size(10);
    group.throughput(work);
    group.bench_function(name, |bencher| bencher.iter(&mut run));
    group.finish();
}

fn accumulate(trainer: &mut Trainer, sequences: &[Sequence]) {
    let mut likelihood = |_: usize, scores: &TokenScores| TokenGradients {
        logprob: vec![-1.0; scores.logprobs.len()],
        entropy: vec![0.0; scores.logprobs.len()],
    };
    trainer
        .accumulate(sequences, 1.0, &mut likelihood)
        .expect("the model learns");
}

fn gradient(trainer: &mut Trainer, sequences: &[Sequence]) -> Vec<f32> {
    trainer.forget();
    accumulate(trainer, sequences);
    let gradient = trainer.with_gradient(<[f32]>::to_vec);
    trainer.forget();
    gradient.expect("the gradient can be read")
}

/// So small that the model stays what it is.
fn step(trainer: &mut Trainer) {
    let options = StepOptions {
        lr: 1e-12,
        beta1: 0.9,
        beta2: 0.99,
        eps: 1e-8,
        weight_decay: 0.0,
        gradient_norm_max: 1.0,
    };
    let report = trainer.step(&options).expect("the gradient is finite");
    assert!(0.0 < report.gradient_norm, "there was something to learn");
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(Rates);
    targets = sampling, learning
}
criterion_main!(benches);
