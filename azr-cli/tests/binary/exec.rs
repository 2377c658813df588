//! `azr exec` on lines of jobs.

use serde_json::{Value, json};

use crate::runner::{Answer, azr_with_input, command};

fn exec(flags: &[&str], jobs: &[Value]) -> (Vec<Value>, String) {
    let place = tempfile::tempdir().unwrap();
    let input: String = jobs.iter().map(|job| format!("{job}\n")).collect();
    let arguments: Vec<&str> = ["exec"].iter().chain(flags).copied().collect();
    let answer = azr_with_input(place.path(), &arguments, &input);
    (results(&answer), answer.err)
}

fn results(answer: &Answer) -> Vec<Value> {
    let lines = answer.is_done().out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn job(id: u32, body: &str, inputs: &[&str]) -> Value {
    json!({ "id": id, "program": format!("def f(x):\n    {body}\n"), "inputs": inputs, "wall_ms_max": 20_000 })
}

fn with(mut job: Value, more: Value) -> Value {
    if let (Value::Object(job), Value::Object(more)) = (&mut job, more) {
        job.extend(more);
    }
    job
}

#[test]
fn results_come_in_the_order_of_the_jobs_and_each_says_what_happened() {
    let jobs = [
        job(0, "return x + 1", &["41", "'a'"]),
        with(
            job(1, "while True: pass", &["1"]),
            json!({ "cpu_ms_max": 300 }),
        ),
        job(2, "return len([bytes(1 << 30) for _ in range(64)])", &["1"]),
        job(3, "__import__('os')._exit(0)", &["1"]),
        with(
            job(4, "import random; return 1", &["1"]),
            json!({ "mode": "check" }),
        ),
        with(
            job(5, "return list({'a', 'b', 'c', 'd', 'e'})", &["1"]),
            json!({ "mode": "check" }),
        ),
        job(6, "return x", &["open('x')", "[1]"]),
        with(
            job(7, "return 'x' * 100", &["1"]),
            json!({ "output_bytes_max": 10 }),
        ),
        with(
            job(8, "import random; return 1", &["1"]),
            json!({ "bans": ["random"] }),
        ),
    ];
    let (results, notes) = exec(&["--lanes", "2"], &jobs);
    let expected = [
        "error",
        "timeout",
        "memory",
        "killed",
        "denied",
        "nondeterministic",
        "denied",
        "error",
        "denied",
    ];
    for (id, expected) in expected.iter().enumerate() {
        assert_eq!(
            (&results[id]["id"], &results[id]["status"]),
            (&json!(id), &json!(expected)),
            "{}",
            results[id]
        );
    }
    assert_eq!(results[0]["outputs"], json!(["42", null]));
    assert_eq!(results[0]["statuses"], json!(["ok", "error"]));
    assert_eq!(results[0]["error"]["class"], "TypeError");
    assert_eq!(results[6]["outputs"], json!([null, "[1]"]));
    assert!(
        notes.contains("9 jobs in") && notes.contains("layers"),
        "{notes}"
    );
}

#[test]
fn expectations_and_predictions_are_compared_as_values() {
    let jobs = [
        with(
            job(0, "return x * 2", &["1", "2", "3"]),
            json!({ "expected": ["2.0", null, "7"] }),
        ),
        with(
            job(1, "return x * 2", &["1"]),
            json!({ "expected": ["2.0"], "equality": "strict" }),
        ),
        with(
            job(2, "return x == 1", &["1"]),
            json!({ "mode": "predict", "prediction": "1" }),
        ),
        with(
            job(3, "return x", &["1"]),
            json!({ "mode": "predict", "prediction": "__import__('os')._exit(7)" }),
        ),
        with(
            job(4, "return abs(x)", &["5"]),
            json!({ "mode": "predict", "predicted_input": "-5" }),
        ),
        with(
            job(5, "return abs(x)", &[]),
            json!({ "mode": "predict", "predicted_input": "-5", "expected": ["5"] }),
        ),
        with(
            job(6, "return x", &[]),
            json!({ "mode": "predict", "predicted_input": "1) or (True", "expected": ["5"] }),
        ),
    ];
    let (results, _) = exec(&[], &jobs);
    let expected = [
        json!([true, null, false]),
        json!([false]),
        json!([true]),
        json!([false]),
        json!([true]),
        json!([true]),
        json!([false]),
    ];
    for (id, expected) in expected.iter().enumerate() {
        assert_eq!(&results[id]["match"], expected, "{}", results[id]);
    }
    assert_eq!(results[3]["status"], "ok");
    assert_eq!(results[6]["status"], "denied");
}

#[test]
fn expressions_are_evaluated_in_the_sandbox_when_asked_for() {
    let inputs = ["[i for i in range(3)]", "len('abc')", "1) or (2"];
    let jobs = [
        with(
            job(0, "return x", &inputs),
            json!({ "inputs_are": "expressions" }),
        ),
        job(1, "return x", &inputs),
    ];
    let (results, _) = exec(&[], &jobs);
    assert_eq!(results[0]["outputs"], json!(["[0, 1, 2]", "3", null]));
    assert_eq!(results[0]["statuses"], json!(["ok", "ok", "denied"]));
    assert_eq!(
        results[1]["statuses"],
        json!(["denied", "denied", "denied"])
    );
}

#[test]
fn a_line_that_is_no_job_is_answered_and_the_rest_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let input = "nonsense\n\n{\"id\": \"b\"}\n\u{fffd}\n{\"id\": \"c\", \"program\": \"def f(): return 1\", \"inputs\": [\"\"]}";
    let answer = azr_with_input(place.path(), &["exec"], input);
    let results = results(&answer);
    let seen: Vec<_> = results
        .iter()
        .map(|it| (it["id"].clone(), it["status"].as_str().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            (json!(null), "invalid"),
            (json!("b"), "invalid"),
            (json!(null), "invalid"),
            (json!("c"), "ok")
        ]
    );
}

