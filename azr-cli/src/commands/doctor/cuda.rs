//! What GPUs there are, and whether kernels can be compiled for them.

use azr_model::backend::cuda::{Gpu, compiler, gpus};

use super::machine::{self, gigabytes};
use super::{Finding, State};
use crate::device::library_directories;
use crate::environment::Environment;

/// One line: no driver and what was looked for, or every GPU with its memory and compute capability.
pub fn finding(environment: &Environment) -> Finding {
    let nothing = || "none needed for azr-tiny and models up to about 1 B weights".to_string();
    let gpus = match gpus() {
        Ok(gpus) => gpus,
        Err(error) => {
            return machine::finding("cuda", State::Limited, error.to_string(), nothing);
        }
    };
    if gpus.is_empty() {
        let found = "a driver, and no GPU; the CPU computes".to_string();
        return machine::finding("cuda", State::Limited, found, nothing);
    }
    let all: Vec<String> = gpus.iter().map(words).collect();
    let found = format!(
        "{} for --device cuda: {}",
        count(gpus.len()),
        all.join("; ")
    );
    match compiler(&library_directories(environment)) {
        Ok(()) => machine::finding("cuda", State::Good, found, String::new),
        Err(error) => machine::finding("cuda", State::Missing, found, || error.to_string()),
    }
}

fn count(gpus: usize) -> String {
    match gpus {
        1 => "1 GPU".to_string(),
        n => format!("{n} GPUs"),
    }
}

fn words(gpu: &Gpu) -> String {
    let (major, minor) = gpu.compute_capability;
    format!(
        "{} {}, {}, compute capability {major}.{minor}",
        gpu.index,
        gpu.name,
        gigabytes(gpu.memory_bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_is_told_by_number_name_memory_and_capability() {
        let gpu = Gpu {
            index: 1,
            name: "NVIDIA H100 80GB HBM3".into(),
            memory_bytes: 80 << 30,
            compute_capability: (9, 0),
        };
        let words = words(&gpu);
        assert_eq!(
            words,
            "1 NVIDIA H100 80GB HBM3, 80.0 GiB, compute capability 9.0"
        );
        assert_eq!([count(1), count(8)], ["1 GPU", "8 GPUs"]);
    }
}
