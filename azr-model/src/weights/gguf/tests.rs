//! Files are written by candle and by llama.cpp's rule for rows, read back, then damaged in every way.

pub(super) mod draft;

use super::*;
use crate::config::{Architecture, RopeScaling};
use crate::fixture;
use candle_core::quantized::gguf_file::Value;
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use draft::Draft;
use proptest::prelude::*;
use std::io::Cursor;

fn small(architecture: Architecture, tied: bool) -> (Parameters, Draft) {
    let parameters = fixture::parameters(&fixture::config(architecture, tied));
    let draft = Draft::new(&parameters, GgmlDType::F32);
    (parameters, draft)
}

#[test]
fn every_weight_comes_back_in_its_place() {
    let all = Architecture::ALL.map(|it| [(it, true), (it, false)]);
    for (architecture, tied) in all.into_iter().flatten() {
        let (parameters, draft) = small(architecture, tied);
        let model = draft.read().unwrap();
        assert_eq!(model.parameters.config(), parameters.config());
        assert!(
            model.parameters == parameters,
            "{architecture:?}, tied {tied}"
        );
    }
}

#[test]
fn the_text_side_comes_from_the_metadata() {
    let (_, draft) = small(Architecture::Qwen2, true);
    let draft = draft.set("tokenizer.ggml.padding_token_id", Value::U32(7));
    let language = draft.read().unwrap().language;
    assert_eq!(
        language.encode_chat("a b", "c").unwrap(),
        language.tokenizer().encode("a bc").unwrap()
    );
    assert_eq!(**language.stop_tokens(), [7, 256]);
    assert_eq!(language.tokenizer().special_id("eos_token"), Some(256));
}

#[test]
fn quantized_weights_are_close_to_what_was_quantized() {
    let parameters = fixture::parameters(&fixture::config(Architecture::Llama, false));
    let kinds = [
        (GgmlDType::F16, 1e-3),
        (GgmlDType::BF16, 1e-2),
        (GgmlDType::Q8_0, 2e-2),
        (GgmlDType::Q5_0, 0.12),
        (GgmlDType::Q4_1, 0.2),
    ];
    for (kind, tolerance) in kinds {
        let model = Draft::new(&parameters, kind).read().unwrap();
        let worst = parameters
            .data
            .iter()
            .zip(&model.parameters.data)
            .map(|(a, b)| (a - b).abs())
            .max_by(f32::total_cmp)
            .unwrap();
        assert!(0.0 < worst && worst < tolerance, "{kind:?}: {worst}");
    }
}

#[test]
fn what_the_engine_would_compute_wrongly_is_refused_by_name() {
    let refused = |key: &str, value: Value| {
        let (_, draft) = small(Architecture::Llama, true);
        let error = draft.set(key, value).read().unwrap_err();
        assert!(
            matches!(error, GgufError::Unsupported { .. }),
            "{key}: {error}"
        );
    };
    refused("general.architecture", Value::String("gemma3".to_owned()));
    refused("llama.expert_count", Value::U32(8));
    refused("llama.attention.sliding_window", Value::U32(4096));
    refused("split.count", Value::U16(3));
}

fn with_frequencies(draft: Draft, factors: &[f32]) -> Draft {
    let tensor = Tensor::new(factors, &Device::Cpu).unwrap();
    let tensor = QTensor::quantize(&tensor, GgmlDType::F32).unwrap();
    let mut draft = draft.without("rope_freqs.weight");
    draft.tensors.push(("rope_freqs.weight".to_owned(), tensor));
    draft
}

