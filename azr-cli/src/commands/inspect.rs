//! `azr inspect`: what a run did, from the curves down to single responses.

mod curves;
mod responses;

pub use curves::{curves as curves_of, matches as is_named};

use std::path::PathBuf;

use clap::Args;

use crate::flag_value::whole;
use crate::run_directory::RunDirectory;
use crate::{Ended, Surroundings, report_html};

/// Shows the curves of a run, its tasks, and its responses with their verdicts. Works on a run that is still going on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  azr inspect runs/NAME                                    curves and the newest tasks
  azr inspect runs/NAME --step 12 --lane solve.abduction   responses of one lane
  azr inspect runs/NAME --task TASK                        one task and every answer to it
  azr inspect runs/NAME --json | python3 -m json.tool      the metrics for other programs")]
pub struct Options {
    /// Directory of the run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Show the responses of this step
    #[arg(long, value_name = "N", value_parser = whole(0..=u64::MAX))]
    step: Option<u64>,
    /// Show this task and every response that has to do with it
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// Only responses of this lane: role.kind, for instance propose.induction, or either part alone
    #[arg(long, value_name = "LANE")]
    lane: Option<String>,
    /// Only responses with this verdict
    #[arg(long, value_name = "VERDICT")]
    verdict: Option<String>,
    /// Show at most this many tasks or responses
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = whole(0..=usize::MAX))]
    limit: usize,
    /// Show every curve, not only the telling ones
    #[arg(long)]
    all: bool,
    /// Print records as JSON lines on standard output
    #[arg(long)]
    json: bool,
    /// Write the page report.html into the run directory
    #[arg(long, conflicts_with = "json")]
    html: bool,
}

/// Reads and shows.
pub fn run(options: &Options, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    let run = RunDirectory::open(&options.run)?;
    if options.html {
        let path = report_html::write(&run)?;
        surroundings
            .sink
            .note(format_args!("wrote {}", path.display()));
        return Ok(Ended::Done);
    }
    if options.step.is_some()
        || options.task.is_some()
        || options.lane.is_some()
        || options.verdict.is_some()
    {
        responses::show(&run, options, surroundings)?;
    } else {
        curves::show(&run, options, surroundings)?;
    }
    Ok(Ended::Done)
}
