//! What happens when a template, a worker or the supervisor itself is killed.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use azr_executor::{Backend, Scrutiny};

use jobs::{DOUBLES, SLEEPS, job, outputs, serving, start};

/// Processes whose parent is `parent`, from `/proc`.
fn children_of(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let mut fields = after_name.split_whitespace();
        let is_zombie = fields.next() == Some("Z");
        fields.next() == Some(&parent.to_string()) && !is_zombie
    };
    pids.filter(is_child).collect()
}

fn interpreters_below(pid: u32) -> Vec<u32> {
    let python = |pid: &u32| {
        std::fs::read_to_string(format!("/proc/{pid}/comm"))
            .is_ok_and(|name| name.starts_with("python"))
    };
    let mut found: Vec<u32> = children_of(pid).into_iter().filter(python).collect();
    let below: Vec<u32> = found
        .iter()
        .flat_map(|&child| interpreters_below(child))
        .collect();
    found.extend(below);
    found
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{what} did not happen"
        );
        std::thread::yield_now();
    }
}

/// A second instance of this test binary, which runs one test.
fn this_binary(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]);
    command
}

/// Set for a second instance of this test binary that is to run a test with no other beside it.
const ALONE: &str = "AZR_TEST_RUNS_ALONE";

/// Whether this test runs in a process of its own; if not, it is run in one. It kills, and those of other tests must live.
fn is_alone(test: &str) -> bool {
    let is_alone = std::env::var_os(ALONE).is_some();
    if !is_alone {
        let status = this_binary(test).env(ALONE, "1").status().unwrap();
        assert!(status.success());
    }
    is_alone
}

/// Set for a second instance of this test binary that plays the supervisor which is killed.
const VICTIM: &str = "AZR_TEST_PLAYS_VICTIM";

#[test]
fn a_template_that_dies_is_replaced_and_a_sandbox_that_ends_leaves_nothing() {
    let name = "a_template_that_dies_is_replaced_and_a_sandbox_that_ends_leaves_nothing";
    if !is_alone(name) {
        return;
    }
    let sandbox = start(1, Backend::Fork);
    assert_eq!(
        outputs(&sandbox, &job(DOUBLES, &["1"], Scrutiny::Check, 60_000)),
        ["2"]
    );
    let started = interpreters_below(std::process::id());
    assert!(2 <= started.len());
    started.iter().copied().for_each(kill);
    assert_eq!(
        outputs(
            &sandbox,
            &job(DOUBLES, &["3", "4"], Scrutiny::Check, 60_000)
        ),
        ["6", "8"]
    );
    drop(sandbox);
    wait_until("the end of the killed templates", || {
        started
            .iter()
            .all(|pid| !Path::new(&format!("/proc/{pid}/exe")).exists())
    });
}

#[test]
fn a_worker_that_is_lost_between_programs_costs_none_its_verdict() {
    let name = "a_worker_that_is_lost_between_programs_costs_none_its_verdict";
    if !is_alone(name) {
        return;
    }
    for backend in serving() {
        let sandbox = start(1, backend);
        for round in 0..3 {
            let program = job(DOUBLES, &["1", "2"], Scrutiny::Run, 60_000);
            assert_eq!(outputs(&sandbox, &program), ["2", "4"], "round {round}");
            for template in children_of(std::process::id()) {
                children_of(template).into_iter().for_each(kill);
            }
        }
    }
}

fn kill(process: u32) {
    let mut command = Command::new("kill");
    command.args(["-9", &process.to_string()]).status().unwrap();
}

#[test]
fn a_supervisor_that_is_killed_leaves_no_process_behind() {
    if let Some(name) = std::env::var_os(VICTIM) {
        let named = |it: &Backend| name == it.name();
        let sandbox = start(1, Backend::ALL.into_iter().find(named).unwrap());
        println!("\nready");
        outputs(&sandbox, &job(SLEEPS, &["3600"], Scrutiny::Run, 3_600_000));
        return;
    }
    let name = "a_supervisor_that_is_killed_leaves_no_process_behind";
    for backend in serving() {
        let mut victim = this_binary(name)
            .env(VICTIM, backend.name())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "ready"));
        let mut below = Vec::new();
        wait_until("a worker", || {
            below = interpreters_below(victim.id());
            2 <= below.len()
        });
        victim.kill().unwrap();
        victim.wait().unwrap();
        wait_until("the end of templates and workers", || {
            below
                .iter()
                .all(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_err())
        });
    }
}
