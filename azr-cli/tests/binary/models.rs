//! `generate`, `logprobs`, `bench`: the contracts that other programs read.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::runner::{azr, azr_with_input};
use crate::tiny_model::{self, CONTEXT_TOKENS_MAX};

pub fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?}: {error}")))
        .collect()
}

pub fn place_with_model() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    tiny_model::write(place.path(), "model", 1);
    place
}

fn samples(place: &Path, arguments: &[&str]) -> Vec<Value> {
    let all: Vec<&str> = ["generate", "--model", "model", "--json"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    json_lines(&azr(place, &all).is_done().out)
}

#[test]
fn samples_come_in_order_with_tokens_and_logprobs_of_one_length() {
    let place = place_with_model();
    let prompts = "{\"prompt\": \"def f\"}\n{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}\n{\"tokens\": [1, 2, 3]}\n";
    fs::write(place.path().join("prompts.jsonl"), prompts).unwrap();
    let arguments = [
        "--prompts",
        "prompts.jsonl",
        "--n",
        "2",
        "--max-new-tokens",
        "9",
        "--temperature",
        "1",
    ];
    let lines = samples(place.path(), &arguments);
    let places: Vec<(u64, u64)> = lines
        .iter()
        .map(|it| {
            (
                it["prompt_index"].as_u64().unwrap(),
                it["sample"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(places, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
    for line in &lines {
        let (tokens, logprobs) = (
            line["tokens"].as_array().unwrap(),
            line["logprobs"].as_array().unwrap(),
        );
        assert!(
            !tokens.is_empty() && tokens.len() == logprobs.len(),
            "{line}"
        );
        assert!(
            logprobs.iter().all(|it| it.as_f64().unwrap() <= 0.0),
            "{line}"
        );
        let ended = line["finish"] == "stop" || (line["finish"] == "length" && tokens.len() == 9);
        assert!(ended && line["text"].is_string(), "{line}");
    }
    assert_ne!(
        lines[0]["tokens"], lines[1]["tokens"],
        "two samples of one prompt drew the same"
    );
}

#[test]
fn a_sample_does_not_depend_on_what_else_is_asked() {
    let place = place_with_model();
    let alone = samples(
        place.path(),
        &["--prompt", "def f", "--seed", "7", "--temperature", "1"],
    );
    let prompts: String = ["def f", "a much longer prompt than the first one", "x"]
        .map(|it| format!("{{\"prompt\": \"{it}\"}}\n"))
        .concat();
    fs::write(place.path().join("prompts.jsonl"), prompts).unwrap();
    let among = samples(
        place.path(),
        &[
            "--prompts",
            "prompts.jsonl",
            "--seed",
            "7",
            "--temperature",
            "1",
            "--n",
            "3",
        ],
    );
    assert_eq!(alone[0], among[0]);
}

#[test]
fn a_response_ends_before_a_stop_string_and_keeps_the_tokens_up_to_it() {
    let place = place_with_model();
    let ask = [
        "--prompt",
        "def f",
        "--temperature",
        "1",
        "--n",
        "4",
        "--seed",
    ];
    let ask = [&ask[..], &["3", "--max-new-tokens", "80"]].concat();
    let free = samples(place.path(), &ask);
    let text = free[0]["text"].as_str().unwrap();
    // A letter that comes for the first time after some others.
    let letter = |it: char| it.is_ascii_alphanumeric() && text.find(it) > Some(9);
    let stop = text.chars().find(|it| letter(*it)).unwrap().to_string();
    let stopped = samples(place.path(), &[&ask[..], &["--stop", &stop]].concat());
    assert_eq!(stopped[0]["text"], text[..text.find(&stop).unwrap()]);
    assert_eq!(stopped[0]["finish"], "stop");
    for (free, stopped) in free.iter().zip(&stopped) {
        for field in ["tokens", "logprobs"] {
            let (all, kept) = (
                free[field].as_array().unwrap(),
                stopped[field].as_array().unwrap(),
            );
            assert_eq!(all[..kept.len()], kept[..], "{field}");
        }
        assert!(!stopped["text"].as_str().unwrap().contains(&stop));
    }
    assert!(stopped[0]["tokens"].as_array().unwrap().len() < 80);
    let empty = [
        "generate", "--model", "model", "--prompt", "a", "--stop", "",
    ];
    azr(place.path(), &empty).is_refused_by_its_flags(&["--stop"]);
}

#[test]
fn greedy_tokens_are_the_likeliest_by_the_scores_of_logprobs() {
    let place = place_with_model();
    let greedy = samples(
        place.path(),
        &[
            "--prompt",
            "def f",
            "--temperature",
            "0",
            "--max-new-tokens",
            "5",
        ],
    );
    let again = samples(
        place.path(),
        &[
            "--prompt",
            "def f",
            "--temperature",
            "0",
            "--max-new-tokens",
            "5",
            "--seed",
            "3",
        ],
    );
    assert_eq!(greedy, again, "a greedy sample has no seed");
    let prompt: Vec<u64> = b"def f".iter().map(|it| u64::from(*it)).collect();
    let best = greedy[0]["tokens"][0].as_u64().unwrap();
    let lines: String = (0..257u64)
        .map(|token| {
            let tokens: Vec<u64> = prompt.iter().copied().chain([token]).collect();
            format!("{}\n", serde_json::json!({"id": token, "tokens": tokens}))
        })
        .collect();
    let scores = json_lines(
        &azr_with_input(place.path(), &["logprobs", "--model", "model"], &lines)
            .is_done()
            .out,
    );
    let last = |it: &Value| {
        it["logprobs"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .as_f64()
            .unwrap()
    };
    let likeliest = scores
        .iter()
        .max_by(|a, b| last(a).total_cmp(&last(b)))
        .unwrap();
    assert_eq!(likeliest["id"], best);
    let mass: f64 = scores.iter().map(|it| last(it).exp()).sum();
    assert!(
        (mass - 1.0).abs() < 1e-5,
        "the probabilities of all tokens add up to {mass}"
    );
}

#[test]
fn sampled_logprobs_are_those_of_logprobs_digit_for_digit() {
    let place = place_with_model();
    let sample = &samples(
        place.path(),
        &[
            "--prompt",
            "def f",
            "--temperature",
            "1",
            "--max-new-tokens",
            "20",
        ],
    )[0];
    let mut tokens: Vec<u64> = b"def f".iter().map(|it| u64::from(*it)).collect();
    let begin = tokens.len();
    tokens.extend(
        sample["tokens"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it.as_u64().unwrap()),
    );
    let line = format!("{}\n", serde_json::json!({"id": "a", "tokens": tokens}));
    let scored = json_lines(
        &azr_with_input(place.path(), &["logprobs", "--model", "model"], &line)
            .is_done()
            .out,
    );
    assert_eq!(scored[0]["id"], "a");
    let logprobs = scored[0]["logprobs"].as_array().unwrap();
    assert_eq!(logprobs[0], Value::Null);
    assert_eq!(
        logprobs[begin..],
        sample["logprobs"].as_array().unwrap()[..]
    );
}

#[test]
fn lines_that_cannot_be_scored_say_why_and_the_rest_goes_on() {
    let place = place_with_model();
    let long = vec![1; CONTEXT_TOKENS_MAX + 1];
    let lines = format!(
        "nonsense\n{{\"id\": 1, \"tokens\": [1, 257]}}\n{{\"id\": 2, \"tokens\": []}}\n{{\"id\": 3, \"tokens\": {long:?}}}\n{{\"id\": 4}}\n{{\"id\": 5, \"tokens\": [1, 2]}}\n"
    );
    let answers = json_lines(
        &azr_with_input(place.path(), &["logprobs", "--model", "model"], &lines)
            .is_done()
            .out,
    );
    assert_eq!(answers.len(), 6);
    for (answer, words) in
        answers
            .iter()
            .zip(["not JSON", "vocabulary", "no tokens", "takes 512", "tokens"])
    {
        assert!(
            answer["logprobs"].is_null() && answer["error"].as_str().unwrap().contains(words),
            "{answer}"
        );
    }
    assert_eq!(
        (&answers[1]["id"], &answers[4]["id"]),
        (&Value::from(1), &Value::from(4))
    );
    assert_eq!(answers[5]["logprobs"].as_array().unwrap().len(), 2);
}

#[test]
fn sampling_that_a_model_advises_and_that_makes_no_sense_is_refused_with_the_flag_to_give() {
    let place = place_with_model();
    let advice = place.path().join("model/generation_config.json");
    fs::write(advice, r#"{"temperature": -1.0}"#).unwrap();
    let generate = ["generate", "--model", "model", "--prompt", "a"];
    azr(place.path(), &generate).is_refused(&["-1", "--temperature"]);
    let said = [&generate[..], &["--temperature", "1"]].concat();
    azr(place.path(), &said).is_done();
}

#[test]
fn prompts_that_cannot_be_used_are_named_and_the_others_are_done() {
    let place = place_with_model();
    fs::write(
        place.path().join("prompts.jsonl"),
        "{\"prompt\": \"a\"}\n{\"promt\": \"b\"}\n{\"tokens\": [999]}\n",
    )
    .unwrap();
    let answer = azr(
        place.path(),
        &[
            "generate",
            "--model",
            "model",
            "--prompts",
            "prompts.jsonl",
            "--json",
        ],
    );
    assert_eq!(answer.code, 2, "{answer:?}");
    assert_eq!(json_lines(&answer.out).len(), 1);
    assert!(
        answer.err.contains("line 2")
            && answer.err.contains("token 999")
            && answer.err.contains("2 of 3"),
        "{answer:?}"
    );
}

#[test]
fn models_that_cannot_be_loaded_are_wrong_requests() {
    let place = place_with_model();
    let with = |name: &str| {
        azr(
            place.path(),
            &["generate", "--model", name, "--prompt", "a"],
        )
    };
    with("./nowhere").is_refused(&["nowhere", "name a"]);
    fs::create_dir(place.path().join("empty")).unwrap();
    with("./empty").is_refused(&["config.json"]);
    fs::write(place.path().join("model.txt"), "no model").unwrap();
    with("model.txt").is_refused(&["not a .gguf file"]);
    let weights = place.path().join("model/model.safetensors");
    let whole = fs::read(&weights).unwrap();
    for kept in [0, 7, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&weights, &whole[..kept]).unwrap();
        with("model").is_refused(&["model.safetensors"]);
    }
    fs::write(&weights, &whole).unwrap();
    let config = place.path().join("model/config.json");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text.replace("LlamaForCausalLM", "MambaForCausalLM")
            .replace("\"llama\"", "\"mamba\""),
    )
    .unwrap();
    with("model").is_refused(&["mamba"]);
    fs::write(
        &config,
        text.replace("\"hidden_size\": 32", "\"hidden_size\": 64"),
    )
    .unwrap();
    with("model").is_refused(&["model.embed_tokens.weight"]);
    fs::write(place.path().join("cut.gguf"), b"GGUF\x03\0\0\0").unwrap();
    with("cut.gguf").is_refused(&["cut.gguf"]);
}

#[test]
fn bench_reports_every_kind_of_work_as_json() {
    let place = place_with_model();
    let arguments = [
        "bench",
        "--model",
        "model",
        "--batch",
        "2",
        "--prompt-tokens",
        "16",
        "--new-tokens",
        "4",
        "--repeat",
        "2",
        "--json",
    ];
    let lines = json_lines(&azr(place.path(), &arguments).is_done().out);
    let whats: Vec<&str> = lines
        .iter()
        .map(|it| it["what"].as_str().unwrap())
        .collect();
    assert_eq!(whats, ["prefill", "decode", "train", "step"]);
    for line in &lines {
        let rate = &line["tokens_per_second"];
        let (min, median, max) = (
            rate["min"].as_f64(),
            rate["median"].as_f64(),
            rate["max"].as_f64(),
        );
        assert!(Some(0.0) < min && min <= median && median <= max, "{line}");
        assert!(
            1_000_000 < line["peak_memory_bytes"].as_u64().unwrap(),
            "{line}"
        );
        let share = line["peak_share"].as_f64().unwrap();
        assert!(0.0 < share && share < 1.5, "{line}");
        let share = line["bandwidth_share"].as_f64().unwrap();
        assert!(0.0 < share, "{line}");
    }
}
