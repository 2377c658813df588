//! Matrix products of any size, blocked for the caches and shared out among threads.
//!
//! `out[i, j] = finish(sum over k of left[i, k] * right[k, j])`. Over weights that were packed before, each sum is one
//! chain of fused multiply-adds in the order of `k` that begins at zero, however many rows are read together. Other right
//! factors belong to gradients, whose depth (words of the vocabulary, tokens of a batch) has no bound: where it is more
//! than [`CHAIN_MAX`], a chain ends after [`BLOCK_DEPTH`] products, and chains are added in order. Neither the number of
//! rows nor that of threads can be seen in a result.

use std::ops::Range;

pub(crate) use self::workspace::Block;
use self::workspace::{pack_left, pack_right};
use super::{
    Isa,
    matrix::MatrixMut,
    number::Number,
    panels::{self, Panels},
    team::Team,
    tile::{self, Extent, Left, Lies, PANEL, ROWS_MAX, Right, Start, Sums},
};
use crate::pool::Pool;

mod workspace;

/// Rows that are multiplied together: their slice of the left factor stays in the second-level cache.
const SLICE_ROWS: usize = 96;
/// Rows of a block. What of the right factor is packed on the way serves all of them.
const BLOCK_ROWS: usize = 4 * SLICE_ROWS;
/// Columns of a block.
const BLOCK_COLUMNS: usize = 128;
/// Depth of a block: a panel of the right factor (16 KiB) stays in the first-level cache.
const BLOCK_DEPTH: usize = 256;
/// Products of a gradient that are one chain still: the roundings of a longer one add up to more than PyTorch's do.
const CHAIN_MAX: usize = 8_192;
/// Work below this many nanoseconds (estimated) is not worth handing to another thread.
const GRAIN_NS: usize = 20_000;
/// Parts that each thread should find in a product of many rows: more are shared out more evenly, fewer pack less.
const PARTS_OF_THREAD: usize = 8;

/// The right factor of a product, `depth` by `columns`.
#[derive(Clone, Copy)]
pub(crate) enum Factor<'a> {
    /// Packed before.
    Panels(&'a Panels),
    /// Row-major with this stride; packed block by block on the way.
    Rows { data: &'a [f32], stride: usize },
}

/// What becomes of a finished sum.
#[derive(Clone, Copy)]
pub(crate) enum Finish<'a> {
    /// It is the result.
    Store,
    /// One number for each column is added.
    Bias(&'a [f32]),
    /// A dense matrix of the same shape is added.
    Residual(&'a [f32]),
    /// It is added to what the result holds.
    Accumulate,
}

/// A product to be computed.
#[derive(Clone, Copy)]
pub(crate) struct Product<'a> {
    /// Memory of its blocks.
    pub(crate) blocks: &'a Pool<Block>,
    /// Threads that share it.
    pub(crate) team: &'a Team,
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    pub(crate) columns: usize,
    pub(crate) left: Left<'a>,
    pub(crate) right: Factor<'a>,
    pub(crate) finish: Finish<'a>,
}

/// What one task computes.
struct Part<'a> {
    rows: Range<usize>,
    columns: Range<usize>,
    out: MatrixMut<'a>,
}

