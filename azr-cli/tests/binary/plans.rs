//! `azr doctor --model`: a plan for a GPU that is not here, from a `config.json` without weights, and refusals.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::models::place_with_model;
use crate::runner::{Answer, azr};

/// The dimensions of Qwen2.5-Coder-7B.
fn write_large(place: &Path) {
    let config = json!({
        "model_type": "qwen2", "hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28,
        "num_key_value_heads": 4, "intermediate_size": 18944, "vocab_size": 152_064, "rope_theta": 1e6,
        "rms_norm_eps": 1e-6, "max_position_embeddings": 32_768, "tie_word_embeddings": false,
    });
    fs::write(place.join("large.json"), config.to_string()).unwrap();
}

fn plan(place: &Path, model: &str, more: &[&str]) -> Answer {
    let all = [&["doctor", "--model", model, "--batch", "2"], more].concat();
    azr(place, &all)
}

#[test]
fn a_small_model_fits_and_every_byte_is_accounted_for() {
    let place = place_with_model();
    let fits = [
        "--assume",
        "24gb",
        "--prompt-tokens",
        "20",
        "--new-tokens",
        "10",
    ];
    let table = plan(place.path(), "model", &fits);
    for words in [
        "model fits on 24gb (assumed, 23.99 GiB)",
        "optimizer.activations = \"kept\"",
        "model.precision = \"f32\"",
        "keys and values",
        "headroom",
    ] {
        assert!(table.is_done().out.contains(words), "{words}: {table:?}");
    }
    let json = plan(place.path(), "model", &[&fits[..], &["--json"]].concat());
    let report: Value = serde_json::from_str(&json.is_done().out).unwrap();
    let bytes = |name: &str| report["bytes"][name].as_u64().unwrap();
    let stays: u64 = [
        "weights",
        "prepared_weights",
        "gradient",
        "moments",
        "activations",
    ]
    .map(bytes)
    .iter()
    .sum();
    let works = bytes("learning").max(bytes("keys_and_values") + bytes("sampling"));
    assert_eq!(report["peak_bytes"], stays + works);
    let whole = ["peak_bytes", "headroom_bytes", "free_bytes"].map(|it| report[it].as_u64());
    let whole: u64 = whole.iter().flatten().sum();
    assert_eq!(report["gpu"]["memory_bytes"], whole);
    // What is known of a run directory or a directory is known of its configuration alone.
    let alone = plan(
        place.path(),
        "model/config.json",
        &[&fits[..], &["--json"]].concat(),
    );
    let alone: Value = serde_json::from_str(&alone.is_done().out).unwrap();
    assert_eq!(alone["bytes"], report["bytes"]);
}

#[test]
fn what_cannot_fit_is_refused_with_what_is_lacking_and_what_would() {
    let place = tempfile::tempdir().unwrap();
    write_large(place.path());
    plan(place.path(), "large.json", &["--assume", "24gb"]).is_refused(&[
        "does not fit on 24gb",
        "GiB are lacking",
        "recomputed",
        "it would fit on",
        "--batch",
    ]);
    let long = ["--assume", "24gb", "--prompt-tokens", "32768"];
    plan(place.path(), "large.json", &long).is_refused(&["32768"]);
    plan(place.path(), "nowhere.json", &["--assume", "24gb"]).is_refused(&["nowhere.json"]);
    plan(place.path(), "large.json", &["--device", "cuda:999"]).is_refused(&["--assume"]);
    plan(place.path(), "large.json", &["--device", "cpu"]).is_refused(&["azr bench"]);
    let unknown = plan(place.path(), "large.json", &["--assume", "h100"]);
    unknown.is_refused_by_its_flags(&["h100-80gb"]);
    azr(place.path(), &["doctor", "--assume", "24gb"]).is_refused_by_its_flags(&["--model"]);
}
