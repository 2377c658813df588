//! The seam to a device that runs CUDA kernels: memory, sources and launches, with every size checked before one.
//!
//! A [`Driver`] is a GPU behind its driver, or the emulator (`azr-model/cuda/emulator`, with the feature of that name).
//! Nothing above it knows which. The launch forms of the kernels (`kernels/<op>/cuda.rs`) speak to a [`Device`] only, and so does the backend
//! (`backend/cuda.rs`).

mod bytes;
mod counting;
mod driver;
#[cfg(feature = "emulator")]
mod emulator;
mod error;
mod memory;
mod source;
#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests;

#[cfg(feature = "emulator")]
use std::path::Path;
use std::sync::Arc;

use bytes::{Element, bytes_of, bytes_of_mut};
pub(crate) use counting::Meter;
pub use driver::{Gpu, GpuOptions};
pub(crate) use driver::{compiler, gpus};
pub(crate) use error::DeviceError;
pub(crate) use memory::{Buffer, Kept, View, ViewMut};
pub(crate) use source::Source;
#[cfg(all(test, feature = "emulator"))]
pub(crate) use tests::{caught, metered_device, test_device};

/// Blocks along the second and third axis of a grid.
const GRID_SIDE_MAX: usize = 65_535;

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
    /// Makes bytes zero.
    fn clear(&self, at: u64, bytes: usize) -> Result<(), DeviceError>;
    /// Copies on the device, between places that do not overlap.
    fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<(), DeviceError>;
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

    /// A GPU of this machine.
    pub(crate) fn open(options: &GpuOptions) -> Result<Self, DeviceError> {
        Ok(Self::new(Arc::new(driver::CudaDriver::open(options)?)))
    }

    /// A GPU that is not there, with its kernels compiled into a directory; see [`emulator`].
    #[cfg(feature = "emulator")]
    pub(crate) fn emulated(kernels: &Path) -> Result<Self, DeviceError> {
        let machine = emulator::Machine::get(kernels)?;
        Ok(Self::new(Arc::new(emulator::Emulator::new(machine, None))))
    }

    /// Nothing but a count of what is asked of it; see [`counting`].
    pub(crate) fn counting(meter: Meter) -> Self {
        Self::new(Arc::new(counting::Counting::new(meter)))
    }

    /// Memory for so many elements; what is in it is not told.
    pub(crate) fn allocate<T: Element>(&self, elements: usize) -> Result<Buffer<T>, DeviceError> {
        Buffer::new(Arc::clone(&self.driver), elements)
    }

    /// Zeros.
    pub(crate) fn zeros<T: Element>(&self, elements: usize) -> Result<Buffer<T>, DeviceError> {
        let mut buffer = self.allocate(elements)?;
        self.clear(buffer.view_mut())?;
        Ok(buffer)
    }

    /// Memory with these values.
    pub(crate) fn upload<T: Element>(&self, values: &[T]) -> Result<Buffer<T>, DeviceError> {
        let mut buffer = self.allocate(values.len())?;
        self.write(values, buffer.view_mut())?;
        Ok(buffer)
    }

    /// Copies values into the beginning of a view.
    pub(crate) fn write<T: Element>(
        &self,
        values: &[T],
        out: ViewMut<'_, T>,
    ) -> Result<(), DeviceError> {
        let sizes = [values.len(), out.len()];
        check("write", "the values fit", sizes[0] <= sizes[1], &sizes)?;
        if values.is_empty() {
            return Ok(());
        }
        self.driver.write(bytes_of(values), out.address())
    }

    /// The values of a view.
    pub(crate) fn download<T: Element>(&self, view: View<'_, T>) -> Result<Vec<T>, DeviceError> {
        let mut values = Vec::new();
        self.read(view, &mut values)?;
        Ok(values)
    }

    /// The values of a view, in place of those that `values` holds.
    pub(crate) fn read<T: Element>(
        &self,
        view: View<'_, T>,
        values: &mut Vec<T>,
    ) -> Result<(), DeviceError> {
        values.resize(view.len(), T::default());
        if values.is_empty() {
            return Ok(());
        }
        self.driver.read(view.address(), bytes_of_mut(values))
    }

    /// Zeros.
    pub(crate) fn clear<T: Element>(&self, out: ViewMut<'_, T>) -> Result<(), DeviceError> {
        if out.len() == 0 {
            return Ok(());
        }
        self.driver.clear(out.address(), out.len() * size_of::<T>())
    }

    /// Copies elements inside a view, from one place to another that does not overlap it.
    pub(crate) fn copy_within<T: Element>(
        &self,
        mut view: ViewMut<'_, T>,
        from: usize,
        to: usize,
        elements: usize,
    ) -> Result<(), DeviceError> {
        let apart = elements <= from.abs_diff(to);
        let fits = from.max(to) + elements <= view.len() && apart;
        let sizes = [from, to, elements, view.len()];
        check("copy", "both places lie in the buffer, apart", fits, &sizes)?;
        let mut place = |at: usize| view.part(at..at + elements).address();
        let (from, to) = (place(from), place(to));
        self.driver.copy(from, to, elements * size_of::<T>())
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
