//! The register tile in 512-bit vectors, one a panel.

use std::arch::x86_64::{
    __m512, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::{
    number::Number,
    tile::{Operands, PANEL, Start},
};

const WIDTH: usize = PANEL;

/// `ROWS` by `VECTORS` vectors of sixteen columns; the left factor lies in columns or in rows.
///
/// # Safety
/// The processor has AVX-512F, and every element that the operands address is inside its buffer.
#[allow(clippy::needless_range_loop)] // The constant bounds are what unrolls the tile.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn tile<
    T: Number,
    const ROWS: usize,
    const VECTORS: usize,
    const IN_COLUMNS: bool,
>(
    operands: Operands<T>,
) {
    let Operands {
        mut a,
        a_stride,
        mut b,
        b_panel,
        b_depth,
        c,
        c_row,
        depth,
        start,
    } = operands;
    let mut sums = [[_mm512_setzero_ps(); VECTORS]; ROWS];
    // SAFETY: the caller vouches for every address.
    unsafe {
        if start == Start::Resume {
            for row in 0..ROWS {
                for vector in 0..VECTORS {
                    sums[row][vector] = _mm512_loadu_ps(c.add(row * c_row + vector * WIDTH));
                }
            }
        }
        macro_rules! step {
            ($k:expr) => {{
                let mut line = [_mm512_setzero_ps(); VECTORS];
                for vector in 0..VECTORS {
                    line[vector] = T::avx512(b.add(vector * b_panel + $k * b_depth));
                }
                for row in 0..ROWS {
                    let at = if IN_COLUMNS {
                        $k * a_stride + row
                    } else {
                        row * a_stride + $k
                    };
                    let factor: __m512 = _mm512_set1_ps(*a.add(at));
                    for vector in 0..VECTORS {
                        sums[row][vector] =
                            _mm512_fmadd_ps(factor, line[vector], sums[row][vector]);
                    }
                }
            }};
        }
        // Four steps a turn: the front end of the processor is busy enough with the arithmetic.
        for _ in 0..depth / 4 {
            step!(0);
            step!(1);
            step!(2);
            step!(3);
            a = a.wrapping_add(if IN_COLUMNS { 4 * a_stride } else { 4 });
            b = b.wrapping_add(4 * b_depth);
        }
        for _ in 0..depth % 4 {
            step!(0);
            a = a.wrapping_add(if IN_COLUMNS { a_stride } else { 1 });
            b = b.wrapping_add(b_depth);
        }
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                _mm512_storeu_ps(c.add(row * c_row + vector * WIDTH), sums[row][vector]);
            }
        }
    }
}
