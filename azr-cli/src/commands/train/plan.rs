//! From flags to a configuration, and what a run of it would do.

use std::fmt::Write;
use std::path::Path;

use azr_rl::config::Config;

use super::{Options, text_file};
use crate::embedded;
use crate::request::WrongRequest;
use crate::sink::Sink;
use crate::visible::visible;

/// The configuration that the flags ask for: the file, then `--model`, then every `--set` in order.
///
/// # Errors
/// A wrong request, with the key.
pub fn resolve(options: &Options) -> anyhow::Result<Config> {
    let text = match &options.config {
        None => embedded::RUN_FILE.to_string(),
        Some(path) => text_file::read(path).map_err(|error| {
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
    let mut config = Config::parse(&text, assignments.iter().map(String::as_str))
        .map_err(|error| WrongRequest::because(from, error))?;
    if let Some(path) = absolute(&config.model.source) {
        config.model.source = path;
    }
    Ok(config)
}

/// The full path of a model that lies on this disk, so that a run goes on from whatever directory.
fn absolute(source: &str) -> Option<String> {
    if source == embedded::NAME || !Path::new(source).exists() {
        return None;
    }
    let path = std::path::absolute(source).ok()?;
    path.to_str().map(str::to_owned)
}

/// Prints the resolved file on standard output, and on standard error what a run of it would do.
pub fn show(config: &Config, directory: &Path, sink: &Sink) -> anyhow::Result<()> {
    sink.result(harmless(config)?.trim_end())?;
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
    let words = format!(
        "would train {} for {} in {}",
        config.model.source,
        steps(config.steps),
        directory.display()
    );
    sink.note(&words);
    sink.note(format_args!(
        "a step: {proposals} proposals, at most {} answers, at most {tokens} sampled tokens, {} update(s)",
        ratings + drawn,
        config.optimizer.updates_per_step
    ));
    Ok(())
}

/// `1 step`, `2 steps`.
pub fn steps(n: u64) -> String {
    if n == 1 {
        "1 step".to_string()
    } else {
        format!("{n} steps")
    }
}

/// The run file with everything that a terminal could be fooled by written as TOML escapes.
fn harmless(config: &Config) -> anyhow::Result<String> {
    let mut text = String::new();
    for it in config.to_toml()?.chars() {
        let as_it_is = it.to_string();
        if visible(&as_it_is) == as_it_is {
            text.push(it);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\U{:08X}", it as u32);
        }
    }
    // TOML has strings without escapes: what stands in one cannot be written this way.
    if Config::parse(&text, []).is_ok_and(|it| it == *config) {
        Ok(text)
    } else {
        Err(WrongRequest::new(
            "a text of the run file holds control characters; write it without",
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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
    fn a_model_on_this_disk_is_named_by_its_full_path() {
        let config = resolve(&options(&["--model", "src"])).unwrap();
        let full = std::env::current_dir().unwrap().join("src");
        assert_eq!(Path::new(&config.model.source), full);
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
    fn a_dry_run_shows_no_control_character_and_the_same_configuration() {
        let source = "model.source=a\u{9b}31m\u{1b}\u{202e}b";
        let config = resolve(&options(&["--set", source])).unwrap();
        let text = harmless(&config).unwrap();
        assert_eq!(visible(&text), text);
        assert_eq!(Config::parse(&text, []).unwrap(), config);
    }

    #[test]
    fn one_step_is_not_several() {
        assert_eq!(
            [steps(0), steps(1), steps(2)],
            ["0 steps", "1 step", "2 steps"]
        );
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
        assert!(6 <= run_files);
    }
}
