//! Linear layers on a GPU in an order that no batch changes: sizes checked, then launched. Shapes are those of the processor's form.

use super::Plus;
use crate::cuda::{
    Argument, Buffer, Device, DeviceError, Launch, Source, View, ViewMut, check, size,
};

#[cfg(test)]
mod tests;

pub(crate) const SOURCE: Source = Source {
    name: "matmul",
    text: include_str!("kernel.cu"),
};
/// `TILE` of `kernel.cu`.
const TILE: usize = 64;
/// `COLUMN_ROWS` of `device.cuh`.
const CHUNK_ROWS: usize = 128;

/// A factor: `rows` by `depth`, with the steps from row to row and along the depth.
struct Factor<'a> {
    data: View<'a>,
    rows: usize,
    row_step: usize,
    depth_step: usize,
}

/// What becomes of a sum, as the kernel counts it.
#[derive(Clone, Copy)]
enum Finish<'a> {
    Store,
    Bias(View<'a>),
    Residual(View<'a>),
    Accumulate,
}

fn product(
    device: &Device,
    call: &'static str,
    [left, right]: [Factor<'_>; 2],
    depth: usize,
    finish: Finish<'_>,
    mut y: ViewMut<'_>,
) -> Result<(), DeviceError> {
    let (plus, finish) = match finish {
        Finish::Store => (left.data, 0),
        Finish::Bias(plus) => (plus, 1),
        Finish::Residual(plus) => (plus, 2),
        Finish::Accumulate => (left.data, 3),
    };
    let launch = Launch {
        kernel: "product",
        grid: [right.rows.div_ceil(TILE), left.rows.div_ceil(TILE), 1],
        block: [256, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            left.data.argument(),
            right.data.argument(),
            plus.argument(),
            y.argument(),
            size(call, "rows", left.rows)?,
            size(call, "columns", right.rows)?,
            size(call, "depth", depth)?,
            size(call, "a step", left.row_step)?,
            size(call, "a step", left.depth_step)?,
            size(call, "a step", right.row_step)?,
            size(call, "a step", right.depth_step)?,
            Argument::Size(finish),
        ],
    };
    device.launch(&SOURCE, launch)
}

/// A `[rows, depth]` matrix.
fn in_rows(data: View<'_>, rows: usize, depth: usize) -> Factor<'_> {
    Factor {
        data,
        rows,
        row_step: depth,
        depth_step: 1,
    }
}

/// A `[depth, rows]` matrix.
fn in_columns(data: View<'_>, rows: usize) -> Factor<'_> {
    Factor {
        data,
        rows,
        row_step: 1,
        depth_step: rows,
    }
}

/// `y = x w^T + plus`; `x` is `[n, inputs]`, `w` is `[outputs, inputs]`, `y` is `[n, outputs]`.
pub(crate) fn forward(
    device: &Device,
    x: View<'_>,
    w: View<'_>,
    outputs: usize,
    plus: Plus<View<'_>>,
    y: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "linear forward";
    let (inputs, n) = (w.len() / outputs.max(1), y.len() / outputs.max(1));
    let (finish, length) = match plus {
        Plus::Nothing => (Finish::Store, None),
        Plus::Bias(bias) => (Finish::Bias(bias), Some((bias.len(), outputs))),
        Plus::Residual(rest) => (Finish::Residual(rest), Some((rest.len(), y.len()))),
    };
    let fits = length.is_none_or(|(found, wanted)| found == wanted);
    let fits =
        fits && x.len() == n * inputs && w.len() == outputs * inputs && y.len() == n * outputs;
    check(
        CALL,
        "x is [n, i], w is [o, i], y is [n, o], a bias is [o], a residual [n, o]",
        fits,
        &[x.len(), w.len(), y.len(), outputs],
    )?;
    let factors = [in_rows(x, n, inputs), in_rows(w, outputs, inputs)];
    product(device, CALL, factors, inputs, finish, y)
}

/// `y = x w^T + plus` on the tensor cores: bf16 factors, f32 sums; shapes as in [`forward`].
pub(crate) fn forward_bf16(
    device: &Device,
    x: View<'_, u16>,
    w: View<'_, u16>,
    outputs: usize,
    plus: Plus<View<'_>>,
    mut y: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "linear forward in bf16";
    let (inputs, n) = (w.len() / outputs.max(1), y.len() / outputs.max(1));
    let (plus, finish, fits) = match plus {
        Plus::Nothing => (x.argument(), 0, true),
        Plus::Bias(bias) => (bias.argument(), 1, bias.len() == outputs),
        Plus::Residual(rest) => (rest.argument(), 2, rest.len() == y.len()),
    };
    let fits =
        fits && x.len() == n * inputs && w.len() == outputs * inputs && y.len() == n * outputs;
    let sizes = [x.len(), w.len(), y.len(), outputs];
    check(
        CALL,
        "x is [n, i], w is [o, i], y is [n, o], a bias is [o], a residual [n, o]",
        fits,
        &sizes,
    )?;
    let launch = Launch {
        kernel: "product_bf16",
        grid: [outputs.div_ceil(TILE), n.div_ceil(TILE), 1],
        block: [128, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            x.argument(),
            w.argument(),
            plus,
            y.argument(),
            size(CALL, "rows", n)?,
            size(CALL, "columns", outputs)?,
            size(CALL, "depth", inputs)?,
            Argument::Size(finish),
        ],
    };
    device.launch(&SOURCE, launch)
}

/// Rounds to bf16, to nearest, ties to even.
pub(crate) fn to_bf16(
    device: &Device,
    from: View<'_>,
    mut to: ViewMut<'_, u16>,
) -> Result<(), DeviceError> {
    const CALL: &str = "rounding to bf16";
    let sizes = [from.len(), to.len()];
    check(CALL, "both are as long", sizes[0] == sizes[1], &sizes)?;
    let launch = Launch {
        kernel: "bf16_from_f32",
        grid: [from.len().div_ceil(256), 1, 1],
        block: [256, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            from.argument(),
            to.argument(),
            size(CALL, "elements", from.len())?,
        ],
    };
    device.launch(&SOURCE, launch)
}

/// `dx = dy w`.
pub(crate) fn backward_input(
    device: &Device,
    dy: View<'_>,
    w: View<'_>,
    outputs: usize,
    dx: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "linear backward by input";
    let (inputs, n) = (w.len() / outputs.max(1), dy.len() / outputs.max(1));
    let fits = dx.len() == n * inputs && w.len() == outputs * inputs && dy.len() == n * outputs;
    check(
        CALL,
        "dy is [n, o], w is [o, i], dx is [n, i]",
        fits,
        &[dy.len(), w.len(), dx.len(), outputs],
    )?;
    let factors = [in_rows(dy, n, outputs), in_columns(w, inputs)];
    product(device, CALL, factors, outputs, Finish::Store, dx)
}

/// `dw += dy^T x`.
pub(crate) fn backward_weights(
    device: &Device,
    dy: View<'_>,
    x: View<'_>,
    outputs: usize,
    dw: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "linear backward by weights";
    let (inputs, n) = (dw.len() / outputs.max(1), dy.len() / outputs.max(1));
    let fits = x.len() == n * inputs && dw.len() == outputs * inputs && dy.len() == n * outputs;
    check(
        CALL,
        "dy is [n, o], x is [n, i], dw is [o, i]",
        fits,
        &[dy.len(), x.len(), dw.len(), outputs],
    )?;
    let factors = [in_columns(dy, outputs), in_columns(x, inputs)];
    product(device, CALL, factors, n, Finish::Accumulate, dw)
}

/// `db += sum over n of dy`.
pub(crate) fn backward_bias(
    device: &Device,
    dy: View<'_>,
    mut db: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "linear backward by bias";
    let outputs = db.len();
    let n = dy.len() / outputs.max(1);
    check(
        CALL,
        "dy is [n, o], db is [o]",
        dy.len() == n * outputs,
        &[dy.len(), outputs],
    )?;
    let (chunks, width) = (n.div_ceil(CHUNK_ROWS), size(CALL, "outputs", outputs)?);
    let mut parts: Buffer = device.allocate(chunks * outputs)?;
    let launch = Launch {
        kernel: "bias_chunks",
        grid: [outputs.div_ceil(32), chunks, 1],
        block: [32, 8, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            dy.argument(),
            parts.view_mut().argument(),
            size(CALL, "n", n)?,
            width,
        ],
    };
    device.launch(&SOURCE, launch)?;
    let launch = Launch {
        kernel: "bias_add",
        grid: [outputs.div_ceil(256), 1, 1],
        block: [256, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            parts.view().argument(),
            db.argument(),
            size(CALL, "chunks", chunks)?,
            width,
        ],
    };
    device.launch(&SOURCE, launch)
}
