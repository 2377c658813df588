//! Where everything of a run lies, and how a run directory comes to be: whole or not at all.
//!
//! ```text
//! config.toml        the resolved configuration
//! origin.json        fingerprint of the model that the run was started with, SHA-256 of the next two
//! seeds.jsonl        the first tasks of the buffer
//! held_out.jsonl     tasks that are tried and never trained on
//! metrics.jsonl      a line a step
//! tasks.jsonl        every admitted task that the buffer still holds when its step ends
//! evaluations.jsonl  right answers to every held-out task, at every evaluation
//! report.html        all of it for people, when the run has ended
//! rollouts/          step-000001.jsonl.zst and so on: every response
//! checkpoints/       step-20 and so on
//! lock               held by the process that has the run open
//! ```

use std::fs::{self, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use azr_tasks::{Task, TaskRecord};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::RunError;
use crate::config::Config;
use crate::lock::Lock;
use crate::material::Material;
use crate::policy::Cause;

/// A run directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDirectory {
    root: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    fingerprint: String,
    seeds_sha256: String,
    held_out_sha256: String,
}

/// The configuration of the run in `directory`.
///
/// # Errors
/// [`RunError::NoRun`], or what is wrong with the file.
pub fn read_config(directory: &Path) -> Result<Config, RunError> {
    RunDirectory::existing(directory)?.config()
}

impl RunDirectory {
    /// Makes a new run directory: written aside, then renamed, so that a killed start leaves no run behind.
    pub(super) fn create(
        root: &Path,
        config: &Config,
        fingerprint: &str,
        material: &Material,
    ) -> Result<Self, RunError> {
        refuse_taken(root)?;
        let root = destination(root)?;
        let aside = Self {
            root: aside_of(&root),
        };
        let written = aside
            .write_start(config, fingerprint, material)
            .and_then(|()| fs::rename(&aside.root, &root).map_err(unusable(&root)));
        if let Err(error) = written {
            // The error that counts is the first one.
            let _ = fs::remove_dir_all(&aside.root);
            return Err(error);
        }
        Ok(Self { root })
    }

    /// The run directory at `root`.
    ///
    /// # Errors
    /// [`RunError::NoRun`] when there is none.
    pub fn existing(root: &Path) -> Result<Self, RunError> {
        let directory = Self {
            root: root.to_path_buf(),
        };
        match fs::metadata(directory.root.join(CONFIG)) {
            Ok(_) => Ok(directory),
            Err(source) => Err(RunError::NoRun {
                path: root.to_path_buf(),
                source,
            }),
        }
    }

    fn write_start(
        &self,
        config: &Config,
        fingerprint: &str,
        material: &Material,
    ) -> Result<(), RunError> {
        let toml = config.to_toml()?;
        match fs::remove_dir_all(&self.root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(unusable(&self.root)(error));
            }
            _ => {}
        }
        for directory in [
            self.root.clone(),
            self.checkpoints(),
            self.root.join(ROLLOUTS),
        ] {
            fs::create_dir_all(&directory).map_err(unusable(&directory))?;
        }
        let (seeds, held_out) = (lines(&material.seeds), lines(&material.held_out));
        let start = serde_json::json!(Start {
            fingerprint: fingerprint.to_owned(),
            seeds_sha256: sha256(&seeds),
            held_out_sha256: sha256(&held_out),
        });
        for (name, text) in [
            (CONFIG, toml),
            (ORIGIN, format!("{start}\n")),
            (SEEDS, seeds),
            (HELD_OUT, held_out),
        ] {
            let path = self.root.join(name);
            write_synced(&path, text.as_bytes()).map_err(unusable(&path))?;
        }
        Ok(())
    }

    /// What the run was started with. Nothing of it may have changed since.
    pub(super) fn read(&self) -> Result<(Config, String, Material), RunError> {
        let config = self.config()?;
        let path = self.root.join(ORIGIN);
        let start: Start =
            serde_json::from_str(&read(&path)?).map_err(|source| damaged(&path, source))?;
        for directory in [self.checkpoints(), self.root.join(ROLLOUTS)] {
            fs::read_dir(&directory).map_err(unreadable(&directory))?;
        }
        let material = Material {
            seeds: self.tasks(SEEDS, &start.seeds_sha256)?,
            held_out: self.tasks(HELD_OUT, &start.held_out_sha256)?,
        };
        Ok((config, start.fingerprint, material))
    }

    /// The resolved configuration.
    ///
    /// # Errors
    /// When the file cannot be read or does not fit this program.
    pub fn config(&self) -> Result<Config, RunError> {
        let path = self.root.join(CONFIG);
        Config::parse(&read(&path)?, []).map_err(|source| RunError::RunFile { path, source })
    }

    fn tasks(&self, name: &str, expected: &str) -> Result<Vec<Task>, RunError> {
        let path = self.root.join(name);
        let text = read(&path)?;
        if sha256(&text) != expected {
            return Err(damaged(&path, "it is not what it was when the run started"));
        }
        let mut tasks = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let record: TaskRecord =
                serde_json::from_str(line).map_err(|source| damaged(&path, source))?;
            let task = record.into_task(number + 1);
            tasks.push(task.map_err(|source| damaged(&path, source))?);
        }
        Ok(tasks)
    }

    /// The directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where checkpoints are.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// A line a step.
    #[must_use]
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// Every admitted task.
    #[must_use]
    pub fn task_lines(&self) -> PathBuf {
        self.root.join("tasks.jsonl")
    }

    /// Every evaluation.
    #[must_use]
    pub fn evaluations(&self) -> PathBuf {
        self.root.join("evaluations.jsonl")
    }

    /// Every response of a step.
    #[must_use]
    pub fn rollouts(&self, step: u64) -> PathBuf {
        self.root
            .join(ROLLOUTS)
            .join(format!("step-{step:06}.jsonl.zst"))
    }

    /// Rollouts of steps after `step`, and those that were not written to their end. Other files are not ours.
    pub(super) fn rollouts_to_drop(&self, step: u64) -> io::Result<Vec<PathBuf>> {
        let mut outdated = Vec::new();
        for entry in fs::read_dir(self.root.join(ROLLOUTS))? {
            let path = entry?.path();
            let name = path
                .file_name()
                .and_then(|it| it.to_str())
                .unwrap_or_default();
            let Some((of_step, kind)) = name
                .strip_prefix("step-")
                .and_then(|it| it.split_once('.'))
                .and_then(|(of_step, kind)| Some((of_step.parse::<u64>().ok()?, kind)))
            else {
                continue;
            };
            if kind == "jsonl.partial" || kind == "jsonl.zst" && step < of_step {
                outdated.push(path);
            }
        }
        Ok(outdated)
    }

    pub(super) fn lock(&self) -> Result<Lock, RunError> {
        let path = self.root.join("lock");
        Lock::take(&path).map_err(|error| match error {
            TryLockError::WouldBlock => RunError::Locked { path },
            TryLockError::Error(source) => RunError::Directory { path, source },
        })
    }
}

