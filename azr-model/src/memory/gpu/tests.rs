//! A plan is what the emulated device hands out, to the byte; and it chooses what it says.

use super::*;
use crate::{
    config::{Architecture, Dimensions},
    learn::{Checkpointing, MomentKind},
    transformer::specimens,
};

fn config(architecture: Architecture) -> ModelConfig {
    ModelConfig::new(specimens::dimensions(architecture)).unwrap()
}

const WORK: Work = Work {
    sequences: 3,
    prompt_tokens: 5,
    new_tokens: 4,
};

fn options(micro_batch_tokens_max: usize, checkpointing: Checkpointing) -> TrainerOptions {
    TrainerOptions {
        micro_batch_tokens_max,
        checkpointing,
        ..TrainerOptions::default()
    }
}

fn with(moments: MomentKind, options: TrainerOptions) -> TrainerOptions {
    TrainerOptions { moments, ..options }
}

/// What is handed out at most while the same work is done where it is really done, two steps of it.
#[cfg(feature = "emulator")]
fn taken(architecture: Architecture, precision: Precision, training: TrainerOptions) -> usize {
    let (device, meter) = crate::cuda::metered_device();
    let parameters = specimens::parameters(specimens::dimensions(architecture));
    let backend = CudaBackend::new(device).with_precision(precision);
    let model = Transformer::new(backend, parameters).unwrap();
    let mut trainer = Trainer::new(model, training).unwrap();
    let (requests, limits) = WORK.requests(trainer.transformer().config().vocab_size);
    for _ in 0..2 {
        learn(&mut trainer, &WORK).unwrap();
        crate::generate::generate(trainer.transformer(), &requests, &limits, &mut |_, it| {
            assert_eq!(it.tokens.len(), WORK.new_tokens);
        })
        .unwrap();
    }
    meter.peak()
}

#[cfg(feature = "emulator")]
#[test]
fn a_plan_is_what_the_emulated_device_hands_out_to_the_byte() {
    for (architecture, precision, training) in [
        (
            Architecture::Qwen2,
            Precision::F32,
            options(100, Checkpointing::None),
        ),
        (
            Architecture::Qwen3,
            Precision::Bf16,
            with(MomentKind::Float8, options(100, Checkpointing::EveryLayer)),
        ),
        (
            Architecture::Llama,
            Precision::Bf16,
            with(MomentKind::Bf16, options(1, Checkpointing::None)),
        ),
    ] {
        let planned = of(&config(architecture), &WORK, precision, training).unwrap();
        let taken = taken(architecture, precision, training);
        assert_eq!(planned.peak(), taken, "{planned:?}");
    }
}

#[test]
fn a_plan_of_a_large_model_takes_nothing_of_its_size_on_the_host() {
    // 7.6 billion weights: 30 GB, were they anywhere.
    let config = ModelConfig::new(Dimensions {
        hidden_size: 3584,
        layers: 28,
        heads: 28,
        kv_heads: 4,
        head_dim: 128,
        ffn_size: 18_944,
        vocab_size: 152_064,
        tied_embeddings: false,
        qkv_bias: true,
        context_tokens_max: 32_768,
        ..specimens::dimensions(Architecture::Qwen2)
    })
    .unwrap();
    let work = Work {
        sequences: 2,
        ..WORK
    };
    let training = options(1024, Checkpointing::EveryLayer);
    let planned = of(&config, &work, Precision::Bf16, training).unwrap();
    assert_eq!(planned.weights, 4 * 7_615_616_512);
    assert_eq!(planned.gradient, planned.weights);
    assert_eq!(planned.moments, 2 * planned.weights);
    let rounded = |moments| {
        let training = with(moments, training);
        of(&config, &work, Precision::F32, training)
            .unwrap()
            .moments
    };
    assert_eq!(rounded(MomentKind::Bf16), planned.weights);
    let scales = 4 * 7_615_616_512 / 256;
    assert_eq!(rounded(MomentKind::Float8), 2 * (7_615_616_512 + scales));
    let matrices = 7_070_285_824;
    assert_eq!(planned.prepared, 2 * matrices);
}

#[test]
fn what_fits_is_chosen_in_the_order_that_is_said() {
    let config = config(Architecture::Llama);
    let work = Work {
        sequences: 40,
        prompt_tokens: 100,
        new_tokens: 60,
    };
    let choice = |bytes_max: u64| choose(&config, &work, &Wishes::default(), bytes_max).unwrap();
    let Fit::Fits(best) = choice(u64::MAX) else {
        panic!("there is room for everything");
    };
    assert_eq!(best.precision, Precision::F32);
    assert_eq!(best.training, options(8192, Checkpointing::None));
    let Fit::Fits(next) = choice(best.memory.peak() as u64 - 1) else {
        panic!("smaller passes are smaller");
    };
    assert_eq!(next.training, options(4096, Checkpointing::None));
    let Fit::TooSmall(smallest) = choice(0) else {
        panic!("there is no room at all");
    };
    let least = smallest.memory.peak() as u64;
    assert_eq!(choice(least), Fit::Fits(smallest));
    assert!(matches!(choice(least - 1), Fit::TooSmall(it) if it == smallest));
    let least = options(1024, Checkpointing::EveryLayer);
    assert_eq!(smallest.training, with(MomentKind::Float8, least));
    let wishes = Wishes {
        precision: Some(Precision::Bf16),
        ..Wishes::default()
    };
    let wished = choose(&config, &work, &wishes, u64::MAX).unwrap();
    assert!(matches!(wished, Fit::Fits(it) if it.precision == Precision::Bf16));
}

#[test]
fn work_that_the_model_cannot_read_is_refused_in_words() {
    let work = Work {
        prompt_tokens: 290,
        new_tokens: 11,
        ..WORK
    };
    let config = config(Architecture::Llama);
    let error = of(&config, &work, Precision::F32, TrainerOptions::default()).unwrap_err();
    let mut words = Vec::new();
    let mut next: Option<&dyn std::error::Error> = Some(&error);
    while let Some(it) = next {
        words.push(it.to_string());
        next = it.source();
    }
    let words = words.join(": ");
    assert!(
        words.contains("301 tokens exceed the model's context of 300"),
        "{words}"
    );
}
