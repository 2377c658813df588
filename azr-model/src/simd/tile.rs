//! One register tile of a product: up to six rows by a few panels of sixteen columns.
//!
//! `C[i, j] = (C[i, j] or 0), then for k in order: fma(A[i, k], B[k, j], C[i, j])`. Every element is one chain of fused
//! multiply-adds in the order of `k`, so its bits depend on nothing else: not on the tile, the thread or the vectors.

use super::{Isa, number::Number, portable};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Columns of a panel.
pub(crate) const PANEL: usize = 16;
/// Most rows of a tile.
pub(crate) const ROWS_MAX: usize = 6;

/// The left factor, `rows` by `depth`.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) lies: Lies,
}

/// How a left factor lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lies {
    /// Element `(i, k)` is `data[i * stride + k]`.
    InRows,
    /// Element `(i, k)` is `data[k * stride + i]`: its transpose lies in rows.
    InColumns,
}

/// The right factor in panels: element `(k, 16 p + j)` is the `j`-th of the line at `p * panel + k * depth`.
#[derive(Clone, Copy)]
pub(crate) struct Right<'a, T = f32> {
    pub(crate) data: &'a [T],
    pub(crate) panel: usize,
    pub(crate) depth: usize,
}

/// Where sums go: element `(i, j)` is `data[i * row + j]`.
pub(crate) struct Sums<'a> {
    pub(crate) data: &'a mut [f32],
    pub(crate) row: usize,
}

/// How large a product is.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    /// Panels of sixteen columns.
    pub(crate) panels: usize,
}

impl<'a> Left<'a> {
    /// A factor that lies row by row.
    pub(crate) fn rows(data: &'a [f32], stride: usize) -> Self {
        Self {
            data,
            stride,
            lies: Lies::InRows,
        }
    }

    /// A factor whose transpose lies row by row.
    pub(crate) fn columns(data: &'a [f32], stride: usize) -> Self {
        Self {
            data,
            stride,
            lies: Lies::InColumns,
        }
    }

    /// Index of an element.
    pub(super) fn at(&self, row: usize, depth: usize) -> usize {
        match self.lies {
            Lies::InRows => row * self.stride + depth,
            Lies::InColumns => depth * self.stride + row,
        }
    }
}

impl<'a, T> Right<'a, T> {
    /// Packed panels of this depth, one after the other.
    pub(crate) fn panels(data: &'a [T], depth: usize) -> Self {
        Self {
            data,
            panel: PANEL * depth,
            depth: PANEL,
        }
    }

    /// A factor that lies row by row, each filled up to whole panels.
    pub(crate) fn rows(data: &'a [T], stride: usize) -> Self {
        Self {
            data,
            panel: PANEL,
            depth: stride,
        }
    }
}

/// What a tile begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Zero.
    Zero,
    /// What `C` holds.
    Resume,
}

/// Raw operands of one register tile, sizes apart.
#[derive(Clone, Copy)]
pub(super) struct Operands<T> {
    pub(super) a: *const f32,
    pub(super) a_stride: usize,
    pub(super) b: *const T,
    pub(super) b_panel: usize,
    pub(super) b_depth: usize,
    pub(super) c: *mut f32,
    pub(super) c_row: usize,
    pub(super) depth: usize,
    pub(super) start: Start,
}

/// Multiplies `rows` by `depth` by `panels * 16` into `sums`.
///
/// # Panics
/// An operand is shorter than the extent says.
#[inline]
pub(crate) fn multiply<T: Number>(
    isa: Isa,
    extent: Extent,
    left: Left<'_>,
    right: Right<'_, T>,
    sums: Sums<'_>,
    start: Start,
) {
    let Extent {
        rows,
        depth,
        panels,
    } = extent;
    let Sums {
        data: c,
        row: c_row,
    } = sums;
    if rows == 0 || panels == 0 {
        return;
    }
    let last = depth.saturating_sub(1);
    assert!(
        depth == 0 || left.at(rows - 1, last) < left.data.len(),
        "left factor too short"
    );
    let right_end = (panels - 1) * right.panel + last * right.depth + PANEL;
    assert!(
        depth == 0 || right_end <= right.data.len(),
        "right factor too short"
    );
    assert!(
        (rows - 1) * c_row + panels * PANEL <= c.len(),
        "product too short"
    );
    let operands = Operands {
        a: left.data.as_ptr(),
        a_stride: left.stride,
        b: right.data.as_ptr(),
        b_panel: right.panel,
        b_depth: right.depth,
        c: c.as_mut_ptr(),
        c_row,
        depth,
        start,
    };
    // SAFETY: the three assertions above bound every element that the tiles of this product touch, and `isa` comes
    // from `Isa::detect` or is a narrower set.
    unsafe { cover(isa, left.lies, rows, panels, operands) }
}

/// Covers a product with register tiles.
///
/// # Safety
/// Every element addressed by the sizes is inside its buffer, and the processor has `isa`.
unsafe fn cover<T: Number>(
    isa: Isa,
    lies: Lies,
    rows: usize,
    panels: usize,
    operands: Operands<T>,
) {
    let mut row = 0;
    while row < rows {
        let height = strip_height(rows - row);
        let width_max = panels_at_once(isa, height);
        let mut panel = 0;
        while panel < panels {
            let width = width_max.min(panels - panel);
            let tile = Operands {
                a: operands.a.wrapping_add(match lies {
                    Lies::InRows => row * operands.a_stride,
                    Lies::InColumns => row,
                }),
                b: operands.b.wrapping_add(panel * operands.b_panel),
                c: operands
                    .c
                    .wrapping_add(row * operands.c_row + panel * PANEL),
                ..operands
            };
            // SAFETY: the tile lies inside the product whose elements the caller vouches for.
            unsafe { one(isa, lies, height, width, tile) }
            panel += width;
        }
        row += height;
    }
}

