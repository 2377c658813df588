//! Runs a directory of hostile programs and says whether each verdict is one that its manifest accepts.
//!
//! `cargo run -p azr-executor --example hostile -- DIRECTORY [snapshot|fork|exec]`
//!
//! The directory holds programs and `manifest.json`: a list of objects with `file`, `kind`, `input`, `mode` (`run`,
//! `check`, `predict`), `expected` and `accept` (statuses), and optionally `output`, `error_class`, `predicted`, `match`.

use std::path::Path;
use std::process::ExitCode;

use azr_executor::{
    Arguments, Backend, BackendChoice, Bans, Equality, Job, Limits, Outcome, Python, PythonConfig,
    Sandbox, Scrutiny, Value,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Entry {
    file: String,
    kind: String,
    expected: String,
    input: String,
    mode: String,
    #[serde(default)]
    accept: Vec<String>,
    output: Option<String>,
    error_class: Option<String>,
    predicted: Option<String>,
    r#match: Option<serde_json::Value>,
    verdict_detail: Option<String>,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, rest @ ..] = arguments.as_slice() else {
        eprintln!("usage: hostile DIRECTORY [snapshot|fork|exec]");
        return Ok(ExitCode::from(2));
    };
    let named = rest.first().map(String::as_str);
    let backend = Backend::ALL
        .into_iter()
        .find(|it| Some(it.name()) == named)
        .map_or(BackendChoice::Auto, BackendChoice::Only);
    let config = PythonConfig {
        backend,
        ..PythonConfig::default()
    };
    let sandbox = Python::start(&config)?;
    let manifest = std::fs::read_to_string(Path::new(directory).join("manifest.json"))?;
    let entries: Vec<Entry> = serde_json::from_str(&manifest)?;
    let (mut accepted, mut canaries) = (0, 0);
    for entry in &entries {
        let program =
            String::from_utf8_lossy(&std::fs::read(Path::new(directory).join(&entry.file))?)
                .into_owned();
        let outcome = run(&sandbox, entry, &program)?;
        let good = is_accepted(entry, &outcome);
        let canary = canary_answers(&sandbox)?;
        accepted += usize::from(good);
        canaries += usize::from(canary);
        let mark = if good && canary { "ok " } else { "BAD" };
        let shown: String = format!("{outcome:?}").chars().take(90).collect();
        println!(
            "{mark} {:34} {:12} wants {:10} got {:10} {shown}",
            entry.file,
            entry.kind,
            entry.expected,
            outcome.status()
        );
    }
    println!(
        "{backend:?}: {accepted} of {} accepted, {canaries} canaries answered",
        entries.len()
    );
    let all = accepted == entries.len() && canaries == entries.len();
    Ok(if all {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn run(
    sandbox: &Python,
    entry: &Entry,
    program: &str,
) -> Result<Outcome, Box<dyn std::error::Error>> {
    let Ok(input) = Arguments::parse(&entry.input) else {
        // An input that is no literal never reaches a sandbox.
        return Ok(Outcome::Denied(azr_executor::Denial::SourceTooDeep));
    };
    let scrutiny = if entry.mode == "check" {
        Scrutiny::Check
    } else {
        Scrutiny::Run
    };
    let job = Job {
        program: program.to_owned(),
        entry: "f".to_owned(),
        inputs: vec![input],
        scrutiny,
        bans: Bans::paper(),
        limits: Limits::default(),
    };
    let mut report = sandbox.run(&job)?;
    Ok(report.outcomes.swap_remove(0))
}

fn is_accepted(entry: &Entry, outcome: &Outcome) -> bool {
    let status = outcome.status();
    if entry.verdict_detail.as_deref() == Some(status) {
        return true;
    }
    let named = status == entry.expected || entry.accept.iter().any(|accepted| accepted == status);
    let exact = match outcome {
        Outcome::Returned(value) => returned_as_expected(entry, value),
        Outcome::Raised(exception) if status == entry.expected => entry
            .error_class
            .as_ref()
            .is_none_or(|class| *class == exception.class),
        _ => true,
    };
    named && exact
}

fn returned_as_expected(entry: &Entry, value: &Value) -> bool {
    let output = entry
        .output
        .as_ref()
        .is_none_or(|output| *output == value.to_string());
    let wanted = entry.r#match.as_ref().and_then(serde_json::Value::as_bool);
    let matched = entry.predicted.as_ref().map(|text| {
        Value::parse_literal(text).is_ok_and(|predicted| Equality::Python.equal(value, &predicted))
    });
    output && wanted.is_none_or(|wanted| matched == Some(wanted))
}

fn canary_answers(sandbox: &Python) -> Result<bool, Box<dyn std::error::Error>> {
    let program = "import math, json, decimal\ndef f(x):\n    return [sorted({3, 1, x}), math.sqrt(16), json.dumps({'a': [1]}), str(decimal.Decimal(1) / 3), len(str(10 ** 700))]\n";
    let job = Job {
        program: program.to_owned(),
        entry: "f".to_owned(),
        inputs: vec![Arguments::parse("2")?],
        scrutiny: Scrutiny::Run,
        bans: Bans::none(),
        limits: Limits::default(),
    };
    let expected = "[[1, 2, 3], 4.0, '{\"a\": [1]}', '0.3333333333333333333333333333', 701]";
    let report = sandbox.run(&job)?;
    Ok(
        matches!(report.outcomes.as_slice(), [Outcome::Returned(value)] if value.to_string() == expected),
    )
}
