//! Whole runs of the real binary: what they leave behind, that they repeat, and that nothing stops them for good.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::run_place::{Place, assert_same, result, steps_recorded};
use crate::runner::{azr, command};
use crate::tiny_model;

#[test]
fn a_run_leaves_everything_that_the_contract_names() {
    let place = Place::new();
    let answer = place.train("run", &[]);
    assert!(
        answer.is_done().out.contains("held-out tasks")
            && answer.out.contains("run directory: run"),
        "{answer:?}"
    );
    let run = place.run("run");
    for path in [
        "config.toml",
        "tasks.jsonl",
        "report.html",
        "rollouts",
        "checkpoints/step-3",
    ] {
        assert!(run.join(path).exists(), "{path}");
    }
}

/// Numbers that every line of metrics has.
fn assert_numbers(line: &Value) {
    for path in [
        "/step",
        "/seconds/propose",
        "/seconds/solve",
        "/seconds/verify",
        "/seconds/wait",
        "/seconds/update",
        "/seconds/total",
        "/policy/loss",
        "/policy/grad_norm",
        "/policy/entropy",
        "/policy/kl_sampler_learner",
        "/policy/clip_fraction",
        "/policy/lr",
        "/tokens/generated",
        "/tokens/trained",
        "/tokens/generated_per_second",
        "/tokens/trained_per_second",
    ] {
        assert!(line.pointer(path).is_some_and(Value::is_number), "{path}");
    }
}

/// What every line of metrics says of every lane.
fn assert_lanes(line: &Value) {
    for role in ["propose", "solve"] {
        for kind in ["deduction", "abduction", "induction"] {
            for key in [
                "rollouts",
                "reward_mean",
                "valid_rate",
                "solve_rate",
                "format_rate",
                "response_tokens_mean",
            ] {
                let path = format!("/lanes/{role}/{kind}/{key}");
                assert!(line.pointer(&path).is_some(), "{path}");
            }
        }
    }
}

#[test]
fn metrics_have_the_keys_that_other_programs_read() {
    let place = Place::new();
    place.train("run", &[]).is_done();
    let run = place.run("run");
    let metrics: Vec<Value> = fs::read_to_string(run.join("metrics.jsonl"))
        .unwrap()
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(metrics.len(), 3);
    assert_numbers(&metrics[0]);
    assert_lanes(&metrics[0]);
    assert!(0.0 < metrics[0]["policy"]["grad_norm"].as_f64().unwrap());
    assert!(
        metrics[0]["learnability"].is_object()
            && metrics[0]["buffer"].is_object()
            && metrics[2]["eval"].is_object()
    );
}

#[test]
fn a_finished_run_can_be_inspected_exported_sampled_and_resumed_without_change() {
    let place = Place::new();
    place.train("run", &[]).is_done();
    let before = result(&place.run("run"));
    let shown = azr(place.path(), &["inspect", "run"]);
    assert!(
        shown.is_done().out.contains("3 steps done") && shown.out.contains("policy.loss"),
        "{shown:?}"
    );
    let responses = azr(
        place.path(),
        &[
            "inspect",
            "run",
            "--step",
            "2",
            "--lane",
            "propose.induction",
        ],
    );
    assert!(
        responses.is_done().out.contains("propose.induction #0"),
        "{responses:?}"
    );
    let task = fs::read_to_string(place.run("run/tasks.jsonl")).unwrap();
    let task: Value = serde_json::from_str(task.lines().next().unwrap()).unwrap();
    let shown = azr(
        place.path(),
        &["inspect", "run", "--task", task["id"].as_str().unwrap()],
    );
    assert!(shown.is_done().out.contains("def f("), "{shown:?}");
    azr(place.path(), &["inspect", "run", "--step", "99"]).is_refused(&["step 99", "1 to 3"]);
    azr(place.path(), &["export", "run", "--out", "exported"]).is_done();
    let exported = fs::read(place.path().join("exported/model.safetensors")).unwrap();
    assert!(
        before.values().any(|it| *it == exported),
        "the exported weights are not those of the last checkpoint"
    );
    azr(
        place.path(),
        &[
            "generate",
            "--model",
            "run",
            "--prompt",
            "a",
            "--max-new-tokens",
            "3",
        ],
    )
    .is_done();
    assert!(place.resume("run").is_done().out.contains("held-out tasks"));
    assert_eq!(before, result(&place.run("run")));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    let place = Place::new();
    place.train("first", &[]).is_done();
    place.train("second", &[]).is_done();
    assert_same(&place.run("first"), &place.run("second"));
    place.train("other", &["seed=2"]).is_done();
    let (first, other) = (result(&place.run("first")), result(&place.run("other")));
    let weights = first
        .keys()
        .find(|it| it.contains("step-3") && it.ends_with("model.safetensors"))
        .unwrap();
    assert_ne!(first[weights], other[weights]);
}

