//! The contract of a sandbox, kept by both backends.

use azr_executor::testing::{contract, permitted_backends};
use azr_executor::{Backend, BackendChoice, Python, PythonConfig};

fn sandbox(backend: Backend) -> Python {
    let config = PythonConfig {
        backend: BackendChoice::Only(backend),
        ..PythonConfig::default()
    };
    Python::start(&config).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_fork_backend_keeps_the_contract() {
    contract(&sandbox(Backend::Fork));
}

#[test]
fn the_exec_backend_keeps_the_contract() {
    contract(&sandbox(Backend::Exec));
}

#[test]
fn the_snapshot_backend_keeps_the_contract() {
    if permitted_backends().contains(&Backend::Snapshot) {
        contract(&sandbox(Backend::Snapshot));
    }
}
