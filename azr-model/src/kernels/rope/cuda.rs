//! Rotary positions on a GPU: sizes checked, then launched. Shapes are those of the processor's form.

use super::Turn;
use crate::cuda::{Argument, Device, DeviceError, Launch, Source, View, ViewMut, check, size};

#[cfg(feature = "emulator")]
#[cfg(test)]
mod tests;

pub(crate) const SOURCE: Source = Source {
    name: "rope",
    text: include_str!("kernel.cu"),
};

/// Fills `turns [n, e]`: cosines of a position in the first half of its row, sines in the second.
///
/// `rope_angles`: grid n, block 64, no shared memory. Any n, any even e; other sizes are refused.
pub(crate) fn angles(
    device: &Device,
    positions: View<'_, u32>,
    frequencies: View<'_>,
    mut turns: ViewMut<'_>,
) -> Result<(), DeviceError> {
    const CALL: &str = "rope angles";
    let (n, half) = (positions.len(), frequencies.len());
    let fits = turns.len() == n * 2 * half;
    check(
        CALL,
        "positions is [n], frequencies is [e / 2], turns is [n, e]",
        fits,
        &[n, half, turns.len()],
    )?;
    let launch = Launch {
        kernel: "rope_angles",
        grid: [n, 1, 1],
        block: [64, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            positions.argument(),
            frequencies.argument(),
            turns.argument(),
            size(CALL, "e / 2", half)?,
        ],
    };
    device.launch(&SOURCE, launch)
}

/// Turns the first `heads` heads of every row of `x [n, width]` in place; `turns` is `[n, e]`.
///
/// `rope_turn`: grid n, block 256, no shared memory. Any n, any number of heads of an even width; odd widths and
/// other sizes are refused.
pub(crate) fn turn(
    device: &Device,
    mut x: ViewMut<'_>,
    width: usize,
    heads: usize,
    turns: View<'_>,
    e: usize,
    way: Turn,
) -> Result<(), DeviceError> {
    const CALL: &str = "rope turn";
    let n = x.len() / width.max(1);
    let fits =
        e.is_multiple_of(2) && heads * e <= width && x.len() == n * width && turns.len() == n * e;
    check(
        CALL,
        "x is [n, width], turns is [n, e], e is even, the heads lie inside a row",
        fits,
        &[x.len(), width, heads, turns.len(), e],
    )?;
    let sign = match way {
        Turn::Forward => 1.0,
        Turn::Backward => -1.0,
    };
    let launch = Launch {
        kernel: "rope_turn",
        grid: [n, 1, 1],
        block: [256, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[
            turns.argument(),
            x.argument(),
            size(CALL, "width", width)?,
            size(CALL, "heads", heads)?,
            size(CALL, "e / 2", e / 2)?,
            Argument::Number(sign),
        ],
    };
    device.launch(&SOURCE, launch)
}
