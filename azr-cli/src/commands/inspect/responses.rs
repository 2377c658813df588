//! Single responses with their verdicts, and single tasks with every response that has to do with them.

use std::collections::BTreeSet;

use anyhow::Context;
use serde_json::Value;

use super::Options;
use crate::Surroundings;
use crate::chart::short;
use crate::request::WrongRequest;
use crate::run_directory::{Records, RunDirectory, field, number, text};
use crate::sink::Sink;
use crate::visible::{visible, visible_line};

/// Lines of one text that are shown; `--json` has the rest.
const TEXT_LINES_MAX: usize = 40;

/// Characters of a list of lanes or verdicts in a refusal.
const NAMES_CHARACTERS_MAX: usize = 400;

/// Prints what the options ask for.
pub fn show(
    run: &RunDirectory,
    options: &Options,
    surroundings: &Surroundings,
) -> anyhow::Result<()> {
    let sink = &surroundings.sink;
    if let Some(id) = &options.task {
        show_task(run, id, options.json, sink)?;
    }
    let steps: Vec<u64> = match (options.step, &options.task) {
        (Some(step), _) => vec![step],
        (None, Some(_)) => run
            .rollout_files()?
            .into_iter()
            .map(|(step, _)| step)
            .collect(),
        (None, None) => run
            .rollout_files()?
            .last()
            .map(|(step, _)| *step)
            .into_iter()
            .collect(),
    };
    let (mut found, mut shown, mut seen) = (0, 0, Seen::default());
    for step in &steps {
        let records = run.rollouts(*step)?;
        let is_only_one = steps.len() == 1;
        if is_only_one && records.values.is_empty() && !records.is_whole() {
            return Err(WrongRequest::new(format!(
                "the rollouts of step {step} in {} are damaged and nothing in them can be read; look at another step",
                run.path().display()
            )));
        }
        say_what_is_missing(*step, &records, sink);
        for record in &records.values {
            seen.add(record);
            if is_wanted(record, options) {
                found += 1;
                if shown < options.limit {
                    shown += 1;
                    show_response(record, options.json, sink)?;
                }
            }
        }
    }
    seen.check(options)?;
    sink.note(format_args!(
        "{shown} of {found} responses shown; --limit shows more, --json shows all of each"
    ));
    Ok(())
}

fn say_what_is_missing(step: u64, records: &Records, sink: &Sink) {
    if 0 < records.damaged {
        sink.note(format_args!(
            "step {step}: {} damaged lines are left out",
            records.damaged
        ));
    }
    if records.is_cut_off {
        sink.note(format_args!(
            "step {step}: its rollouts are damaged or cut off; {} responses before that can be read",
            records.values.len()
        ));
    }
}

/// The lanes and verdicts of the responses that were looked at.
#[derive(Debug, Default)]
struct Seen {
    lanes: BTreeSet<String>,
    verdicts: BTreeSet<String>,
}

impl Seen {
    fn add(&mut self, record: &Value) {
        for (names, field) in [(&mut self.lanes, "lane"), (&mut self.verdicts, "verdict")] {
            let name = text(record, field);
            if !name.is_empty() && !names.contains(name) {
                names.insert(name.to_string());
            }
        }
    }

    /// A lane or a verdict that no response has is a wrong request.
    fn check(&self, options: &Options) -> anyhow::Result<()> {
        if let Some(wanted) = &options.lane
            && !self.lanes.iter().any(|it| is_lane(it, wanted))
        {
            return Err(absent("lane", wanted, &self.lanes));
        }
        if let Some(wanted) = &options.verdict
            && !self.verdicts.contains(wanted)
        {
            return Err(absent("verdict", wanted, &self.verdicts));
        }
        Ok(())
    }
}

fn absent(what: &str, wanted: &str, seen: &BTreeSet<String>) -> anyhow::Error {
    let names: Vec<&str> = seen.iter().map(String::as_str).collect();
    let remedy = if names.is_empty() {
        "there are no responses at all".to_string()
    } else {
        let names = visible_line(&names.join(", "), NAMES_CHARACTERS_MAX);
        format!("choose of {names}")
    };
    WrongRequest::new(format!(
        "no response here has the {what} {wanted}; {remedy}"
    ))
}

