//! Weights laid out for products: panels of sixteen outputs, depth-major, so that a tile reads them in a row.

use std::collections::TryReserveError;

use super::{
    aligned::Aligned,
    number::{Bf16, Number},
    team::Team,
    tile::{PANEL, Right},
};
use crate::precision::Precision;

/// A weight matrix laid out for products from the right: `columns` outputs in panels of sixteen, each panel depth-major,
/// the last one filled up with zeros.
pub(crate) struct Panels {
    held: Held,
    depth: usize,
    columns: usize,
}

/// How exactly the panels hold the matrix.
enum Held {
    F32(Aligned<f32>),
    /// Rounded once, when it is packed. Halves what a product reads.
    Bf16(Aligned<Bf16>),
}

/// A part of the panels.
pub(super) enum Part<'a> {
    F32(Right<'a, f32>),
    Bf16(Right<'a, Bf16>),
}

impl Panels {
    /// Room for a matrix of `columns` rows (outputs) by `depth` (inputs).
    ///
    /// # Errors
    /// The system has no memory left.
    pub(crate) fn new(
        columns: usize,
        depth: usize,
        precision: Precision,
    ) -> Result<Self, TryReserveError> {
        let elements = Self::elements(columns, depth);
        let held = match precision {
            Precision::F32 => Held::F32(Aligned::zeros(elements)?),
            Precision::Bf16 => Held::Bf16(Aligned::zeros(elements)?),
        };
        Ok(Self {
            held,
            depth,
            columns,
        })
    }

    /// Numbers that they hold, those that fill the last panel up among them.
    pub(crate) fn elements(columns: usize, depth: usize) -> usize {
        columns.div_ceil(PANEL) * PANEL * depth
    }

    /// Takes over a row-major `[columns, depth]` matrix.
    pub(crate) fn pack(&mut self, team: &Team, matrix: &[f32]) {
        let depth = self.depth;
        assert_eq!(
            matrix.len(),
            depth * self.columns,
            "the matrix has the shape of its panels"
        );
        match &mut self.held {
            Held::F32(held) => lay(team, held, depth, matrix, |column| column, |value| value),
            Held::Bf16(held) => lay(team, held, depth, matrix, Bf16::place, Bf16::round),
        }
    }

    /// Number of outputs.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Number of inputs.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// The panels that hold these columns; the first must begin a panel.
    pub(super) fn part(&self, column: usize, depth: usize) -> Part<'_> {
        let begin = (column / PANEL) * PANEL * self.depth + depth * PANEL;
        let panel = PANEL * self.depth;
        match &self.held {
            Held::F32(held) => Part::F32(right(&held.as_slice()[begin..], panel)),
            Held::Bf16(held) => Part::Bf16(right(&held.as_slice()[begin..], panel)),
        }
    }
}

fn right<T>(data: &[T], panel: usize) -> Right<'_, T> {
    Right {
        data,
        panel,
        depth: PANEL,
    }
}

/// Lays the rows of a matrix into panels: each value as `number` says, at the `place` of its column in its line.
fn lay<T: Number>(
    team: &Team,
    held: &mut Aligned<T>,
    depth: usize,
    matrix: &[f32],
    place: impl Fn(usize) -> usize + Sync,
    number: impl Fn(f32) -> T + Sync,
) {
    let rows_of_panel = matrix.chunks(PANEL * depth);
    let panels = held.as_mut_slice().chunks_mut(PANEL * depth);
    team.each(panels.zip(rows_of_panel), |(panel, rows)| {
        for (column, row) in rows.chunks_exact(depth).enumerate() {
            let at = place(column);
            for (line, value) in panel.as_chunks_mut::<PANEL>().0.iter_mut().zip(row) {
                line[at] = number(*value);
            }
        }
    });
}