#[test]
fn scaled_rotary_positions_are_read_from_numbers_and_from_factors() {
    let plain = || small(Architecture::Llama, true).1;
    let scaling = |draft: Draft| draft.read().map(|it| it.parameters.config().rope_scaling);
    let factor = |draft: Draft| draft.set("llama.rope.scaling.factor", Value::F32(4.0));
    let kind =
        |draft: Draft, kind: &str| draft.set("llama.rope.scaling.type", Value::String(kind.into()));
    let linear = RopeScaling::Linear { factor: 4.0 };
    assert_eq!(scaling(factor(plain())).unwrap(), linear);
    assert_eq!(scaling(kind(factor(plain()), "linear")).unwrap(), linear);
    for unscaled in [
        plain(),
        kind(plain(), "linear"),
        kind(factor(plain()), "none"),
    ] {
        assert_eq!(scaling(unscaled).unwrap(), RopeScaling::Unscaled);
    }
    assert!(scaling(kind(plain(), "yarn")).is_err());

    // Four waves of 6, 63, 628 and 6283 tokens; 8192 tokens hold the last 1.3 times.
    let kept = (8192.0 / 6283.185 - 1.0) / 3.0;
    let published = [1.0, 1.0, 1.0, 1.0 / ((1.0 - kept) / 8.0 + kept)];
    let slow = |theta: f32| plain().set("llama.rope.freq_base", Value::F32(theta));
    // A base of 1e8 makes the slowest wave slow enough to have the factor whole.
    let waves = [1.0f32, 1e2, 1e4, 1e6].map(|it| it * std::f32::consts::TAU);
    let whole = waves.map(|wave| if wave < 2048.0 { 1.0 } else { 8.0 });
    let llama3 = RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position_embeddings: 8192,
    };
    assert_eq!(
        scaling(with_frequencies(slow(1e8), &whole)).unwrap(),
        llama3
    );
    assert!(matches!(
        scaling(with_frequencies(slow(1e8), &[1.0, 2.0, 8.0, 8.0])),
        Err(GgufError::Unsupported { .. })
    ));
    assert!(matches!(
        scaling(with_frequencies(slow(1e8), &whole[1..])),
        Err(GgufError::Unsupported { .. })
    ));
    // Our own files say what they mean, and must mean what they say.
    let said = serde_json::to_string(&llama3).unwrap();
    let saying = |factors: &[f32]| {
        let draft = plain().set("azr.rope_scaling", Value::String(said.clone()));
        scaling(with_frequencies(draft, factors))
    };
    assert_eq!(saying(&published).unwrap(), llama3);
    assert!(saying(&[1.0, 1.0, 1.0, 8.0]).is_err());
    let beside = factor(with_frequencies(plain(), &whole));
    assert!(matches!(
        scaling(beside),
        Err(GgufError::Unsupported { .. })
    ));
}

#[test]
fn metadata_that_are_missing_are_refused_by_name() {
    let change = |edit: &dyn Fn(Draft) -> Draft| {
        edit(small(Architecture::Llama, true).1).read().unwrap_err()
    };
    for key in [
        "general.architecture",
        "llama.block_count",
        "llama.attention.layer_norm_rms_epsilon",
        "tokenizer.ggml.tokens",
    ] {
        let error = change(&|draft| draft.without(key));
        assert!(
            matches!(&error, GgufError::MissingKey { key: named } if named == key),
            "{error}"
        );
    }
}

#[test]
fn metadata_that_lie_are_refused_by_name() {
    let change = |edit: &dyn Fn(Draft) -> Draft| {
        edit(small(Architecture::Llama, true).1).read().unwrap_err()
    };
    let set = |key: &'static str, value: Value| change(&move |draft| draft.set(key, value.clone()));
    assert!(matches!(
        set("llama.block_count", Value::U32(u32::MAX)),
        GgufError::Size(_)
    ));
    assert!(matches!(
        set("llama.block_count", Value::F32(2.0)),
        GgufError::BadValue { .. }
    ));
    assert!(matches!(
        set("llama.block_count", Value::I32(-2)),
        GgufError::BadValue { .. }
    ));
    assert!(matches!(
        set("llama.block_count", Value::U32(3)),
        GgufError::MissingTensor { .. }
    ));
    assert!(matches!(
        set("llama.block_count", Value::U32(1)),
        GgufError::UnexpectedTensor { count: 9, .. }
    ));
    assert!(matches!(
        set("llama.attention.head_count", Value::U32(0)),
        GgufError::BadValue { .. }
    ));
    assert!(matches!(
        set("llama.attention.head_count_kv", Value::U32(3)),
        GgufError::Config(_)
    ));
    assert!(matches!(
        set("llama.attention.key_length", Value::U32(16)),
        GgufError::Shape { .. }
    ));
    assert!(matches!(
        set("llama.rope.dimension_count", Value::U32(4)),
        GgufError::BadValue { .. }
    ));
    assert!(matches!(
        set("llama.feed_forward_length", Value::U32(65)),
        GgufError::Shape { .. }
    ));
    assert!(matches!(
        set("general.alignment", Value::U32(0)),
        GgufError::Alignment
    ));
    assert!(matches!(
        set("general.alignment", Value::U32(33)),
        GgufError::Alignment
    ));
    assert!(matches!(
        set("tokenizer.ggml.eos_token_id", Value::U32(99_999)),
        GgufError::Vocabulary(_)
    ));
    assert!(matches!(
        change(&|draft| draft.without("token_embd.weight")),
        GgufError::MissingTensor { .. }
    ));
}