#[test]
fn a_backend_or_a_layer_that_is_not_there_is_refused_with_exit_code_two() {
    let place = tempfile::tempdir().unwrap();
    for flags in [
        ["--backend", "microvm"],
        ["--require", "moat"],
        ["--lanes", "0"],
    ] {
        let answer = azr_with_input(place.path(), &["exec", flags[0], flags[1]], "");
        assert_eq!(answer.code, 2, "{flags:?}: {answer:?}");
    }
}

#[test]
fn the_fastest_backend_is_one_that_is_named_with_those_passed_over() {
    let jobs = [job(0, "return x", &["1"])];
    let (results, notes) = exec(&["--lanes", "1"], &jobs);
    let backend = results[0]["backend"].as_str().unwrap();
    assert_eq!(results[0]["status"], "ok");
    assert!(notes.contains(&format!("{backend} backend")), "{notes}");
    assert_eq!(
        backend == "snapshot",
        !notes.contains("not snapshot"),
        "{notes}"
    );
}

#[test]
fn a_list_of_layers_without_a_name_is_refused_in_words() {
    let place = tempfile::tempdir().unwrap();
    azr_with_input(place.path(), &["exec", "--require", ""], "")
        .is_refused_by_its_flags(&["--require", "the list is empty"]);
}

#[test]
fn an_interpreter_that_is_not_there_is_a_wrong_request_with_its_remedy() {
    let place = tempfile::tempdir().unwrap();
    let output = command(place.path(), &["exec"])
        .env("AZR_PYTHON", "/nope")
        .output()
        .unwrap();
    Answer::from(output).is_refused(&["/nope", "AZR_PYTHON"]);
}

#[test]
fn a_package_that_is_not_there_is_a_wrong_request_with_its_remedy() {
    let place = tempfile::tempdir().unwrap();
    let flags = ["exec", "--packages", "no_such_package"];
    azr_with_input(place.path(), &flags, "").is_refused(&[
        "no_such_package",
        "python",
        "-m pip install no_such_package",
        "AZR_PYTHON",
    ]);
}

#[test]
fn the_future_can_be_imported_and_what_is_left_out_says_why() {
    let future = with(
        job(0, "", &["[1, 2]"]),
        json!({
            "program": "from __future__ import annotations\ndef f(x: list[int]) -> int:\n    return sum(x)\n"
        }),
    );
    let left_out = job(1, "import tkinter", &["1"]);
    let (results, _) = exec(&[], &[future, left_out]);
    assert_eq!(results[0]["outputs"][0], "3");
    let message = results[1]["error"]["message"].as_str().unwrap();
    assert!(message.contains("not offered in the sandbox"), "{message}");
}

#[test]
fn a_key_that_nobody_knows_makes_a_job_invalid() {
    let bogus = with(job(0, "return x", &["1"]), json!({ "bogus": 1 }));
    let (results, _) = exec(&[], &[bogus, json!([1, "def f(): return 1", [""]])]);
    assert_eq!(results[0]["id"], 0);
    for (result, words) in results.iter().zip(["bogus", "no JSON object"]) {
        assert_eq!(result["status"], "invalid", "{result}");
        assert!(
            result["detail"].as_str().unwrap().contains(words),
            "{result}"
        );
    }
}

