//! The optimizer on a GPU: sizes checked, then launched. Shapes are those of the processor's form.

use super::Factors;
use crate::cuda::{
    Argument, Buffer, Device, DeviceError, Launch, Source, View, ViewMut, by_four, check, size,
};

#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests;

pub(crate) const SOURCE: Source = Source {
    name: "adamw",
    text: include_str!("kernel.cu"),
};
/// `SQUARES` of `kernel.cu`.
const CHUNK: usize = 1 << 14;
/// Elements that kernels count in 32 bits, less the last block's reach.
const ELEMENTS_MAX: usize = u32::MAX as usize - CHUNK;

fn length(call: &'static str, found: usize) -> Result<Argument, DeviceError> {
    if ELEMENTS_MAX < found {
        let (limit, most) = ("the number of elements", ELEMENTS_MAX);
        return Err(DeviceError::Unsupported {
            call,
            limit,
            found,
            most,
        });
    }
    size(call, "the number of elements", found)
}

/// Updates weights and moments, and empties the gradient.
///
/// `adamw_step`: grid n / 1024 rounded up, block 256, no shared memory. Any length up to [`ELEMENTS_MAX`], longer
/// ones are refused; by four where all four begin at 16 bytes, else one by one, with the same bits.
pub(crate) fn step(
    device: &Device,
    mut weights: ViewMut<'_>,
    mut gradient: ViewMut<'_>,
    (mut first, mut second): (ViewMut<'_>, ViewMut<'_>),
    factors: Factors,
) -> Result<(), DeviceError> {
    const CALL: &str = "adamw step";
    let n = weights.len();
    let fits = [gradient.len(), first.len(), second.len()] == [n; 3];
    check(
        CALL,
        "moments and gradient are as long as the weights",
        fits,
        &[n, gradient.len(), first.len(), second.len()],
    )?;
    let aligned = by_four(
        4,
        &[
            weights.address(),
            gradient.address(),
            first.address(),
            second.address(),
        ],
    );
    let launch = Launch {
        kernel: "adamw_step",
        grid: [n.div_ceil(1024), 1, 1],
        block: [256, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            weights.argument(),
            gradient.argument(),
            first.argument(),
            second.argument(),
            length(CALL, n)?,
            Argument::Number(factors.gradient_scale),
            Argument::Number(factors.keep),
            Argument::Number(factors.beta1),
            Argument::Number(factors.beta2),
            Argument::Number(factors.rate),
            Argument::Number(factors.second_scale),
            Argument::Number(factors.eps),
            aligned,
        ],
    };
    device.launch(&SOURCE, launch)
}

/// Sum of squares in a fixed shape; not finite if any element is not.
///
/// `squares_chunks`: grid n / 16384 rounded up, block 256, shared memory 8 doubles. `squares_total`: one block of 32,
/// none. Any length up to [`ELEMENTS_MAX`], longer ones are refused; of nothing it is 0. Waits for the device.
pub(crate) fn sum_of_squares(device: &Device, values: View<'_>) -> Result<f64, DeviceError> {
    const CALL: &str = "sum of squares";
    let chunks = values.len().div_ceil(CHUNK);
    let (mut sums, mut total): (Buffer<f64>, Buffer<f64>) =
        (device.allocate(chunks)?, device.allocate(1)?);
    let launch = Launch {
        kernel: "squares_chunks",
        grid: [chunks, 1, 1],
        block: [256, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            values.argument(),
            sums.view_mut().argument(),
            length(CALL, values.len())?,
        ],
    };
    device.launch(&SOURCE, launch)?;
    let launch = Launch {
        kernel: "squares_total",
        grid: [1, 1, 1],
        block: [32, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            sums.view().argument(),
            total.view_mut().argument(),
            size(CALL, "chunks", chunks)?,
        ],
    };
    device.launch(&SOURCE, launch)?;
    Ok(device.download(total.view())?.into_iter().sum())
}
