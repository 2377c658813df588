//! The optimizer on a GPU: sizes checked, then launched. Shapes are those of the processor's form.

use super::Factors;
use crate::cuda::{
    Argument, Buffer, Device, DeviceError, Launch, Source, View, ViewMut, by_four, check, size,
};

mod narrow;
#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests;

pub use narrow::CudaNarrow;
pub(crate) use narrow::step as step_narrow;

pub(crate) const SOURCE: Source = Source {
    name: "adamw",
    text: include_str!("kernel.cu"),
};
/// `SQUARES` of `kernel.cu`.
const CHUNK: usize = 1 << 14;
/// Elements of one launch, which kernels count in 32 bits; whole chunks, so that cutting changes no bit.
const PIECE: usize = super::narrow::PIECE;

/// Updates weights and moments, and empties the gradient.
///
/// `adamw_step`: grid n / 1024 rounded up, block 256, no shared memory. Any length, in launches of 2^31 elements; by
/// four where all four begin at 16 bytes, else one by one, with the same bits.
pub(crate) fn step(
    device: &Device,
    weights: ViewMut<'_>,
    gradient: ViewMut<'_>,
    moments: (ViewMut<'_>, ViewMut<'_>),
    factors: Factors,
) -> Result<(), DeviceError> {
    step_by(PIECE, device, weights, gradient, moments, factors)
}

fn step_by(
    piece: usize,
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
    for from in (0..n).step_by(piece) {
        let part = from..n.min(from + piece);
        let parts = [
            weights.part(part.clone()),
            gradient.part(part.clone()),
            first.part(part.clone()),
            second.part(part),
        ];
        launch_step(device, CALL, parts, factors)?;
    }
    Ok(())
}

fn launch_step(
    device: &Device,
    call: &'static str,
    mut parts: [ViewMut<'_>; 4],
    factors: Factors,
) -> Result<(), DeviceError> {
    let (n, numbers) = (parts[0].len(), numbers(factors));
    let aligned = by_four(4, &parts.each_ref().map(ViewMut::address));
    let [weights, gradient, first, second] = parts.each_mut().map(ViewMut::argument);
    let launch = Launch {
        kernel: "adamw_step",
        grid: [n.div_ceil(1024), 1, 1],
        block: [256, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            weights,
            gradient,
            first,
            second,
            size(call, "the number of elements", n)?,
            numbers[0],
            numbers[1],
            numbers[2],
            numbers[3],
            numbers[4],
            numbers[5],
            numbers[6],
            aligned,
        ],
    };
    device.launch(&SOURCE, launch)
}

/// The factors, in the order of the kernels' parameters.
fn numbers(factors: Factors) -> [Argument; 7] {
    [
        factors.gradient_scale,
        factors.keep,
        factors.beta1,
        factors.beta2,
        factors.rate,
        factors.second_scale,
        factors.eps,
    ]
    .map(Argument::Number)
}

/// Sum of squares in a fixed shape; not finite if any element is not.
///
/// `squares_chunks`: grid n / 16384 rounded up, block 256, shared memory 8 doubles. `squares_total`: one block of 32,
/// none. Any length, in launches of 2^31 elements; of nothing it is 0. Waits for the device.
pub(crate) fn sum_of_squares(device: &Device, values: View<'_>) -> Result<f64, DeviceError> {
    sum_of_squares_by(PIECE, device, values)
}

fn sum_of_squares_by(piece: usize, device: &Device, values: View<'_>) -> Result<f64, DeviceError> {
    const CALL: &str = "sum of squares";
    let n = values.len();
    let chunks = n.div_ceil(CHUNK);
    let (mut sums, mut total): (Buffer<f64>, Buffer<f64>) =
        (device.allocate(chunks)?, device.allocate(1)?);
    let mut all = sums.view_mut();
    for from in (0..n).step_by(piece) {
        let part = values.part(from..n.min(from + piece));
        let its_chunks = from / CHUNK..(from + part.len()).div_ceil(CHUNK);
        let launch = Launch {
            kernel: "squares_chunks",
            grid: [its_chunks.len(), 1, 1],
            block: [256, 1, 1],
            dynamic_shared_bytes: 0,
            arguments: &[
                part.argument(),
                all.part(its_chunks).argument(),
                size(CALL, "the number of elements", part.len())?,
            ],
        };
        device.launch(&SOURCE, launch)?;
    }
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
