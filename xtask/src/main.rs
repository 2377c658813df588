//! The project's own checks: `cargo xtask tidy` reads the tree, `cargo xtask cuda` compiles the CUDA kernels, `cargo
//! xtask gpu` checks and times what they compute, `cargo xtask ci` does what the build machine does.
#![forbid(unsafe_code)]

mod ci;
mod cuda;
mod gpu;
mod rust;
mod tidy;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  tidy [DIR]   check what the compiler does not: layers, homes, sizes, words (DIR: another tree; default: this one)
  cuda         compile every CUDA kernel for sm_80 and sm_90a; print registers, shared memory and spills
  gpu --on D   hold every CUDA kernel and the engine on them to their contracts and to golden numbers, on the emulator or on a
               GPU (D: emulator, cuda), and time them; more arguments are those of the script, see docs/bench
  gpu pack --out DIR
               fill a folder that does the same on another machine, without a network
  ci           everything .ci/run does: tools, format, clippy, tidy, docs, CUDA compilers, tests, smoke run, the run of
               a GPU on the emulator
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["tidy"] => tidy::print(&repository()),
        ["tidy", root] => tidy::print(Path::new(root)),
        ["cuda"] => cuda::run(&repository()),
        ["gpu", "pack", "--out", folder] => gpu::pack(&repository(), Path::new(folder)),
        ["gpu", arguments @ ..] if arguments.first() == Some(&"--on") => {
            gpu::run(&repository(), arguments)
        }
        ["ci"] => ci::run(&repository()),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The top of this repository: the directory above this package.
fn repository() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}
