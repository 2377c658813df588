//! The gated layer on a GPU: sizes checked, then launched. Shapes are those of the processor's form.

use crate::cuda::{Device, DeviceError, Launch, Source, View, ViewMut, by_four, check, size};

#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests;

pub(crate) const SOURCE: Source = Source {
    name: "swiglu",
    text: include_str!("kernel.cu"),
};
/// Elements of a row that one block takes.
const BLOCK: usize = 1024;

/// Writes `y [n, f]` from `gate_up [n, 2 f]`.
///
/// `swiglu_forward`: grid (n, f / 1024 rounded up), block 256, no shared memory. Any n and f from 1; by four where f
/// and the addresses allow it, else one by one, with the same bits. Other sizes are refused.
pub(crate) fn forward(
    device: &Device,
    gate_up: View<'_>,
    f: usize,
    mut y: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "swiglu forward";
    let n = y.len() / f.max(1);
    let fits = y.len() == n * f && gate_up.len() == 2 * y.len();
    check(
        CALL,
        "gate_up is [n, 2 f], y is [n, f]",
        fits,
        &[gate_up.len(), y.len(), f],
    )?;
    let whole = by_four(f, &[gate_up.address(), y.address()]);
    let launch = Launch {
        kernel: "swiglu_forward",
        grid: [n, f.div_ceil(BLOCK), 1],
        block: [256, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[gate_up.argument(), y.argument(), size(CALL, "f", f)?, whole],
    };
    device.launch(&SOURCE, launch)
}

/// Writes `dgate_up [n, 2 f]` from `gate_up` and `dy [n, f]`.
///
/// `swiglu_backward`: as in [`forward`], grid and shapes.
pub(crate) fn backward(
    device: &Device,
    gate_up: View<'_>,
    dy: View<'_>,
    f: usize,
    mut dgate_up: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "swiglu backward";
    let n = dy.len() / f.max(1);
    let fits = dy.len() == n * f && [gate_up.len(), dgate_up.len()] == [2 * dy.len(); 2];
    check(
        CALL,
        "gate_up and dgate_up are [n, 2 f], dy is [n, f]",
        fits,
        &[gate_up.len(), dgate_up.len(), dy.len(), f],
    )?;
    let whole = by_four(f, &[gate_up.address(), dy.address(), dgate_up.address()]);
    let launch = Launch {
        kernel: "swiglu_backward",
        grid: [n, f.div_ceil(BLOCK), 1],
        block: [256, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            gate_up.argument(),
            dy.argument(),
            dgate_up.argument(),
            size(CALL, "f", f)?,
            whole,
        ],
    };
    device.launch(&SOURCE, launch)
}
