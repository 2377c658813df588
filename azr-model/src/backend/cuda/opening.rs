//! What GPUs there are, asked without touching any, and one of them opened.

use std::path::PathBuf;

use super::{CudaBackend, Gpu, GpuOptions, told};
use crate::{
    backend::BackendError,
    cuda::{self, Device},
};

/// The GPUs of this machine, by number.
///
/// # Errors
/// There is no driver, or it does not work; in words, with the remedy.
pub fn gpus() -> Result<Vec<Gpu>, BackendError> {
    cuda::gpus().map_err(told)
}

/// Whether NVRTC can be loaded, by the system or from these directories.
///
/// # Errors
/// It cannot; in words, with the remedy.
pub fn compiler(library_directories: &[PathBuf]) -> Result<(), BackendError> {
    cuda::compiler(library_directories).map_err(told)
}

impl CudaBackend {
    /// Opens a GPU of this machine. Nothing is loaded before this is called, and a program that never calls it needs no
    /// driver.
    ///
    /// # Errors
    /// There is no driver, no such GPU, or no NVRTC; in words, with the remedy.
    pub fn open(options: &GpuOptions) -> Result<Self, BackendError> {
        Device::open(options).map(Self::new).map_err(told)
    }

    /// A GPU that is not there, for checks: the kernels are compiled with g++ into a directory, where they are found again,
    /// and run on the processor, each launch in three orders that must agree. Times say nothing.
    ///
    /// # Errors
    /// g++ cannot be started, or nothing can be written to the directory.
    #[cfg(feature = "emulator")]
    pub fn emulated(kernels: &std::path::Path) -> Result<Self, BackendError> {
        Device::emulated(kernels).map(Self::new).map_err(told)
    }
}
