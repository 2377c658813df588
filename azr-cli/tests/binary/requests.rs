//! Help that teaches, and wrong requests that are refused with a remedy.

use std::fs;
use std::path::Path;

use crate::runner::{Answer, azr, command};
use crate::tiny_model;

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
    assert_eq!(commands.len(), 9, "{}", help.out);
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
fn doctor_names_what_the_engine_computes_with() {
    let place = tempfile::tempdir().unwrap();
    let answer = azr(place.path(), &["doctor"]);
    let lines = answer.is_done().out.lines();
    let engine: Vec<&str> = lines.filter(|it| it.contains("  engine ")).collect();
    let [engine] = engine[..] else {
        panic!("{answer:?}");
    };
    for word in ["f32", "bf16"] {
        assert!(engine.contains(word), "{word}: {engine}");
    }
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap();
    let unused = [(" amx_bf16 ", "AMX"), (" avx512_bf16 ", "AVX512_BF16")]
        .into_iter()
        .filter(|(flag, _)| processor.contains(flag));
    for (_, name) in unused.clone() {
        assert!(engine.contains(name), "{name}: {engine}");
    }
    let none = engine.contains("there is no AMX");
    assert_eq!(none, unused.count() == 0, "{engine}");
    let has_wide_vectors = processor.contains(" avx2 ");
    assert_eq!(has_wide_vectors, engine.contains("with AVX"), "{engine}");
}

#[test]
fn doctor_says_of_each_backend_whether_it_works() {
    let place = tempfile::tempdir().unwrap();
    let report = |mut command: std::process::Command| -> serde_json::Value {
        let output = command.current_dir(place.path()).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let backends = |report: &serde_json::Value| -> Vec<serde_json::Value> {
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .filter(|it| it["name"] == "backend")
            .cloned()
            .collect()
    };
    let everywhere = backends(&report(command(place.path(), &["doctor", "--json"])));
    assert_eq!(everywhere.len(), 3, "{everywhere:?}");
    // Where templates cannot open handles of their workers; the call has this number everywhere.
    let mut restricted = std::process::Command::new("python3");
    let launcher = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../azr-executor/tests/hosts/host.py"
    );
    restricted
        .args(["-I", "-S", launcher, "50", "same", "434,38", "--"])
        .args([env!("CARGO_BIN_EXE_azr"), "doctor", "--json"]);
    let states = backends(&report(restricted));
    for (backend, state) in states.iter().zip(["missing", "missing", "good"]) {
        assert_eq!(backend["state"], state, "{backend}");
    }
    let [found, remedy] = ["found", "remedy"].map(|it| states[1][it].as_str().unwrap());
    assert!(
        found.contains("pidfd_open is refused") && remedy.contains("allow pidfd_open"),
        "{found} {remedy}"
    );
}

#[test]
fn inspecting_what_is_no_run_is_a_wrong_request() {
    let place = tempfile::tempdir().unwrap();
    azr(place.path(), &["inspect", "nowhere"]).is_refused(&["nowhere", "name the directory"]);
    fs::create_dir(place.path().join("empty")).unwrap();
    azr(place.path(), &["inspect", "empty"]).is_refused(&["empty", "not a run directory"]);
}

#[test]
fn rollouts_that_cannot_be_read_are_said_to_be_damaged() {
    let place = tempfile::tempdir().unwrap();
    let rollouts = rollouts_of_a_run(place.path());
    let lines: String = (0..20_000)
        .map(|index| format!("{{\"lane\":\"solve.x\",\"verdict\":\"right\",\"index\":{index}}}\n"))
        .collect();
    let whole = zstd::encode_all(lines.as_bytes(), 1).unwrap();
    let show = |bytes: &[u8]| {
        fs::write(&rollouts, bytes).unwrap();
        azr(place.path(), &["inspect", "run", "--step", "3"])
    };
    for bytes in [&b""[..], b"nothing that anyone compressed", &whole[..9]] {
        show(bytes).is_refused(&["step 3", "damaged"]);
    }
    let part = show(&whole[..whole.len() - 5]);
    assert!(part.is_done().err.contains("cut off"), "{part:?}");
    assert!(part.out.contains("solve.x"), "{part:?}");
}

#[test]
fn a_lane_or_verdict_that_no_response_has_is_refused_with_those_there_are() {
    let place = tempfile::tempdir().unwrap();
    let lines = "{\"lane\":\"solve.x\",\"verdict\":\"right\"}\n{\"lane\":\"propose.y\",\"verdict\":\"wrong\"}\n";
    let bytes = zstd::encode_all(lines.as_bytes(), 1).unwrap();
    fs::write(rollouts_of_a_run(place.path()), bytes).unwrap();
    let with = |flags: &[&str]| azr(place.path(), &[&["inspect", "run"], flags].concat());
    with(&["--lane", "zzz"]).is_refused(&["zzz", "propose.y, solve.x"]);
    with(&["--verdict", "nope"]).is_refused(&["nope", "right, wrong"]);
    let neither = with(&["--lane", "solve", "--verdict", "wrong"]);
    assert!(neither.is_done().err.contains("0 of 0"), "{neither:?}");
}

/// Where the rollouts of step 3 of `place/run` belong.
fn rollouts_of_a_run(place: &Path) -> std::path::PathBuf {
    let root = place.join("run");
    write_run(&root);
    fs::create_dir(root.join("rollouts")).unwrap();
    root.join("rollouts/step-000003.jsonl.zst")
}

