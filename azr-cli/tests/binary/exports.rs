//! `export`: what is written is the same model, and nothing is overwritten.

use std::fs;

use crate::models::{json_lines, place_with_model};
use crate::runner::{azr, azr_with_input};

#[test]
fn an_exported_gguf_file_is_the_same_model_and_replaces_nothing() {
    let place = place_with_model();
    let export = |format: &str, out: &str| {
        let arguments = ["export", "model", "--format", format, "--out", out];
        azr(place.path(), &arguments)
    };
    let input = "{\"id\": 0, \"tokens\": [1, 72, 101, 108, 108, 111, 32, 195, 169, 10]}\n";
    let scores = |name: &str| {
        let scored = azr_with_input(place.path(), &["logprobs", "--model", name], input);
        let line = json_lines(&scored.is_done().out).remove(0);
        let numbers = line["logprobs"].as_array().unwrap().iter().skip(1);
        numbers.map(|it| it.as_f64().unwrap()).collect::<Vec<f64>>()
    };
    let truth = scores("model");
    for (format, nats_max) in [("gguf-f16", 0.005), ("gguf-q8_0", 0.1)] {
        let out = format!("{format}.gguf");
        export(format, &out).is_done();
        let worst = truth
            .iter()
            .zip(scores(&out))
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        assert!(worst < nats_max, "{format}: {worst}");
        let before = fs::read(place.path().join(&out)).unwrap();
        export(format, &out).is_refused(&["exists already", "choose another"]);
        assert_eq!(before, fs::read(place.path().join(&out)).unwrap());
    }
    export("gguf-f16", "b").is_refused(&["does not end in .gguf", "choose another"]);
    export("gguf-f16", "/dev/full/x.gguf").is_refused(&["is not a directory"]);
    let precise = [
        "export",
        "model",
        "--format",
        "gguf-f16",
        "--out",
        "b.gguf",
        "--precision",
        "f32",
    ];
    azr(place.path(), &precise).is_refused(&["--precision", "--format hf"]);
    assert!(!place.path().join("b.gguf").exists());
}

#[test]
fn an_exported_model_is_the_same_model_and_nothing_is_overwritten() {
    let place = place_with_model();
    azr(place.path(), &["export", "model", "--out", "copy"]).is_done();
    let read = |name: &str| fs::read(place.path().join(name).join("model.safetensors")).unwrap();
    assert_eq!(read("model"), read("copy"));
    azr(place.path(), &["export", "model", "--out", "copy"])
        .is_refused(&["copy", "choose another"]);
    azr(
        place.path(),
        &["export", "model", "--format", "onnx", "--out", "b"],
    )
    .is_refused_by_its_flags(&["possible values: hf, gguf-f16, gguf-q8_0"]);
    assert!(!place.path().join("b").exists());
    std::os::unix::fs::symlink("nowhere", place.path().join("link")).unwrap();
    azr(place.path(), &["export", "model", "--out", "link/"])
        .is_refused(&["is a link", "choose another"]);
    azr(place.path(), &["export", "model", "--out", "b/.."])
        .is_refused(&["names no new directory", "choose another"]);
    azr(place.path(), &["export", "model", "--out", "/dev/full/x"])
        .is_refused(&["/dev/full is not a directory", "choose another"]);
}
