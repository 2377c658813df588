//! Compiles `native/` into a shared library, which the crate embeds and every template loads into its interpreter.
//!
//! It is compiled by the same compiler as the crate, for the same target, and depends on nothing but the standard
//! library: what it needs of CPython and of the C library is resolved when it is loaded.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=native");
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name: &str| env::var_os(name).unwrap_or_default();
    let library = PathBuf::from(variable("OUT_DIR")).join("azr_native.so");
    let mut command = Command::new(variable("RUSTC"));
    command
        .args([
            "native/lib.rs",
            "--crate-name",
            "azr_native",
            "--crate-type",
            "cdylib",
        ])
        .args(["--edition", "2024", "--cap-lints", "allow"])
        .args([
            "-C",
            "panic=abort",
            "-C",
            "opt-level=3",
            "-C",
            "strip=symbols",
        ])
        .args([OsString::from("--target"), variable("TARGET")])
        .args([OsString::from("-o"), library.into_os_string()]);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut option = OsString::from("linker=");
        option.push(linker);
        command.arg("-C").arg(option);
    }
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => {
            println!("cargo::error=the native part did not compile: {status}");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("cargo::error=the compiler could not be started for the native part: {error}");
            ExitCode::FAILURE
        }
    }
}