/// Six rows at a time; what is left is cut evenly, because a tile of one row wastes most of the unit.
#[inline]
fn strip_height(rows: usize) -> usize {
    match rows {
        0..=ROWS_MAX => rows,
        7 | 8 => 4,
        9 => 5,
        _ => ROWS_MAX,
    }
}

/// Panels side by side in one tile: few rows leave registers for more columns, and more columns hide the latency of
/// the additions.
#[inline]
pub(crate) fn panels_at_once(isa: Isa, rows: usize) -> usize {
    match (isa, rows) {
        (Isa::Portable, _) => 1,
        (_, 1) => 4,
        (_, 2..=3) => 2,
        (Isa::Avx2, _) => 1,
        (Isa::Avx512, _) => 2,
    }
}

/// # Safety
/// As for [`cover`].
unsafe fn one<T: Number>(isa: Isa, lies: Lies, rows: usize, panels: usize, tile: Operands<T>) {
    macro_rules! pick {
        ($module:ident, $vectors:expr, $columns:expr) => {
            match (rows, panels) {
                (1, 1) => $module::tile::<T, 1, { 1 * $vectors }, $columns>(tile),
                (1, 2) => $module::tile::<T, 1, { 2 * $vectors }, $columns>(tile),
                (1, 3) => $module::tile::<T, 1, { 3 * $vectors }, $columns>(tile),
                (1, 4) => $module::tile::<T, 1, { 4 * $vectors }, $columns>(tile),
                (2, 1) => $module::tile::<T, 2, { 1 * $vectors }, $columns>(tile),
                (2, 2) => $module::tile::<T, 2, { 2 * $vectors }, $columns>(tile),
                (3, 1) => $module::tile::<T, 3, { 1 * $vectors }, $columns>(tile),
                (3, 2) => $module::tile::<T, 3, { 2 * $vectors }, $columns>(tile),
                (4, 1) => $module::tile::<T, 4, { 1 * $vectors }, $columns>(tile),
                (4, 2) => $module::tile::<T, 4, { 2 * $vectors }, $columns>(tile),
                (5, 1) => $module::tile::<T, 5, { 1 * $vectors }, $columns>(tile),
                (5, 2) => $module::tile::<T, 5, { 2 * $vectors }, $columns>(tile),
                (6, 1) => $module::tile::<T, 6, { 1 * $vectors }, $columns>(tile),
                (6, 2) => $module::tile::<T, 6, { 2 * $vectors }, $columns>(tile),
                _ => unreachable!("strips have 1 to 6 rows and as many panels as `panels_at_once`"),
            }
        };
    }
    // SAFETY: passed on from the caller.
    unsafe {
        match (isa, lies) {
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2, Lies::InRows) => pick!(avx2, 2, false),
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2, Lies::InColumns) => pick!(avx2, 2, true),
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx512, Lies::InRows) => pick!(avx512, 1, false),
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx512, Lies::InColumns) => pick!(avx512, 1, true),
            (_, Lies::InRows) => pick!(portable, 1, false),
            (_, Lies::InColumns) => pick!(portable, 1, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, one element at a time.
    fn plain(
        rows: usize,
        depth: usize,
        columns: usize,
        left: Left<'_>,
        right: Right<'_>,
        c: &mut [f32],
    ) {
        for i in 0..rows {
            for j in 0..columns {
                for k in 0..depth {
                    let b = right.data[(j / PANEL) * right.panel + k * right.depth + j % PANEL];
                    c[i * columns + j] = left.data[left.at(i, k)].mul_add(b, c[i * columns + j]);
                }
            }
        }
    }

    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .take(count)
        .collect()
    }

    #[test]
    fn every_instruction_set_gives_the_bits_of_the_definition() {
        let sets = match Isa::detect() {
            Isa::Portable => vec![Isa::Portable],
            Isa::Avx2 => vec![Isa::Portable, Isa::Avx2],
            Isa::Avx512 => vec![Isa::Portable, Isa::Avx2, Isa::Avx512],
        };
        for (rows, depth, panels) in [
            (1, 1, 1),
            (1, 33, 7),
            (2, 5, 3),
            (3, 17, 2),
            (6, 64, 4),
            (23, 31, 5),
            (8, 0, 1),
        ] {
            let columns = panels * PANEL;
            let (a, b) = (numbers(rows * depth, 1), numbers(depth * columns, 2));
            for left in [Left::rows(&a, depth), Left::columns(&a, rows)] {
                for (panel, b_depth) in [(depth * PANEL, PANEL), (PANEL, columns)] {
                    let right = Right {
                        data: &b,
                        panel,
                        depth: b_depth,
                    };
                    for start in [Start::Zero, Start::Resume] {
                        let before = if start == Start::Zero {
                            vec![0.0; rows * columns]
                        } else {
                            numbers(rows * columns, 3)
                        };
                        let mut expected = before.clone();
                        plain(rows, depth, columns, left, right, &mut expected);
                        for isa in &sets {
                            let mut c = if start == Start::Zero {
                                vec![f32::NAN; rows * columns]
                            } else {
                                before.clone()
                            };
                            let extent = Extent {
                                rows,
                                depth,
                                panels,
                            };
                            let sums = Sums {
                                data: &mut c,
                                row: columns,
                            };
                            multiply(*isa, extent, left, right, sums, start);
                            assert_eq!(c, expected, "{isa:?} {rows}x{depth}x{columns} {start:?}");
                        }
                    }
                }
            }
        }
    }
}
