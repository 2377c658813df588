//! Devices for tests: the emulator, sound or with a fault planted in its kernels; and what the emulator itself finds.

mod found;
mod metered;
#[cfg(feature = "nvrtc")]
mod nvrtc;

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use metered::Metered;

use super::{
    Device, GpuOptions, Meter, Source,
    emulator::{Emulator, Machine},
};
#[cfg(feature = "nvrtc")]
use crate::kernels::{
    adamw, attention, embedding, head, head_norm, matmul, rms_norm, rope, sample, swiglu,
};

/// The sources of all operations.
#[cfg(feature = "nvrtc")]
fn sources() -> [Source; 11] {
    [
        adamw::cuda::SOURCE,
        attention::cuda::SOURCE,
        attention::cuda::SOURCE_BF16,
        embedding::cuda::SOURCE,
        head::cuda::SOURCE,
        head_norm::cuda::SOURCE,
        matmul::cuda::SOURCE,
        rms_norm::cuda::SOURCE,
        rope::cuda::SOURCE,
        sample::cuda::SOURCE,
        swiglu::cuda::SOURCE,
    ]
}

/// The device that contracts are held to: the emulated one, or the first GPU where `cargo xtask gpu --on cuda` says so.
pub(crate) fn test_device() -> Device {
    static GPU: OnceLock<Device> = OnceLock::new();
    if env::var_os("AZR_TEST_DEVICE").is_none_or(|it| it != "cuda") {
        return emulated();
    }
    let open = || {
        let home = env::var_os("CUDA_HOME").map(PathBuf::from);
        let directories = home
            .iter()
            .flat_map(|it| [it.join("lib64"), it.join("lib")]);
        let options = GpuOptions {
            index: 0,
            library_directories: directories.collect(),
        };
        Device::open(&options).unwrap_or_else(|error| panic!("{error}"))
    };
    GPU.get_or_init(open).clone()
}

/// A device whose kernels run on the processor, each launch in three orders that must agree.
fn emulated() -> Device {
    Device::emulated(&kernels()).unwrap_or_else(|error| panic!("{error}"))
}

/// The emulated device, and what it hands out.
pub(crate) fn metered_device() -> (Device, Meter) {
    let machine = Machine::get(&kernels()).unwrap_or_else(|error| panic!("{error}"));
    let meter = Meter::default();
    let driver = Metered::new(Emulator::new(machine, None), meter.clone());
    (Device::new(Arc::new(driver)), meter)
}

/// Compiled kernels lie beside the program, sound ones and broken ones, and are found there by its next run.
fn kernels() -> PathBuf {
    let program = env::current_exe().expect("the path of this program");
    program.with_file_name("emulated-kernels")
}

/// Plants one fault after the other, each a text of the source and what stands in its place, and fails unless the
/// contract fails every time.
pub(crate) fn caught(
    source: &Source,
    faults: &[(&'static str, &'static str)],
    contract: impl Fn(&Device),
) {
    let name = source.name;
    let mut missed = Vec::new();
    let machine = Machine::get(&kernels()).unwrap_or_else(|error| panic!("{error}"));
    for &(right, wrong) in faults {
        assert!(
            source.whole().contains(right),
            "{name}: there is no {right:?} to break"
        );
        let fault = Some((right, wrong));
        let compiled = machine.kernels(source, fault);
        compiled.unwrap_or_else(|error| panic!("the fault {wrong:?}: {error}"));
        let device = Device::new(Arc::new(Emulator::new(machine, fault)));
        if catch_unwind(AssertUnwindSafe(|| contract(&device))).is_ok() {
            missed.push((right, wrong));
        }
    }
    assert!(
        missed.is_empty(),
        "{name}: faults that nobody noticed: {missed:#?}"
    );
}
