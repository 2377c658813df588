//! Small runs on a random model, and what is compared of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::runner::{Answer, azr, command};
use crate::tiny_model;

/// Longest time that a run of these tests may take, seconds.
const SECONDS_MAX: u64 = 240;

/// A run of a few steps that is over in seconds. The model is random, so nothing it says is right; an entropy bonus
/// gives every update a gradient all the same.
const SMALL: [&str; 14] = [
    "steps=3",
    "seeding.source.generated.tasks_per_kind=4",
    "evaluation.held_out.generated.tasks_per_kind=2",
    "evaluation.samples_per_task=1",
    "evaluation.every_steps=2",
    "self_play.proposals_per_kind=3",
    "self_play.rating_samples=2",
    "self_play.solver_batch=buffer",
    "self_play.solver_tasks_per_kind=3",
    "advantage.solver=lane_tokens",
    "loss.entropy_coefficient=0.01",
    "sampling.proposal_tokens_max=16",
    "sampling.answer_tokens_max=16",
    "checkpoint.every_steps=1",
];

/// A directory with a model in it, where runs are made.
pub struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        tiny_model::write(directory.path(), "model", 1);
        Self { directory }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn run(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// `azr train` with these changes to the small run.
    pub fn arguments(&self, name: &str, changes: &[&str]) -> Vec<String> {
        let mut arguments: Vec<String> = ["train", "--model", "model", "--run-dir", name]
            .map(String::from)
            .into();
        for change in SMALL.iter().chain(changes) {
            arguments.extend(["--set".to_string(), (*change).to_string()]);
        }
        arguments
    }

    /// Trains to the end.
    pub fn train(&self, name: &str, changes: &[&str]) -> Answer {
        azr(self.path(), &self.arguments(name, changes))
    }

    /// Goes on to the end.
    pub fn resume(&self, name: &str) -> Answer {
        azr(self.path(), &["train", "--resume", name])
    }

    /// Starts and does not wait.
    pub fn begin(&self, name: &str, changes: &[&str]) -> Running {
        Running::start(&mut command(self.path(), &self.arguments(name, changes)))
    }
}

impl Place {
    /// The same, but a file that grows beyond the limit is an error of the write and not a signal.
    pub fn begin_deaf_to_full_disks(&self, name: &str, changes: &[&str]) -> Running {
        let mut shell = Command::new("bash");
        shell.args([
            "-c",
            "trap '' XFSZ; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_azr"),
        ]);
        shell
            .args(self.arguments(name, changes))
            .current_dir(self.path())
            .stdin(Stdio::null());
        Running::start(&mut shell)
    }
}

/// A run that goes on; killed if a test fails.
pub struct Running {
    child: Option<Child>,
}

impl Running {
    /// Starts a command and does not wait.
    pub fn start(command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = Some(command.spawn().unwrap());
        Self { child }
    }

    /// Waits until `is_so` holds. False when the run ended before.
    pub fn until(&mut self, mut is_so: impl FnMut() -> bool) -> bool {
        let begun = Instant::now();
        let child = self.child.as_mut().unwrap();
        while !is_so() {
            if child.try_wait().unwrap().is_some() {
                return is_so();
            }
            assert!(
                begun.elapsed() < Duration::from_secs(SECONDS_MAX),
                "the run takes too long"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Sends a signal again and again: one that comes before the last one was taken is lost.
    pub fn signal_until_it_ends(&mut self, name: &str) {
        while self.child.as_mut().unwrap().try_wait().unwrap().is_none() {
            self.signal(name);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// From now on, no file of this run can grow beyond so many bytes.
    pub fn limit_files(&self, bytes: u64) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let limit = format!("--fsize={bytes}:unlimited");
        assert!(
            Command::new("prlimit")
                .args(["--pid", &id, &limit])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for the end: exit code (-1 after a signal), standard output, standard error.
    pub fn end(mut self) -> Answer {
        Answer::from(self.child.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Lines of `metrics.jsonl` that are complete.
pub fn steps_recorded(run: &Path) -> usize {
    fs::read_to_string(run.join("metrics.jsonl")).map_or(0, |it| it.matches('\n').count())
}

/// Everything a run has to reproduce: tasks, evaluations, rollouts, weights, optimizer and buffer byte for byte, metrics
/// without their times.
pub fn result(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    collect(run, run, &mut found);
    assert!(
        found.keys().any(|it| it.ends_with("model.safetensors")),
        "no weights among {:?}",
        found.keys()
    );
    found
}

fn collect(root: &Path, directory: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path
            .strip_prefix(root)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(root, &path, found);
        } else if file == "metrics.jsonl" {
            found.insert(name, without_times(&path));
        // The state says how long the journals are, times included, and the manifest has its hash.
        } else if !["state.json", "manifest.json", "lock", "report.html"].contains(&file.as_str()) {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
}

fn without_times(metrics: &Path) -> Vec<u8> {
    let mut kept = String::new();
    for line in fs::read_to_string(metrics).unwrap().lines() {
        let mut record: Value = serde_json::from_str(line).unwrap();
        strip(&mut record);
        kept += &format!("{record}\n");
    }
    kept.into_bytes()
}

fn strip(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|key, _| key != "seconds" && !key.ends_with("_per_second"));
        fields.values_mut().for_each(strip);
    }
}

/// Says which files differ instead of printing them.
pub fn assert_same(first: &Path, second: &Path) {
    let (first, second) = (result(first), result(second));
    assert_eq!(
        first.keys().collect::<Vec<_>>(),
        second.keys().collect::<Vec<_>>()
    );
    let differing: Vec<&String> = first
        .iter()
        .filter(|(name, bytes)| second[*name] != **bytes)
        .map(|(name, _)| name)
        .collect();
    assert!(differing.is_empty(), "these differ: {differing:?}");
}
