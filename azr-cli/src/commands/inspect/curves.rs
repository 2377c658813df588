//! The curves of a run as lines of blocks, and its newest tasks.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Options;
use crate::Surroundings;
use crate::chart::{short, sparkline};
use crate::run_directory::{RunDirectory, field, number, text};
use crate::table::{Align, Table};
use crate::visible::{visible, visible_line};

/// Columns of a curve.
const CURVE_COLUMNS_MAX: usize = 40;
/// Characters of a program that are shown in a list.
const PROGRAM_CHARACTERS_MAX: usize = 72;

/// What a curve has to be named like to be shown without `--all`; `*` stands for one part.
const TELLING: [&str; 13] = [
    "eval.*.solve_rate",
    "lanes.solve.*.solve_rate",
    "lanes.solve.*.reward_mean",
    "lanes.propose.*.valid_rate",
    "lanes.*.*.truncated_rate",
    "lanes.propose.*.reward_mean",
    "learnability.*.mean",
    "buffer.tasks.*",
    "policy.loss",
    "policy.grad_norm",
    "policy.entropy",
    "tokens.generated_per_second",
    "seconds.total",
];

/// Prints the curves and the newest tasks.
pub fn show(
    run: &RunDirectory,
    options: &Options,
    surroundings: &Surroundings,
) -> anyhow::Result<()> {
    let sink = &surroundings.sink;
    let metrics = run.metrics()?;
    if options.json {
        for record in &metrics.values {
            sink.json(record)?;
        }
        return Ok(());
    }
    let steps = metrics
        .values
        .last()
        .and_then(|it| number(it, "step"))
        .unwrap_or(0.0);
    let saved = run.checkpoints()?.last().map_or_else(
        || "never saved".to_string(),
        |(step, _)| format!("saved at step {step}"),
    );
    sink.result(format_args!(
        "{}: {steps} steps done, {saved}",
        visible(&run.path().display().to_string())
    ))?;
    if 0 < metrics.damaged {
        sink.note(format_args!(
            "{} lines of metrics.jsonl are damaged and left out",
            metrics.damaged
        ));
    }
    for line in curve_table(&metrics.values, options.all).lines() {
        sink.result(line)?;
    }
    show_tasks(run, options.limit, surroundings)
}

/// Every numeric field of any record, with its values in order; absent ones are not numbers.
pub fn curves(records: &[Value]) -> BTreeMap<String, Vec<f64>> {
    let mut names = BTreeMap::new();
    for record in records {
        collect_names(record, String::new(), &mut names);
    }
    for (name, points) in &mut names {
        *points = records
            .iter()
            .map(|it| number(it, name).unwrap_or(f64::NAN))
            .collect();
    }
    names.remove("step");
    names
}

/// Does a name match a pattern in which `*` stands for one part?
pub fn matches(pattern: &str, name: &str) -> bool {
    let (mut wanted, mut parts) = (pattern.split('.'), name.split('.'));
    loop {
        match (wanted.next(), parts.next()) {
            (None, None) => return true,
            (Some(wanted), Some(part)) if wanted == "*" || wanted == part => {}
            _ => return false,
        }
    }
}

fn collect_names(value: &Value, name: String, names: &mut BTreeMap<String, Vec<f64>>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let name = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                collect_names(value, name, names);
            }
        }
        Value::Number(_) => {
            names.entry(name).or_default();
        }
        _ => {}
    }
}

fn curve_table(records: &[Value], all: bool) -> Table {
    let mut table = Table::new(&[
        ("curve", Align::Left),
        ("first", Align::Right),
        ("last", Align::Right),
        ("least", Align::Right),
        ("most", Align::Right),
        ("", Align::Left),
    ]);
    let curves = curves(records);
    let order = |name: &str| TELLING.iter().position(|pattern| matches(pattern, name));
    let mut names: Vec<&String> = curves
        .keys()
        .filter(|name| all || order(name).is_some())
        .collect();
    names.sort_by_key(|name| order(name).unwrap_or(TELLING.len()));
    for name in names {
        let points: Vec<f64> = curves[name]
            .iter()
            .copied()
            .filter(|it| it.is_finite())
            .collect();
        let least = points
            .iter()
            .copied()
            .min_by(f64::total_cmp)
            .unwrap_or(f64::NAN);
        let most = points
            .iter()
            .copied()
            .max_by(f64::total_cmp)
            .unwrap_or(f64::NAN);
        let ends = [points.first(), points.last()].map(|it| short(it.copied().unwrap_or(f64::NAN)));
        let [first, last] = ends;
        table.row([
            name.clone(),
            first,
            last,
            short(least),
            short(most),
            sparkline(&points, CURVE_COLUMNS_MAX),
        ]);
    }
    table
}

fn show_tasks(run: &RunDirectory, limit: usize, surroundings: &Surroundings) -> anyhow::Result<()> {
    let tasks = run.tasks()?;
    if tasks.values.is_empty() {
        return Ok(());
    }
    let sink = &surroundings.sink;
    sink.result("")?;
    sink.result(format_args!("newest of {} tasks:", tasks.values.len()))?;
    let mut table = Table::new(&[
        ("task", Align::Left),
        ("step", Align::Right),
        ("kind", Align::Left),
        ("solved", Align::Right),
        ("program", Align::Left),
    ]);
    for task in tasks.values.iter().rev().take(limit) {
        let rate = field(task, "solve_rate")
            .and_then(Value::as_f64)
            .map_or_else(|| "-".to_string(), short);
        let step = number(task, "step").map_or_else(String::new, |it| it.to_string());
        let program = visible_line(text(task, "program"), PROGRAM_CHARACTERS_MAX);
        table.row([
            visible_line(text(task, "id"), 16),
            step,
            visible_line(text(task, "kind"), 16),
            rate,
            program,
        ]);
    }
    for line in table.lines() {
        sink.result(line)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn curves_are_the_numbers_at_any_depth() {
        let records = [
            json!({"step": 1, "a": {"b": 2.5}}),
            json!({"step": 2, "a": {"b": 3, "c": null}, "d": "text"}),
        ];
        let curves = curves(&records);
        assert_eq!(curves.keys().collect::<Vec<_>>(), ["a.b"]);
        assert_eq!(curves["a.b"], [2.5, 3.0]);
    }

    #[test]
    fn a_star_stands_for_exactly_one_part() {
        assert!(matches("eval.*.rate", "eval.anything.rate"));
        assert!(!matches("eval.*.rate", "eval.rate"));
        assert!(!matches("eval.*", "eval.a.rate"));
    }
}
