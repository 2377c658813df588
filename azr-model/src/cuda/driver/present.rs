//! What GPUs there are, asked without touching any of them.

use cudarc::driver::{result, sys};

use super::{DeviceError, said};

/// Files that are tried for the driver, as cudarc tries them.
const DRIVER: &str = "cuda";

/// A GPU as its driver describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Its number.
    pub index: usize,
    /// What its maker calls it.
    pub name: String,
    /// All of its memory.
    pub memory_bytes: u64,
    /// Major and minor number.
    pub compute_capability: (u32, u32),
}

/// The GPUs of this machine, by number.
///
/// # Errors
/// There is no driver, or it does not work.
pub(crate) fn gpus() -> Result<Vec<Gpu>, DeviceError> {
    start()?;
    let count = result::device::get_count().map_err(said("cuDeviceGetCount"))?;
    (0..count.max(0) as usize).map(describe).collect()
}

/// One of them.
pub(super) fn gpu(index: usize) -> Result<Gpu, DeviceError> {
    let gpus = gpus()?;
    let count = gpus.len();
    let found = gpus.into_iter().nth(index);
    found.ok_or(DeviceError::NoSuchGpu { index, count })
}

/// Opens the driver. cudarc panics where there is none, so that is asked first.
fn start() -> Result<(), DeviceError> {
    // SAFETY: the driver's library is opened as it always is; nothing else of that name is in the search path.
    if !unsafe { sys::is_culib_present() } {
        let tried = cudarc::get_lib_name_candidates(DRIVER);
        return Err(DeviceError::NoDriver {
            first: tried.first().cloned().unwrap_or_default(),
            last: tried.last().cloned().unwrap_or_default(),
        });
    }
    result::init().map_err(said("cuInit"))
}

fn describe(index: usize) -> Result<Gpu, DeviceError> {
    use sys::CUdevice_attribute::{
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
    };
    let device = result::device::get(index as i32).map_err(said("cuDeviceGet"))?;
    // SAFETY: the driver gave the device.
    let memory_bytes =
        unsafe { result::device::total_mem(device) }.map_err(said("cuDeviceTotalMem"))? as u64;
    let number = |which| {
        // SAFETY: as above.
        let number = unsafe { result::device::get_attribute(device, which) };
        number
            .map(|it| it.max(0) as u32)
            .map_err(said("cuDeviceGetAttribute"))
    };
    Ok(Gpu {
        index,
        name: result::device::get_name(device).map_err(said("cuDeviceGetName"))?,
        memory_bytes,
        compute_capability: (
            number(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
            number(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
        ),
    })
}