impl Product<'_> {
    /// Computes it with all threads of its team.
    pub(crate) fn run(&self, out: MatrixMut<'_>) {
        self.check(&out);
        let isa = Isa::detect();
        if self.team.threads() < 2 {
            return self.serial(isa, 0..self.rows, 0..self.columns, out);
        }
        let mut parts = Vec::new();
        // Few rows pack nothing.
        let share = if self.rows <= ROWS_MAX {
            0
        } else {
            self.nanoseconds(self.rows, self.columns) / (PARTS_OF_THREAD * self.team.threads())
        };
        let grain = share.max(GRAIN_NS);
        self.cut(grain, 0..self.rows, 0..self.columns, out, &mut parts);
        self.team.each(parts, |part: Part<'_>| {
            self.serial(isa, part.rows, part.columns, part.out)
        });
    }

    /// Computes some columns of it on this thread; `out` holds those columns.
    pub(crate) fn run_columns_here(&self, columns: Range<usize>, out: MatrixMut<'_>) {
        assert_eq!(columns.start % PANEL, 0, "columns begin at a panel");
        assert_eq!(
            (out.rows(), out.columns()),
            (self.rows, columns.len()),
            "the result has the shape of the product"
        );
        self.serial(Isa::detect(), 0..self.rows, columns, out);
    }

    fn check(&self, out: &MatrixMut<'_>) {
        assert_eq!(
            (out.rows(), out.columns()),
            (self.rows, self.columns),
            "the result has the shape of the product"
        );
        if let Factor::Panels(panels) = self.right {
            assert_eq!(
                (panels.columns(), panels.depth()),
                (self.columns, self.depth),
                "the panels fit the product"
            );
        }
        match self.finish {
            Finish::Bias(bias) => assert_eq!(bias.len(), self.columns, "one bias a column"),
            Finish::Residual(residual) => assert_eq!(
                residual.len(),
                self.rows * self.columns,
                "one residual each"
            ),
            Finish::Store | Finish::Accumulate => {}
        }
    }

    /// Halves the longer side until a part is small.
    fn cut<'o>(
        &self,
        grain: usize,
        rows: Range<usize>,
        columns: Range<usize>,
        out: MatrixMut<'o>,
        parts: &mut Vec<Part<'o>>,
    ) {
        let row_blocks = rows.len().div_ceil(SLICE_ROWS);
        let column_blocks = columns.len().div_ceil(BLOCK_COLUMNS / 2);
        let small = self.nanoseconds(rows.len(), columns.len()) <= grain;
        if small || (row_blocks <= 1 && column_blocks <= 1) {
            parts.push(Part { rows, columns, out });
            return;
        }
        if column_blocks <= row_blocks {
            let at = (row_blocks / 2) * SLICE_ROWS;
            let (top, bottom) = out.split_rows(at);
            let middle = rows.start + at;
            self.cut(grain, rows.start..middle, columns.clone(), top, parts);
            self.cut(grain, middle..rows.end, columns, bottom, parts);
        } else {
            let at = (column_blocks / 2) * (BLOCK_COLUMNS / 2);
            let (left, right) = out.split_columns(at);
            let middle = columns.start + at;
            self.cut(grain, rows.clone(), columns.start..middle, left, parts);
            self.cut(grain, rows, middle..columns.end, right, parts);
        }
    }

    /// A guess: 32 multiply-adds and 4 fresh weights a nanosecond.
    fn nanoseconds(&self, rows: usize, columns: usize) -> usize {
        self.depth * columns / 4 + self.depth * columns * rows / 32
    }

    fn serial(&self, isa: Isa, rows: Range<usize>, columns: Range<usize>, out: MatrixMut<'_>) {
        self.blocks
            .with(|space| self.serial_in(isa, space, rows, columns, out));
    }

    fn serial_in(
        &self,
        isa: Isa,
        space: &mut Block,
        rows: Range<usize>,
        columns: Range<usize>,
        out: MatrixMut<'_>,
    ) {
        let mut rest = out;
        for column in columns.clone().step_by(BLOCK_COLUMNS) {
            let column_end = columns.end.min(column + BLOCK_COLUMNS);
            let (mut now, later) = rest.split_columns(column_end - column);
            rest = later;
            for row in rows.clone().step_by(BLOCK_ROWS) {
                let row_end = rows.end.min(row + BLOCK_ROWS);
                let (_, below) = now.reborrow().split_rows(row - rows.start);
                let (block, _) = below.split_rows(row_end - row);
                self.block(isa, space, row..row_end, column..column_end, block);
            }
        }
    }

    /// One block: sums into the workspace, then out through `finish`.
    fn block(
        &self,
        isa: Isa,
        space: &mut Block,
        rows: Range<usize>,
        columns: Range<usize>,
        mut out: MatrixMut<'_>,
    ) {
        // Few rows read each weight once: whole panels stream best. More rows come back to a panel, which must stay.
        let streams = rows.len() <= ROWS_MAX
            && self.left.lies == Lies::InRows
            && matches!(self.right, Factor::Panels(_));
        let step = if streams {
            self.depth.max(1)
        } else {
            BLOCK_DEPTH
        };
        let chain = match self.right {
            Factor::Rows { .. } if CHAIN_MAX < self.depth => BLOCK_DEPTH,
            _ => self.depth.max(1),
        };
        let mut finish = self.finish;
        for depth in (0..self.depth.max(1)).step_by(step) {
            let start = if depth % chain == 0 {
                Start::Zero
            } else {
                Start::Resume
            };
            let end = self.depth.min(depth + step);
            self.accumulate(isa, space, &rows, &columns, depth..end, start);
            if end % chain == 0 || end == self.depth {
                self.pass_on(finish, &space.sums, &rows, &columns, &mut out);
                finish = Finish::Accumulate;
            }
        }
    }

    /// Sums of a block become results.
    fn pass_on(
        &self,
        finish: Finish<'_>,
        sums: &[f32],
        rows: &Range<usize>,
        columns: &Range<usize>,
        out: &mut MatrixMut<'_>,
    ) {
        let stride = columns.len().next_multiple_of(PANEL);
        for (i, row) in rows.clone().enumerate() {
            let sums = &sums[i * stride..][..columns.len()];
            let out = out.row(i);
            match finish {
                Finish::Store => out.copy_from_slice(sums),
                Finish::Bias(bias) => {
                    for ((out, sum), bias) in out.iter_mut().zip(sums).zip(&bias[columns.clone()]) {
                        *out = sum + bias;
                    }
                }
                Finish::Residual(residual) => {
                    let residual = &residual[row * self.columns..][columns.clone()];
                    for ((out, sum), residual) in out.iter_mut().zip(sums).zip(residual) {
                        *out = residual + sum;
                    }
                }
                Finish::Accumulate => {
                    for (out, sum) in out.iter_mut().zip(sums) {
                        *out += sum;
                    }
                }
            }
        }
    }

    /// Adds one slice of the depth to the sums of a block.
    fn accumulate(
        &self,
        isa: Isa,
        space: &mut Block,
        rows: &Range<usize>,
        columns: &Range<usize>,
        span: Range<usize>,
        start: Start,
    ) {
        let panels = columns.len().div_ceil(PANEL);
        let stride = panels * PANEL;
        let Block { sums, left, right } = space;
        if let Factor::Rows { data, stride } = self.right {
            pack_right(right, data, stride, &span, columns);
        }
        for first in rows.clone().step_by(SLICE_ROWS) {
            let slice = first..rows.end.min(first + SLICE_ROWS);
            if self.left.lies == Lies::InColumns {
                pack_left(left, self.left, &slice, &span);
            }
            let sums = &mut sums[(first - rows.start) * stride..];
            let group = tile::panels_at_once(isa, slice.len().min(ROWS_MAX));
            for panel in (0..panels).step_by(group) {
                let mut sweep = Sweep {
                    isa,
                    rows: slice.clone(),
                    span: span.clone(),
                    panels: group.min(panels - panel),
                    packed_left: left,
                    sums: &mut sums[panel * PANEL..],
                    stride,
                    start,
                };
                let packed = &right[panel * PANEL * BLOCK_DEPTH..];
                match self.right {
                    Factor::Panels(held) => {
                        match held.part(columns.start + panel * PANEL, span.start) {
                            panels::Part::F32(right) => self.sweep(&mut sweep, right),
                            panels::Part::Bf16(right) => self.sweep(&mut sweep, right),
                        }
                    }
                    Factor::Rows { .. } => {
                        self.sweep(&mut sweep, Right::panels(packed, BLOCK_DEPTH));
                    }
                }
            }
        }
    }

    /// A slice of rows against a few panels.
    fn sweep<T: Number>(&self, sweep: &mut Sweep<'_>, right: Right<'_, T>) {
        let (rows, stride) = (&sweep.rows, sweep.stride);
        let extent = |rows| Extent {
            rows,
            depth: sweep.span.len(),
            panels: sweep.panels,
        };
        if self.left.lies == Lies::InRows {
            let begin = self.left.at(rows.start, sweep.span.start);
            let data = self.left.data.get(begin..).unwrap_or_default();
            let left = Left::rows(data, self.left.stride);
            let sums = Sums {
                data: sweep.sums,
                row: stride,
            };
            return tile::multiply(
                sweep.isa,
                extent(rows.len()),
                left,
                right,
                sums,
                sweep.start,
            );
        }
        for row in (0..rows.len()).step_by(ROWS_MAX) {
            let extent = extent(ROWS_MAX.min(rows.len() - row));
            let left = Left::columns(&sweep.packed_left[row * sweep.span.len()..], ROWS_MAX);
            let sums = Sums {
                data: &mut sweep.sums[row * stride..],
                row: stride,
            };
            tile::multiply(sweep.isa, extent, left, right, sums, sweep.start);
        }
    }
}

/// What a few panels are multiplied with, and where to.
struct Sweep<'a> {
    isa: Isa,
    rows: Range<usize>,
    span: Range<usize>,
    panels: usize,
    /// The left factor in strips, where its transpose lies in rows.
    packed_left: &'a [f32],
    sums: &'a mut [f32],
    /// Of a row of the sums.
    stride: usize,
    start: Start,
}
