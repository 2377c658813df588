//! Help that teaches, and wrong requests that are refused with a remedy.

use std::fs;
use std::path::Path;

use crate::runner::{azr, command};

#[test]
fn every_command_has_help_with_an_example_that_names_it() {
    let place = tempfile::tempdir().unwrap();
    let help = azr(place.path(), &["--help"]);
    let commands: Vec<&str> = help
        .is_done()
        .out
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .filter(|name| !name.is_empty() && *name != "help")
        .collect();
    assert!(2 <= commands.len(), "{}", help.out);
    for name in commands {
        let help = azr(place.path(), &[name, "--help"]);
        assert!(
            help.is_done().out.contains("Example"),
            "{name}: {}",
            help.out
        );
        assert!(
            help.out.contains(&format!("azr {name}")),
            "{name}: {}",
            help.out
        );
    }
}

#[test]
fn a_wrong_flag_or_command_exits_with_two_and_says_how_to_go_on() {
    let place = tempfile::tempdir().unwrap();
    for arguments in [vec!["trian"], vec!["doctor", "--jason"], vec![]] {
        let answer = azr(place.path(), &arguments);
        assert_eq!(answer.code, 2, "{arguments:?}: {answer:?}");
        assert!(
            answer.err.contains("--help") || answer.err.contains("Usage"),
            "{answer:?}"
        );
    }
}

#[test]
fn output_that_is_no_terminal_has_no_color() {
    let place = tempfile::tempdir().unwrap();
    let answer = azr(place.path(), &["doctor"]);
    assert!(
        !answer.is_done().out.contains('\u{1b}') && !answer.err.contains('\u{1b}'),
        "{answer:?}"
    );
}

#[test]
fn doctor_reports_the_interpreter_it_is_told_to_use() {
    let place = tempfile::tempdir().unwrap();
    let output = command(place.path(), &["doctor", "--json"])
        .env("AZR_PYTHON", "/nowhere/python")
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let python = findings.iter().find(|it| it["name"] == "python").unwrap();
    assert_eq!(python["state"], "missing", "{python}");
    assert!(
        python["found"]
            .as_str()
            .unwrap()
            .contains("/nowhere/python")
    );
    assert!(python["remedy"].as_str().unwrap().contains("AZR_PYTHON"));
}

#[test]
fn inspecting_what_is_no_run_is_a_wrong_request() {
    let place = tempfile::tempdir().unwrap();
    azr(place.path(), &["inspect", "nowhere"]).is_refused(&["nowhere", "name the directory"]);
    fs::create_dir(place.path().join("empty")).unwrap();
    azr(place.path(), &["inspect", "empty"]).is_refused(&["empty", "not a run directory"]);
}

#[test]
fn a_limit_on_the_size_of_files_is_a_failure_in_words_and_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("run");
    write_run(&root);
    let mut command = std::process::Command::new("sh");
    let script = format!(
        "ulimit -f 1 && exec '{}' inspect run --html",
        env!("CARGO_BIN_EXE_azr")
    );
    let output = command
        .args(["-c", &script])
        .current_dir(place.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said.contains("report.html"), "{said}");
    assert!(!root.join(".report.html.partial").exists());
}

#[test]
fn a_full_standard_output_is_named() {
    let place = tempfile::tempdir().unwrap();
    write_run(&place.path().join("run"));
    let output = command(place.path(), &["inspect", "run", "--json"])
        .stdout(fs::File::create("/dev/full").unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(said.contains("standard output"), "{said}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = tempfile::tempdir().unwrap();
    write_run(&place.path().join("run"));
    let mut command = command(place.path(), &["inspect", "run", "--json"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
}

/// A run of many steps and nothing else.
fn write_run(root: &Path) {
    fs::create_dir_all(root.join("checkpoints")).unwrap();
    fs::write(root.join("config.toml"), "seed = 1\n").unwrap();
    let lines: String = (0..5_000)
        .map(|step| format!("{{\"step\":{step},\"filler\":\"{:200}\"}}\n", ""))
        .collect();
    fs::write(root.join("metrics.jsonl"), lines).unwrap();
}
