//! Hosts that refuse system calls: kernels that lack them, containers, hardened machines. The sandbox works there in the
//! next mode and says so, or says what to do.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

mod hosts;
// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;

use azr_executor::{Backend, BackendChoice, Layer, Python, PythonConfig, SandboxError, Scrutiny};
use libc::{EAGAIN, ENOSYS, EPERM};

use hosts::profiles::{
    container_profile, kernels_before_asynchronous_protection, no_landlock, no_seccomp,
    no_user_namespaces,
};
use hosts::{Test, Who, is_on_host, refused, refused_when, snapshot_works_elsewhere};
use jobs::{DOUBLES, FORKS, job, outputs};

fn start(backend: BackendChoice, required: &[Layer]) -> Result<Python, SandboxError> {
    Python::start(&PythonConfig {
        lanes: std::num::NonZeroUsize::new(1),
        backend,
        required: required.to_vec(),
        ..PythonConfig::default()
    })
}

/// The fastest that there is; it says which backends it passed over, and each error has these words.
fn fastest(expected: Backend, passed_over: &[(Backend, &str)]) -> Python {
    let sandbox = start(BackendChoice::Auto, &[]).unwrap_or_else(|error| panic!("{error}"));
    for passed_over in sandbox.passed_over() {
        println!("{passed_over}");
    }
    let missing = sandbox.isolation().missing.iter().map(|it| it.layer);
    println!(
        "{} backend without {:?}",
        sandbox.backend(),
        missing.collect::<Vec<_>>()
    );
    let was: Vec<Backend> = sandbox.passed_over().iter().map(|it| it.backend).collect();
    if !snapshot_works_elsewhere() {
        // It is passed over for reasons of the machine's; all that can be asked for is the next one that works.
        assert_eq!(was.first(), Some(&Backend::Snapshot));
        assert!(expected == Backend::Snapshot || sandbox.backend() == expected);
        return sandbox;
    }
    assert_eq!(sandbox.backend(), expected);
    assert_eq!(was, passed_over.iter().map(|it| it.0).collect::<Vec<_>>());
    for ((backend, cause), found) in passed_over.iter().zip(sandbox.passed_over()) {
        let only = start(BackendChoice::Only(*backend), &[]);
        let only = only.err().unwrap_or_else(|| panic!("{backend} started"));
        for error in [&found.error, &only] {
            assert!(
                matches!(error, SandboxError::Backend { remedy, .. } if !remedy.is_empty()),
                "{error:?}"
            );
            let words = error.to_string();
            assert!(
                words.contains(cause) && words.contains(backend.name()),
                "{cause} is not the cause in: {words}"
            );
        }
    }
    sandbox
}

/// Good programs give their values, and hostile ones nothing.
fn serves(sandbox: &Python) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    for hostile in [
        "def f(x):\n    return open('/etc/passwd').read()",
        "import socket\ndef f(x):\n    return socket.create_connection(('127.0.0.1', x), 1).fileno()",
        "import os\ndef f(x):\n    return os.fork()",
    ] {
        let job = job(hostile, &[&port], Scrutiny::Run, 20_000);
        assert_eq!(outputs(sandbox, &job), ["error"], "{hostile}");
        answers(sandbox);
    }
    assert!(listener.accept().is_err(), "someone came through");
    let set = job(
        "def f(x):\n    return list(map(str, {'a', 'b', 'c', 'd'}))",
        &["1"],
        Scrutiny::Check,
        20_000,
    );
    assert_eq!(outputs(sandbox, &set), ["nondeterministic"]);
}

fn answers(sandbox: &Python) {
    let doubles = job(DOUBLES, &["4"], Scrutiny::Run, 20_000);
    assert_eq!(outputs(sandbox, &doubles), ["8"]);
}

