//! Holds chat templates against the texts that transformers renders (`golden/README.md`).
//!
//! `check_templates CASES.json [LIST.json]`: prints every text that differs or that only transformers renders, and writes
//! which templates with names were compared.

mod compare;

use compare::{Golden, Outcome};
use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name a file of cases")?;
    let golden: Golden = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
    let mut by_template: BTreeMap<usize, BTreeMap<Outcome, usize>> = BTreeMap::new();
    let mut unsupported = 0;
    for it in golden.compare() {
        *counts.entry(it.outcome).or_default() += 1;
        let of_template = by_template.entry(it.template).or_default();
        *of_template.entry(it.outcome).or_default() += 1;
        let names_it = |words: &String| words.contains("is not supported");
        if it.found.as_ref().is_err_and(names_it) {
            unsupported += 1;
        }
        if matches!(it.outcome, Outcome::Refused | Outcome::Different) {
            let source = &golden.templates[it.template];
            let head: String = source.chars().take(300).collect();
            println!("{:?} {}/{}: {head:?}", it.outcome, it.template, it.context);
            println!("  expected {:?}", it.expected);
            println!("  found    {:?}", it.found);
        }
    }
    println!("{counts:?}; {unsupported} for something that is not supported");
    if let Some(list) = arguments.next() {
        std::fs::write(list, listed(&golden, &by_template))?;
    }
    Ok(match counts.contains_key(&Outcome::Different) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// One line for each template: name, SHA-256, conversations, equal texts, and what only transformers renders.
fn listed(golden: &Golden, counts: &BTreeMap<usize, BTreeMap<Outcome, usize>>) -> String {
    let mut lines = Vec::new();
    for (at, (name, sha256)) in golden.names.iter().enumerate() {
        let Some(counts) = counts.get(&at) else {
            continue;
        };
        let of = |outcome: Outcome| counts.get(&outcome).copied().unwrap_or(0);
        lines.push(format!(
            "{{\"name\": {name:?}, \"sha256\": {sha256:?}, \"conversations\": {}, \"equal\": {}, \"raises_in_python\": {}, \"refused\": {}, \"different\": {}}}",
            counts.values().sum::<usize>(),
            of(Outcome::Equal),
            of(Outcome::BothRefuse),
            of(Outcome::Refused),
            of(Outcome::Different),
        ));
    }
    format!("[\n{}\n]\n", lines.join(",\n"))
}
