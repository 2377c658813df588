//! Whole runs: kept, stopped, killed, resumed, damaged.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::AtomicBool;

use azr_executor::testing::FakeSandbox;
use azr_tasks::TaskKind;

mod refusals;

use super::*;
use crate::observer::Unobserved;
use crate::scripted::{ScriptedPolicy, StopAfterStep, config, sandbox};

fn material() -> Material {
    let seeds = TaskKind::ALL.map(|kind| kind.rules().identity()).to_vec();
    Material {
        held_out: seeds.clone(),
        seeds,
    }
}

fn start_with(
    directory: &Path,
    assignments: &[&str],
    sandbox: FakeSandbox,
) -> Result<Run, RunError> {
    Run::start(
        config(assignments),
        directory,
        ScriptedPolicy::new().boxed(),
        Arc::new(sandbox),
        material(),
    )
}

fn start(directory: &Path) -> Run {
    start_with(directory, &["steps=6"], sandbox()).unwrap()
}

fn resume_with(directory: &Path, sandbox: FakeSandbox) -> Result<Run, RunError> {
    Run::resume(directory, Arc::new(sandbox), |_, origin| {
        Ok(match origin {
            Origin::Source(_) => ScriptedPolicy::new().boxed(),
            Origin::Checkpoint(path) => ScriptedPolicy::open(path).boxed(),
        })
    })
}

fn resume(directory: &Path) -> Run {
    resume_with(directory, sandbox()).unwrap()
}

fn drive(run: &mut Run) -> Result<Ending, RunError> {
    run.drive(&mut Unobserved, &AtomicBool::new(false))
}

/// Every file of a run with its bytes, times taken out of the metrics; of the checkpoints only the last.
fn traces(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut traces = BTreeMap::new();
    for directory in crate::checkpoint::manifest::directories(root).unwrap() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let is_older_checkpoint =
                name.starts_with("checkpoints/") && !name.starts_with("checkpoints/step-6/");
            if path.is_dir()
                || is_older_checkpoint
                || name == "lock"
                || name.ends_with("manifest.json")
            {
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let bytes = match name.as_str() {
                "metrics.jsonl" => timeless(&bytes),
                // The journals' lengths, which times change.
                "checkpoints/step-6/state.json" => without_marks(&bytes),
                _ => bytes,
            };
            traces.insert(name, bytes);
        }
    }
    traces
}

fn timeless(metrics: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in String::from_utf8(metrics.to_vec()).unwrap().lines() {
        let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["seconds"] = serde_json::Value::Null;
        record["tokens"]["generated_per_second"] = serde_json::Value::Null;
        record["tokens"]["trained_per_second"] = serde_json::Value::Null;
        out.extend(serde_json::to_vec(&record).unwrap());
        out.push(b'\n');
    }
    out
}

fn without_marks(state: &[u8]) -> Vec<u8> {
    let mut record: serde_json::Value = serde_json::from_slice(state).unwrap();
    record["journals"]["metrics_bytes"] = serde_json::Value::Null;
    serde_json::to_vec(&record).unwrap()
}

fn assert_same(
    traces: &BTreeMap<String, Vec<u8>>,
    expected: &BTreeMap<String, Vec<u8>>,
    when: &str,
) {
    let names = |it: &BTreeMap<String, Vec<u8>>| it.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(traces), names(expected), "{when}");
    let different: Vec<&String> = traces
        .iter()
        .filter(|(name, bytes)| expected[*name] != **bytes)
        .map(|it| it.0)
        .collect();
    assert!(different.is_empty(), "{when}: {different:?} differ");
}

fn uninterrupted() -> BTreeMap<String, Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    let ending = drive(&mut start(&root)).unwrap();
    assert_eq!((ending.reason, ending.step), (EndReason::Completed, 6));
    traces(&root)
}

