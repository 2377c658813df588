//! Where it is measured, and how large what is measured is.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, bail};
use azr_model::Precision;
use azr_model::backend::cuda::{CudaBackend, GpuOptions};

/// A device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The first GPU.
    Cuda,
    /// None: the emulated machine, on the processor.
    Emulator,
}

impl On {
    pub fn parse(name: &str) -> anyhow::Result<Self> {
        match name {
            "cuda" => Ok(Self::Cuda),
            "emulator" => Ok(Self::Emulator),
            _ => bail!("{name} is no device: cuda or emulator"),
        }
    }

    /// Opens it. NVRTC is looked for where the system looks, and in the toolkit that CUDA_HOME names.
    pub fn open(self, precision: Precision) -> anyhow::Result<CudaBackend> {
        let backend = match self {
            Self::Cuda => {
                let home = env::var_os("CUDA_HOME").map(PathBuf::from);
                let directories = home
                    .iter()
                    .flat_map(|it| [it.join("lib64"), it.join("lib")]);
                CudaBackend::open(&GpuOptions {
                    index: 0,
                    library_directories: directories.collect(),
                })
            }
            Self::Emulator => {
                let program = env::current_exe().context("the path of this program")?;
                CudaBackend::emulated(&program.with_file_name("emulated-kernels"))
            }
        };
        Ok(backend?.with_precision(precision))
    }
}
