//! `azr train`: self-play from a run file, watched and interruptible.

mod display;
mod ending;
mod place;
mod plan;
mod progress;
pub mod text_file;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use azr_model::backend::Backend;
use azr_model::{CpuBackend, LanguageModel};
use azr_rl::config::Config;
use azr_rl::learner::{ModelPolicy, ModelPolicyOptions};
use azr_rl::material::{Material, MaterialError};
use azr_rl::policy::{Policy, PolicyError};
use azr_rl::run::{EndReason, Ending, JournalError, Origin, Run, RunError};
use azr_rl::self_play::StepError;
use azr_tasks::generator::WorkError;
use clap::Args;

use crate::device::{self, Device};
use crate::interrupt::Interrupt;
use crate::model_name;
use crate::request::WrongRequest;
use crate::run_directory::RunDirectory;
use crate::visible::visible;
use crate::{Ended, Surroundings, interpreter, report_html, threads};

/// Trains a model by self-play: it proposes tasks, solves them, and learns from what the sandbox says about both.
///
/// Without arguments it trains the embedded azr-tiny. Ctrl-C finishes the step in hand and saves; a second one stops at
/// once and loses at most that step.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  azr train                                                        azr-tiny, a few minutes on two cores
  azr train --set steps=20 --set optimizer.learning_rate=5e-5      the same with two values changed
  azr train --config configs/smollm2-135m.toml --model MODEL.gguf  a real model
  azr train --resume runs/NAME                                     go on where a run was saved
  azr train --config FILE --dry-run > resolved.toml                the resolved run file, and nothing done")]
pub struct Options {
    /// The run file [default: the one of azr-tiny]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Hugging Face directory, GGUF file, hub id, run directory, or azr-tiny; instead of the run file's model.source
    #[arg(long, value_name = "M")]
    model: Option<PathBuf>,
    /// Change one value of the run file; may be given several times
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// Where to keep the run [default: runs/DATE-MODEL]
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
    /// Go on with the run in this directory, from its latest good checkpoint
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "model", "set", "run_dir", "dry_run"])]
    resume: Option<PathBuf>,
    /// Where to compute: cpu, cuda or cuda:N. A run may go on elsewhere; its bytes are then those of that device
    #[arg(long, value_name = "D", default_value = "cpu")]
    device: Device,
    /// Print the resolved run file on standard output and the plan on standard error; do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Starts or resumes a run and drives it to its end.
pub fn run(options: &Options, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    // From here on a signal asks for an orderly end.
    let interrupt = Interrupt::listen()?;
    let mut run = match &options.resume {
        Some(directory) => resume(directory, options.device, surroundings)?,
        None => match start(options, surroundings)? {
            Some(run) => run,
            None => return Ok(Ended::Done),
        },
    };
    let directory = run.directory().to_path_buf();
    let from = run
        .resumed_from()
        .map_or_else(String::new, |step| format!(" after step {step}"));
    let words = format!(
        "{} of {}{from} in {}",
        plan::steps(run.config().steps),
        run.config().model.source,
        directory.display()
    );
    surroundings.sink.note(&words);
    let ending = {
        let mut observer = display::observer(&surroundings.sink);
        run.drive(&mut *observer, interrupt.flag())
    };
    let ending = ending.map_err(|error| {
        let words = way_on(&error, &directory);
        judged(error).context(format!("the run stopped; {words}"))
    })?;
    drop(run);
    finish(&ending, &directory, surroundings)
}

/// How to go on with a run that stopped. A run is its file: what is wrong with a value is mended there.
fn way_on(error: &RunError, directory: &Path) -> String {
    let path = directory.display();
    match error {
        RunError::Step(
            StepError::PromptTooLong { .. } | StepError::Policy(PolicyError::NotFinite { .. }),
        ) => format!(
            "change the value in {path}/config.toml, then go on from the last checkpoint with azr train --resume {path}"
        ),
        _ => format!(
            "after fixing that, go on from the last checkpoint with azr train --resume {path}"
        ),
    }
}

/// A new run; none for a dry one.
fn start(options: &Options, surroundings: &Surroundings) -> anyhow::Result<Option<Run>> {
    let config = plan::resolve(options)?;
    let now = SystemTime::now();
    let source = &config.model.source;
    if options.dry_run {
        let fresh = || place::fresh(source, now);
        let directory = options.run_dir.clone().unwrap_or_else(fresh);
        plan::show(&config, &directory, &surroundings.sink)?;
        return Ok(None);
    }
    if let Some(directory) = &options.run_dir {
        return start_in(directory, config, options.device, surroundings).map(Some);
    }
    let directory = place::claim(source, now).map_err(|error| {
        WrongRequest::because(
            "no directory can be made in runs; choose one with --run-dir",
            error,
        )
    })?;
    let started = start_in(&directory, config, options.device, surroundings);
    if started.is_err() {
        // It goes only if nothing is in it.
        let _ = fs::remove_dir(&directory);
    }
    started.map(Some)
}