#[test]
fn the_number_of_workers_changes_nothing() {
    let place = Place::new();
    place.train("one", &["sandbox.workers=1"]).is_done();
    place.train("three", &["sandbox.workers=3"]).is_done();
    let without_config = |name: &str| {
        let mut all = result(&place.run(name));
        all.retain(|name, _| !name.ends_with("config.toml"));
        all
    };
    assert!(without_config("one") == without_config("three"));
}

/// Every file with its size: changes whenever the run writes anything.
fn look(directory: &Path, seen: &mut BTreeSet<(String, u64)>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            look(&path, seen);
        } else if let Ok(size) = fs::metadata(&path) {
            seen.insert((path.to_string_lossy().into_owned(), size.len()));
        }
    }
}

#[test]
fn a_run_that_is_killed_at_any_change_of_its_directory_ends_as_if_it_had_not_been() {
    let place = Place::new();
    place.train("whole", &[]).is_done();
    let mut killed = 0;
    for changes in [1, 2, 4, 7, 11, 16, 22, 30] {
        let name = format!("killed-{changes}");
        let run = place.run(&name);
        let mut running = place.begin(&name, &[]);
        let (mut last, mut count) = (BTreeSet::new(), 0);
        let reached = running.until(|| {
            let mut now = BTreeSet::new();
            look(&run, &mut now);
            count += usize::from(!now.is_empty() && now != last);
            last = now;
            changes <= count
        });
        if reached {
            running.signal("KILL");
        }
        let answer = running.end();
        killed += usize::from(answer.code == -1);
        place.resume(&name).is_done();
        assert_same(&place.run("whole"), &run);
    }
    assert!(3 <= killed, "only {killed} runs were caught alive");
}

#[test]
fn a_signal_finishes_the_step_saves_and_says_how_to_go_on() {
    for signal in ["INT", "TERM"] {
        let place = Place::new();
        let run = place.run("run");
        let mut running = place.begin("run", &["steps=100000"]);
        assert!(running.until(|| 1 <= steps_recorded(&run)));
        running.signal(signal);
        let answer = running.end();
        assert_eq!(answer.code, 130, "{answer:?}");
        assert!(answer.err.contains("azr train --resume run"), "{answer:?}");
        let steps = steps_recorded(&run);
        assert!(
            run.join(format!("checkpoints/step-{steps}")).is_dir(),
            "step {steps} was not saved"
        );
    }
}

#[test]
fn a_second_signal_stops_at_once_and_loses_at_most_that_step() {
    let place = Place::new();
    place.train("whole", &[]).is_done();
    let run = place.run("run");
    // One step here takes longer than any patience: only a second signal can end it.
    let mut running = place.begin(
        "slow",
        &["steps=100000", "self_play.proposals_per_kind=20000"],
    );
    let slow = place.run("slow");
    assert!(running.until(|| {
        slow.join("evaluations.jsonl")
            .metadata()
            .is_ok_and(|it| 0 < it.len())
    }));
    running.signal("INT");
    running.signal_until_it_ends("INT");
    let answer = running.end();
    assert_eq!(answer.code, 130, "{answer:?}");
    assert_eq!(steps_recorded(&slow), 0);
    let mut running = place.begin("run", &[]);
    assert!(running.until(|| 2 <= steps_recorded(&run)));
    running.signal("INT");
    running.signal_until_it_ends("INT");
    let answer = running.end();
    assert!([0, 130].contains(&answer.code), "{answer:?}");
    place.resume("run").is_done();
    assert_same(&place.run("whole"), &run);
}

