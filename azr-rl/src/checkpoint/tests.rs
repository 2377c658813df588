//! Checkpoints under a disk that fails, fills up and rots.

use std::fs;

use super::disk::LocalDisk;
use super::*;

/// Fails its n-th operation, and every later one that takes space.
#[derive(Debug)]
struct FailingDisk {
    calls_left: usize,
}

impl FailingDisk {
    fn tick(&mut self) -> io::Result<()> {
        if self.calls_left == 0 {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.calls_left -= 1;
        Ok(())
    }
}

impl Disk for FailingDisk {
    fn create_directory(&mut self, path: &Path) -> io::Result<()> {
        self.tick()?;
        LocalDisk.create_directory(path)
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.tick() {
            // A full disk takes a part.
            LocalDisk.write(path, &bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        LocalDisk.write(path, bytes)
    }

    fn sync(&mut self, path: &Path) -> io::Result<()> {
        self.tick()?;
        LocalDisk.sync(path)
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.tick()?;
        LocalDisk.rename(from, to)
    }

    fn remove_directory(&mut self, path: &Path) -> io::Result<()> {
        LocalDisk.remove_directory(path)
    }
}

fn fill<D: Disk>(step: u64) -> impl FnOnce(&Path, &mut D) -> io::Result<()> {
    move |directory, disk| {
        disk.create_directory(&directory.join("model"))?;
        disk.write(
            &directory.join("model/weights"),
            format!("weights after step {step}").as_bytes(),
        )?;
        disk.write(&directory.join("state.json"), b"{}")
    }
}

fn local(directory: &Path, keep: usize) -> Checkpoints<LocalDisk> {
    Checkpoints::new(directory.to_path_buf(), keep, LocalDisk)
}

fn latest_step(directory: &Path) -> Option<u64> {
    local(directory, 9)
        .latest()
        .unwrap()
        .checkpoint
        .map(|it| it.step)
}

type Inflict = fn(&Path);

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_last_checkpoints_are_kept_and_older_ones_leave() {
    let directory = tempfile::tempdir().unwrap();
    let mut checkpoints = local(directory.path(), 2);
    for step in [5, 10, 15] {
        checkpoints.save(step, fill(step)).unwrap();
    }
    assert_eq!(names(directory.path()), ["step-10", "step-15"]);
    let found = checkpoints.latest().unwrap().checkpoint.unwrap();
    assert_eq!(found.step, 15);
    assert_eq!(
        fs::read_to_string(found.directory.join("model/weights")).unwrap(),
        "weights after step 15"
    );
}

#[test]
fn whatever_operation_of_the_disk_fails_the_last_good_checkpoint_stays() {
    let mut failures = 0;
    for calls_left in 0.. {
        let directory = tempfile::tempdir().unwrap();
        local(directory.path(), 1).save(5, fill(5)).unwrap();
        let mut failing = Checkpoints::new(
            directory.path().to_path_buf(),
            1,
            FailingDisk { calls_left },
        );
        let result = failing.save(10, fill(10));
        let latest = latest_step(directory.path());
        match result {
            Ok(_) => {
                assert_eq!(latest, Some(10));
                // The operations after the last one that matters remove the old checkpoint.
                if names(directory.path()) == ["step-10"] {
                    break;
                }
            }
            Err(error) => {
                failures += 1;
                // The rename may have happened before the failure: both are whole then, and none is lost.
                assert!(
                    matches!(latest, Some(5 | 10)),
                    "after operation {calls_left}: {latest:?}"
                );
                assert!(error.to_string().contains("no storage space"), "{error}");
                assert!(
                    names(directory.path())
                        .iter()
                        .all(|it| !it.contains("partial")),
                    "half a checkpoint was left"
                );
            }
        }
    }
    assert!(8 < failures, "only {failures} operations were made to fail");
}

#[test]
fn a_process_that_dies_while_saving_leaves_nothing_that_is_taken_for_a_checkpoint() {
    let directory = tempfile::tempdir().unwrap();
    let mut checkpoints = local(directory.path(), 3);
    checkpoints.save(5, fill(5)).unwrap();
    let partial = directory.path().join(".step-10.partial");
    fs::create_dir(&partial).unwrap();
    fs::write(partial.join("state.json"), b"{").unwrap();
    assert_eq!(latest_step(directory.path()), Some(5));
    assert_eq!(names(directory.path()), ["step-5"]);
}

#[test]
fn a_process_that_dies_before_it_prunes_leaves_no_more_than_are_kept_once_the_run_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    for step in [5, 10, 15] {
        local(directory.path(), 3).save(step, fill(step)).unwrap();
    }
    let found = local(directory.path(), 2).latest().unwrap();
    assert_eq!(found.checkpoint.map(|it| it.step), Some(15));
    assert_eq!(names(directory.path()), ["step-10", "step-15"]);
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_its_damage_named() {
    let damages: [(&str, Inflict); 5] = [
        ("model/weights has 5 bytes", |it| {
            fs::write(it.join("model/weights"), b"short").unwrap()
        }),
        ("model/weights is not what", |it| {
            fs::write(it.join("model/weights"), b"weights after step 11").unwrap()
        }),
        ("state.json cannot be read", |it| {
            fs::remove_file(it.join("state.json")).unwrap()
        }),
        ("no readable manifest", |it| {
            fs::remove_file(it.join("manifest.json")).unwrap()
        }),
        ("manifest is not readable", |it| {
            fs::write(it.join("manifest.json"), b"{\"format\": 1, \"fi").unwrap()
        }),
    ];
    for (expected, inflict) in damages {
        let directory = tempfile::tempdir().unwrap();
        let mut checkpoints = local(directory.path(), 3);
        checkpoints.save(5, fill(5)).unwrap();
        inflict(&checkpoints.save(10, fill(10)).unwrap().directory);
        let found = checkpoints.latest().unwrap();
        assert_eq!(found.checkpoint.map(|it| it.step), Some(5), "{expected}");
        assert_eq!(found.damaged.len(), 1);
        let text = found.damaged[0].1.to_string();
        assert!(
            text.contains(expected),
            "{text:?} does not say {expected:?}"
        );
    }
}

#[test]
fn a_damaged_checkpoint_is_replaced_when_its_step_is_saved_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut checkpoints = local(directory.path(), 3);
    let saved = checkpoints.save(5, fill(5)).unwrap();
    fs::write(saved.directory.join("state.json"), b"rot").unwrap();
    assert_eq!(latest_step(directory.path()), None);
    checkpoints.save(5, fill(5)).unwrap();
    assert_eq!(latest_step(directory.path()), Some(5));
}

#[test]
fn two_checkpoints_of_the_same_state_are_the_same_bytes() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let saved = [&a, &b].map(|it| {
        local(it.path(), 1)
            .save(5, fill(5))
            .unwrap()
            .directory
            .join("manifest.json")
    });
    assert_eq!(fs::read(&saved[0]).unwrap(), fs::read(&saved[1]).unwrap());
}
