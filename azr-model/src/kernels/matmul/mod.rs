//! Linear layers: `y[n, o] = x[n, i] w[o, i]^T`, and back.
//!
//! Forward: `y = x w^T`, plus a bias for each output or a residual of the shape of `y`. Backward: `dx = dy w`,
//! `dw += dy^T x`, `db += sum over n of dy`. Sums over `i`, `o` and `n` are f32 chains in index order, cut into
//! shorter ones in the backward pass where they are long (`simd/product.rs`). Only the prepared `w` of the forward pass
//! may be held rounded to bfloat16; the backward pass reads `w` as it lies.

use std::collections::TryReserveError;

use super::scratch::Scratch;
use crate::precision::Precision;
use crate::simd::{
    matrix::MatrixMut,
    multiversion,
    panels::Panels,
    product::{Factor, Finish, Product},
    team::Team,
    tile::Left,
};

pub(crate) mod cuda;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

/// What is added to `x w^T`; `V` is a view of device memory.
#[derive(Clone, Copy, Debug)]
pub enum Plus<V> {
    /// Nothing.
    Nothing,
    /// One number for each output, `[o]`.
    Bias(V),
    /// A matrix of the shape of the result, `[n, o]`.
    Residual(V),
}

/// A weight matrix prepared for [`forward`].
pub struct Weights(Panels);

impl Weights {
    /// Room for an `[outputs, inputs]` matrix.
    ///
    /// # Errors
    /// The system has no memory left.
    pub(crate) fn new(
        outputs: usize,
        inputs: usize,
        precision: Precision,
    ) -> Result<Self, TryReserveError> {
        Ok(Self(Panels::new(outputs, inputs, precision)?))
    }

    /// Bytes that an `[outputs, inputs]` matrix takes.
    pub(crate) fn bytes(outputs: usize, inputs: usize, precision: Precision) -> usize {
        Panels::elements(outputs, inputs) * precision.bytes()
    }

    /// Takes over new values, `[outputs, inputs]` row-major.
    pub(crate) fn pack(&mut self, team: &Team, matrix: &[f32]) {
        self.0.pack(team, matrix);
    }

    /// Rows of the matrix.
    pub(crate) fn outputs(&self) -> usize {
        self.0.columns()
    }

    /// Columns of the matrix.
    pub(crate) fn inputs(&self) -> usize {
        self.0.depth()
    }

    pub(crate) fn panels(&self) -> &Panels {
        &self.0
    }
}

/// `y = x w^T + plus`; `x` is `[n, inputs]`, `y` is `[n, outputs]`.
pub(crate) fn forward(
    scratch: &Scratch,
    x: &[f32],
    weights: &Weights,
    plus: Plus<&[f32]>,
    y: &mut [f32],
) {
    let (inputs, outputs) = (weights.inputs(), weights.outputs());
    let rows = y.len() / outputs;
    assert_eq!(x.len(), rows * inputs, "x has a row for each row of y");
    let finish = match plus {
        Plus::Nothing => Finish::Store,
        Plus::Bias(bias) => Finish::Bias(bias),
        Plus::Residual(residual) => Finish::Residual(residual),
    };
    let left = Left::rows(x, inputs);
    let right = Factor::Panels(&weights.0);
    Product {
        blocks: &scratch.blocks,
        team: &scratch.team,
        rows,
        depth: inputs,
        columns: outputs,
        left,
        right,
        finish,
    }
    .run(MatrixMut::new(y, rows, outputs));
}

/// `dx = dy w`; `dy` is `[n, outputs]`, `w` is `[outputs, inputs]`, `dx` is `[n, inputs]`.
pub(crate) fn backward_input(
    scratch: &Scratch,
    dy: &[f32],
    w: &[f32],
    outputs: usize,
    dx: &mut [f32],
) {
    let inputs = w.len() / outputs;
    let rows = dy.len() / outputs;
    assert_eq!(dx.len(), rows * inputs, "dx has a row for each row of dy");
    let left = Left::rows(dy, outputs);
    let right = Factor::Rows {
        data: w,
        stride: inputs,
    };
    let product = Product {
        blocks: &scratch.blocks,
        team: &scratch.team,
        rows,
        depth: outputs,
        columns: inputs,
        left,
        right,
        finish: Finish::Store,
    };
    product.run(MatrixMut::new(dx, rows, inputs));
}

/// `dw += dy^T x`; `dy` is `[n, outputs]`, `x` is `[n, inputs]`, `dw` is `[outputs, inputs]`.
pub(crate) fn backward_weights(
    scratch: &Scratch,
    dy: &[f32],
    x: &[f32],
    outputs: usize,
    dw: &mut [f32],
) {
    let inputs = dw.len() / outputs;
    let rows = dy.len() / outputs;
    assert_eq!(x.len(), rows * inputs, "x has a row for each row of dy");
    let left = Left::columns(dy, outputs);
    let right = Factor::Rows {
        data: x,
        stride: inputs,
    };
    let product = Product {
        blocks: &scratch.blocks,
        team: &scratch.team,
        rows: outputs,
        depth: rows,
        columns: inputs,
        left,
        right,
        finish: Finish::Accumulate,
    };
    product.run(MatrixMut::new(dw, outputs, inputs));
}

/// `db += sum over n of dy`.
pub(crate) fn backward_bias(team: &Team, dy: &[f32], db: &mut [f32]) {
    let outputs = db.len();
    team.each(db.chunks_mut(COLUMNS).enumerate(), |(chunk, db)| {
        add_column_sums(dy, outputs, chunk * COLUMNS, db);
    });
}

/// Columns that one pass sums.
const COLUMNS: usize = 64;

multiversion! {
    fn add_column_sums(dy: &[f32], outputs: usize, column: usize, db: &mut [f32]) {
        let mut sums = [0.0f32; COLUMNS];
        for row in dy.chunks_exact(outputs) {
            for (sum, value) in sums.iter_mut().zip(&row[column..column + db.len()]) {
                *sum += value;
            }
        }
        for (db, sum) in db.iter_mut().zip(sums) {
            *db += sum;
        }
    }
}
