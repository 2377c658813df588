//! The register tile in 256-bit vectors: six rows by two vectors keep both multiply-add units busy.

use std::arch::x86_64::{
    __m256, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps,
    _mm256_storeu_ps,
};

use super::{
    number::Number,
    tile::{Operands, PANEL, Start},
};

const WIDTH: usize = 8;
const PER_PANEL: usize = PANEL / WIDTH;

/// `ROWS` by `VECTORS` vectors of eight columns; the left factor lies in columns or in rows. Four steps a turn: the front
/// end of the processor is busy enough with the arithmetic.
///
/// # Safety
/// The processor has AVX2 and FMA, and every element that the operands address is inside its buffer.
#[allow(clippy::needless_range_loop)] // The constant bounds are what unrolls the tile.
#[target_feature(enable = "avx2,fma")]
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
    let mut sums = [[_mm256_setzero_ps(); VECTORS]; ROWS];
    // SAFETY: the caller vouches for every address.
    unsafe {
        if start == Start::Resume {
            for row in 0..ROWS {
                for vector in 0..VECTORS {
                    sums[row][vector] = _mm256_loadu_ps(c.add(row * c_row + vector * WIDTH));
                }
            }
        }
        macro_rules! step {
            ($k:expr) => {{
                let mut line = [_mm256_setzero_ps(); VECTORS];
                for panel in 0..VECTORS / PER_PANEL {
                    let at = panel * PER_PANEL;
                    [line[at], line[at + 1]] = T::avx2(b.add(panel * b_panel + $k * b_depth));
                }
                for row in 0..ROWS {
                    let at = if IN_COLUMNS {
                        $k * a_stride + row
                    } else {
                        row * a_stride + $k
                    };
                    let factor: __m256 = _mm256_broadcast_ss(&*a.add(at));
                    for vector in 0..VECTORS {
                        sums[row][vector] =
                            _mm256_fmadd_ps(factor, line[vector], sums[row][vector]);
                    }
                }
            }};
        }
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
                _mm256_storeu_ps(c.add(row * c_row + vector * WIDTH), sums[row][vector]);
            }
        }
    }
}
