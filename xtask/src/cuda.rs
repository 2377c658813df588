//! Compiles every CUDA kernel for the oldest and the newest supported architecture, shows what each takes of a
//! multiprocessor, and fails where registers spill to memory. Needs nvcc, no GPU.

mod ptxas;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail, ensure};

use ptxas::Usage;

/// What the kernels are compiled for: A100 and everything after it, and Hopper with what only it has.
const ARCHITECTURES: [&str; 2] = ["sm_80", "sm_90a"];
/// What stands before every kernel.
const SHARED: &str = "azr-model/cuda/device.cuh";
const KERNELS: &str = "azr-model/src/kernels";
/// A line of a file's head that begins so, followed by a kernel's name and a reason, excuses its spills.
const EXCUSE: &str = "// Spills: ";

/// Compiles and prints the table.
pub fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let nvcc = toolkit(root)?.join("bin/nvcc");
    let place = target(root).join("cuda");
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    let shared = fs::read_to_string(root.join(SHARED)).context(SHARED)?;
    let mut spilled = 0;
    println!(
        "{:<24} {:<7} {:>9} {:>7} {:>7} {:>7}",
        "kernel", "", "registers", "shared", "stack", "spills"
    );
    for (operation, text) in kernels(root)? {
        let source = place.join(format!("{}.cu", operation.replace('/', "-")));
        let head = format!("#line 1 \"{SHARED}\"\n{shared}\n#line 1 \"{operation}/kernel.cu\"\n");
        fs::write(&source, head + &text)
            .with_context(|| format!("cannot write {}", source.display()))?;
        for architecture in ARCHITECTURES {
            for usage in compile(&nvcc, &source, architecture)? {
                let excused = is_excused(&text, &usage.kernel);
                spilled += usize::from(0 < usage.spill_bytes && !excused);
                println!("{}", row(architecture, &usage, excused));
            }
        }
    }
    if 0 < spilled {
        println!(
            "{spilled} kernels spill registers; shrink them, or say why in the file's head: `{EXCUSE}NAME, because ...`"
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn row(architecture: &str, usage: &Usage, excused: bool) -> String {
    format!(
        "{:<24} {architecture:<7} {:>9} {:>7} {:>7} {:>7}{}",
        usage.kernel,
        usage.registers,
        usage.shared_bytes,
        usage.stack_bytes,
        usage.spill_bytes,
        if excused { " excused" } else { "" }
    )
}

/// Operation (`attention`, `attention/bf16`) and source of every kernel file.
fn kernels(root: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    gather(&root.join(KERNELS), "", &mut found)?;
    found.sort();
    ensure!(!found.is_empty(), "there is no kernel.cu below {KERNELS}");
    Ok(found)
}

fn gather(directory: &Path, prefix: &str, found: &mut Vec<(String, String)>) -> anyhow::Result<()> {
    let at = || directory.display().to_string();
    for entry in fs::read_dir(directory).with_context(at)? {
        let path = entry.with_context(at)?.path();
        let Some(name) = path
            .file_name()
            .and_then(OsStr::to_str)
            .filter(|_| path.is_dir())
        else {
            continue;
        };
        let operation = format!("{prefix}{name}");
        gather(&path, &format!("{operation}/"), found)?;
        let source = path.join("kernel.cu");
        if source.is_file() {
            let text = fs::read_to_string(&source).with_context(|| source.display().to_string())?;
            found.push((operation, text));
        }
    }
    Ok(())
}

fn compile(nvcc: &Path, source: &Path, architecture: &str) -> anyhow::Result<Vec<Usage>> {
    let virtual_architecture = architecture.replace("sm_", "compute_");
    let output = Command::new(nvcc)
        .args([
            "-std=c++17",
            "-cubin",
            "-Xptxas",
            "-v",
            "-diag-suppress",
            "177",
            "-Werror",
            "all-warnings",
        ])
        .arg(format!(
            "-gencode=arch={virtual_architecture},code={architecture}"
        ))
        .arg("-o")
        .arg(source.with_extension(format!("{architecture}.cubin")))
        .arg(source)
        .output()
        .with_context(|| format!("cannot start {}", nvcc.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!(
            "{} does not compile for {architecture}:\n{said}",
            source.display()
        );
    }
    let usages = ptxas::usages(&said);
    ensure!(
        !usages.is_empty(),
        "nvcc says nothing of the kernels in {}:\n{said}",
        source.display()
    );
    Ok(usages)
}

fn is_excused(text: &str, kernel: &str) -> bool {
    text.lines()
        .take_while(|line| line.starts_with("//"))
        .filter_map(|line| line.strip_prefix(EXCUSE))
        .filter_map(|rest| rest.split_once(", because "))
        .any(|(name, reason)| name == kernel && !reason.trim().is_empty())
}

/// Where nvcc lies: `CUDA_HOME`, or what `.ci/cuda-toolkit` installed.
fn toolkit(root: &Path) -> anyhow::Result<PathBuf> {
    let output = Command::new("bash")
        .arg(root.join(".ci/cuda-toolkit"))
        .current_dir(root)
        .output()
        .context("cannot start bash")?;
    ensure!(
        output.status.success(),
        "no CUDA compiler: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let place = root.join(String::from_utf8_lossy(&output.stdout).trim());
    ensure!(
        place.join("bin/nvcc").is_file(),
        "there is no bin/nvcc in {}; set CUDA_HOME to a CUDA toolkit 13.0",
        place.display()
    );
    Ok(place)
}

fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |it| root.join(it))
}

#[cfg(test)]
mod tests;
