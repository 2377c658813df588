//! The seam to a device that runs CUDA kernels: memory, sources and launches, with every size checked before one.
//!
//! A [`Driver`] is a GPU behind its driver, or the emulator of the tests (`azr-model/cuda/emulator`). Nothing above it
//! knows which. The launch forms of the kernels (`kernels/<op>/cuda.rs`) speak to a [`Device`] only. They are compiled
//! with the tests of the feature `emulator` and not yet part of a backend.

mod memory;
mod source;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use thiserror::Error;

pub(crate) use memory::{Buffer, Element, View, ViewMut};
pub(crate) use source::Source;
#[cfg(test)]
pub(crate) use tests::{caught, emulated};

/// Blocks along the second and third axis of a grid.
const GRID_SIDE_MAX: usize = 65_535;

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
}

/// One argument of a kernel, in the order of its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Argument {
    /// Memory that the kernel reads.
    Read(u64),
    /// Memory that the kernel writes.
    Write(u64),
    /// A 32-bit whole number.
    Size(u32),
    /// A number.
    Number(f32),
}

/// One kernel over a grid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Launch<'a> {
    pub(crate) kernel: &'static str,
    pub(crate) grid: [usize; 3],
    pub(crate) block: [u32; 3],
    pub(crate) dynamic_shared_bytes: usize,
    pub(crate) arguments: &'a [Argument],
}

/// What has to be had of a device; addresses are the device's own.
pub(crate) trait Driver: Send + Sync {
    /// Takes memory, aligned to 16 bytes at least; what is in it is not told.
    fn allocate(&self, bytes: usize) -> Result<u64, DeviceError>;
    /// Gives it back.
    fn free(&self, address: u64, bytes: usize);
    /// Copies to the device.
    fn write(&self, from: &[u8], to: u64) -> Result<(), DeviceError>;
    /// Copies to the host, after everything that was launched before.
    fn read(&self, from: u64, to: &mut [u8]) -> Result<(), DeviceError>;
    /// Runs a kernel of a source, compiling that first where it is new.
    fn launch(&self, source: &Source, launch: &Launch<'_>) -> Result<(), DeviceError>;
}

/// A device and what its kernels are launched through.
#[derive(Clone)]
pub(crate) struct Device {
    driver: Arc<dyn Driver>,
}

impl Device {
    pub(crate) fn new(driver: Arc<dyn Driver>) -> Self {
        Self { driver }
    }

    /// Memory for so many elements; what is in it is not told.
    pub(crate) fn allocate<T: Element>(&self, elements: usize) -> Result<Buffer<T>, DeviceError> {
        Buffer::new(Arc::clone(&self.driver), elements)
    }

    /// Memory with these values.
    pub(crate) fn upload<T: Element>(&self, values: &[T]) -> Result<Buffer<T>, DeviceError> {
        let buffer = self.allocate(values.len())?;
        let bytes: Vec<u8> = values.iter().flat_map(|it| it.bytes()).collect();
        self.driver.write(&bytes, buffer.view().address())?;
        Ok(buffer)
    }

    /// The values of a view.
    pub(crate) fn download<T: Element>(&self, view: View<'_, T>) -> Result<Vec<T>, DeviceError> {
        let mut bytes = vec![0; view.len() * T::BYTES];
        self.driver.read(view.address(), &mut bytes)?;
        Ok(bytes.chunks_exact(T::BYTES).map(T::from_bytes).collect())
    }

    /// Runs a kernel; an empty grid is no work.
    pub(crate) fn launch(&self, source: &Source, launch: Launch<'_>) -> Result<(), DeviceError> {
        let refuse = |cause: &str| DeviceError::Launch {
            kernel: launch.kernel,
            grid: launch.grid,
            block: launch.block,
            cause: cause.to_string(),
        };
        if launch.grid.contains(&0) {
            return Ok(());
        }
        let sides = launch.grid[1].max(launch.grid[2]);
        if i32::MAX as usize <= launch.grid[0] || GRID_SIDE_MAX < sides {
            return Err(refuse("the grid is too large; choose a smaller batch"));
        }
        self.driver.launch(source, &launch)
    }
}

/// Fails unless sizes belong together.
pub(crate) fn check(
    call: &'static str,
    wanted: &'static str,
    holds: bool,
    found: &[usize],
) -> Result<(), DeviceError> {
    if holds {
        return Ok(());
    }
    Err(DeviceError::Sizes {
        call,
        wanted,
        found: found.to_vec(),
    })
}

/// A size as kernels take it.
pub(crate) fn size(
    call: &'static str,
    limit: &'static str,
    found: usize,
) -> Result<Argument, DeviceError> {
    let most = u32::MAX as usize;
    u32::try_from(found)
        .map(Argument::Size)
        .map_err(|_| DeviceError::Unsupported {
            call,
            limit,
            found,
            most,
        })
}

/// Whether rows of `width` from these addresses on can be read by four: 1 or 0, as kernels take it.
pub(crate) fn by_four(width: usize, addresses: &[u64]) -> Argument {
    let aligned = addresses.iter().all(|it| it.is_multiple_of(16));
    Argument::Size(u32::from(width.is_multiple_of(4) && aligned))
}
