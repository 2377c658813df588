//! One line of input: a job as people write it, with its defaults.

use azr_executor::{Bans, Equality, Limits};
use clap::ValueEnum;
use serde::Deserialize;

use crate::json_object::{self, Id, Refusal};
use crate::visible::visible_line;

/// How a job is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Run it once
    Run,
    /// Refuse banned imports; run it in two interpreters with different hash seeds, and twice in one of them
    Check,
    /// Run it once and compare a prediction with what it gives
    Predict,
}

/// What inputs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputsAre {
    /// Literals, read by us.
    Literals,
    /// Expressions, evaluated in the sandbox.
    Expressions,
}

/// A job.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobLine {
    /// Anything; comes back with the result.
    #[serde(default = "json_object::no_id")]
    pub id: Id,
    /// Source text.
    pub program: String,
    /// Argument lists as text.
    #[serde(default)]
    pub inputs: Vec<String>,
    /// Overrides the flag.
    pub mode: Option<Mode>,
    /// Name of the function to call.
    #[serde(default = "entry_default")]
    pub entry: String,
    /// Values as text to compare the outputs with, by position.
    #[serde(default)]
    pub expected: Vec<Option<String>>,
    /// In predict mode: the text of a value that the program is said to give.
    pub prediction: Option<String>,
    /// In predict mode: the text of an argument list that is said to give the expected output.
    pub predicted_input: Option<String>,
    cpu_ms_max: Option<u64>,
    wall_ms_max: Option<u64>,
    memory_bytes_max: Option<u64>,
    output_bytes_max: Option<u64>,
    source_bytes_max: Option<u64>,
    equality: Option<Equality>,
    inputs_are: Option<InputsAre>,
    bans: Option<Vec<String>>,
}

/// Whether Python could read it as one name. The interpreter has the last word.
fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|it| it == '_' || it.is_alphabetic())
        && characters.all(|it| it == '_' || it.is_alphanumeric())
}

fn entry_default() -> String {
    "f".to_owned()
}

impl JobLine {
    /// Reads a line. Its mode is `usual` unless it names one.
    pub fn read(line: &[u8], usual: Mode) -> Result<Self, Refusal> {
        let job: Self = json_object::read(line, "a job")?;
        match job.problem(usual) {
            Some(detail) => Err(Refusal { id: job.id, detail }),
            None => Ok(job),
        }
    }

    /// What is wrong with what it says, in words.
    fn problem(&self, usual: Mode) -> Option<String> {
        if self.inputs.is_empty() && self.predicted_input.is_none() {
            return Some(
                "the job has no inputs; give at least one, \"\" for a call without arguments"
                    .to_owned(),
            );
        }
        let has_prediction = self.prediction.is_some() || self.predicted_input.is_some();
        if self.mode.unwrap_or(usual) == Mode::Predict && !has_prediction {
            return Some(
                "the job predicts nothing; give prediction or predicted_input, or another mode"
                    .to_owned(),
            );
        }
        if !is_name(&self.entry) {
            return Some(format!(
                "entry is {}, which is no name; give the name of a function that the program defines",
                visible_line(&self.entry, 80)
            ));
        }
        self.limit_of_nothing().map(|name| {
            format!("{name} is 0, and nothing can run on that; give at least 1 or leave it out")
        })
    }

    /// The first limit that is 0.
    fn limit_of_nothing(&self) -> Option<&'static str> {
        let limits = [
            ("cpu_ms_max", self.cpu_ms_max),
            ("wall_ms_max", self.wall_ms_max),
            ("memory_bytes_max", self.memory_bytes_max),
            ("output_bytes_max", self.output_bytes_max),
            ("source_bytes_max", self.source_bytes_max),
        ];
        let nothing = limits.into_iter().find(|(_, limit)| *limit == Some(0));
        nothing.map(|(name, _)| name)
    }

    /// What it may use.
    pub fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            cpu_ms_max: self.cpu_ms_max.unwrap_or(usual.cpu_ms_max),
            wall_ms_max: self.wall_ms_max.unwrap_or(usual.wall_ms_max),
            memory_bytes_max: self.memory_bytes_max.unwrap_or(usual.memory_bytes_max),
            output_bytes_max: self.output_bytes_max.unwrap_or(usual.output_bytes_max),
            source_bytes_max: self.source_bytes_max.unwrap_or(usual.source_bytes_max),
        }
    }

    /// When two values count as equal.
    pub fn equality(&self) -> Equality {
        self.equality.unwrap_or_default()
    }

    /// What inputs are.
    pub fn inputs_are(&self) -> InputsAre {
        self.inputs_are.unwrap_or(InputsAre::Literals)
    }

    /// Modules that the program may not import.
    pub fn bans(&self, mode: Mode) -> Bans {
        match (&self.bans, mode) {
            (Some(modules), _) => Bans {
                modules: modules.clone(),
            },
            (None, Mode::Check) => Bans::paper(),
            (None, Mode::Run | Mode::Predict) => Bans::none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        JobLine::read(line.as_bytes(), Mode::Run)
            .unwrap_err()
            .detail
    }

    #[test]
    fn a_key_that_nobody_knows_is_named() {
        let detail = refused(r#"{"program": "", "inputs": [""], "bogus": 1}"#);
        assert!(detail.contains("bogus"), "{detail}");
    }

    #[test]
    fn only_an_object_is_a_job() {
        for line in [r#"[1, "def f(): return 1", [""]]"#, "3", "null"] {
            assert_eq!(refused(line), "the line is no JSON object");
        }
    }

    #[test]
    fn an_entry_that_is_no_name_is_what_is_wrong() {
        for entry in ["S().go", "", "1f", "f g", "a.b"] {
            let detail = refused(&format!(
                r#"{{"program": "", "inputs": [""], "entry": "{entry}"}}"#
            ));
            assert!(detail.starts_with("entry is "), "{detail}");
        }
    }

    #[test]
    fn a_prediction_of_nothing_is_refused() {
        let line = br#"{"program": "", "inputs": [""]}"#;
        let refusal = JobLine::read(line, Mode::Predict).unwrap_err();
        assert!(refusal.detail.contains("predicted_input"), "{refusal:?}");
        assert!(JobLine::read(line, Mode::Run).is_ok());
    }

    #[test]
    fn a_limit_of_nothing_is_refused() {
        for name in [
            "cpu_ms_max",
            "wall_ms_max",
            "memory_bytes_max",
            "output_bytes_max",
            "source_bytes_max",
        ] {
            let line = format!(r#"{{"program": "", "inputs": [""], "{name}": 0}}"#);
            let detail = refused(&line);
            assert!(
                detail.contains(name) && detail.contains("at least 1"),
                "{detail}"
            );
        }
    }
}
