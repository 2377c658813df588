//! The memory of one block of a product, and how factors are packed into it.

use std::ops::Range;

use super::{BLOCK_COLUMNS, BLOCK_DEPTH, BLOCK_ROWS, SLICE_ROWS};
use crate::simd::tile::{Left, PANEL, ROWS_MAX};

/// Memory of one block of a product.
#[derive(Debug)]
pub(crate) struct Block {
    pub(super) sums: Vec<f32>,
    pub(super) left: Vec<f32>,
    pub(super) right: Vec<f32>,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            sums: vec![0.0; BLOCK_ROWS * BLOCK_COLUMNS],
            left: vec![0.0; SLICE_ROWS * BLOCK_DEPTH],
            right: vec![0.0; BLOCK_COLUMNS * BLOCK_DEPTH],
        }
    }
}

/// Strips of six rows, depth-major. A transposed factor is read once, row by row: each of its rows may be a page of
/// its own, and strip by strip would come to each page as often as there are strips.
pub(super) fn pack_left(
    packed: &mut [f32],
    left: Left<'_>,
    rows: &Range<usize>,
    span: &Range<usize>,
) {
    let strip = ROWS_MAX * span.len();
    for (k, depth) in span.clone().enumerate() {
        let from = &left.data[left.at(rows.start, depth)..][..rows.len()];
        let (whole, rest) = from.as_chunks::<ROWS_MAX>();
        let mut at = k * ROWS_MAX;
        for six in whole {
            packed[at..at + ROWS_MAX].copy_from_slice(six);
            at += strip;
        }
        if !rest.is_empty() {
            packed[at..at + rest.len()].copy_from_slice(rest);
        }
    }
}

/// Packs some columns of a row-major factor into panels of the depth of a block, filled up with zeros.
pub(super) fn pack_right(
    packed: &mut [f32],
    data: &[f32],
    stride: usize,
    span: &Range<usize>,
    columns: &Range<usize>,
) {
    for (k, depth) in span.clone().enumerate() {
        let from = &data[depth * stride..][columns.clone()];
        let (whole, rest) = from.as_chunks::<PANEL>();
        let mut at = k * PANEL;
        for line in whole {
            packed[at..at + PANEL].copy_from_slice(line);
            at += PANEL * BLOCK_DEPTH;
        }
        if !rest.is_empty() {
            let line = &mut packed[at..at + PANEL];
            line.fill(0.0);
            line[..rest.len()].copy_from_slice(rest);
        }
    }
}
