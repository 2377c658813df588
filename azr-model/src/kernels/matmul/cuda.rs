//! Linear layers on a GPU in an order that no batch changes: sizes checked, then launched. Shapes are those of the processor's form.

use super::Plus;
use crate::{
    cuda::{Argument, Buffer, Device, DeviceError, Launch, Source, View, ViewMut, check, size},
    precision::Precision,
};

#[cfg(feature = "emulator")]
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

/// A matrix of weights as products take it.
#[derive(Clone, Copy)]
pub(crate) enum Matrix<'a> {
    /// As it is.
    F32(View<'a>),
    /// Rounded to bf16.
    Bf16(View<'a, u16>),
}

impl Matrix<'_> {
    pub(crate) fn precision(&self) -> Precision {
        match self {
            Self::F32(_) => Precision::F32,
            Self::Bf16(_) => Precision::Bf16,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::F32(it) => it.len(),
            Self::Bf16(it) => it.len(),
        }
    }
}

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

/// In bf16 both factors are rounded on their way; see `kernel.cu`.
fn product(
    device: &Device,
    call: &'static str,
    precision: Precision,
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
    let (kernel, threads) = match precision {
        Precision::F32 => ("product", 256),
        Precision::Bf16 => ("product_rounded", 128),
    };
    let launch = Launch {
        kernel,
        grid: [right.rows.div_ceil(TILE), left.rows.div_ceil(TILE), 1],
        block: [threads, 1, 1],
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

/// `y = x w^T + plus` with weights of either kind; `x` is rounded as they are. Shapes as in [`forward`].
///
/// In bf16 `x` is rounded first, into memory of its own. Grids, blocks and shared memory as in [`forward`],
/// [`to_bf16`] and [`forward_bf16`].
pub(crate) fn linear(
    device: &Device,
    x: View<'_>,
    w: Matrix<'_>,
    outputs: usize,
    plus: Plus<View<'_>>,
    y: ViewMut<'_>,
) -> Result<(), DeviceError> {
    match w {
        Matrix::F32(w) => forward(device, x, w, outputs, plus, y),
        Matrix::Bf16(w) => {
            let mut narrow: Buffer<u16> = device.allocate(x.len())?;
            to_bf16(device, x, narrow.view_mut())?;
            forward_bf16(device, narrow.view(), w, outputs, plus, y)
        }
    }
}

/// `y = x w^T + plus`; `x` is `[n, inputs]`, `w` is `[outputs, inputs]`, `y` is `[n, outputs]`.
///
/// `product`: grid (outputs / 64, n / 64) rounded up, block 256, shared memory 2 * 16 * 68 floats. Any sizes from 1,
/// up to 65,535 tiles of rows (4 M rows); a longer grid and sizes that do not belong together are refused.
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
    product(device, CALL, Precision::F32, factors, inputs, finish, y)
}

/// `y = x w^T + plus` on the tensor cores: bf16 factors, f32 sums; shapes as in [`forward`].
///
/// `product_bf16`: grid (outputs / 64, n / 64) rounded up, block 128, shared memory 2 * 64 * 40 bf16. Sizes as in
/// [`forward`], multiples of nothing: what lies behind a tile counts as zeros.
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
///
/// `bf16_from_f32`: grid elements / 256 rounded up, block 256, no shared memory. Any length that 32 bits hold, longer
/// ones are refused.
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

/// `dx = dy w`, both rounded where the precision says so.
///
/// `product`, as in [`forward`], with the outputs as its depth; in bf16 `product_rounded` with the grid of `product`,
/// block 128, shared memory 2 * 64 * 40 bf16.
pub(crate) fn backward_input(
    device: &Device,
    precision: Precision,
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
    product(device, CALL, precision, factors, outputs, Finish::Store, dx)
}

/// `dw += dy^T x`, both rounded where the precision says so; what they are added to is not.
///
/// `product`, or in bf16 `product_rounded`, as in [`backward_input`], over `[outputs, inputs]`, with the rows as its
/// depth.
pub(crate) fn backward_weights(
    device: &Device,
    precision: Precision,
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
    product(device, CALL, precision, factors, n, Finish::Accumulate, dw)
}

/// `db += sum over n of dy`.
///
/// `bias_chunks`: grid (outputs / 32, n / 128) rounded up, block 32 x 8, shared memory 8 * 33 floats. `bias_add`:
/// grid outputs / 256 rounded up, block 256, none. Any sizes from 1, up to 65,535 chunks of 128 rows; a longer grid
/// is refused.
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
