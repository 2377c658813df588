//! The norm of each query and key head on a GPU: sizes checked, then launched. Shapes are those of the processor's form.

use super::Heads;
use crate::cuda::{
    Argument, Buffer, Device, DeviceError, Launch, Source, View, ViewMut, check, size,
};

#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests;

pub(crate) const SOURCE: Source = Source {
    name: "head_norm",
    text: include_str!("kernel.cu"),
};
/// `HEADS` of `kernel.cu`.
const HEADS: usize = 4;
/// `COLUMN_ROWS` of `device.cuh`.
const CHUNK_ROWS: usize = 128;

/// The numbers of the heads, as kernels take them.
struct Shape {
    n: usize,
    turned: usize,
    width: Argument,
    queries: Argument,
    turned_heads: Argument,
    e: Argument,
}

/// Sizes are those of `qkv`, `w`, `raw` and `r`.
fn shape(call: &'static str, heads: &Heads, sizes: &[usize; 4]) -> Result<Shape, DeviceError> {
    let (width, e, turned) = (heads.width(), heads.head_dim, heads.heads + heads.kv_heads);
    let n = sizes[0] / width.max(1);
    check(
        call,
        "qkv is [n, width], w is [2 e], raw is [n, t e], r is [n, t]",
        *sizes == [n * width, 2 * e, n * turned * e, n * turned],
        sizes,
    )?;
    Ok(Shape {
        n,
        turned,
        width: size(call, "the width of a row", width)?,
        queries: size(call, "query heads", heads.heads)?,
        turned_heads: size(call, "heads", turned)?,
        e: size(call, "the width of a head", e)?,
    })
}

/// Normalizes in place; keeps what was there in `raw [n, t e]`, and the inverse roots in `r [n, t]`.
///
/// `head_norm_forward`: grid (n, turned heads / 4 rounded up), block 128, no shared memory. Any n, number of heads
/// and width of a head from 1; other sizes are refused.
pub(crate) fn forward(
    device: &Device,
    heads: &Heads,
    w: View<'_>,
    eps: f32,
    mut qkv: ViewMut<'_>,
    (mut raw, mut r): (ViewMut<'_>, ViewMut<'_>),
) -> Result<(), DeviceError> {
    const CALL: &str = "head_norm forward";
    let it = shape(CALL, heads, &[qkv.len(), w.len(), raw.len(), r.len()])?;
    let launch = Launch {
        kernel: "head_norm_forward",
        grid: [it.n, it.turned.div_ceil(HEADS), 1],
        block: [128, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            w.argument(),
            qkv.argument(),
            raw.argument(),
            r.argument(),
            it.width,
            it.queries,
            it.turned_heads,
            it.e,
            Argument::Number(eps),
        ],
    };
    device.launch(&SOURCE, launch)
}

/// Turns the gradient of the result into that of what was normalized, in place in `dqkv`, and adds to `dw [2 e]`;
/// `saved` is `(w, raw, r)`.
///
/// `head_norm_scale_chunks`: grid (2 e / 32, n / 128) rounded up, block 32 x 8, shared memory 8 * 33 floats.
/// `head_norm_scale_add`: grid 2 e / 256 rounded up, block 256, none. `head_norm_backward`: grid (n, turned heads / 4
/// rounded up), block 128, none. Shapes as in [`forward`], up to 65,535 chunks of 128 rows; a longer grid is refused.
pub(crate) fn backward(
    device: &Device,
    heads: &Heads,
    (w, raw, r): (View<'_>, View<'_>, View<'_>),
    mut dqkv: ViewMut<'_>,
    mut dw: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "head_norm backward";
    let it = shape(CALL, heads, &[dqkv.len(), w.len(), raw.len(), r.len()])?;
    let sizes = [dw.len(), w.len()];
    check(CALL, "dw is as long as w", sizes[0] == sizes[1], &sizes)?;
    let (columns, chunks) = (2 * heads.head_dim, it.n.div_ceil(CHUNK_ROWS));
    let mut parts: Buffer = device.allocate(chunks * columns)?;
    let launch = Launch {
        kernel: "head_norm_scale_chunks",
        grid: [columns.div_ceil(32), chunks, 1],
        block: [32, 8, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            Argument::Read(dqkv.address()),
            raw.argument(),
            r.argument(),
            parts.view_mut().argument(),
            size(CALL, "n", it.n)?,
            it.width,
            it.queries,
            it.turned_heads,
            it.e,
        ],
    };
    device.launch(&SOURCE, launch)?;
    let launch = Launch {
        kernel: "head_norm_scale_add",
        grid: [columns.div_ceil(256), 1, 1],
        block: [256, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            parts.view().argument(),
            dw.argument(),
            size(CALL, "chunks", chunks)?,
            size(CALL, "columns", columns)?,
        ],
    };
    device.launch(&SOURCE, launch)?;
    let launch = Launch {
        kernel: "head_norm_backward",
        grid: [it.n, it.turned.div_ceil(HEADS), 1],
        block: [128, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            w.argument(),
            raw.argument(),
            r.argument(),
            dqkv.argument(),
            it.width,
            it.queries,
            it.turned_heads,
            it.e,
        ],
    };
    device.launch(&SOURCE, launch)
}
