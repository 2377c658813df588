//! Measures programs: prints one JSON object for each line of a file of JSON objects that have a `snippet`.
//!
//! `cargo run --release -p azr-executor --example metrics -- FILE`. Each object also tells how far the program is from the
//! one before it, and after the last one the time that the metrics of one program took goes to standard error.

use std::error::Error;
use std::time::{Duration, Instant};

use azr_executor::metrics::{Metrics, Shape};
use serde_json::{Map, Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: metrics FILE")?;
    let mut before: Option<Shape> = None;
    let (mut spent, mut programs) = (Duration::ZERO, 0_u32);
    for line in std::fs::read_to_string(path)?.lines() {
        let row: Value = serde_json::from_str(line)?;
        let program = row["snippet"].as_str().ok_or("a line has no snippet")?;
        let started = Instant::now();
        let measured = Metrics::of(program);
        spent += started.elapsed();
        programs += 1;
        match measured {
            Ok(metrics) => {
                println!("{}", in_json(&metrics, before.as_ref()));
                before = Some(metrics.shape);
            }
            Err(refused) => println!("{}", json!({ "error": refused.to_string() })),
        }
    }
    eprintln!("{programs} programs, {:?} each", spent / programs.max(1));
    Ok(())
}

fn in_json(metrics: &Metrics, before: Option<&Shape>) -> Value {
    let counts = metrics.shape.counts();
    let counts: Map<String, Value> = counts
        .map(|(kind, count)| (kind.name().to_owned(), count.into()))
        .collect();
    let halstead = &metrics.halstead;
    let hash = metrics.normalized_hash.iter();
    json!({
        "nodes": metrics.shape.nodes(),
        "depth": metrics.shape.depth(),
        "counts": counts,
        "cyclomatic": metrics.cyclomatic,
        "cyclomatic_average": metrics.cyclomatic.average(),
        "cognitive": metrics.cognitive,
        "halstead": {
            "h1": halstead.distinct_operators,
            "h2": halstead.distinct_operands,
            "N1": halstead.operators,
            "N2": halstead.operands,
            "vocabulary": halstead.vocabulary(),
            "length": halstead.length(),
            "calculated_length": halstead.calculated_length(),
            "volume": halstead.volume(),
            "difficulty": halstead.difficulty(),
            "effort": halstead.effort(),
            "time_seconds": halstead.time_seconds(),
            "bugs": halstead.bugs(),
        },
        "normalized_hash": hash.map(|byte| format!("{byte:02x}")).collect::<String>(),
        "distance_from_the_one_before": before.map(|it| metrics.shape.distance(it).value()),
    })
}