fn start_in(
    directory: &Path,
    config: Config,
    device: Device,
    surroundings: &Surroundings,
) -> anyhow::Result<Run> {
    if RunDirectory::is_one(directory) {
        let path = directory.to_path_buf();
        return Err(WrongRequest::because(
            "nothing was started",
            RunError::Exists { path },
        ));
    }
    threads::start()?;
    let sandbox = interpreter::sandbox(&config.sandbox, surroundings)?;
    let load = || model_name::load(&config.model.source, surroundings);
    let policy = match device {
        Device::Cpu => begin(processor(&config), load()?, &config)?,
        Device::Cuda(index) => {
            let precision = config.model.precision;
            let backend = device::cuda(index, precision, &surroundings.environment)?;
            begin(backend, load()?, &config)?
        }
    };
    let material = Material::gather(&config, &*sandbox).map_err(|error| match error {
        MaterialError::Generate {
            source: WorkError::Sandbox(_) | WorkError::Outcome(_) | WorkError::Shape,
        } => anyhow::Error::new(error),
        _ => WrongRequest::because("the run has nothing to start with", error),
    })?;
    Run::start(config, directory, policy, sandbox, material).map_err(judged)
}

fn processor(config: &Config) -> CpuBackend {
    CpuBackend::default().with_precision(config.model.precision)
}

/// The policy of a new run.
fn begin<B: Backend + 'static>(
    backend: B,
    model: LanguageModel,
    config: &Config,
) -> anyhow::Result<Box<dyn Policy>> {
    let policy = ModelPolicy::new(backend, model, ModelPolicyOptions::from(config))?
        .holding(&config.sampling)
        .map_err(|error| judged(error.into()))?;
    Ok(Box::new(policy))
}

fn resume(directory: &Path, device: Device, surroundings: &Surroundings) -> anyhow::Result<Run> {
    let config: Config = azr_rl::run::read_config(directory).map_err(judged)?;
    match device {
        Device::Cpu => go_on(processor(&config), &config, directory, surroundings),
        Device::Cuda(index) => {
            let precision = config.model.precision;
            let backend = device::cuda(index, precision, &surroundings.environment)?;
            go_on(backend, &config, directory, surroundings)
        }
    }
}

fn go_on<B: Backend + 'static>(
    backend: B,
    config: &Config,
    directory: &Path,
    surroundings: &Surroundings,
) -> anyhow::Result<Run> {
    threads::start()?;
    let sandbox = interpreter::sandbox(&config.sandbox, surroundings)?;
    Run::resume(directory, sandbox, |config, origin| {
        reopen(backend, config, origin, surroundings)
    })
    .map_err(judged)
}

/// The policy of a run that goes on.
fn reopen<B: Backend + 'static>(
    backend: B,
    config: &Config,
    origin: Origin<'_>,
    surroundings: &Surroundings,
) -> Result<Box<dyn Policy>, PolicyError> {
    let options = ModelPolicyOptions::from(config);
    let policy = match origin {
        Origin::Checkpoint(directory) => ModelPolicy::from_checkpoint(backend, directory, options)?,
        Origin::Source(source) => {
            let unusable = |error: anyhow::Error| PolicyError::Open {
                from: source.to_string(),
                source: error.into(),
            };
            let model = model_name::load(source, surroundings).map_err(unusable)?;
            ModelPolicy::new(backend, model, options)?
        }
    };
    Ok(Box::new(policy.holding(&config.sampling)?))
}

/// Tells failures of the request from failures of the work.
fn judged(error: RunError) -> anyhow::Error {
    match error {
        RunError::Exists { .. }
        | RunError::Taken { .. }
        | RunError::NoDirectory { .. }
        | RunError::Dangling { .. }
        | RunError::NoName { .. }
        | RunError::NoRun { .. }
        | RunError::Locked { .. }
        | RunError::Damaged { .. }
        | RunError::OtherModel { .. }
        | RunError::AllDamaged { .. }
        | RunError::State { .. }
        | RunError::Journal(JournalError::Missing { .. } | JournalError::TooShort { .. })
        | RunError::Policy(PolicyError::Open { .. } | PolicyError::Context { .. })
        | RunError::RunFile { .. }
        | RunError::Config(_) => WrongRequest::because("the run cannot be opened", error),
        _ => anyhow::Error::new(error),
    }
}

/// The table, the page, and where everything is.
fn finish(ending: &Ending, directory: &Path, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    let sink = &surroundings.sink;
    let report = report_html::write(&RunDirectory::open(directory)?)?;
    if ending.reason == EndReason::Stopped {
        sink.note(format_args!(
            "stopped after step {}, saved; go on with:",
            ending.step
        ));
        let words = format!("  azr train --resume {}", directory.display());
        sink.note(&words);
        return Ok(Ended::Interrupted);
    }
    if let (Some(first), Some(last)) = (&ending.first, &ending.last) {
        for line in ending::table(first, last).lines() {
            sink.result(line)?;
        }
    }
    let words = format!("run directory: {}", directory.display());
    sink.result(visible(&words))?;
    let words = format!("curves and samples: {}", report.display());
    sink.note(&words);
    Ok(Ended::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_ended_a_run_is_changed_where_a_resume_reads_it() {
        let kind = azr_tasks::TaskKind::Deduction;
        let too_long = StepError::PromptTooLong {
            kind,
            tokens: 9,
            tokens_max: 5,
        };
        let words = way_on(&RunError::Step(too_long), Path::new("runs/a"));
        assert!(words.contains("runs/a/config.toml"), "{words}");
        assert!(words.ends_with("azr train --resume runs/a"), "{words}");
    }
}