/// These layers are named with a remedy, and not to be had.
fn lacks(sandbox: &Python, layers: &[Layer]) {
    for layer in layers {
        let missing = &sandbox.isolation().missing;
        let named = missing.iter().find(|it| it.layer == *layer);
        let named = named.unwrap_or_else(|| panic!("{layer} is not named in {missing:?}"));
        assert!(!named.reason.is_empty() && !named.remedy.is_empty());
    }
    match start(BackendChoice::Auto, layers) {
        Err(SandboxError::MissingLayers { missing }) => {
            let missing: Vec<Layer> = missing.iter().map(|it| it.layer).collect();
            assert_eq!(missing, layers);
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("started without {layers:?}"),
    }
}

#[test]
fn without_userfaultfd_it_forks() {
    for error in [ENOSYS, EPERM] {
        let host = [refused(libc::SYS_userfaultfd, error)];
        if is_on_host("without_userfaultfd_it_forks", Who::Same, &host) {
            let cause = "userfaultfd is refused";
            return serves(&fastest(Backend::Fork, &[(Backend::Snapshot, cause)]));
        }
    }
}

#[test]
fn on_a_kernel_before_the_list_of_written_pages_it_forks() {
    let name = "on_a_kernel_before_the_list_of_written_pages_it_forks";
    for host in kernels_before_asynchronous_protection() {
        if is_on_host(name, Who::Same, &[host]) {
            let cause = "use Linux 6.7";
            return serves(&fastest(Backend::Fork, &[(Backend::Snapshot, cause)]));
        }
    }
}

#[test]
fn without_ptrace_it_forks() {
    let host = [refused(libc::SYS_ptrace, EPERM)];
    if is_on_host("without_ptrace_it_forks", Who::Same, &host) {
        let cause = "ptrace is refused";
        serves(&fastest(Backend::Fork, &[(Backend::Snapshot, cause)]));
    }
}

#[test]
fn root_without_user_namespaces_names_that_layer() {
    let name = "root_without_user_namespaces_names_that_layer";
    if is_on_host(name, Who::Same, &no_user_namespaces()) {
        let sandbox = fastest(Backend::Snapshot, &[]);
        lacks(&sandbox, &[Layer::User]);
        serves(&sandbox);
    }
}

#[test]
fn a_user_without_user_namespaces_names_all_that_hang_on_them() {
    let name = "a_user_without_user_namespaces_names_all_that_hang_on_them";
    if is_on_host(name, Who::Nobody, &no_user_namespaces()) {
        let sandbox = fastest(Backend::Snapshot, &[]);
        lacks(
            &sandbox,
            &[Layer::User, Layer::Pid, Layer::Net, Layer::Root],
        );
        serves(&sandbox);
    }
}

#[test]
fn where_processor_time_has_an_end_it_forks() {
    if is_on_host("where_processor_time_has_an_end_it_forks", Who::Timed, &[]) {
        let cause = "processor time without a limit";
        serves(&fastest(Backend::Fork, &[(Backend::Snapshot, cause)]));
    }
}

#[test]
fn in_a_container_it_forks_for_root() {
    let name = "in_a_container_it_forks_for_root";
    if is_on_host(name, Who::ContainerRoot, &container_profile()) {
        in_a_container();
    }
}

#[test]
fn in_a_container_it_forks_for_users() {
    let name = "in_a_container_it_forks_for_users";
    if is_on_host(name, Who::Nobody, &container_profile()) {
        in_a_container();
    }
}

fn in_a_container() {
    let cause = "userfaultfd is refused";
    let sandbox = fastest(Backend::Fork, &[(Backend::Snapshot, cause)]);
    lacks(
        &sandbox,
        &[Layer::User, Layer::Pid, Layer::Net, Layer::Root],
    );
    for layer in [
        Layer::Seccomp,
        Layer::NoNewPrivs,
        Layer::Rlimits,
        Layer::Capabilities,
    ] {
        assert!(sandbox.isolation().layers.contains(&layer), "{layer}");
    }
    serves(&sandbox);
}

#[test]
fn without_copies_of_descriptors_it_forks() {
    let host = [refused(libc::SYS_pidfd_getfd, EPERM)];
    if is_on_host("without_copies_of_descriptors_it_forks", Who::Same, &host) {
        let cause = "pidfd_getfd is refused";
        serves(&fastest(Backend::Fork, &[(Backend::Snapshot, cause)]));
    }
}

#[test]
fn a_container_without_a_profile_leaves_root_no_forks() {
    let name = "a_container_without_a_profile_leaves_root_no_forks";
    if is_on_host(name, Who::ContainerRoot, &[]) {
        serves(&fastest(Backend::Snapshot, &[]));
        root_does_not_fork();
    }
}

#[test]
fn root_that_cannot_become_another_user_does_not_fork() {
    let name = "root_that_cannot_become_another_user_does_not_fork";
    if is_on_host(name, Who::BareRoot, &container_profile()) {
        root_does_not_fork();
    }
}

/// The kernel sets root no limit on processes.
fn root_does_not_fork() {
    let auto = start(BackendChoice::Auto, &[]).unwrap_or_else(|error| panic!("{error}"));
    // Elsewhere these are tests of an ordinary user, who may.
    if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        let Err(refused) = start(BackendChoice::Only(Backend::Fork), &[]) else {
            panic!("root forks");
        };
        let words = refused.to_string();
        assert!(words.contains("start as an ordinary user"), "{words}");
        assert_ne!(auto.backend(), Backend::Fork);
    }
    serves(&auto);
}

#[test]
fn without_landlock_the_other_layers_hold() {
    let name = "without_landlock_the_other_layers_hold";
    if is_on_host(name, Who::Same, &no_landlock()) {
        let sandbox = fastest(Backend::Snapshot, &[]);
        lacks(&sandbox, &[Layer::Landlock]);
        serves(&sandbox);
    }
}

#[test]
fn without_seccomp_it_forks_and_the_other_layers_hold() {
    let name = "without_seccomp_it_forks_and_the_other_layers_hold";
    if is_on_host(name, Who::Same, &no_seccomp()) {
        let cause = "seccomp";
        let sandbox = fastest(Backend::Fork, &[(Backend::Snapshot, cause)]);
        lacks(&sandbox, &[Layer::Seccomp]);
        serves(&sandbox);
    }
}

