//! The command line: every command's flags live beside what it does; here they become one tree.

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{bench, doctor, exec, export, generate, inspect, logprobs, pretrain, train};
use crate::sink::LogLevel;

/// Absolute Zero Reasoner: a language model that sets itself programming tasks, solves them, and learns from what a
/// sandboxed interpreter says about both. No human data.
#[derive(Debug, Parser)]
#[command(name = "azr", version, after_help = START, propagate_version = true)]
pub struct Arguments {
    /// How much of the log goes to standard error
    #[arg(long, value_name = "LEVEL", default_value = "warn", global = true)]
    pub log: LogLevel,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// Reads the command line. Where it is wrong, this explains it and ends the process with exit code 2.
    pub fn read() -> Self {
        // A number below zero is a value that its flag refuses in words, not a flag that nobody knows.
        let command = Self::command().mut_subcommands(|command| {
            command.mut_args(|it| {
                let takes_value = it.get_action().takes_values();
                it.allow_negative_numbers(takes_value)
            })
        });
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a model by self-play
    Train(train::Options),
    /// Make azr-tiny from generated programs
    Pretrain(pretrain::Options),
    /// Continue prompts
    Generate(generate::Options),
    /// Score given tokens
    Logprobs(logprobs::Options),
    /// Run programs from a file in the sandbox and print their verdicts
    Exec(exec::Options),
    /// Show what a run did: curves, tasks, responses with their verdicts
    Inspect(inspect::Options),
    /// Write the trained model of a run for other tools
    Export(export::Options),
    /// Time the engine on this machine
    Bench(bench::Options),
    /// Say what this machine offers and what is missing
    Doctor(doctor::Options),
}

const START: &str = "\
To start:
  azr train                 self-play on the embedded azr-tiny; a few minutes on two cores
  azr inspect RUN           what that run did
  azr doctor                what this machine offers and what is missing

M in --model is a Hugging Face directory, a GGUF file, a hub id (owner/name), a run directory, or azr-tiny.
Exit codes: 0 done, 1 the work failed, 2 the request was wrong, 130 interrupted.";
