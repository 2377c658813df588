//! A token out of each row of logits, at a temperature alone and through every filter; the host waits for it.

use azr_benches::numbers::numbers;
use azr_model::backend::{Backend, Draw, Sampling};

use super::{Bench, zeros};
use crate::lines::About;
use crate::timer::{Done, Held, Operation, Piece, pieces};

pub fn time(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let words = bench.sizes.words;
    let open = Sampling::at_temperature(0.8);
    let filtered = Sampling {
        top_k: 200,
        top_p: 0.9,
        min_p: 0.01,
        ..open
    };
    for rows in bench.sizes.decode_rows {
        for (kernel, sampling) in [("draw", open), ("draw filtered", filtered)] {
            bench.time(&Drawing {
                kernel,
                rows,
                words,
                sampling,
            })?;
        }
    }
    Ok(())
}

struct Drawing {
    kernel: &'static str,
    rows: usize,
    words: usize,
    sampling: Sampling,
}

impl Operation for Drawing {
    fn about(&self) -> About {
        About::new(self.kernel, [self.rows, self.words])
    }

    fn work(&self) -> (usize, usize) {
        let logits = self.rows * self.words;
        (2 * logits, 4 * logits)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let logits = numbers(self.rows * self.words, 1);
        let logits = logits.into_iter().map(|it| 12.0 * it).collect();
        vec![logits, zeros(self.rows), zeros(self.rows)]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [logits, tokens, logprobs] = pieces(memory);
        let draw = |row: usize| Draw {
            row,
            sampling: self.sampling,
            unit: (row as f64 + 0.5) / self.rows as f64,
        };
        let draws: Vec<Draw> = (0..self.rows).map(draw).collect();
        let drawn = it.on.draw((logits.read(it.on), self.words), &draws)?;
        // What could not be drawn shows as no number.
        let (ids, scores): (Vec<f32>, Vec<f32>) = drawn
            .iter()
            .map(|it| it.map_or((f32::NAN, f32::NAN), |it| (it.token as f32, it.logprob)))
            .unzip();
        it.on.write(&ids, tokens.write(it.on));
        it.on.write(&scores, logprobs.write(it.on));
        Ok(())
    }
}
