//! Every kernel through the compiler that compiles it on a user's machine: NVRTC, without a GPU and without a driver.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use super::sources;
use crate::cuda::{Source, driver::Compiler};

/// What `cargo xtask cuda` compiles for, and what a driver is asked for on those GPUs.
const ARCHITECTURES: [&str; 2] = ["sm_80", "sm_90a"];

fn compiler() -> Compiler {
    let home = env::var_os("CUDA_HOME")
        .map(PathBuf::from)
        .expect("set CUDA_HOME to a CUDA toolkit 13.0: CUDA_HOME=$(.ci/cuda-toolkit)");
    Compiler::load(&["lib64", "lib"].map(|it| home.join(it)))
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_kernel_becomes_machine_code_under_its_name() {
    let compiler = compiler();
    for source in sources() {
        assert_eq!(
            source.text.matches("__global__").count(),
            source.kernels().len(),
            "{}: kernels",
            source.name
        );
        for architecture in ARCHITECTURES {
            let binary = compiler
                .compile(&source, architecture)
                .unwrap_or_else(|error| panic!("{error}"));
            assert!(binary.starts_with(b"\x7fELF"), "{}", source.name);
            for kernel in source.kernels() {
                let section = format!(".text.{kernel}\0");
                let mut windows = binary.windows(section.len());
                let found = windows.any(|it| it == section.as_bytes());
                assert!(found, "{}: {kernel}", source.name);
            }
        }
    }
}

#[test]
fn what_does_not_compile_is_told_with_its_line() {
    let broken = Source {
        name: "broken",
        text: "\nextern \"C\" __global__ void __launch_bounds__(1) wrong(float* x) { x[0] = y; }",
    };
    let error = compiler().compile(&broken, "sm_80").unwrap_err();
    let words = error.to_string();
    assert!(
        words.starts_with("kernels broken do not compile") && words.contains("broken/kernel.cu(2)"),
        "{words}"
    );
}

#[test]
fn no_kernel_file_is_left_out() {
    let kernels = concat!(env!("CARGO_MANIFEST_DIR"), "/src/kernels");
    assert_eq!(kernel_files(Path::new(kernels)), sources().len());
}

fn kernel_files(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).expect("the kernels are there");
    let count = |entry: io::Result<fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            kernel_files(&path)
        } else {
            usize::from(path.ends_with("kernel.cu"))
        }
    };
    entries.map(count).sum()
}