fn is_wanted(record: &Value, options: &Options) -> bool {
    let is_of_task = options
        .task
        .as_ref()
        .is_none_or(|id| names(record, "task", id));
    let is_judged_so = options
        .verdict
        .as_ref()
        .is_none_or(|it| text(record, "verdict") == it);
    is_of_task
        && is_judged_so
        && options
            .lane
            .as_ref()
            .is_none_or(|it| is_lane(text(record, "lane"), it))
}

/// `propose.induction`, or one of its two parts.
fn is_lane(lane: &str, wanted: &str) -> bool {
    lane == wanted || lane.split('.').any(|part| part == wanted)
}

/// The beginning of an identifier is enough.
fn names(record: &Value, path: &str, id: &str) -> bool {
    !id.is_empty() && text(record, path).starts_with(id)
}

fn show_task(run: &RunDirectory, id: &str, json: bool, sink: &Sink) -> anyhow::Result<()> {
    let tasks = run.tasks()?;
    let task = tasks
        .values
        .iter()
        .find(|task| names(task, "id", id))
        .ok_or_else(|| {
            WrongRequest::new(format!(
                "{} has no task {id}; azr inspect {0} lists the newest",
                run.path().display()
            ))
        })?;
    if json {
        return sink.json(task).context("cannot print the task");
    }
    let step = number(task, "step").unwrap_or(0.0);
    let head = format!(
        "task {} ({}, step {step}, {})",
        text(task, "id"),
        text(task, "kind"),
        text(task, "origin")
    );
    sink.result(sink.results().bold(&visible(&head)))?;
    show_text("program", text(task, "program"), sink)?;
    for case in field(task, "cases")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let line = format!("f({}) -> {}", text(case, "input"), text(case, "output"));
        sink.result(format_args!("    {}", visible_line(&line, 160)))?;
    }
    show_text("message", text(task, "message"), sink)?;
    let parents: Vec<&str> = field(task, "parents")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !parents.is_empty() {
        sink.result(format_args!(
            "  shown to its author: {}",
            visible(&parents.join(", "))
        ))?;
    }
    Ok(())
}

fn show_response(record: &Value, json: bool, sink: &Sink) -> anyhow::Result<()> {
    if json {
        return sink.json(record).context("cannot print the response");
    }
    let value = |path: &str| number(record, path).map_or_else(|| "-".to_string(), short);
    let head = format!(
        "step {} {} #{} ({}): {}",
        value("step"),
        text(record, "lane"),
        value("index"),
        text(record, "purpose"),
        text(record, "verdict")
    );
    sink.result("")?;
    sink.result(sink.results().bold(&visible(&head)))?;
    let tokens = field(record, "tokens")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let facts = format!(
        "  reward {}, advantage {}, {tokens} tokens, ended by {}",
        value("reward"),
        value("advantage"),
        text(record, "finish")
    );
    sink.result(visible(&facts))?;
    if !text(record, "task").is_empty() {
        sink.result(format_args!("  task {}", visible(text(record, "task"))))?;
    }
    show_text("detail", text(record, "detail"), sink)?;
    show_text("prompt", text(record, "prompt"), sink)?;
    show_text(
        "response",
        &(text(record, "prefill").to_string() + text(record, "response")),
        sink,
    )
}

fn show_text(name: &str, words: &str, sink: &Sink) -> anyhow::Result<()> {
    if words.is_empty() {
        return Ok(());
    }
    sink.result(format_args!("  {}", sink.results().dim(name)))?;
    let lines: Vec<&str> = words.lines().collect();
    for line in lines.iter().take(TEXT_LINES_MAX) {
        sink.result(format_args!("    {}", visible(line)))?;
    }
    if let Some(more) = lines.len().checked_sub(TEXT_LINES_MAX + 1) {
        sink.result(format_args!("    ... and {} more lines", more + 1))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_named_in_full_or_by_either_part() {
        assert!(is_lane("solve.abduction", "solve.abduction"));
        assert!(is_lane("solve.abduction", "solve") && is_lane("solve.abduction", "abduction"));
        assert!(!is_lane("solve.abduction", "solve.deduction") && !is_lane("solve.abduction", ""));
    }
}
