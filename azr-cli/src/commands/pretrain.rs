//! `azr pretrain`: makes azr-tiny from generated programs that the sandbox runs.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use azr_executor::PythonConfig;
use azr_model::Precision;
use azr_rl::pretrain::{PretrainConfig, PretrainError, PretrainEvent, Pretraining, Score};
use azr_tasks::generator::WorkError;
use clap::Args;

use super::train::text_file;
use crate::interrupt::Interrupt;
use crate::request::WrongRequest;
use crate::{Ended, Surroundings, interpreter, threads};

/// Steps from one line of progress to the next.
const PROGRESS_STEPS: u64 = 50;

/// Teaches a fresh small model with programs that a generator writes and the sandbox runs: no human data.
///
/// The same file gives the same weights, byte for byte. The model is written when the last step is done; until then
/// the work lies in DIR.unfinished, and the same command goes on with it.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  azr pretrain --config configs/pretrain/azr-tiny.toml --out my-tiny
  azr train --model my-tiny")]
pub struct Options {
    /// The pretraining file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Where to write the model, a Hugging Face directory; must not exist yet
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Pretrains and writes.
pub fn run(options: &Options, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    // Without a slash at its end, behind which a name of ours would lie inside.
    let out: PathBuf = options.out.components().collect();
    // A link to nothing could not be replaced by the model at the end.
    if out.exists() || out.is_symlink() {
        let words = format!("{} exists; choose a directory that does not", out.display());
        return Err(WrongRequest::new(words));
    }
    let config = read(options)?;
    let interrupt = Interrupt::listen()?;
    threads::start()?;
    let python = PythonConfig {
        interpreter: surroundings.environment.python.clone(),
        ..PythonConfig::default()
    };
    let sandbox = interpreter::start(&python)?;
    let unfinished = unfinished(&out);
    let mut pretraining =
        Pretraining::open(&config, &sandbox, &unfinished).map_err(|error| match error {
            PretrainError::Config(_)
            | PretrainError::OtherFile { .. }
            | PretrainError::Locked { .. }
            | PretrainError::Work(WorkError::TooFew { .. }) => {
                WrongRequest::because("nothing was begun", error)
            }
            error => error.into(),
        })?;
    let mut progress = Progress {
        begun: Instant::now(),
        first_step: pretraining.step(),
        steps: config.steps,
        tokens: 0,
    };
    pretraining.run(interrupt.flag(), &mut |event| {
        if let Some(line) = progress.line(event) {
            surroundings.sink.note(line);
        }
    })?;
    if pretraining.step() < config.steps {
        surroundings.sink.note(format_args!(
            "stopped after step {}; the same command goes on with {}",
            pretraining.step(),
            unfinished.display()
        ));
        return Ok(Ended::Interrupted);
    }
    let model = pretraining.model()?;
    model
        .save(&out, Precision::F32)
        .with_context(|| format!("cannot write the model to {}", out.display()))?;
    fs::remove_dir_all(&unfinished)
        .with_context(|| format!("cannot remove {}", unfinished.display()))?;
    surroundings
        .sink
        .note(format_args!("wrote {}", out.display()));
    Ok(Ended::Done)
}

fn read(options: &Options) -> anyhow::Result<PretrainConfig> {
    let path = options.config.display();
    let text = text_file::read(&options.config)
        .map_err(|error| WrongRequest::because(format!("cannot read {path}"), error))?;
    PretrainConfig::parse(&text).map_err(|error| {
        let words = format!("{path} is no pretraining file");
        WrongRequest::because(words, error)
    })
}

/// Where the work lies until the model is written.
fn unfinished(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".unfinished");
    name.into()
}

/// What is worth a line.
struct Progress {
    begun: Instant,
    /// Done before this command.
    first_step: u64,
    steps: u64,
    tokens: usize,
}

impl Progress {
    fn line(&mut self, event: &PretrainEvent) -> Option<String> {
        match event {
            PretrainEvent::Step {
                step,
                loss,
                gradient_norm,
                tokens,
            } => {
                self.tokens += tokens;
                let seconds = self.begun.elapsed().as_secs_f64();
                let left = seconds / (step - self.first_step) as f64 * (self.steps - step) as f64;
                step.is_multiple_of(PROGRESS_STEPS).then(|| {
                    format!(
                        "step {step} of {}: loss {loss:.3}, gradient norm {gradient_norm:.2}, {:.0} tokens/s, {left:.0} s left",
                        self.steps,
                        self.tokens as f64 / seconds
                    )
                })
            }
            PretrainEvent::Exam { step, scores } => Some(exam(*step, scores)),
        }
    }
}

fn exam(step: u64, scores: &[Score]) -> String {
    let mut text = format!("held-out tasks after step {step}, one answer each:");
    for score in scores {
        let share = score.right as f64 / score.of as f64;
        let _ = match score.statements {
            0 => write!(text, "\n  {:18} {share:.2} valid", score.lane.to_string()),
            n => write!(
                text,
                "\n  {:18} {share:.2} of programs with {n} statements",
                score.lane.to_string()
            ),
        };
    }
    text
}
