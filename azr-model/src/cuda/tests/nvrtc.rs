//! Every kernel through the compiler that compiles it on a user's machine: NVRTC, without a GPU and without a driver.

use std::{env, ffi::CStr, fs, path::PathBuf};

use cudarc::nvrtc::{CompileError, CompileOptions, compile_ptx_with_opts};
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

use super::sources;

/// What `cargo xtask cuda` compiles for, as NVRTC names it.
const ARCHITECTURES: [&str; 2] = ["compute_80", "compute_90a"];

/// Loads NVRTC from the toolkit, so that cudarc finds it by its name alone, as NVRTC does its second part.
fn load() -> [Library; 2] {
    let home = env::var_os("CUDA_HOME")
        .map(PathBuf::from)
        .expect("set CUDA_HOME to a CUDA toolkit 13.0: CUDA_HOME=$(.ci/cuda-toolkit)");
    ["libnvrtc-builtins.so.13.0", "libnvrtc.so.13"].map(|name| {
        let places = ["lib", "lib64"].map(|it| home.join(it).join(name));
        let path = places.iter().find(|it| it.is_file());
        let path = path.unwrap_or_else(|| panic!("there is none of {places:?}"));
        // SAFETY: NVRTC is loaded as it always is; its initializers touch nothing of ours.
        unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }.expect("NVRTC loads")
    })
}

fn log_of(error: &CompileError) -> String {
    match error {
        CompileError::CompileError { log, .. } => log.to_string_lossy().into_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn every_kernel_compiles_with_nvrtc_and_is_found_by_its_name() {
    let _nvrtc = load();
    for source in sources() {
        for architecture in ARCHITECTURES {
            let options = CompileOptions {
                arch: Some(architecture),
                options: vec!["--std=c++17".into()],
                ..CompileOptions::default()
            };
            let ptx = compile_ptx_with_opts(source.whole(), options)
                .unwrap_or_else(|error| panic!("{}: {}", source.name, log_of(&error)));
            let ptx = CStr::from_bytes_until_nul(ptx.as_bytes().expect("a compiled image"))
                .expect("PTX ends")
                .to_string_lossy()
                .into_owned();
            let entries = ptx.matches(".entry ").count();
            assert_eq!(entries, source.kernels().len(), "{}: kernels", source.name);
            for kernel in source.kernels() {
                let entry = format!(".entry {kernel}(");
                assert!(ptx.contains(&entry), "{}: {kernel}", source.name);
            }
        }
    }
}

#[test]
fn no_kernel_file_is_left_out() {
    let kernels = concat!(env!("CARGO_MANIFEST_DIR"), "/src/kernels");
    let there = fs::read_dir(kernels).expect("the kernels are there");
    let files = there.filter(|it| {
        let entry = it.as_ref().expect("an entry");
        entry.path().join("kernel.cu").is_file()
    });
    assert_eq!(files.count(), sources().len());
}
