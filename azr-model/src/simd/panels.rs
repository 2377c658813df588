//! Weights laid out for products: panels of sixteen outputs, depth-major, so that a tile reads them in a row.

use std::collections::TryReserveError;

use super::{
    aligned::Aligned,
    team::Team,
    tile::{PANEL, Right},
};

/// A weight matrix laid out for products from the right: `columns` outputs in panels of sixteen, each panel depth-major,
/// the last one filled up with zeros.
pub(crate) struct Panels {
    data: Aligned,
    depth: usize,
    columns: usize,
}

impl Panels {
    /// Room for a matrix of `columns` rows (outputs) by `depth` (inputs).
    ///
    /// # Errors
    /// The system has no memory left.
    pub(crate) fn new(columns: usize, depth: usize) -> Result<Self, TryReserveError> {
        let data = Aligned::zeros(columns.div_ceil(PANEL) * PANEL * depth)?;
        Ok(Self {
            data,
            depth,
            columns,
        })
    }

    /// Takes over a row-major `[columns, depth]` matrix.
    pub(crate) fn pack(&mut self, team: &Team, matrix: &[f32]) {
        let (depth, columns) = (self.depth, self.columns);
        assert_eq!(
            matrix.len(),
            depth * columns,
            "the matrix has the shape of its panels"
        );
        let rows_of_panel = matrix.chunks(PANEL * depth);
        let panels = self.data.as_mut_slice().chunks_mut(PANEL * depth);
        team.each(panels.zip(rows_of_panel), |(panel, rows)| {
            for (j, row) in rows.chunks_exact(depth).enumerate() {
                for (line, value) in panel.as_chunks_mut::<PANEL>().0.iter_mut().zip(row) {
                    line[j] = *value;
                }
            }
        });
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
    pub(super) fn right(&self, column: usize, depth: usize) -> Right<'_> {
        let begin = (column / PANEL) * PANEL * self.depth + depth * PANEL;
        Right {
            data: &self.data.as_slice()[begin..],
            panel: PANEL * self.depth,
            depth: PANEL,
        }
    }
}
