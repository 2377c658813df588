//! The register tile in plain Rust: for processors without a form of their own, and the measure of those with one.

use super::{
    number::Number,
    tile::{Operands, PANEL, Start},
};

/// `ROWS` by `PANELS` panels; the left factor lies in columns or in rows.
///
/// # Safety
/// Every element that the operands address is inside its buffer.
pub(super) unsafe fn tile<
    T: Number,
    const ROWS: usize,
    const PANELS: usize,
    const IN_COLUMNS: bool,
>(
    operands: Operands<T>,
) {
    let Operands {
        a,
        a_stride,
        b,
        b_panel,
        b_depth,
        c,
        c_row,
        depth,
        start,
    } = operands;
    for panel in 0..PANELS {
        let mut sums = [[0.0f32; PANEL]; ROWS];
        // SAFETY: the caller vouches for every address.
        unsafe {
            if start == Start::Resume {
                for (row, sums) in sums.iter_mut().enumerate() {
                    *sums = c
                        .add(row * c_row + panel * PANEL)
                        .cast::<[f32; PANEL]>()
                        .read_unaligned();
                }
            }
            for k in 0..depth {
                let line = T::portable(b.add(panel * b_panel + k * b_depth));
                for (row, sums) in sums.iter_mut().enumerate() {
                    let at = if IN_COLUMNS {
                        k * a_stride + row
                    } else {
                        row * a_stride + k
                    };
                    let factor = *a.add(at);
                    for (sum, value) in sums.iter_mut().zip(line) {
                        *sum = factor.mul_add(value, *sum);
                    }
                }
            }
            for (row, sums) in sums.iter().enumerate() {
                c.add(row * c_row + panel * PANEL)
                    .cast::<[f32; PANEL]>()
                    .write_unaligned(*sums);
            }
        }
    }
}