#[test]
fn weights_that_are_not_numbers_are_refused() {
    let mut parameters = fixture::parameters(&fixture::config(Architecture::Qwen2, true));
    parameters
        .get_mut("model.layers.1.self_attn.k_proj.bias")
        .unwrap()[3] = f32::NAN;
    let error = Draft::new(&parameters, GgmlDType::F32).read().unwrap_err();
    assert!(
        matches!(&error, GgufError::NotFinite { name } if name == "blk.1.attn_k.bias"),
        "{error}"
    );
}

#[test]
fn a_file_cut_anywhere_is_refused_in_words() {
    let bytes = small(Architecture::Llama, true).1.bytes();
    let header = 6000.min(bytes.len());
    for length in (0..header).chain((header..bytes.len() - 32).step_by(997)) {
        let error = read(&mut Cursor::new(&bytes[..length])).unwrap_err();
        let words = fixture::sentence(&error);
        assert!(
            words.contains("download it again") || length < 4,
            "{length}: {words}"
        );
    }
}

#[test]
fn other_files_are_named_as_such() {
    let read_bytes = |bytes: &[u8]| read(&mut Cursor::new(bytes)).unwrap_err();
    assert!(matches!(
        read_bytes(b"PK\x03\x04 a zip archive"),
        GgufError::NotGguf
    ));
    assert!(matches!(
        read_bytes(b"GGUF\x01\0\0\0"),
        GgufError::Version { version: 1 }
    ));
    assert!(matches!(
        read_bytes(b"GGUF\0\0\0\x03"),
        GgufError::Version { .. }
    ));
    let counts = [b"GGUF\x03\0\0\0".as_slice(), &[0xff; 16]].concat();
    assert!(matches!(read_bytes(&counts), GgufError::TooMany { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    /// A flipped byte is a model or an error, never a panic; sizes are believed only after they have been checked.
    #[test]
    fn damaged_headers_never_panic(flips in prop::collection::vec((0usize..7000, any::<u8>()), 1..6)) {
        let mut bytes = small(Architecture::Qwen2, true).1.bytes();
        for (place, value) in flips {
            bytes[place] = value;
        }
        let _ = read(&mut Cursor::new(bytes));
    }
}

#[test]
fn control_tokens_of_known_spelling_end_a_response() {
    let tokenizer = fixture::tokenizer();
    let bytes = (0..256).map(|id| Value::String(tokenizer.token(id).unwrap()));
    let last = |token: &str, kind: i32| {
        let tokens = bytes
            .clone()
            .chain([Value::String(token.to_owned())])
            .collect();
        let kinds = (0..257).map(move |id| Value::I32(if id == 256 { kind } else { 1 }));
        small(Architecture::Llama, true)
            .1
            .set("tokenizer.ggml.tokens", Value::Array(tokens))
            .set("tokenizer.ggml.token_type", Value::Array(kinds.collect()))
            .set("tokenizer.ggml.eos_token_id", Value::U32(3))
            .read()
            .unwrap()
            .language
            .stop_tokens()
            .to_vec()
    };
    assert_eq!(last("<|im_end|>", 3), [3, 256]);
    assert_eq!(last("<|im_end|>", 1), [3]);
    assert_eq!(last("<|other|>", 3), [3]);
}