#[test]
fn where_nothing_else_limits_processes_the_control_group_does() {
    let name = "where_nothing_else_limits_processes_the_control_group_does";
    let mut host = no_seccomp().to_vec();
    host.extend([
        refused(libc::SYS_prlimit64, EPERM),
        refused(libc::SYS_setrlimit, EPERM),
    ]);
    if is_on_host(name, Who::Same, &host) {
        let sandbox = start(BackendChoice::Only(Backend::Exec), &[]);
        let sandbox = sandbox.unwrap_or_else(|error| panic!("{error}"));
        lacks(&sandbox, &[Layer::Rlimits, Layer::Seccomp]);
        let forks = job(FORKS, &["100"], Scrutiny::Run, 20_000);
        if sandbox.isolation().layers.contains(&Layer::ControlGroup) {
            assert_eq!(outputs(&sandbox, &forks), ["True"]);
        }
        answers(&sandbox);
    }
}

#[test]
fn without_handles_of_workers_each_run_starts_an_interpreter() {
    let name = "without_handles_of_workers_each_run_starts_an_interpreter";
    let host = [refused(libc::SYS_pidfd_open, ENOSYS)];
    if is_on_host(name, Who::Same, &host) {
        each_run_starts_an_interpreter("pidfd_open is refused");
    }
}

#[test]
fn without_signals_by_handle_each_run_starts_an_interpreter() {
    let name = "without_signals_by_handle_each_run_starts_an_interpreter";
    let host = [refused(libc::SYS_pidfd_send_signal, EPERM)];
    if is_on_host(name, Who::Same, &host) {
        each_run_starts_an_interpreter("pidfd_send_signal is refused");
    }
}

#[test]
fn without_forks_each_run_starts_an_interpreter() {
    let name = "without_forks_each_run_starts_an_interpreter";
    // The supervisor starts processes and threads that share its memory for a moment, or for good.
    let shares = libc::CLONE_VM as u32;
    let host = [
        refused_when(libc::SYS_clone, EAGAIN, 0, Test::HasNone, shares),
        refused(libc::SYS_clone3, ENOSYS),
    ];
    if is_on_host(name, Who::Same, &host) {
        each_run_starts_an_interpreter("fork is refused");
    }
}

fn each_run_starts_an_interpreter(cause: &str) {
    let passed_over = [(Backend::Snapshot, cause), (Backend::Fork, cause)];
    let sandbox = fastest(Backend::Exec, &passed_over);
    serves(&sandbox);
    let hangs = job(
        "def f(x):\n    while True: pass",
        &["1"],
        Scrutiny::Run,
        300,
    );
    assert_eq!(outputs(&sandbox, &hangs), ["timeout"]);
    answers(&sandbox);
}

#[test]
fn without_shared_memory_there_is_no_sandbox_and_it_says_what_to_do() {
    let name = "without_shared_memory_there_is_no_sandbox_and_it_says_what_to_do";
    let host = [refused(libc::SYS_memfd_create, ENOSYS)];
    if is_on_host(name, Who::Same, &host) {
        let choices = Backend::ALL.map(BackendChoice::Only);
        for choice in [BackendChoice::Auto].iter().chain(&choices) {
            let error = start(*choice, &[])
                .err()
                .unwrap_or_else(|| panic!("{choice:?}"));
            assert!(matches!(error, SandboxError::Host { .. }), "{error:?}");
            let words = error.to_string();
            assert!(words.contains("allow memfd_create"), "{words}");
        }
    }
}

#[test]
fn where_all_is_refused_at_once_a_program_still_gets_its_verdict_and_every_layer_is_named() {
    let name =
        "where_all_is_refused_at_once_a_program_still_gets_its_verdict_and_every_layer_is_named";
    let mut host = container_profile();
    host.extend(no_user_namespaces());
    host.extend(no_landlock());
    host.extend(no_seccomp());
    host.extend([
        refused(libc::SYS_ptrace, EPERM),
        refused(libc::SYS_pidfd_open, EPERM),
        refused(libc::SYS_pidfd_send_signal, EPERM),
        refused(libc::SYS_close_range, ENOSYS),
        refused(libc::SYS_sched_setaffinity, EPERM),
    ]);
    for who in [Who::ContainerRoot, Who::Nobody] {
        if is_on_host(name, who, &host) {
            let cause = "pidfd_send_signal is refused";
            let passed_over = [(Backend::Snapshot, cause), (Backend::Fork, cause)];
            let sandbox = fastest(Backend::Exec, &passed_over);
            let layers = [
                Layer::User,
                Layer::Pid,
                Layer::Root,
                Layer::Landlock,
                Layer::Seccomp,
            ];
            lacks(&sandbox, &layers);
            return answers(&sandbox);
        }
    }
}
