//! One line of input: a job as people write it, with its defaults.

use azr_executor::{Bans, Equality, Limits};
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::Value as Json;

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
    #[serde(default)]
    pub id: Json,
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

fn entry_default() -> String {
    "f".to_owned()
}

/// Why a line is no job.
#[derive(Debug)]
pub struct Refusal {
    /// Its id, where it has one.
    pub id: Json,
    /// What is wrong with it, in words.
    pub detail: String,
}

impl JobLine {
    /// Reads a line. Its mode is `usual` unless it names one.
    pub fn read(line: &[u8], usual: Mode) -> Result<Self, Refusal> {
        let json: Json = serde_json::from_slice(line).map_err(|error| Refusal {
            id: Json::Null,
            detail: format!("the line is not JSON: {error}"),
        })?;
        let id = json.get("id").cloned().unwrap_or_default();
        let refuse = |detail: String| Refusal {
            id: id.clone(),
            detail,
        };
        if !json.is_object() {
            return Err(refuse("the line is no JSON object".to_owned()));
        }
        let job: Self = serde_json::from_value(json)
            .map_err(|error| refuse(format!("the line is no job: {error}")))?;
        if job.inputs.is_empty() && job.predicted_input.is_none() {
            return Err(refuse(
                "the job has no inputs; give at least one, \"\" for a call without arguments"
                    .to_owned(),
            ));
        }
        let has_prediction = job.prediction.is_some() || job.predicted_input.is_some();
        if job.mode.unwrap_or(usual) == Mode::Predict && !has_prediction {
            return Err(refuse(
                "the job predicts nothing; give prediction or predicted_input, or another mode"
                    .to_owned(),
            ));
        }
        if let Some(name) = job.limit_of_nothing() {
            return Err(refuse(format!(
                "{name} is 0, and nothing can run on that; give at least 1 or leave it out"
            )));
        }
        Ok(job)
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
