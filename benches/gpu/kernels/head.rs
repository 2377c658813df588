//! Head, log-softmax, gather and entropy in one, forward and back.

use azr_benches::numbers::{numbers, rounded};
use azr_model::Precision;
use azr_model::backend::{Backend, Batch, HeadSaved};

use super::{Bench, zeros};
use crate::lines::About;
use crate::timer::{Done, Held, Operation, Piece, pieces, rounded_tolerance};

pub fn time(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let head = Head {
        precision: bench.precision,
        rows: bench.sizes.head_rows,
        width: bench.sizes.hidden,
        words: bench.sizes.words,
    };
    bench.time(&Forward(head))?;
    bench.time(&Back(head))
}

#[derive(Clone, Copy)]
struct Head {
    precision: Precision,
    rows: usize,
    width: usize,
    words: usize,
}

impl Head {
    fn about(&self, kernel: &str) -> About {
        About::of(kernel, self.precision, [self.rows, self.width, self.words])
    }

    fn batch(&self) -> Batch {
        let target = |row: usize| (row * 7_919 % self.words) as u32;
        Batch {
            targets: (0..self.rows).map(target).collect(),
            ..Batch::default()
        }
    }

    /// Hidden rows that the device need not round, and the head.
    fn memory(&self) -> Vec<Vec<f32>> {
        let hidden = numbers(self.rows * self.width, 1);
        let w = numbers(self.words * self.width, 2);
        vec![
            hidden.into_iter().map(rounded).collect(),
            w.into_iter().map(|it| 0.2 * it).collect(),
        ]
    }

    fn weights(&self) -> usize {
        self.words * self.width
    }
}

struct Forward(Head);

impl Operation for Forward {
    fn about(&self) -> About {
        self.0.about("head")
    }

    fn work(&self) -> (usize, usize) {
        let weights = self.0.weights();
        (
            2 * self.0.rows * weights,
            weights * self.0.precision.bytes(),
        )
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let mut memory = self.0.memory();
        memory.extend([zeros(self.0.rows), zeros(self.0.rows)]);
        memory
    }

    fn batches(&self) -> Vec<Batch> {
        vec![self.0.batch()]
    }

    fn matrix(&self) -> Option<(usize, [usize; 2])> {
        Some((1, [self.0.words, self.0.width]))
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [hidden, _, logprobs, entropies] = pieces(memory);
        let (logprobs, entropies) = (logprobs.write(it.on), entropies.write(it.on));
        let hidden = hidden.read(it.on);
        it.on.head(
            &it.batches[0],
            hidden,
            it.weights(),
            1.0,
            logprobs,
            entropies,
        );
        Ok(())
    }
}

struct Back(Head);

impl Operation for Back {
    fn about(&self) -> About {
        self.0.about("head back")
    }

    /// The logits again, then two products; the weights are read in both forms, their gradient is read and written.
    fn work(&self) -> (usize, usize) {
        let (weights, held) = (self.0.weights(), self.0.precision.bytes());
        (3 * 2 * self.0.rows * weights, weights * (held + 3 * 4))
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let (rows, width) = (self.0.rows, self.0.width);
        let mut memory = self.0.memory();
        memory.extend([
            numbers(rows, 3),
            numbers(rows, 4),
            zeros(rows * width),
            zeros(self.0.weights()),
        ]);
        memory
    }

    fn batches(&self) -> Vec<Batch> {
        vec![self.0.batch()]
    }

    /// In bf16 the gradients of logits are rounded too.
    fn tolerance(&self) -> f64 {
        rounded_tolerance(self.0.precision)
    }

    fn matrix(&self) -> Option<(usize, [usize; 2])> {
        Some((1, [self.0.words, self.0.width]))
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [hidden, w, dlogprobs, dentropies, dhidden, dw] = pieces(memory);
        let saved = HeadSaved {
            hidden: hidden.read(it.on),
            packed: it.weights(),
            weights: w.read(it.on),
            inverse_temperature: 1.0,
            dlogprobs: dlogprobs.read(it.on),
            dentropies: dentropies.read(it.on),
        };
        let (dhidden, dw) = (dhidden.write(it.on), dw.write(it.on));
        it.on.head_backward(&it.batches[0], saved, dhidden, dw);
        Ok(())
    }
}
