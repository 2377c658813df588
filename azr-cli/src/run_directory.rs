//! Reads what a run left behind, whatever state it is in: a run may be going on, or may have been killed in the middle
//! of a line.
//!
//! Records are read as JSON values and not as types, so that runs of other versions can be looked at too.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::request::WrongRequest;

/// A line longer than this is not ours, bytes.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// The directory of one run.
#[derive(Debug, Clone)]
pub struct RunDirectory {
    path: PathBuf,
}

/// Records of a file, and what could not be read of it.
#[derive(Debug, Default)]
pub struct Records {
    /// What was read, in order.
    pub values: Vec<Value>,
    /// Complete lines that are not JSON. An unfinished last line is not counted: it is still being written.
    pub damaged: usize,
    /// The file ends in the middle: of a line, or of what was compressed. Where a file is still being written, that is
    /// no damage.
    pub is_cut_off: bool,
}

impl Records {
    /// Everything in the file was read.
    pub fn is_whole(&self) -> bool {
        self.damaged == 0 && !self.is_cut_off
    }
}

impl RunDirectory {
    /// Is this a run directory?
    pub fn is_one(path: &Path) -> bool {
        path.join("config.toml").is_file()
            && (path.join("checkpoints").is_dir() || path.join("metrics.jsonl").is_file())
    }

