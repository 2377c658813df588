//! What goes through all weights once: the norm of a gradient, AdamW; and a plain copy, which nothing can be faster than.

use azr_benches::numbers::numbers;
use azr_model::backend::{Backend, Factors};

use super::{Bench, zeros};
use crate::lines::About;
use crate::timer::{Done, Held, Operation, Piece, pieces};

pub fn time(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let count = bench.sizes.numbers;
    bench.time(&Copied(count))?;
    bench.time(&Squares(count))?;
    bench.time(&Updated(count))
}

/// Memory to memory.
struct Copied(usize);

impl Operation for Copied {
    fn about(&self) -> About {
        About::new("copy", [self.0])
    }

    fn work(&self) -> (usize, usize) {
        (0, 4 * 2 * self.0)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        vec![[numbers(self.0, 1), zeros(self.0)].concat()]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [both] = pieces(memory);
        it.on.copy_page(0, 1, self.0, both.write(it.on));
        Ok(())
    }
}

/// The sum of squares that a gradient is clipped by; the host waits for it.
struct Squares(usize);

impl Operation for Squares {
    fn about(&self) -> About {
        About::new("gradient norm", [self.0])
    }

    fn work(&self) -> (usize, usize) {
        (2 * self.0, 4 * self.0)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        vec![numbers(self.0, 2), zeros(1)]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [values, sum] = pieces(memory);
        let found = it.on.sum_of_squares(values.read(it.on))?;
        it.on.write(&[found as f32], sum.write(it.on));
        Ok(())
    }
}

/// AdamW over weights, gradient and two moments.
struct Updated(usize);

impl Operation for Updated {
    fn about(&self) -> About {
        About::new("AdamW", [self.0])
    }

    fn work(&self) -> (usize, usize) {
        (16 * self.0, 8 * 4 * self.0)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let second = numbers(self.0, 4).iter().map(|it| it * it).collect();
        vec![
            numbers(self.0, 1),
            numbers(self.0, 2),
            numbers(self.0, 3),
            second,
        ]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [weights, gradient, first, second] = pieces(memory);
        let factors = Factors {
            gradient_scale: 0.5,
            keep: 0.999,
            beta1: 0.9,
            beta2: 0.99,
            rate: 0.01,
            second_scale: 1.25,
            eps: 1e-8,
        };
        it.on.adamw(
            weights.write(it.on),
            gradient.write(it.on),
            (first.write(it.on), second.write(it.on)),
            factors,
        );
        Ok(())
    }
}