#[test]
fn a_disk_that_is_full_leaves_the_last_checkpoint_and_a_clear_error() {
    let place = Place::new();
    let steps = ["steps=30"];
    place.train("whole", &steps).is_done();
    let run = place.run("run");
    let mut running = place.begin_deaf_to_full_disks("run", &steps);
    assert!(running.until(|| run.join("checkpoints/step-1").is_dir()));
    // From here on, files of more than 40 KiB cannot be written: the weights of this model take more, its journals less.
    running.limit_files(40 << 10);
    let answer = running.end();
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(
        answer.err.contains("azr train --resume run") && answer.err.contains("free space"),
        "{answer:?}"
    );
    let names = fs::read_dir(run.join("checkpoints"))
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.collect();
    assert!(
        !names.is_empty() && names.iter().all(|it| it.starts_with("step-")),
        "{names:?}"
    );
    place.resume("run").is_done();
    assert_same(&place.run("whole"), &run);
}

#[test]
fn wrong_requests_are_refused_and_overwrite_nothing() {
    let place = Place::new();
    place.train("run", &["steps=1"]).is_done();
    let before = result(&place.run("run"));
    place
        .train("run", &[])
        .is_refused(&["run exists", "--resume"]);
    place
        .train("new", &["optimizer.learning_rat=1"])
        .is_refused(&["learning_rat", "learning_rate"]);
    place.train("new", &["steps=-1"]).is_refused(&["steps"]);
    let refused =
        |arguments: &[&str], words: &[&str]| azr(place.path(), arguments).is_refused(words);
    refused(
        &["train", "--config", "nowhere.toml"],
        &["nowhere.toml", "configs/"],
    );
    refused(
        &["train", "--resume", "nowhere"],
        &["nowhere", "not a run directory"],
    );
    refused(
        &["train", "--model", "./nowhere", "--run-dir", "new"],
        &["nowhere"],
    );
    fs::write(place.path().join("broken.toml"), "seed = \n").unwrap();
    refused(&["train", "--config", "broken.toml"], &["not TOML"]);
    let output = command(place.path(), &place.arguments("new", &[]))
        .env("AZR_PYTHON", "/nowhere/python")
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(
        err.contains("/nowhere/python") && err.contains("AZR_PYTHON"),
        "{err}"
    );
    assert!(!place.run("new").exists());
    assert_eq!(before, result(&place.run("run")));
}

#[test]
fn a_run_does_not_go_on_with_another_model() {
    let place = Place::new();
    let run = place.run("run");
    let mut running = place.begin("run", &["checkpoint.every_steps=100000", "steps=100000"]);
    assert!(running.until(|| 1 <= steps_recorded(&run)));
    running.signal("KILL");
    running.end();
    fs::remove_dir_all(place.path().join("model")).unwrap();
    tiny_model::write(place.path(), "model", 2);
    place.resume("run").is_refused(&[
        "not the model that the run",
        "model.source in run/config.toml",
    ]);
}

#[test]
fn a_dry_run_prints_a_complete_run_file_and_does_nothing() {
    let place = Place::new();
    let mut arguments = place.arguments("run", &[]);
    arguments.push("--dry-run".to_string());
    let answer = azr(place.path(), &arguments);
    assert!(
        answer.is_done().err.contains("/model for 3 steps in run"),
        "{answer:?}"
    );
    assert!(!place.run("run").exists());
    fs::write(place.path().join("resolved.toml"), &answer.out).unwrap();
    let again = azr(
        place.path(),
        &["train", "--config", "resolved.toml", "--dry-run"],
    );
    assert_eq!(again.is_done().out, answer.out);
}
