//! Packs what checks and times azr on a GPU into a folder that needs nothing else, and runs it: here on the emulated device,
//! on a GPU here, or wherever the folder is carried.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail, ensure};

/// Runs in the folder, with a plain shell.
const RUN: &str = include_str!("gpu/run.sh");
const KERNELS: &str = "azr-model/src/kernels";
const GOLDEN: &str = "golden/small";
/// Files that are carried as they are.
const CARRIED: [&str; 2] = [
    "benches/peers/torch_gpu.py",
    "configs/qwen2.5-coder-0.5b.toml",
];

/// How programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Built {
    /// As the tests are: on the emulated device times say nothing.
    ForTests,
    /// As users have them.
    ForUse,
}

/// Packs into the build directory and runs there. `arguments` are those of the script, `--on DEVICE` among them.
pub fn run(root: &Path, arguments: &[&str]) -> anyhow::Result<ExitCode> {
    let built = match arguments {
        ["--on", "emulator", ..] => Built::ForTests,
        _ => Built::ForUse,
    };
    let folder = build_directory()?.join("gpu");
    fill(root, &folder, built)?;
    let mut command = Command::new("sh");
    command.arg(folder.join("run")).args(arguments);
    let status = command.status().context("cannot start sh")?;
    Ok(match status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Fills a folder that can be carried to a machine with a GPU.
pub fn pack(root: &Path, folder: &Path) -> anyhow::Result<ExitCode> {
    fill(root, folder, Built::ForUse)?;
    println!(
        "{0} is filled: carry it to a machine with a GPU, then: sh {0}/run [--model DIR]",
        folder.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn fill(root: &Path, folder: &Path, built: Built) -> anyhow::Result<()> {
    let contracts = build(root, built)?;
    complete(root, &contracts)?;
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let programs = match built {
        Built::ForTests => "debug",
        Built::ForUse => "release",
    };
    let programs = build_directory()?.join(programs);
    link(&contracts, &folder.join("contracts"))?;
    for program in ["azr", "gpu-report"] {
        link(&programs.join(program), &folder.join(program))?;
    }
    for file in CARRIED {
        let name = Path::new(file).file_name().unwrap_or_default();
        place(&root.join(file), &folder.join(name))?;
    }
    for model in entries(&root.join(GOLDEN))? {
        let to = folder
            .join("golden")
            .join(model.file_name().unwrap_or_default());
        fs::create_dir_all(&to).with_context(|| to.display().to_string())?;
        for file in entries(&model)? {
            place(&file, &to.join(file.file_name().unwrap_or_default()))?;
        }
    }
    if let Some(home) = std::env::var_os("CUDA_HOME") {
        nvrtc(Path::new(&home), &folder.join("cuda/lib"))?;
    }
    let script = folder.join("run");
    fs::write(&script, RUN).with_context(|| script.display().to_string())
}

/// Builds everything; returns the tests of azr-model, which hold the contracts.
fn build(root: &Path, built: Built) -> anyhow::Result<PathBuf> {
    let words = match built {
        // The packages and features of .ci/run, so that nothing that it has built is built again.
        Built::ForTests => {
            "test --no-run --workspace --features azr-model/nvrtc,azr-benches/emulator"
        }
        Built::ForUse => {
            for words in [
                "build --release --package azr-cli",
                "build --release --package azr-benches --bin gpu-report --features emulator",
            ] {
                cargo(root, words)?;
            }
            "test --no-run --package azr-model --lib --features nvrtc"
        }
    };
    let said = cargo(root, words)?;
    let path = executable(&said, "azr_model-");
    Ok(root.join(path.with_context(|| format!("cargo names no tests of azr-model:\n{said}"))?))
}

/// What cargo prints while it builds.
fn cargo(root: &Path, words: &str) -> anyhow::Result<String> {
    let program = std::env::var_os("CARGO");
    let mut command = Command::new(program.as_deref().unwrap_or(OsStr::new("cargo")));
    let output = command.args(words.split(' ')).current_dir(root).output();
    let output = output.context("cannot start cargo")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "cargo {words}:\n{said}");
    Ok(said)
}

/// What stands in brackets in a line `Executable unittests src/lib.rs (PATH)`, where the file's name begins like this.
fn executable<'a>(said: &'a str, name: &str) -> Option<&'a str> {
    said.lines()
        .filter(|line| line.trim_start().starts_with("Executable unittests"))
        .filter_map(|line| line.rsplit_once('(')?.1.strip_suffix(')'))
        .find(|path| {
            path.rsplit('/')
                .next()
                .is_some_and(|it| it.starts_with(name))
        })
}

/// Fails unless every kernel has contracts among the tests, and so has the engine on them.
fn complete(root: &Path, contracts: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(contracts);
    let output = command.args(["--list", "cuda::tests"]).output();
    let output = output.with_context(|| contracts.display().to_string())?;
    let list = String::from_utf8_lossy(&output.stdout);
    for area in areas(root)? {
        ensure!(
            list.lines().any(|it| it.starts_with(&area)),
            "{area} has no contract; were its tests renamed?"
        );
    }
    Ok(())
}

/// Every kernel that has a CUDA form, and the backend that they make.
fn areas(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut areas = vec!["backend::cuda::tests::".to_owned()];
    for kernel in entries(&root.join(KERNELS))? {
        if kernel.join("kernel.cu").is_file() {
            let name = kernel.file_name().unwrap_or_default().to_string_lossy();
            areas.push(format!("kernels::{name}::cuda::tests::"));
        }
    }
    Ok(areas)
}

/// NVRTC and what it loads itself, of a toolkit.
fn nvrtc(home: &Path, to: &Path) -> anyhow::Result<()> {
    let mut found = Vec::new();
    for directory in ["lib64", "lib"].map(|it| home.join(it)) {
        if directory.is_dir() {
            found = entries(&directory)?;
            found.retain(|it| is_nvrtc(&it.file_name().unwrap_or_default().to_string_lossy()));
        }
        if !found.is_empty() {
            break;
        }
    }
    if found.is_empty() {
        bail!("CUDA_HOME, {}, holds no NVRTC", home.display());
    }
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for file in found {
        place(&file, &to.join(file.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

fn is_nvrtc(name: &str) -> bool {
    ["libnvrtc.so.", "libnvrtc-builtins.so."]
        .iter()
        .any(|it| name.starts_with(it))
}

/// A second name for a program; a copy where it cannot have one.
fn link(from: &Path, to: &Path) -> anyhow::Result<()> {
    // What is there is of an earlier run; that there is nothing is no matter.
    let _ = fs::remove_file(to);
    fs::hard_link(from, to).or_else(|_| place(from, to))
}

fn place(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copied = fs::copy(from, to);
    copied.with_context(|| format!("{} to {}", from.display(), to.display()))?;
    Ok(())
}

fn entries(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let words = || directory.display().to_string();
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory).with_context(words)? {
        entries.push(entry.with_context(words)?.path());
    }
    entries.sort();
    Ok(entries)
}

/// Where cargo builds: this program lies in `debug` there.
fn build_directory() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("the path of this program")?;
    let directory = program.parent().and_then(Path::parent);
    Ok(directory.context("a build directory")?.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_that_cargo_builds_the_contracts_are_found() {
        let said = "   Compiling a\n    Finished `dev` profile\n  \
            Executable unittests src/lib.rs (target/debug/deps/azr_cli-1)\n  \
            Executable tests/golden.rs (target/debug/deps/azr_model-3)\n  \
            Executable unittests src/lib.rs (target/debug/deps/azr_model-2)\n";
        let expected = Some("target/debug/deps/azr_model-2");
        assert_eq!(executable(said, "azr_model-"), expected);
        assert_eq!(executable("    Finished", "azr_model-"), None);
    }

    #[test]
    fn every_kernel_file_is_an_area() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let areas = areas(&root).unwrap();
        assert!(areas.contains(&"kernels::attention::cuda::tests::".to_owned()));
        assert!(areas.contains(&"backend::cuda::tests::".to_owned()));
    }

    #[test]
    fn of_a_toolkit_nvrtc_and_its_builtins_are_carried_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let (home, to) = (place.path().join("home"), place.path().join("to"));
        let refused = nvrtc(&home, &to).unwrap_err().to_string();
        assert!(refused.contains("holds no NVRTC"), "{refused}");
        fs::create_dir_all(home.join("lib")).unwrap();
        for name in [
            "libnvrtc.so.13",
            "libnvrtc-builtins.so.13.0",
            "libnvrtc_static.a",
            "libcudart.so.13",
        ] {
            fs::write(home.join("lib").join(name), name).unwrap();
        }
        nvrtc(&home, &to).unwrap();
        let names = ["libnvrtc-builtins.so.13.0", "libnvrtc.so.13"];
        assert_eq!(entries(&to).unwrap(), names.map(|it| to.join(it)));
    }

    #[test]
    fn the_script_is_one_that_sh_can_read_and_refuses_what_it_does_not_know() {
        let place = tempfile::tempdir().unwrap();
        let script = place.path().join("run");
        fs::write(&script, RUN).unwrap();
        for arguments in [
            &["--on", "tpu"][..],
            &["--model"],
            &["--without", "kernels"],
        ] {
            let mut command = Command::new("sh");
            let output = command.arg(&script).args(arguments).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains("sh run [--on cuda|emulator]"), "{said}");
        }
    }
}
