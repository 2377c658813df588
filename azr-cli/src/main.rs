//! `azr`: reads a request, starts the machine, says what came of it.
//!
//! This crate knows every other one and no algorithm. It alone reads flags, files that people wrote and the
//! environment, and it alone prints.
#![forbid(unsafe_code)]

mod arguments;
mod chart;
mod commands;
mod device;
mod embedded;
mod environment;
mod flag_value;
mod in_order;
mod interpreter;
mod interrupt;
mod json_object;
mod lines;
mod model_name;
mod precision;
mod report_html;
mod request;
mod run_directory;
mod sink;
mod table;
mod threads;
mod visible;

use std::process::ExitCode;

use crate::arguments::{Arguments, Command};
use crate::environment::Environment;
use crate::sink::Sink;

/// What a command is given beside its own options.
pub struct Surroundings {
    /// What the environment says.
    pub environment: Environment,
    /// Where words go.
    pub sink: Sink,
}

/// How a command that did not fail has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything asked for is done.
    Done,
    /// A signal ended it early; what was done is saved.
    Interrupted,
}

fn main() -> ExitCode {
    // A wrong flag ends here: clap explains it on standard error and exits with 2.
    let arguments = Arguments::read();
    let (environment, problem) = match Environment::read() {
        Ok(environment) => (environment, None),
        Err(problem) => (Environment::default(), Some(problem)),
    };
    let surroundings = Surroundings {
        sink: Sink::new(&environment),
        environment,
    };
    sink::start_log(arguments.log, &surroundings.sink);
    let ended = problem
        .map_or(Ok(()), Err)
        .and_then(|()| interrupt::survive_file_size_limit().map_err(anyhow::Error::new))
        .and_then(|()| run(arguments.command, &surroundings));
    match ended {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Interrupted) => ExitCode::from(request::INTERRUPTED),
        Err(error) if request::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            surroundings.sink.failure(&request::sentence(&error));
            ExitCode::from(request::exit_code(&error))
        }
    }
}

fn run(command: Command, surroundings: &Surroundings) -> anyhow::Result<Ended> {
    match command {
        Command::Train(options) => commands::train::run(&options, surroundings),
        Command::Pretrain(options) => commands::pretrain::run(&options, surroundings),
        Command::Generate(options) => commands::generate::run(&options, surroundings),
        Command::Logprobs(options) => commands::logprobs::run(&options, surroundings),
        Command::Exec(options) => commands::exec::run(&options, surroundings),
        Command::Inspect(options) => commands::inspect::run(&options, surroundings),
        Command::Export(options) => commands::export::run(&options, surroundings),
        Command::Bench(options) => commands::bench::run(&options, surroundings),
        Command::Doctor(options) => commands::doctor::run(&options, surroundings),
    }
}
