//! From flags to a configuration, and what a run of it would do.

use std::fs;
use std::path::Path;

use azr_rl::config::Config;

use super::Options;
use crate::embedded;
use crate::request::WrongRequest;
use crate::sink::Sink;

/// The configuration that the flags ask for: the file, then `--model`, then every `--set` in order.
///
/// # Errors
/// A wrong request, with the key.
pub fn resolve(options: &Options) -> anyhow::Result<Config> {
    let text = match &options.config {
        None => embedded::RUN_FILE.to_string(),
        Some(path) => fs::read_to_string(path).map_err(|error| {
            WrongRequest::because(
                format!(
                    "cannot read the run file {}; configs/ has complete ones",
                    path.display()
                ),
                error,
            )
        })?,
    };
    let model = options.model.iter().map(|it| format!("model.source={it}"));
    let assignments: Vec<String> = model.chain(options.set.iter().cloned()).collect();
    let from = options.config.as_ref().map_or_else(
        || "the embedded run file".to_string(),
        |it| it.display().to_string(),
    );
    Config::parse(&text, assignments.iter().map(String::as_str))
        .map_err(|error| WrongRequest::because(from, error))
}

/// Prints the resolved file on standard output, and on standard error what a run of it would do.
pub fn show(config: &Config, directory: &Path, sink: &Sink) -> anyhow::Result<()> {
    sink.result(config.to_toml()?.trim_end())?;
    let play = &config.self_play;
    let proposals = play.kinds.len() * play.proposals_per_kind;
    let ratings = proposals * play.rating_samples;
    let drawn = if play.solver_batch.draws_from_buffer() {
        play.kinds.len() * play.solver_tasks_per_kind
    } else {
        0
    };
    let tokens = proposals * config.sampling.proposal_tokens_max
        + (ratings + drawn) * config.sampling.answer_tokens_max;
    sink.note(format_args!(
        "would train {} for {} steps in {}",
        config.model.source,
        config.steps,
        directory.display()
    ));
    sink.note(format_args!(
        "a step: {proposals} proposals, at most {} answers, at most {tokens} sampled tokens, {} update(s)",
        ratings + drawn,
        config.optimizer.updates_per_step
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{WRONG, exit_code};

    fn options(arguments: &[&str]) -> Options {
        use clap::Parser;
        #[derive(Debug, Parser)]
        struct Line {
            #[command(flatten)]
            options: Options,
        }
        Line::parse_from(std::iter::once("train").chain(arguments.iter().copied())).options
    }

    #[test]
    fn the_embedded_run_file_trains_the_embedded_model() {
        assert_eq!(resolve(&options(&[])).unwrap().model.source, embedded::NAME);
    }

    #[test]
    fn a_model_on_the_command_line_wins_and_a_later_assignment_wins_over_it() {
        assert_eq!(
            resolve(&options(&["--model", "a/b"])).unwrap().model.source,
            "a/b"
        );
        let both = resolve(&options(&[
            "--model",
            "a/b",
            "--set",
            "model.source=c",
            "--set",
            "steps=3",
        ]))
        .unwrap();
        assert_eq!((both.model.source.as_str(), both.steps), ("c", 3));
    }

    #[test]
    fn a_wrong_file_key_or_value_is_a_wrong_request() {
        for arguments in [
            ["--config", "nowhere.toml"],
            ["--set", "no.such=1"],
            ["--set", "steps=many"],
        ] {
            assert_eq!(
                exit_code(&resolve(&options(&arguments)).unwrap_err()),
                WRONG,
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn every_run_file_of_the_repository_can_be_used() {
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs");
        let files = fs::read_dir(configs).unwrap().map(|it| it.unwrap().path());
        let mut run_files = 0;
        for path in files.filter(|it| it.is_file()) {
            run_files += 1;
            let resolved = resolve(&options(&["--config", path.to_str().unwrap()]));
            assert!(
                resolved.is_ok(),
                "{}: {:#}",
                path.display(),
                resolved.unwrap_err()
            );
        }
        assert!(3 <= run_files);
    }
}
