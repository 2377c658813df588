//! `azr pretrain`: makes azr-tiny from generated programs that the sandbox runs.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context;
use azr_executor::PythonConfig;
use azr_model::weights::safetensors::Precision;
use azr_rl::pretrain::{PretrainConfig, PretrainEvent, Pretraining, Score};
use clap::Args;

use crate::interrupt::Interrupt;
use crate::request::WrongRequest;
use crate::{Ended, Surroundings, interpreter};

/// Steps from one line of progress to the next.
const PROGRESS_STEPS: u64 = 50;

/// Teaches a fresh small model with programs that a generator writes and the sandbox runs: no human data.
///
/// The same file gives the same weights, byte for byte. The model is written when the last step is done.
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
    if options.out.exists() {
        let words = format!(
            "{} exists; choose a directory that does not",
            options.out.display()
        );
        return Err(WrongRequest::new(words));
    }
    let config = read(options)?;
    let interrupt = Interrupt::listen()?;
    let python = PythonConfig {
        interpreter: surroundings.environment.python.clone(),
        ..PythonConfig::default()
    };
    let sandbox = interpreter::start(&python)?;
    let mut pretraining = Pretraining::start(&config, &sandbox)?;
    let (started, mut tokens) = (Instant::now(), 0);
    pretraining.run(interrupt.flag(), &mut |event| {
        if let Some(line) = line(event, config.steps, started, &mut tokens) {
            surroundings.sink.note(format_args!("{line}"));
        }
    })?;
    if interrupt.flag().load(Ordering::Relaxed) {
        surroundings
            .sink
            .note(format_args!("stopped; nothing was written"));
        return Ok(Ended::Interrupted);
    }
    let model = pretraining.model()?;
    model
        .save(&options.out, Precision::F32)
        .with_context(|| format!("cannot write the model to {}", options.out.display()))?;
    surroundings
        .sink
        .note(format_args!("wrote {}", options.out.display()));
    Ok(Ended::Done)
}

fn read(options: &Options) -> anyhow::Result<PretrainConfig> {
    let path = options.config.display();
    let text = fs::read_to_string(&options.config)
        .map_err(|error| WrongRequest::because(format!("cannot read {path}"), error))?;
    toml::from_str(&text).map_err(|error| {
        WrongRequest::because(
            format!(
                "{path} is no pretraining file; compare it with configs/pretrain/azr-tiny.toml"
            ),
            error,
        )
    })
}

/// What is worth a line.
fn line(event: &PretrainEvent, steps: u64, started: Instant, tokens: &mut usize) -> Option<String> {
    match event {
        PretrainEvent::Step {
            step,
            loss,
            gradient_norm,
            tokens: new,
        } => {
            *tokens += new;
            let seconds = started.elapsed().as_secs_f64();
            let left = seconds / *step as f64 * (steps - step) as f64;
            (step.is_multiple_of(PROGRESS_STEPS)).then(|| {
                format!(
                    "step {step} of {steps}: loss {loss:.3}, gradient norm {gradient_norm:.2}, {:.0} tokens/s, {left:.0} s left",
                    *tokens as f64 / seconds
                )
            })
        }
        PretrainEvent::Exam { step, scores } => Some(exam(*step, scores)),
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
