//! What `cargo xtask gpu` runs on a device, beside the contracts of the kernels: golden numbers, and every kernel by the
//! clock; and the table that is made of all of it.
#![forbid(unsafe_code)]

mod device;
mod golden;
mod kernels;
mod lines;
mod table;
mod timer;

use std::io::{Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use crate::device::On;

const HELP: &str = "\
gpu-report <command>

  golden --on DEVICE DIR...  log-probabilities of small models beside the golden ones that lie in their directories
  time --on DEVICE           every kernel: checked against the processor, then timed; a JSON object for each
  table FILE                 the table of a raw output

DEVICE is cuda, or emulator, which takes tiny shapes and whose times say nothing.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["golden", "--on", device, models @ ..] => On::parse(device).and_then(|on| {
            models
                .iter()
                .try_for_each(|it| golden::check(on, Path::new(it)))
        }),
        ["time", "--on", device] => On::parse(device).and_then(kernels::time),
        ["table", raw] => print(Path::new(raw)),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gpu-report: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(raw: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(raw).with_context(|| raw.display().to_string())?;
    Ok(stdout().write_all(table::of(&text).as_bytes())?)
}