#[test]
fn a_run_keeps_everything_that_it_did() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    let ending = drive(&mut start(&root)).unwrap();
    let (first, last) = (ending.first.unwrap(), ending.last.unwrap());
    assert_eq!((first.step, last.step), (0, 6));
    let metrics = fs::read_to_string(root.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().count(), 6, "a line a step");
    let place = r#""sandbox":{"backend":"scripted","missing":["net"]}"#;
    assert!(metrics.lines().all(|line| line.contains(place)));
    let evaluated: Vec<bool> = metrics
        .lines()
        .map(|line| line.contains("\"eval\""))
        .collect();
    assert_eq!(evaluated, [false, true, false, true, false, true]);
    assert_eq!(
        fs::read_to_string(root.join("evaluations.jsonl"))
            .unwrap()
            .lines()
            .count(),
        4,
        "and once at the start"
    );
    for step in 1..=6 {
        let file = fs::File::open(root.join(format!("rollouts/step-{step:06}.jsonl.zst"))).unwrap();
        let text = String::from_utf8(zstd::decode_all(file).unwrap()).unwrap();
        for line in text.lines() {
            let record: crate::report::RolloutRecord = serde_json::from_str(line).unwrap();
            assert_eq!(record.step, step);
        }
        assert!(18 < text.lines().count());
    }
    let tasks = fs::read_to_string(root.join("tasks.jsonl")).unwrap();
    let read: Vec<crate::report::TaskLine> = tasks
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        read.iter().take(3).all(|it| it.solve_rate.is_none()),
        "three seeds come first"
    );
    assert!(
        read.iter()
            .skip(3)
            .all(|it| it.solve_rate.is_some() && !it.entry.lineage.parents.is_empty())
    );
    assert_eq!(read_config(&root).unwrap(), config(&["steps=6"]));
}

#[test]
fn the_same_seed_twice_leaves_the_same_bytes() {
    assert_same(&uninterrupted(), &uninterrupted(), "twice");
}

#[test]
fn a_run_that_is_stopped_and_resumed_at_every_step_equals_an_uninterrupted_one() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    let mut run = start(&root);
    for step in 1..=6 {
        let stop = Arc::new(AtomicBool::new(false));
        let ending = run
            .drive(&mut StopAfterStep(Arc::clone(&stop)), &stop)
            .unwrap();
        assert_eq!(ending.step, step);
        assert_eq!(
            ending.reason,
            if step == 6 {
                EndReason::Completed
            } else {
                EndReason::Stopped
            }
        );
        drop(run);
        run = resume(&root);
        assert_eq!(run.resumed_from(), Some(step));
    }
    assert_same(&traces(&root), &uninterrupted(), "stopped after every step");
}

/// The library's own failures leave a run where a killed process would: in the middle of a step, of a line, of a save.
#[test]
fn a_run_that_dies_at_any_sandbox_call_and_is_resumed_equals_an_uninterrupted_one() {
    let expected = uninterrupted();
    let mut resumed_from = std::collections::BTreeSet::new();
    for nth in (1..).step_by(17) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("run");
        let mut run = start_with(&root, &["steps=6"], sandbox().failing_at(nth)).unwrap();
        let result = drive(&mut run);
        drop(run);
        if result.is_ok() {
            break;
        }
        // What a torn write leaves behind.
        for name in ["metrics.jsonl", "tasks.jsonl", "evaluations.jsonl"] {
            let path = root.join(name);
            let mut bytes = fs::read(&path).unwrap();
            bytes.extend(b"{\"step\": 99, \"torn");
            fs::write(&path, bytes).unwrap();
        }
        fs::write(root.join("rollouts/step-000006.jsonl.partial"), b"torn").unwrap();
        fs::create_dir_all(root.join("checkpoints/.step-4.partial/model")).unwrap();
        let mut run = resume(&root);
        resumed_from.insert(run.resumed_from());
        drive(&mut run).unwrap();
        assert_same(&traces(&root), &expected, &format!("died at call {nth}"));
    }
    assert_eq!(
        resumed_from.into_iter().collect::<Vec<_>>(),
        [None, Some(2), Some(4)]
    );
}