    /// The run kept at `path`.
    ///
    /// # Errors
    /// A wrong request, when nothing there looks like a run.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        if !path.exists() {
            return Err(WrongRequest::new(format!(
                "there is no {}; name the directory of a run",
                path.display()
            )));
        }
        if !Self::is_one(path) {
            let words = "is not a run directory: it has no config.toml with metrics.jsonl or checkpoints beside it";
            return Err(WrongRequest::new(format!(
                "{} {words}; azr train prints where its run is",
                path.display()
            )));
        }
        Ok(Self {
            path: path.to_path_buf(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The resolved configuration, as text.
    pub fn config(&self) -> anyhow::Result<String> {
        let path = self.path.join("config.toml");
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// One record a step.
    pub fn metrics(&self) -> anyhow::Result<Records> {
        records(&self.path.join("metrics.jsonl"))
    }

    /// One record for every admitted task.
    pub fn tasks(&self) -> anyhow::Result<Records> {
        records(&self.path.join("tasks.jsonl"))
    }

    /// Steps with rollouts, ascending, and their files.
    pub fn rollout_files(&self) -> anyhow::Result<Vec<(u64, PathBuf)>> {
        numbered(&self.path.join("rollouts"))
    }

    /// Every response of one step.
    pub fn rollouts(&self, step: u64) -> anyhow::Result<Records> {
        let files = self.rollout_files()?;
        match files.iter().find(|(it, _)| *it == step) {
            Some((_, path)) => records(path),
            None => {
                let known = match (files.first(), files.last()) {
                    (Some((first, _)), Some((last, _))) => {
                        format!("there are steps {first} to {last}")
                    }
                    _ => "there are none at all".to_string(),
                };
                Err(WrongRequest::new(format!(
                    "{} has no rollouts of step {step}; {known}",
                    self.path.display()
                )))
            }
        }
    }

    /// Complete checkpoints, ascending by step.
    pub fn checkpoints(&self) -> anyhow::Result<Vec<(u64, PathBuf)>> {
        numbered(&self.path.join("checkpoints"))
    }

    /// The model of the latest checkpoint, as a Hugging Face directory.
    ///
    /// # Errors
    /// A wrong request, when the run was never saved or the checkpoint has no model.
    pub fn latest_weights(&self) -> anyhow::Result<PathBuf> {
        let (_, checkpoint) = self.checkpoints()?.pop().ok_or_else(|| {
            WrongRequest::new(format!(
                "the run {} has no checkpoint yet; let it reach its first save",
                self.path.display()
            ))
        })?;
        let model = checkpoint.join("model");
        if !model.join("config.json").is_file() {
            let words = "is damaged: it has no model; remove it to use the one before it";
            let words = format!("the checkpoint {} {words}", checkpoint.display());
            return Err(WrongRequest::new(words));
        }
        Ok(model)
    }
}

/// A number deep inside a record: `lanes.solve.deduction.reward_mean`.
pub fn number(record: &Value, path: &str) -> Option<f64> {
    field(record, path).and_then(Value::as_f64)
}

/// A value deep inside a record.
pub fn field<'v>(record: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.')
        .try_fold(record, |value, key| value.get(key))
}

/// Text of a field, empty where it is absent or not text.
pub fn text<'v>(record: &'v Value, path: &str) -> &'v str {
    field(record, path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn records(path: &Path) -> anyhow::Result<Records> {
    let mut records = Records::default();
    let file = match File::open(path) {
        Ok(file) => file,
        // A run that has just begun has no file yet.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(records),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let is_compressed = path.extension().is_some_and(|it| it == "zst");
    // Nothing at all was not compressed by anyone.
    records.is_cut_off = is_compressed && file.metadata().is_ok_and(|it| it.len() == 0);
    let reader: Box<dyn Read> = if is_compressed {
        Box::new(zstd::Decoder::new(file)?)
    } else {
        Box::new(file)
    };
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        let read = reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line);
        match read {
            Ok(0) => break,
            Ok(_) => {}
            // A compressed file that was cut off ends in an error; what came before it counts.
            Err(_) if is_compressed => {
                records.is_cut_off = true;
                break;
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        }
        if line.last() != Some(&b'\n') {
            records.is_cut_off = true;
            break;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice(&line) {
            Ok(value) => records.values.push(value),
            Err(_) => records.damaged += 1,
        }
    }
    Ok(records)
}

/// Entries of a directory whose name is `step-N` with any ending.
fn numbered(directory: &Path) -> anyhow::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot list {}", directory.display()));
        }
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let step = name
            .to_str()
            .and_then(|it| it.strip_prefix("step-"))
            .and_then(|it| it.split('.').next()?.parse().ok());
        found.extend(step.map(|step| (step, entry.path())));
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_last_line_is_left_out_and_the_rest_is_read() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("metrics.jsonl");
        fs::write(&path, "{\"step\":1}\n{\"step\":2}\n{\"ste").unwrap();
        let records = records(&path).unwrap();
        assert_eq!(records.values.len(), 2);
        assert_eq!((records.damaged, records.is_cut_off), (0, true));
    }

    #[test]
    fn a_damaged_line_is_counted_and_the_rest_is_read() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("metrics.jsonl");
        fs::write(&path, "{\"step\":1}\nnonsense\n\n{\"step\":2}\n").unwrap();
        let records = records(&path).unwrap();
        assert_eq!((records.values.len(), records.damaged), (2, 1));
    }

    #[test]
    fn a_compressed_file_that_was_cut_off_gives_what_is_whole() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("step-1.jsonl.zst");
        let lines: String = (0..20_000).map(|it| format!("{{\"n\":{it}}}\n")).collect();
        let bytes = zstd::encode_all(lines.as_bytes(), 1).unwrap();
        fs::write(&path, &bytes).unwrap();
        let whole = records(&path).unwrap();
        assert_eq!((whole.values.len(), whole.is_cut_off), (20_000, false));
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let part = records(&path).unwrap();
        assert!(part.values.len() < 20_000 && part.is_cut_off);
        for bytes in [&b""[..], b"nothing that anyone compressed"] {
            fs::write(&path, bytes).unwrap();
            let nothing = records(&path).unwrap();
            assert!(nothing.values.is_empty() && nothing.is_cut_off, "{bytes:?}");
        }
    }

    #[test]
    fn steps_come_in_order_of_number_and_not_of_name() {
        let place = tempfile::tempdir().unwrap();
        for name in [
            "step-10",
            "step-9",
            ".step-11.partial",
            "step-12.removed",
            "other",
        ] {
            fs::create_dir(place.path().join(name)).unwrap();
        }
        let steps: Vec<u64> = numbered(place.path())
            .unwrap()
            .into_iter()
            .map(|(step, _)| step)
            .collect();
        assert_eq!(steps, [9, 10, 12]);
    }

    #[test]
    fn a_directory_that_is_no_run_is_a_wrong_request() {
        let place = tempfile::tempdir().unwrap();
        let error = RunDirectory::open(place.path()).unwrap_err();
        assert_eq!(crate::request::exit_code(&error), crate::request::WRONG);
    }
}
