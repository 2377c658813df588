//! What is accepted, what is refused by name, and that what is written is read back.

use super::*;
use crate::config::RopeScaling;

fn config_with(field: &str, value: Value) -> Result<HfConfig, HfConfigError> {
    let mut config = json!({
        "model_type": "qwen2", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": 96, "vocab_size": 300, "max_position_embeddings": 512,
        "rms_norm_eps": 1e-6, "rope_theta": 1e6, "tie_word_embeddings": true, "eos_token_id": [5, 7],
        "use_sliding_window": false, "sliding_window": 128, "max_window_layers": 1
    });
    config[field] = value;
    parse(&config.to_string())
}

#[test]
fn a_plain_configuration_is_understood() {
    let config = config_with("hidden_act", json!("silu")).unwrap();
    assert_eq!(config.eos, [5, 7]);
    let d = config.dimensions;
    assert_eq!(
        (d.architecture, d.head_dim, d.kv_heads, d.qkv_bias),
        (Architecture::Qwen2, 16, 2, true)
    );
    assert_eq!(
        (d.rope_theta, d.rms_norm_eps, d.tied_embeddings),
        (1e6, 1e-6, true)
    );
}

#[test]
fn heads_of_qwen3_have_a_width_of_their_own_and_no_biases() {
    let qwen3 = config_with("model_type", json!("qwen3"))
        .unwrap()
        .dimensions;
    assert_eq!((qwen3.head_dim, qwen3.qkv_bias), (128, false));
    assert!(ModelConfig::new(qwen3).unwrap().qk_norm());
}

#[test]
fn the_rotary_base_of_transformers_5_is_read() {
    let config = config_with(
        "rope_parameters",
        json!({"rope_type": "default", "rope_theta": 5e5}),
    )
    .unwrap();
    assert_eq!(config.dimensions.rope_theta, 5e5);
}

#[test]
fn scaled_rotary_positions_are_read_from_both_layouts() {
    let scaling = |field, value| config_with(field, value).unwrap().dimensions.rope_scaling;
    let llama3 = json!({
        "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192
    });
    let expected = RopeScaling::Llama3 {
        factor: 32.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position_embeddings: 8192,
    };
    assert_eq!(scaling("rope_scaling", llama3.clone()), expected);
    assert_eq!(scaling("rope_parameters", llama3), expected);
    let linear = json!({"type": "linear", "factor": 2});
    assert_eq!(
        scaling("rope_scaling", linear),
        RopeScaling::Linear { factor: 2.0 }
    );
    for plain in [json!(null), json!({}), json!({"rope_type": "default"})] {
        assert_eq!(scaling("rope_scaling", plain), RopeScaling::Unscaled);
    }
    // transformers takes the whole context where nothing is said of the original one.
    let whole = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0});
    assert!(matches!(
        scaling("rope_scaling", whole),
        RopeScaling::Llama3 {
            original_max_position_embeddings: 512,
            ..
        }
    ));
}

#[test]
fn scaled_rotary_positions_without_their_numbers_are_refused() {
    for (name, value) in [
        ("factor", json!({"rope_type": "linear"})),
        ("factor", json!({"rope_type": "linear", "factor": "2"})),
        (
            "low_freq_factor",
            json!({"rope_type": "llama3", "factor": 8.0}),
        ),
        (
            "original_max_position_embeddings",
            json!({
                "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": -1
            }),
        ),
    ] {
        let error = config_with("rope_scaling", value.clone()).unwrap_err();
        assert!(
            matches!(error, HfConfigError::RopeNumber { name: named } if named == name),
            "{value}: {error}"
        );
    }
}

