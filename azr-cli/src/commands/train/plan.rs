//! From flags to a configuration, and what a run of it would do.

use std::fmt::Write;
use std::path::Path;

use azr_rl::config::{Config, ConfigError};

use super::{Options, text_file};
use crate::embedded;
use crate::environment::expanded;
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
    let model = options.model.as_deref().map(model_change).transpose()?;
    let set = options.set.iter().map(|it| Change {
        flag: format!("--set {it}"),
        assignment: it.clone(),
    });
    let changes: Vec<Change> = model.into_iter().chain(set).collect();
    let assignments = changes.iter().map(|it| it.assignment.as_str());
    let mut config = Config::parse(&text, assignments).map_err(|error| {
        let change = changes.iter().rev().find(|it| it.is_named_in(&error));
        let from = match (change, &options.config) {
            (Some(change), _) => change.flag.clone(),
            (None, Some(path)) => path.display().to_string(),
            (None, None) => "the embedded run file".to_owned(),
        };
        WrongRequest::because(from, error)
    })?;
    if let Some(path) = absolute(&config.model.source) {
        config.model.source = path;
    }
    Ok(config)
}

/// A change to the run file, and the flag that asks for it.
struct Change {
    flag: String,
    assignment: String,
}

/// A run file is text, so the name of its model is too.
fn model_change(model: &Path) -> anyhow::Result<Change> {
    let shown = model.display();
    let name = model.to_str().ok_or_else(|| {
        WrongRequest::new(format!("--model {shown} is not UTF-8, which a run file has to be; rename it, or make a link to it"))
    })?;
    Ok(Change {
        flag: format!("--model {name}"),
        assignment: format!("model.source={name}"),
    })
}

impl Change {
    /// Whether it is what the error is about.
    fn is_named_in(&self, error: &ConfigError) -> bool {
        let key = self.assignment.split('=').next().unwrap_or_default().trim();
        match error {
            ConfigError::Value { key: wrong, .. } => wrong == key,
            ConfigError::Keys { problem } => problem.contains(&format!("`{key}`")),
            ConfigError::NoSuchKey { .. }
            | ConfigError::Assignment { .. }
            | ConfigError::TooLarge { .. } => error.to_string().contains(key),
            ConfigError::Syntax { .. } | ConfigError::Write { .. } => false,
        }
    }
}

/// The full path of a model that lies on this disk, so that a run goes on from whatever directory.
fn absolute(source: &str) -> Option<String> {
    let path = expanded(source.into());
    if source == embedded::NAME || !path.exists() {
        return None;
    }
    let path = std::path::absolute(path).ok()?;
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
    fn an_error_names_the_flag_that_it_comes_from() {
        for (assignment, words) in [
            (
                "optimizer.learning_rate=0",
                "--set optimizer.learning_rate=0: `optimizer.learning_rate` is 0",
            ),
            (
                "optimizer.lr=1e-4",
                "has no key `optimizer.lr`; [optimizer] has: ",
            ),
            ("optimizer.lr=1e-4", "--set optimizer.lr=1e-4: "),
            (
                "steps=2.5",
                "--set steps=2.5: a key does not fit: invalid type: the number `2.5`, expected a whole number, at least 0 in `steps`",
            ),
            ("steps=", "--set steps=: `steps=` is not an assignment"),
        ] {
            let error = resolve(&options(&["--set", "steps=3", "--set", assignment])).unwrap_err();
            let sentence = crate::request::sentence(&error);
            assert!(sentence.contains(words), "{sentence}");
        }
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("run.toml");
        fs::write(&file, "steps = 3").unwrap();
        let arguments = ["--config", file.to_str().unwrap(), "--set", "steps=4"];
        let sentence = crate::request::sentence(&resolve(&options(&arguments)).unwrap_err());
        assert!(
            sentence.contains("run.toml: ") && sentence.contains("`seed`"),
            "{sentence}"
        );
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
