//! What a run refuses, and that nothing is written when it does.

use super::*;

#[test]
fn nothing_is_overwritten_by_a_new_run() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("thesis.txt"), b"years of work").unwrap();
    let error = start_with(&root, &[], sandbox()).unwrap_err();
    assert!(matches!(error, RunError::Taken { .. }), "{error:?}");
    assert_eq!(fs::read(root.join("thesis.txt")).unwrap(), b"years of work");
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        1,
        "something was left beside it"
    );
}

#[test]
fn a_new_run_where_a_run_is_says_how_to_go_on_with_that() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    drop(start(&root));
    let error = start_with(&root, &[], sandbox()).unwrap_err();
    assert!(matches!(error, RunError::Exists { .. }), "{error:?}");
    assert!(error.to_string().contains("--resume"), "{error}");
}

#[test]
fn a_run_directory_below_a_file_names_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("notes.txt");
    fs::write(&file, b"").unwrap();
    for root in [file.join("a"), file.join("a/b")] {
        let error = start_with(&root, &[], sandbox()).unwrap_err();
        let names_it = matches!(&error, RunError::NoDirectory { path } if *path == file);
        assert!(names_it, "{error:?}");
        assert!(error.to_string().contains("choose another"), "{error}");
    }
    let error = start_with(&file, &[], sandbox()).unwrap_err();
    assert!(matches!(error, RunError::Taken { .. }), "{error:?}");
}

#[test]
fn a_place_that_cannot_be_written_is_named_with_a_remedy() {
    // Nobody can make a directory there, whoever runs this test.
    let error = start_with(Path::new("/proc/azr"), &[], sandbox()).unwrap_err();
    assert!(matches!(error, RunError::Place { .. }), "{error:?}");
    assert!(error.to_string().contains("choose another"), "{error}");
}

#[test]
fn only_a_place_that_is_full_is_to_be_emptied() {
    use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, StorageFull};
    let words = |source: std::io::Error| {
        let path = "run".into();
        RunError::Place { path, source }.to_string()
    };
    for full in [StorageFull, QuotaExceeded] {
        assert!(words(full.into()).contains("; free space there or choose"));
    }
    assert!(words(PermissionDenied.into()).contains("; correct its permissions or choose"));
    let directory = tempfile::tempdir().unwrap();
    let error = start_with(&directory.path().join("a".repeat(250)), &[], sandbox()).unwrap_err();
    assert!(
        error.to_string().contains("started; choose another"),
        "{error}"
    );
}

#[test]
fn a_run_directory_below_a_device_names_the_device() {
    let error = start_with(Path::new("/dev/null/a"), &[], sandbox()).unwrap_err();
    let names_it =
        matches!(&error, RunError::NoDirectory { path } if path == Path::new("/dev/null"));
    assert!(names_it, "{error:?}");
}

fn names_in(directory: &Path) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|it| it.unwrap().file_name()).collect()
}

#[test]
fn a_link_to_an_empty_directory_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let (far, link) = (directory.path().join("far"), directory.path().join("link"));
    fs::create_dir_all(far.join("run")).unwrap();
    std::os::unix::fs::symlink("far/run", &link).unwrap();
    drop(start(&link));
    assert!(link.is_symlink() && far.join("run/config.toml").is_file());
    assert_eq!(names_in(&far), ["run"]);
    resume(&link);
}

#[test]
fn a_dot_at_the_end_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    start(&directory.path().join("run/."));
    assert_eq!(names_in(directory.path()), ["run"]);
}

#[test]
fn a_link_to_nothing_and_a_place_without_a_name_are_refused_and_nothing_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("link");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    let error = start_with(&link, &[], sandbox()).unwrap_err();
    assert!(matches!(error, RunError::Dangling { .. }), "{error:?}");
    assert_eq!(names_in(directory.path()), ["link"]);

    let nameless = directory.path().join("run/..");
    fs::create_dir(directory.path().join("run")).unwrap();
    fs::remove_file(&link).unwrap();
    for root in [Path::new(""), &nameless] {
        let error = start_with(root, &[], sandbox()).unwrap_err();
        assert!(error.to_string().contains("choose another"), "{error}");
    }
    assert_eq!(names_in(directory.path()), ["run"]);
}

#[test]
fn an_empty_directory_becomes_a_run_directory() {
    let directory = tempfile::tempdir().unwrap();
    drive(&mut start_with(directory.path(), &["steps=1"], sandbox()).unwrap()).unwrap();
    assert!(
        directory
            .path()
            .join("checkpoints/step-1/manifest.json")
            .is_file()
    );
}

#[test]
fn a_run_is_open_in_one_place_only() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    let run = start(&root);
    let error = resume_with(&root, sandbox()).unwrap_err();
    assert!(matches!(error, RunError::Locked { .. }), "{error:?}");
    drop(run);
    resume(&root);
}

#[test]
fn what_is_not_a_run_cannot_be_resumed() {
    let directory = tempfile::tempdir().unwrap();
    let error = resume_with(directory.path(), sandbox()).unwrap_err();
    assert!(matches!(error, RunError::NoRun { .. }), "{error:?}");
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        0,
        "something was written"
    );
}

