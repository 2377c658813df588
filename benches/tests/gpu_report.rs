//! The program that `cargo xtask gpu` carries, end to end: what it refuses, and the table of a raw output.

use std::process::{Command, Output};

fn report(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-report"));
    let output = command.args(arguments).output();
    output.expect("the program starts")
}

#[test]
fn the_table_of_a_raw_output_is_printed_and_what_is_not_understood_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let raw = place.path().join("raw.txt");
    std::fs::write(&raw, "device: emulator\ngolden one: 9 log-probabilities\n").unwrap();
    let printed = report(&["table", raw.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&printed.stdout).into_owned();
    assert!(
        printed.status.success() && text.contains("golden one"),
        "{text}"
    );
    for (arguments, code) in [
        (&["table"][..], 2),
        (&["time", "--on", "tpu"], 1),
        (&["table", "no such file"], 1),
    ] {
        assert_eq!(report(arguments).status.code(), Some(code), "{arguments:?}");
    }
}
