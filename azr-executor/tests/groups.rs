//! Control groups of lanes: what is in them, and that nothing is left of them.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use azr_executor::{Layer, Python, Scrutiny};
use jobs::{SLEEPS, job, outputs, serving, start};

/// All tests here have the groups of one supervisor.
fn alone() -> MutexGuard<'static, ()> {
    static TESTS: Mutex<()> = Mutex::new(());
    TESTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Directories of control groups whose names begin so.
fn groups_named(beginning: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut unread = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(directory) = unread.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let name = entry.file_name();
                if name.to_string_lossy().starts_with(beginning) {
                    found.push(entry.path());
                }
                unread.push(entry.path());
            }
        }
    }
    found
}

/// How the groups of a supervisor in this process namespace are called.
fn name_of(pid: u32) -> String {
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap();
    let number: String = namespace
        .to_str()
        .unwrap()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    format!("azr-{number}-{pid}-")
}

fn number_in(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Whether this host grants groups; where it does not, they are named as missing with what the host said.
fn has_groups(sandbox: &Python) -> bool {
    let isolation = sandbox.isolation();
    let missing = isolation
        .missing
        .iter()
        .find(|it| it.layer == Layer::ControlGroup);
    if let Some(missing) = missing {
        println!("{missing}");
        assert!(!missing.reason.is_empty() && !missing.remedy.is_empty());
    }
    missing.is_none()
}

#[test]
fn all_processes_of_a_lane_are_in_its_group_and_the_group_goes_with_the_sandbox() {
    let _alone = alone();
    let own = name_of(std::process::id());
    for backend in serving() {
        let sandbox = start(1, backend);
        if !has_groups(&sandbox) {
            return;
        }
        let mut sleeps = job(SLEEPS, &["1"], Scrutiny::Run, 20_000);
        sleeps.limits.memory_bytes_max = 3 << 30;
        let (mut processes, mut limits) = (0, Vec::new());
        std::thread::scope(|scope| {
            let run = scope.spawn(|| outputs(&sandbox, &sleeps));
            while !run.is_finished() {
                for group in groups_named(&own) {
                    let inside = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
                    processes = processes.max(inside.lines().count());
                    let files = ["pids.max", "memory.limit_in_bytes", "memory.max"];
                    limits.extend(files.iter().filter_map(|file| number_in(&group.join(file))));
                }
            }
            assert_eq!(run.join().unwrap(), ["'awake'"]);
        });
        assert_eq!(processes, 2, "a template and a worker ({backend})");
        assert!(limits.contains(&16), "{limits:?}");
        assert!(
            limits
                .iter()
                .any(|&bytes| (3 << 30) < bytes && bytes < 10 << 30),
            "{limits:?}"
        );
        drop(sandbox);
        assert_eq!(groups_named(&own), [] as [PathBuf; 0]);
    }
}

#[test]
fn what_a_killed_supervisor_left_goes_when_the_next_one_starts() {
    let _alone = alone();
    let backend = serving()[0];
    let sandbox = start(1, backend);
    if !has_groups(&sandbox) {
        return;
    }
    let group = groups_named(&name_of(std::process::id())).remove(0);
    // No process has such a number, and the next one is ours.
    let dead = group.with_file_name(format!("{}00000000", name_of(1 << 30)));
    let living = group.with_file_name(format!("{}00000000", name_of(1)));
    for directory in [&dead, &living] {
        fs::create_dir(directory).unwrap();
    }
    let next = start(1, backend);
    let are_left = [dead.exists(), living.exists()];
    let _ = fs::remove_dir(&dead);
    fs::remove_dir(&living).unwrap();
    assert_eq!(are_left, [false, true]);
    for sandbox in [sandbox, next] {
        let wakes = job(SLEEPS, &["0"], Scrutiny::Run, 20_000);
        assert_eq!(outputs(&sandbox, &wakes), ["'awake'"]);
    }
}

#[test]
fn a_template_that_is_replaced_stays_in_the_group() {
    let _alone = alone();
    for backend in serving() {
        let sandbox = start(1, backend);
        if !has_groups(&sandbox) {
            return;
        }
        let wakes = job(SLEEPS, &["0"], Scrutiny::Run, 20_000);
        let inside = || {
            let groups = groups_named(&name_of(std::process::id()));
            let read = |group: &PathBuf| {
                fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default()
            };
            groups
                .iter()
                .map(read)
                .find(|it| !it.is_empty())
                .unwrap_or_default()
        };
        let before = inside();
        let template = before.lines().next().unwrap();
        let killed = Command::new("kill").args(["-9", template]).status();
        assert!(killed.unwrap().success());
        let deadline = Instant::now() + Duration::from_secs(20);
        while inside() == before && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert_eq!(outputs(&sandbox, &wakes), ["'awake'"]);
        let after = inside();
        assert!(
            !after.is_empty() && !after.lines().any(|pid| pid == template),
            "{after}"
        );
    }
}
