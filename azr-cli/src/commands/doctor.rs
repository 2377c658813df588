//! `azr doctor`: what this machine offers, what is missing and how to get it; and whether a model fits a GPU.

mod cuda;
mod machine;
mod plan;
mod sandbox;

use clap::Args;
use serde::Serialize;

use crate::visible::visible;
use crate::{Ended, Surroundings};

/// Looks at processors, devices, memory, disk, the interpreter, the isolation layers and the backends of the sandbox; with
/// --model, says how that model is trained on a GPU, of this machine or not, and what of its memory that takes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  azr doctor --json | python3 -m json.tool
  azr doctor --model Qwen/Qwen2.5-Coder-7B-Instruct --assume h100-80gb --batch 8")]
pub struct Options {
    #[command(flatten)]
    plan: plan::PlanOptions,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// What one look found.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub name: &'static str,
    /// Whether it serves.
    pub state: State,
    /// What was found, in words.
    pub found: String,
    /// How to get what is missing; empty when nothing is.
    pub remedy: String,
}

/// Whether something serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It does.
    Good,
    /// It does, with less speed, room or safety than it could.
    Limited,
    /// It does not; something will refuse to work.
    Missing,
}

/// Looks and reports. What is missing is a finding, not a failure of this command.
pub fn run(options: &Options, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    if let Some(model) = &options.plan.model {
        return plan::run(model, options, surroundings);
    }
    let mut findings = machine::findings(&surroundings.environment);
    findings.extend(sandbox::findings(&surroundings.environment));
    if options.json {
        let report =
            serde_json::json!({ "version": env!("CARGO_PKG_VERSION"), "findings": findings });
        surroundings.sink.json(&report)?;
    } else {
        print(&findings, surroundings)?;
    }
    Ok(Ended::Done)
}

fn print(findings: &[Finding], surroundings: &Surroundings) -> anyhow::Result<()> {
    let paint = surroundings.sink.results();
    let width = findings.iter().map(|it| it.name.len()).max().unwrap_or(0);
    for finding in findings {
        let mark = match finding.state {
            State::Good => paint.green("ok     "),
            State::Limited => paint.bold("limited"),
            State::Missing => paint.red("missing"),
        };
        surroundings.sink.result(format_args!(
            "{mark}  {:width$}  {}",
            finding.name,
            visible(&finding.found)
        ))?;
        if !finding.remedy.is_empty() {
            surroundings.sink.result(format_args!(
                "         {:width$}  -> {}",
                "", finding.remedy
            ))?;
        }
    }
    Ok(())
}
