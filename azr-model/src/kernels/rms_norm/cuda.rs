//! RMSNorm on a GPU: sizes checked, then launched. Shapes are those of the processor's form.

use crate::cuda::{
    Argument, Buffer, Device, DeviceError, Launch, Source, View, ViewMut, by_four, check, size,
};

#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests;

pub(crate) const SOURCE: Source = Source {
    name: "rms_norm",
    text: include_str!("kernel.cu"),
};
const THREADS: u32 = 256;
/// `COLUMN_ROWS` of `device.cuh`.
const CHUNK_ROWS: usize = 128;

/// Writes `y [n, d]` and the inverse roots `r [n]` of `x [n, d]`.
///
/// `rms_norm_forward`: grid n, block 256, shared memory 8 floats. Any n and d from 1; by four where d and the
/// addresses allow it, else one by one, with the same bits. Other sizes are refused.
pub(crate) fn forward(
    device: &Device,
    x: View<'_>,
    w: View<'_>,
    eps: f32,
    mut y: ViewMut<'_>,
    mut r: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "rms_norm forward";
    let (n, d) = (r.len(), w.len());
    let fits = x.len() == n * d && y.len() == n * d;
    check(
        CALL,
        "x and y are [n, d], w is [d], r is [n]",
        fits,
        &[x.len(), y.len(), d, n],
    )?;
    let whole = by_four(d, &[x.address(), w.address(), y.address()]);
    let launch = Launch {
        kernel: "rms_norm_forward",
        grid: [n, 1, 1],
        block: [THREADS, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            x.argument(),
            w.argument(),
            y.argument(),
            r.argument(),
            size(CALL, "the width of a row", d)?,
            Argument::Number(eps),
            whole,
        ],
    };
    device.launch(&SOURCE, launch)
}

/// Adds to `dx [n, d]` and `dw [d]`; `saved` is `(x, w, r)`.
///
/// `rms_norm_backward`: grid n, block 256, shared memory 8 floats. `rms_norm_scale_chunks`: grid (d / 32, n / 128)
/// rounded up, block 32 x 8, shared memory 8 * 33 floats. `rms_norm_scale_add`: grid d / 256 rounded up, block 256,
/// none. Shapes as in [`forward`], up to 65,535 chunks of 128 rows; a longer grid is refused.
pub(crate) fn backward(
    device: &Device,
    dy: View<'_>,
    (x, w, r): (View<'_>, View<'_>, View<'_>),
    mut dx: ViewMut<'_>,
    mut dw: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "rms_norm backward";
    let (n, d) = (r.len(), w.len());
    let fits = [x.len(), dy.len(), dx.len()] == [n * d; 3] && dw.len() == d;
    check(
        CALL,
        "dy, x, dx are [n, d], w and dw are [d], r is [n]",
        fits,
        &[dy.len(), x.len(), dx.len(), d, dw.len(), n],
    )?;
    let whole = by_four(d, &[dy.address(), x.address(), w.address(), dx.address()]);
    let (rows, width) = (size(CALL, "n", n)?, size(CALL, "the width of a row", d)?);
    let launch = Launch {
        kernel: "rms_norm_backward",
        grid: [n, 1, 1],
        block: [THREADS, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            dy.argument(),
            x.argument(),
            w.argument(),
            r.argument(),
            dx.argument(),
            width,
            whole,
        ],
    };
    device.launch(&SOURCE, launch)?;
    let chunks = n.div_ceil(CHUNK_ROWS);
    let mut parts: Buffer = device.allocate(chunks * d)?;
    let launch = Launch {
        kernel: "rms_norm_scale_chunks",
        grid: [d.div_ceil(32), chunks, 1],
        block: [32, 8, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            dy.argument(),
            x.argument(),
            r.argument(),
            parts.view_mut().argument(),
            rows,
            width,
        ],
    };
    device.launch(&SOURCE, launch)?;
    let launch = Launch {
        kernel: "rms_norm_scale_add",
        grid: [d.div_ceil(THREADS as usize), 1, 1],
        block: [THREADS, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            parts.view().argument(),
            dw.argument(),
            size(CALL, "chunks", chunks)?,
            width,
        ],
    };
    device.launch(&SOURCE, launch)
}