#[test]
fn escapes_in_a_run_cannot_steer_the_terminal() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("run");
    write_run(&root);
    let line =
        "{\"step\":1,\"learnability\":{\"\\u001b[32mx\":{\"mean\":1}},\"\u{9b}31m\u{202e}\":2}\n";
    fs::write(root.join("metrics.jsonl"), line).unwrap();
    for flag in ["--limit=1", "--all", "--json"] {
        let answer = azr(place.path(), &["inspect", "run", flag]);
        let steers = |it: char| matches!(it, '\u{1b}' | '\u{9b}' | '\u{202e}');
        let said = answer.is_done();
        assert!(!said.out.contains(steers), "{flag}: {said:?}");
        assert!(said.out.contains("[32mx"), "{flag}: {said:?}");
    }
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

#[test]
fn input_that_never_ends_a_line_is_refused() {
    let place = tempfile::tempdir().unwrap();
    tiny_model::write(place.path(), "model", 1);
    let zeros = || fs::File::open("/dev/zero").unwrap();
    let output = command(place.path(), &["logprobs", "--model", "model"])
        .stdin(zeros())
        .output()
        .unwrap();
    Answer::from(output).is_refused(&["line 1", "no end within 32 MiB"]);
    let arguments = ["generate", "--model", "model", "--prompts", "/dev/zero"];
    azr(place.path(), &arguments).is_refused(&["/dev/zero", "no end within 32 MiB"]);
}

#[test]
fn numbers_out_of_their_range_are_refused_with_the_range() {
    let place = tempfile::tempdir().unwrap();
    tiny_model::write(place.path(), "model", 1);
    let huge = "9223372036854775807";
    for (command, flag, value, words) in [
        ("generate", "--temperature", "-1", "0.0001 to 100"),
        ("generate", "--temperature", "1e-40", "0.0001 to 100"),
        ("generate", "--temperature", "nan", "0.0001 to 100"),
        ("generate", "--top-p", "0", "above 0, up to 1"),
        ("generate", "--top-p", "1.5", "above 0, up to 1"),
        ("generate", "--min-p", "2", "from 0 to 1"),
        ("generate", "--n", "0", "from 1 to"),
        ("generate", "--n", "-1", "from 1 to"),
        ("generate", "--n", "4294967296", "from 1 to"),
        ("generate", "--seed", "-1", "from 0 to"),
        ("generate", "--max-new-tokens", "0", "from 1 to"),
        ("bench", "--batch", huge, "from 1 to"),
        ("bench", "--batch", "-1", "from 1 to"),
        ("bench", "--prompt-tokens", huge, "from 2 to"),
        ("bench", "--new-tokens", huge, "from 1 to"),
        ("bench", "--repeat", huge, "from 1 to"),
        ("exec", "--lanes", huge, "from 1 to"),
    ] {
        let mut arguments = vec![command, flag, value];
        if command != "exec" {
            arguments.extend(["--model", "model"]);
        }
        if command == "generate" {
            arguments.extend(["--prompt", "a"]);
        }
        azr(place.path(), &arguments).is_refused_by_its_flags(&[words, flag]);
    }
    let together = ["--batch", "4096", "--prompt-tokens", "100000"];
    let arguments = [&["bench", "--model", "model"], together.as_slice()].concat();
    azr(place.path(), &arguments).is_refused(&["lower --batch"]);
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

#[test]
fn threads_that_do_not_start_end_the_work_with_a_sentence() {
    let place = tempfile::tempdir().unwrap();
    tiny_model::write(place.path(), "model", 1);
    // Nobody has room for such a stack.
    let output = command(place.path(), &["logprobs", "--model", "model"])
        .env("RUST_MIN_STACK", (1_u64 << 62).to_string())
        .output()
        .unwrap();
    Answer::from(output).has_no_thread();
}

#[test]
fn a_directory_is_no_input() {
    let place = tempfile::tempdir().unwrap();
    tiny_model::write(place.path(), "model", 1);
    let output = command(place.path(), &["logprobs", "--model", "model"])
        .stdin(fs::File::open(place.path()).unwrap())
        .output()
        .unwrap();
    Answer::from(output).is_refused(&["is a directory", "a file of lines"]);
}

#[test]
fn an_interpreter_that_is_named_without_a_path_is_asked_for_with_one() {
    let place = tempfile::tempdir().unwrap();
    let output = command(place.path(), &["exec"])
        .env("AZR_PYTHON", "python3")
        .output()
        .unwrap();
    Answer::from(output).is_refused(&["python3", "AZR_PYTHON", "full path"]);
}

#[test]
fn flags_that_say_two_things_or_too_little_are_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    azr(place.path(), &["generate", "--model", "model"])
        .is_refused_by_its_flags(&["--prompt <TEXT>", "--prompts <FILE.jsonl>"]);
    let both = [
        "generate",
        "--model",
        "model",
        "--prompt",
        "a",
        "--prompts",
        "b",
    ];
    azr(place.path(), &both).is_refused_by_its_flags(&["--prompt <TEXT>", "cannot be used"]);
    azr(place.path(), &["inspect", "run", "--json", "--html"]).is_refused_by_its_flags(&[
        "--json",
        "--html",
        "cannot be used",
    ]);
}