#[test]
fn what_a_program_says_cannot_steer_the_terminal() {
    let hostile = job(0, "raise ValueError('a\\u202eb\\u009b')", &["1"]);
    let place = tempfile::tempdir().unwrap();
    let answer = azr_with_input(place.path(), &["exec"], &format!("{hostile}\n"));
    let out = &answer.is_done().out;
    assert!(!out.contains(['\u{202e}', '\u{9b}']), "{out:?}");
    // Control characters end in the sandbox; what is left of the message comes through whole, escaped.
    let result: Value = serde_json::from_str(out).unwrap();
    assert_eq!(result["error"]["message"], "a\u{202e}b\u{fffd}");
}

#[test]
fn a_line_that_is_too_long_is_answered_and_the_rest_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let long = "x".repeat((64 << 20) + 1);
    let good = job(1, "return x", &["1"]);
    let answer = azr_with_input(place.path(), &["exec"], &format!("{long}\n{good}\n"));
    let results = results(&answer);
    assert_eq!(results[0]["status"], "invalid");
    assert!(results[0]["detail"].as_str().unwrap().contains("64 MiB"));
    assert_eq!(results[1]["status"], "ok");
}

#[test]
fn input_without_a_line_in_it_ends_with_a_sentence() {
    let place = tempfile::tempdir().unwrap();
    let zeros = std::fs::File::open("/dev/zero").unwrap();
    let output = command(place.path(), &["exec"])
        .stdin(zeros)
        .output()
        .unwrap();
    Answer::from(output).is_refused(&["line 1", "no end"]);
}

#[test]
fn a_thread_that_does_not_start_ends_the_work_with_a_sentence() {
    let place = tempfile::tempdir().unwrap();
    // Room for the stacks of a few lanes and not of all, and not for the addresses that rolling back reserves.
    let script = "ulimit -v 8388608; exec \"$0\" exec --backend fork --lanes 16";
    let output = std::process::Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_azr")])
        .env("RUST_MIN_STACK", (1_u64 << 30).to_string())
        .current_dir(place.path())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    Answer::from(output).has_no_thread();
}

#[test]
fn an_id_comes_back_as_it_was_given() {
    let place = tempfile::tempdir().unwrap();
    let ids = [
        "12345678901234567890123",
        "1e400",
        "[1.0, {\"a\": null}]",
        "-0",
    ];
    let lines: String = ids
        .iter()
        .map(|id| {
            format!("{{\"id\": {id}, \"program\": \"def f(): return 1\", \"inputs\": [\"\"]}}\n")
        })
        .collect();
    let answer = azr_with_input(place.path(), &["exec"], &lines);
    for (line, id) in answer.is_done().out.lines().zip(ids) {
        assert!(
            line.starts_with(&format!("{{\"id\":{id},\"status\":\"ok\"")),
            "{line}"
        );
    }
}

/// Lines that something is wrong with, and what the answer says.
const WRONG_LINES: &[(&str, &str, &str)] = &[
    (
        r#"{"id":1,"program":"","inputs":[""],"cpu_ms_max":"100"}"#,
        "1",
        r#"cpu_ms_max: invalid type: string \"100\", expected a whole number"#,
    ),
    (
        r#"{"id":2,"program":"","inputs":[1]}"#,
        "2",
        "inputs[0]: invalid type: the number `1`, expected a string",
    ),
    (
        r#"{"id":3,"program":"def f(): return '\ud800'","inputs":[""]}"#,
        "3",
        "program: half of a surrogate pair",
    ),
    (
        r#"{"id":4,"program":"","entry":"S().go","inputs":["3"],"inputs_are":"expressions"}"#,
        "4",
        "entry is S().go, which is no name",
    ),
];

#[test]
fn a_line_that_is_no_job_says_what_is_wrong_and_where() {
    let place = tempfile::tempdir().unwrap();
    let first = "\u{feff}{\"id\":0,\"program\":\"def f(): return 1\",\"inputs\":[\"\"]}";
    let lines: Vec<&str> = [first]
        .into_iter()
        .chain(WRONG_LINES.iter().map(|it| it.0))
        .collect();
    let answer = azr_with_input(place.path(), &["exec"], &lines.join("\n"));
    let mut answers = answer.is_done().out.lines();
    let first = answers.next().unwrap();
    assert!(first.starts_with("{\"id\":0,\"status\":\"ok\""), "{first}");
    for (answer, (_, id, words)) in answers.zip(WRONG_LINES) {
        let begins = format!("{{\"id\":{id},\"status\":\"invalid\"");
        assert!(
            answer.starts_with(&begins) && answer.contains(words),
            "{answer}"
        );
    }
}