#[test]
fn a_run_of_another_model_is_refused() {
    struct Other(ScriptedPolicy);
    impl Policy for Other {
        fn prompt_tokens(&self, prompt: &azr_tasks::Prompt) -> Result<usize, PolicyError> {
            self.0.prompt_tokens(prompt)
        }
        fn respond(
            &mut self,
            requests: &[crate::policy::Request],
            deliver: crate::policy::Deliver<'_>,
        ) -> Result<(), PolicyError> {
            self.0.respond(requests, deliver)
        }
        fn update(
            &mut self,
            batch: &[crate::rollout::Sample],
            plan: &crate::policy::UpdatePlan,
        ) -> Result<crate::policy::UpdateReport, PolicyError> {
            self.0.update(batch, plan)
        }
        fn save(&self, directory: &Path) -> Result<(), PolicyError> {
            self.0.save(directory)
        }
        fn fingerprint(&self) -> String {
            "another".to_owned()
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    drop(start(&root));
    let open = |_: &Config, _: Origin<'_>| -> Result<Box<dyn Policy>, PolicyError> {
        Ok(Box::new(Other(ScriptedPolicy::new())))
    };
    let error = Run::resume(&root, Arc::new(sandbox()), open).unwrap_err();
    assert!(matches!(error, RunError::OtherModel { .. }), "{error:?}");

    // A checkpoint carried over from a run of another model is found out as well.
    drive(&mut resume(&root)).unwrap();
    let state = root.join("origin.json");
    let text = fs::read_to_string(&state).unwrap();
    fs::write(&state, text.replace("scripted", "another")).unwrap();
    let error = resume_with(&root, sandbox()).unwrap_err();
    assert!(
        matches!(
            error,
            RunError::State {
                source: StateError::OtherRun,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_journal_that_lost_lines_is_not_gone_on_with() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    drive(&mut start(&root)).unwrap();
    fs::write(root.join("metrics.jsonl"), b"").unwrap();
    let error = resume_with(&root, sandbox()).unwrap_err();
    assert!(
        matches!(error, RunError::Journal(JournalError::TooShort { .. })),
        "{error:?}"
    );
}

#[test]
fn a_run_file_that_was_changed_to_nonsense_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    drop(start(&root));
    let path = root.join("config.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("workers = 3", "workers = 0")).unwrap();
    let error = resume_with(&root, sandbox()).unwrap_err();
    assert!(matches!(error, RunError::RunFile { .. }), "{error:?}");
    assert!(error.to_string().contains("config.toml"), "{error}");
}

#[test]
fn a_journal_that_is_gone_is_not_made_anew() {
    for name in ["metrics.jsonl", "tasks.jsonl", "evaluations.jsonl"] {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("run");
        drive(&mut start(&root)).unwrap();
        fs::remove_file(root.join(name)).unwrap();
        let before = traces(&root);
        let error = resume_with(&root, sandbox()).unwrap_err();
        let is_missing = matches!(error, RunError::Journal(JournalError::Missing { .. }));
        assert!(is_missing, "{name}: {error:?}");
        assert_same(&traces(&root), &before, name);
    }
}

#[test]
fn what_a_run_was_started_with_may_not_change() {
    type Harm = fn(&Path);
    let empty: Harm = |path| fs::write(path, b"").unwrap();
    let no_text: Harm = |path| fs::write(path, b"\xff\xfe").unwrap();
    let gone: Harm = |path| fs::remove_file(path).unwrap();
    let no_directory: Harm = |path| fs::remove_dir_all(path).unwrap();
    for (name, harm) in [
        ("held_out.jsonl", empty),
        ("seeds.jsonl", empty),
        ("held_out.jsonl", no_text),
        ("seeds.jsonl", no_text),
        ("origin.json", no_text),
        ("config.toml", no_text),
        ("held_out.jsonl", gone),
        ("seeds.jsonl", gone),
        ("origin.json", gone),
        ("checkpoints", no_directory),
        ("rollouts", no_directory),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("run");
        drive(&mut start(&root)).unwrap();
        harm(&root.join(name));
        let error = resume_with(&root, sandbox()).unwrap_err();
        let is_damaged = matches!(&error, RunError::Damaged { path, .. } if path.ends_with(name));
        assert!(is_damaged, "{name}: {error:?}");
        assert!(error.to_string().contains("start a new run"), "{error}");
    }
}

#[test]
fn a_run_whose_every_checkpoint_is_damaged_says_so_and_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("run");
    drive(&mut start(&root)).unwrap();
    for step in [4, 6] {
        fs::remove_file(root.join(format!("checkpoints/step-{step}/state.json"))).unwrap();
    }
    let before = traces(&root);
    let error = resume_with(&root, sandbox()).unwrap_err();
    assert!(matches!(error, RunError::AllDamaged { .. }), "{error:?}");
    assert_same(&traces(&root), &before, "after the refusal");
}
