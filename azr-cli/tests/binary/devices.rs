//! `--device`: what a machine without a CUDA driver says, and that it computes all the same.

use std::path::Path;

use serde_json::Value;

use crate::models::place_with_model;
use crate::runner::{azr, azr_with_input};

/// What doctor says of GPUs.
fn cuda(place: &Path) -> Value {
    let answer = azr(place, &["doctor", "--json"]);
    let report: Value = serde_json::from_str(&answer.is_done().out).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let mut found = findings.iter().filter(|it| it["name"] == "cuda");
    found.next().expect("doctor looks for GPUs").clone()
}

#[test]
fn a_gpu_that_is_not_there_is_refused_in_words_and_the_processor_computes() {
    let place = place_with_model();
    let place = place.path();
    let found = cuda(place)["found"].as_str().unwrap().to_string();
    // A machine with a driver has no GPU of this number, one without has none at all.
    let has_driver = !found.contains("no CUDA driver");
    let words: &[&str] = if has_driver {
        &["--device cuda:999", "999"]
    } else {
        assert!(found.contains("libcuda.so.1"), "{found}");
        assert!(found.contains("compute on the CPU"), "{found}");
        &[
            "--device cuda:999",
            "no CUDA driver",
            "libcuda.so.1",
            "on the CPU",
        ]
    };
    for command in [
        &["generate", "--model", "model", "--prompt", "a"][..],
        &["logprobs", "--model", "model"],
        &["bench", "--model", "model"],
        &["train", "--model", "model", "--run-dir", "run"],
    ] {
        let all = [command, &["--device", "cuda:999"]].concat();
        azr(place, &all).is_refused(words);
    }
    assert!(!place.join("run").exists(), "nothing was started");
    let here = ["generate", "--model", "model", "--prompt", "a"];
    azr(place, &here).is_done();
    azr(place, &[&here[..], &["--device", "cpu"]].concat()).is_done();
    let line = "{\"id\": 1, \"tokens\": [1, 2, 3]}\n";
    let scored = azr_with_input(place, &["logprobs", "--model", "model"], line);
    assert!(scored.is_done().out.contains("logprobs"));
}

#[test]
fn what_is_no_device_is_refused_with_those_that_are() {
    let place = tempfile::tempdir().unwrap();
    for device in ["gpu", "cuda:x", "cpu:1"] {
        let arguments = ["bench", "--model", "azr-tiny", "--device", device];
        azr(place.path(), &arguments).is_refused_by_its_flags(&["cuda:N", "cpu"]);
    }
}
