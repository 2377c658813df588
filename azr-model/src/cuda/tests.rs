//! Devices for tests: the emulator, sound or with a fault planted in its kernels; and what the emulator itself finds.

mod emulator;
mod found;
#[cfg(feature = "nvrtc")]
mod nvrtc;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{Device, Source};
#[cfg(feature = "nvrtc")]
use crate::kernels::{adamw, attention, embedding, head, matmul, rms_norm, rope, swiglu};
use emulator::{Emulator, Fault, Machine};

/// The sources of all operations.
#[cfg(feature = "nvrtc")]
fn sources() -> [Source; 8] {
    [
        adamw::cuda::SOURCE,
        attention::cuda::SOURCE,
        embedding::cuda::SOURCE,
        head::cuda::SOURCE,
        matmul::cuda::SOURCE,
        rms_norm::cuda::SOURCE,
        rope::cuda::SOURCE,
        swiglu::cuda::SOURCE,
    ]
}

/// A device whose kernels run on the processor, each launch in three orders that must agree.
pub(crate) fn emulated() -> Device {
    Device::new(Arc::new(Emulator::new(None)))
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
    for (right, wrong) in faults {
        assert!(
            source.whole().contains(right),
            "{name}: there is no {right:?} to break"
        );
        let fault = Some(Fault { right, wrong });
        let compiled = Machine::get().kernels(source, fault);
        compiled.unwrap_or_else(|error| panic!("the fault {wrong:?}: {error}"));
        let device = Device::new(Arc::new(Emulator::new(fault)));
        if catch_unwind(AssertUnwindSafe(|| contract(&device))).is_ok() {
            missed.push((right, wrong));
        }
    }
    assert!(
        missed.is_empty(),
        "{name}: faults that nobody noticed: {missed:#?}"
    );
}
