//! `azr exec` on lines of jobs.

use serde_json::{Value, json};

use crate::runner::azr_with_input;

fn exec(flags: &[&str], jobs: &[Value]) -> (Vec<Value>, String) {
    let place = tempfile::tempdir().unwrap();
    let input: String = jobs.iter().map(|job| format!("{job}\n")).collect();
    let arguments: Vec<&str> = ["exec"].iter().chain(flags).copied().collect();
    let answer = azr_with_input(place.path(), &arguments, &input);
    let lines = answer
        .is_done()
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (lines, answer.err)
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
    let results: Vec<Value> = answer
        .is_done()
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
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
        ["--backend", "snapshot"],
        ["--require", "moat"],
        ["--lanes", "0"],
    ] {
        let answer = azr_with_input(place.path(), &["exec", flags[0], flags[1]], "");
        assert_eq!(answer.code, 2, "{flags:?}: {answer:?}");
    }
}
