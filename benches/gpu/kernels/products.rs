//! Linear layers: forward in either precision at many numbers of rows, and back.

use azr_benches::numbers::{numbers, rounded};
use azr_model::Precision;
use azr_model::backend::{Backend, Plus};

use super::{Bench, zeros};
use crate::lines::About;
use crate::timer::{Done, Held, Operation, Piece, pieces, rounded_tolerance};

pub fn time(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (precision, sizes) = (bench.precision, bench.sizes);
    let (hidden, ffn) = (sizes.hidden, sizes.ffn);
    let mut linear = |rows, inputs, outputs| {
        bench.time(&Linear {
            precision,
            rows,
            inputs,
            outputs,
        })
    };
    let [rows, inputs, outputs] = sizes.square;
    linear(rows, inputs, outputs)?;
    for rows in sizes.decode_rows {
        linear(rows, hidden, 2 * ffn)?;
    }
    linear(sizes.product_rows, hidden, 2 * ffn)?;
    linear(sizes.product_rows, ffn, hidden)?;
    let (rows, inputs, outputs) = (sizes.product_rows, hidden, 2 * ffn);
    let shape = [rows, inputs, outputs];
    bench.time(&ByInput { precision, shape })?;
    bench.time(&ByWeights { precision, shape })?;
    match precision {
        Precision::F32 => bench.time(&ByBias { rows, outputs }),
        // The same kernel.
        Precision::Bf16 => Ok(()),
    }
}

struct Linear {
    precision: Precision,
    rows: usize,
    inputs: usize,
    outputs: usize,
}

impl Operation for Linear {
    fn about(&self) -> About {
        About::of(
            "linear",
            self.precision,
            [self.rows, self.inputs, self.outputs],
        )
    }

    fn work(&self) -> (usize, usize) {
        let weights = self.inputs * self.outputs;
        let bytes = weights * self.precision.bytes() + 4 * self.rows * (self.inputs + self.outputs);
        (2 * self.rows * weights, bytes)
    }

    /// Numbers that the device need not round, for the processor does not.
    fn memory(&self) -> Vec<Vec<f32>> {
        let x = numbers(self.rows * self.inputs, 1);
        vec![
            x.into_iter().map(rounded).collect(),
            numbers(self.outputs * self.inputs, 2),
            zeros(self.rows * self.outputs),
        ]
    }

    fn matrix(&self) -> Option<(usize, [usize; 2])> {
        Some((1, [self.outputs, self.inputs]))
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [x, _, y] = pieces(memory);
        let (x, y) = (x.read(it.on), y.write(it.on));
        it.on.linear(x, it.weights(), Plus::Nothing, y);
        Ok(())
    }
}

struct ByInput {
    precision: Precision,
    /// Rows, inputs and outputs.
    shape: [usize; 3],
}

impl Operation for ByInput {
    fn about(&self) -> About {
        About::of("linear back by input", self.precision, self.shape)
    }

    fn work(&self) -> (usize, usize) {
        let [n, i, o] = self.shape;
        (2 * n * i * o, 4 * (i * o + n * (i + o)))
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let [n, i, o] = self.shape;
        vec![numbers(n * o, 1), numbers(o * i, 2), zeros(n * i)]
    }

    fn tolerance(&self) -> f64 {
        rounded_tolerance(self.precision)
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let ([dy, w, dx], outputs) = (pieces(memory), self.shape[2]);
        let (dy, w, dx) = (dy.read(it.on), w.read(it.on), dx.write(it.on));
        it.on.linear_backward_input(dy, w, outputs, dx);
        Ok(())
    }
}

struct ByWeights {
    precision: Precision,
    /// Rows, inputs and outputs.
    shape: [usize; 3],
}

impl Operation for ByWeights {
    fn about(&self) -> About {
        About::of("linear back by weights", self.precision, self.shape)
    }

    fn work(&self) -> (usize, usize) {
        let [n, i, o] = self.shape;
        (2 * n * i * o, 4 * (2 * i * o + n * (i + o)))
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let [n, i, o] = self.shape;
        vec![numbers(n * o, 1), numbers(n * i, 2), zeros(o * i)]
    }

    fn tolerance(&self) -> f64 {
        rounded_tolerance(self.precision)
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let ([dy, x, dw], outputs) = (pieces(memory), self.shape[2]);
        let (dy, x, dw) = (dy.read(it.on), x.read(it.on), dw.write(it.on));
        it.on.linear_backward_weights(dy, x, outputs, dw);
        Ok(())
    }
}

struct ByBias {
    rows: usize,
    outputs: usize,
}

impl Operation for ByBias {
    fn about(&self) -> About {
        About::new("linear back by bias", [self.rows, self.outputs])
    }

    fn work(&self) -> (usize, usize) {
        let count = self.rows * self.outputs;
        (count, 4 * count)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        vec![numbers(self.rows * self.outputs, 1), zeros(self.outputs)]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [dy, db] = pieces(memory);
        let (dy, db) = (dy.read(it.on), db.write(it.on));
        it.on.linear_backward_bias(dy, db);
        Ok(())
    }
}