#[test]
fn files_of_others_among_the_rollouts_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    drop(start(&root));
    let names = ["notes.md", "step-9.txt", "my.partial"];
    for name in names {
        fs::write(root.join("rollouts").join(name), b"mine").unwrap();
    }
    fs::write(root.join("rollouts/step-000009.jsonl.zst"), b"ours").unwrap();
    drive(&mut resume(&root)).unwrap();
    for name in names {
        assert!(root.join("rollouts").join(name).exists(), "{name}");
    }
    assert!(!root.join("rollouts/step-000009.jsonl.zst").exists());
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_the_run_ends_the_same() {
    #[derive(Default)]
    struct Skipped(Vec<String>);
    impl Observer for Skipped {
        fn notice(&mut self, event: &Event<'_>) {
            if let Event::CheckpointSkipped { directory, damage } = event {
                self.0.push(format!("{} {damage}", directory.display()));
            }
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    drive(&mut start(&root)).unwrap();
    fs::write(root.join("checkpoints/step-6/weights.json"), b"[0.0]").unwrap();
    let mut run = resume(&root);
    assert_eq!(run.resumed_from(), Some(4));
    let mut skipped = Skipped::default();
    run.drive(&mut skipped, &AtomicBool::new(false)).unwrap();
    assert_eq!(skipped.0.len(), 1);
    assert!(
        skipped.0[0].contains("step-6") && skipped.0[0].contains("weights.json"),
        "{:?}",
        skipped.0
    );
    assert_same(&traces(&root), &uninterrupted(), "after damage");
}

#[test]
fn a_run_that_goes_on_with_another_configuration_says_what_is_new() {
    #[derive(Default)]
    struct Changes(Vec<Change>);
    impl Observer for Changes {
        fn notice(&mut self, event: &Event<'_>) {
            if let Event::ConfigChanged(change) = event {
                self.0.push((*change).clone());
            }
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    drive(&mut start(&root)).unwrap();
    let go_on = || {
        let mut changes = Changes::default();
        let mut run = resume(&root);
        run.drive(&mut changes, &AtomicBool::new(false)).unwrap();
        changes.0
    };
    assert_eq!(go_on(), []);
    let path = root.join("config.toml");
    let text = fs::read_to_string(&path).unwrap();
    let before = "\nsteps = 6\n";
    assert!(text.contains(before));
    fs::write(&path, text.replace(before, "\nsteps = 8\n")).unwrap();
    let change = Change {
        key: "steps".to_owned(),
        before: Some("6".to_owned()),
        after: Some("8".to_owned()),
    };
    assert_eq!(go_on(), [change]);
    assert_eq!(go_on(), [], "it is said once");
}

#[test]
fn a_completed_run_that_is_resumed_is_complete() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    drive(&mut start(&root)).unwrap();
    let before = traces(&root);
    let ending = drive(&mut resume(&root)).unwrap();
    assert_eq!((ending.reason, ending.step), (EndReason::Completed, 6));
    assert_same(&traces(&root), &before, "after resuming a completed run");
}

#[test]
fn a_checkpoint_that_cannot_be_written_leaves_the_last_good_one_and_can_be_resumed() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    let stop_after_two = start_with(&root, &["steps=6"], sandbox()).unwrap();
    drop(stop_after_two);
    let mut run = resume(&root);
    // A file where the checkpoint's directory has to be made: the disk refuses, whoever runs this test.
    fs::write(root.join("checkpoints/.step-4.partial"), b"in the way").unwrap();
    let error = drive(&mut run).unwrap_err();
    assert!(matches!(error, RunError::Save { .. }), "{error:?}");
    assert!(error.to_string().contains("--resume"), "{error}");
    drop(run);
    fs::remove_file(root.join("checkpoints/.step-4.partial")).unwrap();
    let mut run = resume(&root);
    assert_eq!(run.resumed_from(), Some(2));
    drive(&mut run).unwrap();
    assert_same(&traces(&root), &uninterrupted(), "after a full disk");
}