const CONFIG: &str = "config.toml";
const ORIGIN: &str = "origin.json";
const SEEDS: &str = "seeds.jsonl";
const HELD_OUT: &str = "held_out.jsonl";
const ROLLOUTS: &str = "rollouts";

fn aside_of(root: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(root.file_name().unwrap_or_default());
    name.push(format!(".{}.partial", std::process::id()));
    root.with_file_name(name)
}

fn lines(tasks: &[Task]) -> String {
    let line = |task| serde_json::json!(TaskRecord::from(task)).to_string() + "\n";
    tasks.iter().map(line).collect()
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn read(path: &Path) -> Result<String, RunError> {
    fs::read_to_string(path).map_err(unreadable(path))
}

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is not there or not what was written is damage; anything else is a failure of the disk.
fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> RunError {
    use io::ErrorKind::{InvalidData, IsADirectory, NotADirectory, NotFound};
    let path = path.to_path_buf();
    move |source| match source.kind() {
        NotFound | InvalidData | IsADirectory | NotADirectory => damaged(&path, source),
        _ => RunError::Directory { path, source },
    }
}

fn damaged(path: &Path, source: impl Into<Cause>) -> RunError {
    RunError::Damaged {
        path: path.to_path_buf(),
        source: source.into(),
    }
}

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> RunError {
    let path = path.to_path_buf();
    move |source| RunError::Place { path, source }
}

/// Where a directory that is renamed to `root` comes to lie: it can take the place of an empty directory, not of a link.
fn destination(root: &Path) -> Result<PathBuf, RunError> {
    // Without a dot at its end, which nothing is renamed to.
    let path: PathBuf = root.components().collect();
    if path.file_name().is_none() {
        return Err(RunError::NoName { path });
    }
    if path.is_symlink() {
        return fs::canonicalize(&path).map_err(|source| RunError::Dangling { path, source });
    }
    Ok(path)
}

/// A new run goes where nothing is, or an empty directory.
fn refuse_taken(root: &Path) -> Result<(), RunError> {
    match fs::read_dir(root) {
        Ok(mut entries) => {
            if entries.next().is_none() {
                return Ok(());
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(unusable(root)(error));
        }
        Err(_) => {}
    }
    let mut above = root.ancestors().skip(1);
    let path = match above.find(|it| it.exists() && !it.is_dir()) {
        Some(file) => return Err(RunError::NoDirectory { path: file.into() }),
        None => root.to_path_buf(),
    };
    if RunDirectory::existing(root).is_ok() {
        Err(RunError::Exists { path })
    } else {
        Err(RunError::Taken { path })
    }
}
