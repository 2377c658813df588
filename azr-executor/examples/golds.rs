//! Checks the answers that a file of seed programs ships, and lists those that the programs do not give.
//!
//! `cargo run --release -p azr-executor --example golds -- FILE [PACKAGE...]`, with the interpreter that `AZR_PYTHON` names
//!
//! A line is a JSON object with `snippet` (a program with a function `f`) and `input` and `output`, or `inputs` and
//! `outputs`: arguments and answers as text. Whether a program always gives the same answer is checked too.

use std::error::Error;

use azr_executor::{
    Arguments, Bans, Equality, Job, Limits, Outcome, Python, PythonConfig, Sandbox, Scrutiny, Value,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: golds FILE [PACKAGE...]")?;
    let sandbox = Python::start(&PythonConfig {
        interpreter: std::env::var_os("AZR_PYTHON").map(Into::into),
        packages: arguments.collect(),
        ..PythonConfig::default()
    })?;
    let (mut answers, mut unsound, mut not_literals) = (0, 0, 0);
    for (line, text) in (1..).zip(std::fs::read_to_string(path)?.lines()) {
        let seed: serde_json::Value = serde_json::from_str(text)?;
        let program = seed["snippet"].as_str().ok_or("a line without snippet")?;
        for (nth, (input, gold)) in (1..).zip(pairs(&seed)) {
            let Ok(input) = Arguments::parse(input) else {
                not_literals += 1;
                continue;
            };
            answers += 1;
            let report = sandbox.run(&job(program, input))?;
            let outcome = report.outcomes.first().ok_or("no outcome")?;
            if let Some(defect) = defect(outcome, gold) {
                unsound += 1;
                println!("line {line}, answer {nth}: {defect}");
            }
        }
    }
    println!(
        "{unsound} of {answers} answers are not what the program gives; {not_literals} inputs are no literals"
    );
    Ok(())
}

fn pairs(seed: &serde_json::Value) -> Vec<(&str, &str)> {
    let texts = |name: &str| -> Vec<&str> {
        let list = seed[name].as_array().into_iter().flatten();
        list.filter_map(serde_json::Value::as_str).collect()
    };
    match (seed["input"].as_str(), seed["output"].as_str()) {
        (Some(input), Some(output)) => vec![(input, output)],
        _ => texts("inputs").into_iter().zip(texts("outputs")).collect(),
    }
}

fn job(program: &str, input: Arguments) -> Job {
    Job {
        program: program.to_owned(),
        entry: "f".to_owned(),
        inputs: vec![input],
        scrutiny: Scrutiny::Check,
        bans: Bans::none(),
        limits: Limits {
            cpu_ms_max: 5_000,
            wall_ms_max: 10_000,
            ..Limits::default()
        },
    }
}

/// What is wrong with a shipped answer, if anything is.
fn defect(outcome: &Outcome, gold: &str) -> Option<String> {
    match (outcome, Value::parse_literal(gold)) {
        (Outcome::Returned(value), Ok(gold)) if Equality::Python.equal(value, &gold) => None,
        (Outcome::Returned(value), Ok(_)) => {
            let length = value.to_string().chars().count();
            Some(format!(
                "another value than shipped ({} characters, {length} here)",
                gold.chars().count()
            ))
        }
        (Outcome::Returned(_), Err(_)) => Some("shipped as text that is no literal".to_owned()),
        (Outcome::Raised(exception), _) => Some(format!("raises {}", exception.class)),
        (other, _) => Some(other.status().to_owned()),
    }
}