#[test]
fn settings_that_would_change_the_numbers_are_refused_by_name() {
    let refused = [
        ("rope_scaling", json!({"type": "dynamic", "factor": 2.0})),
        ("rope_scaling", json!({"factor": 8.0})),
        ("rope_scaling", json!({"rope_type": 3, "factor": 8.0})),
        ("rope_scaling", json!("linear")),
        (
            "rope_parameters",
            json!({"full_attention": {"rope_type": "default", "rope_theta": 1e6}}),
        ),
        (
            "rope_parameters",
            json!({"rope_type": "yarn", "rope_theta": 1e6}),
        ),
        ("partial_rotary_factor", json!(0.5)),
        ("hidden_act", json!("gelu")),
        ("attention_bias", json!(true)),
        ("mlp_bias", json!(true)),
        ("quantization_config", json!({"quant_method": "awq"})),
    ];
    for (field, value) in refused {
        let error = config_with(field, value.clone()).unwrap_err();
        assert!(
            matches!(error, HfConfigError::Unsupported { field: named, .. } if named == field),
            "{value}: {error}"
        );
    }
}

#[test]
fn sliding_windows_are_refused_only_where_they_matter() {
    assert!(config_with("use_sliding_window", json!(true)).is_err());
    assert!(
        config_with(
            "layer_types",
            json!(["full_attention", "sliding_attention"])
        )
        .is_err()
    );
    assert!(config_with("layer_types", json!(["full_attention", "full_attention"])).is_ok());
    assert!(config_with("sliding_window", json!(4096)).is_ok());
}

#[test]
fn other_families_and_absurd_sizes_are_refused() {
    assert!(matches!(
        config_with("model_type", json!("mamba")),
        Err(HfConfigError::ModelType { .. })
    ));
    assert!(matches!(
        config_with("vocab_size", json!(i64::MAX)),
        Err(HfConfigError::Size(_))
    ));
    assert!(matches!(
        config_with("num_hidden_layers", json!(4_000_000_000_u64)),
        Err(HfConfigError::Size(_))
    ));
    assert!(matches!(
        config_with("num_attention_heads", json!(3)),
        Err(HfConfigError::HeadSize { .. })
    ));
    assert!(matches!(
        config_with("hidden_size", json!(-1)),
        Err(HfConfigError::Parse(_))
    ));
    assert!(matches!(
        config_with("hidden_size", json!("wide")),
        Err(HfConfigError::Parse(_))
    ));
    assert!(matches!(parse("{"), Err(HfConfigError::Parse(_))));
}

#[test]
fn what_is_written_is_read_back() {
    for (field, value) in [
        ("model_type", json!("llama")),
        ("model_type", json!("qwen2")),
        ("model_type", json!("qwen3")),
        ("head_dim", json!(20)),
        (
            "rope_scaling",
            json!({"rope_type": "linear", "factor": 2.5}),
        ),
        (
            "rope_parameters",
            json!({
                "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 256, "rope_theta": 5e5
            }),
        ),
    ] {
        let config = config_with(field, value).unwrap();
        let model = ModelConfig::new(config.dimensions.clone()).unwrap();
        let written = to_json(&model, &config.eos, &[("pad_token_id", 3)], "float32");
        assert_eq!(parse(&written.to_string()).unwrap(), config, "{written}");
    }
}

#[test]
fn values_that_pythons_programs_take_are_taken() {
    let config = |field, value| config_with(field, value).unwrap();
    assert!(config("eos_token_id", json!(-1)).eos.is_empty());
    assert_eq!(config("eos_token_id", json!([5.0])).eos, [5_u32]);
    assert_eq!(
        config("hidden_size", json!(64.0)).dimensions.hidden_size,
        64
    );
    assert_eq!(
        config("hidden_act", json!("swish")),
        config("hidden_act", json!("silu"))
    );
    for (field, value, words) in [
        (
            "hidden_size",
            json!(64.5),
            "hidden_size: invalid value: floating point `64.5`, expected a whole number",
        ),
        (
            "eos_token_id",
            json!("</s>"),
            "eos_token_id: invalid type: string \"</s>\", expected a token id",
        ),
    ] {
        let error = config_with(field, value).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
