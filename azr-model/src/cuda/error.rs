//! Why a device did not do what it was asked, in words.

use std::path::PathBuf;

use thiserror::Error;

/// Why a device did not do what it was asked.
#[derive(Debug, Error)]
pub(crate) enum DeviceError {
    /// Sizes that do not belong together.
    #[error("{call}: {wanted}, but the sizes are {found:?}")]
    Sizes {
        call: &'static str,
        wanted: &'static str,
        found: Vec<usize>,
    },
    /// A shape that the kernel was not written for.
    #[error("{call}: {limit} is {found}, and at most {most} is supported")]
    Unsupported {
        call: &'static str,
        limit: &'static str,
        found: usize,
        most: usize,
    },
    /// No memory.
    #[error(
        "no memory on the device for {bytes} more bytes; choose a smaller model, batch or cache"
    )]
    Allocate { bytes: usize },
    /// The kernels do not compile.
    #[error("kernels {name} do not compile:\n{log}")]
    Compile { name: &'static str, log: String },
    /// A kernel was not run, or ran wrong.
    #[error("kernel {kernel}, grid {grid:?}, block {block:?}: {cause}")]
    Launch {
        kernel: &'static str,
        grid: [usize; 3],
        block: [u32; 3],
        cause: String,
    },
    /// There is no driver.
    #[error(
        "no CUDA driver can be loaded ({first}, {last} and other names were looked for); install NVIDIA's driver, version 580 or later, or compute on the CPU"
    )]
    NoDriver { first: String, last: String },
    /// There is no such GPU.
    #[error("there is no GPU {index}: {count} are here, counted from 0")]
    NoSuchGpu { index: usize, count: usize },
    /// The kernels need more than it can.
    #[error(
        "{name} has compute capability {major}.{minor}, and the kernels need 8.0 (Ampere) or later; compute on the CPU"
    )]
    OldGpu {
        name: String,
        major: u32,
        minor: u32,
    },
    /// There is no NVRTC.
    #[error(
        "NVRTC, which compiles the kernels, can be loaded neither by the system nor from {directories:?}; pip install nvidia-cuda-nvrtc==13.0.88 in a virtual environment, or set CUDA_HOME to a CUDA toolkit 13.0"
    )]
    NoCompiler { directories: Vec<PathBuf> },
    /// A call of the driver failed.
    #[error("{call}: {cause}; {remedy}")]
    Call {
        call: &'static str,
        cause: String,
        remedy: &'static str,
    },
}
