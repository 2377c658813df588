//! Token vectors and rows that are picked, forward and back.

use azr_benches::numbers::numbers;
use azr_model::backend::{Backend, Batch};

use super::{Bench, zeros};
use crate::lines::About;
use crate::timer::{Done, Held, Operation, Piece, pieces};

pub fn time(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (rows, width) = (bench.sizes.rows, bench.sizes.hidden);
    let words = bench.sizes.words;
    bench.time(&Vectors { rows, width, words })?;
    bench.time(&VectorsBack { rows, width, words })?;
    bench.time(&Picked { rows, width })?;
    bench.time(&PickedBack { rows, width })
}

/// Tokens of which some come again; the logits of the first half of the rows are asked.
fn batch(rows: usize, words: usize) -> Batch {
    let token = |row: usize| (row * row * 31 % words) as u32;
    let tokens: Vec<u32> = (0..rows).map(token).collect();
    let mut batch = Batch::default();
    batch.push_sequence(&tokens, 0..rows / 2, &tokens[..rows / 2]);
    batch
}

struct Vectors {
    rows: usize,
    width: usize,
    words: usize,
}

impl Operation for Vectors {
    fn about(&self) -> About {
        About::new("token vectors", [self.rows, self.width, self.words])
    }

    fn work(&self) -> (usize, usize) {
        (0, 4 * 2 * self.rows * self.width)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let table = numbers(self.words * self.width, 1);
        vec![table, zeros(self.rows * self.width)]
    }

    fn batches(&self) -> Vec<Batch> {
        vec![batch(self.rows, self.words)]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [table, x] = pieces(memory);
        let (table, x) = (table.read(it.on), x.write(it.on));
        it.on.embed(&it.batches[0], table, x);
        Ok(())
    }
}

struct VectorsBack {
    rows: usize,
    width: usize,
    words: usize,
}

impl Operation for VectorsBack {
    fn about(&self) -> About {
        About::new("token vectors back", [self.rows, self.width, self.words])
    }

    fn work(&self) -> (usize, usize) {
        let count = self.rows * self.width;
        (count, 4 * 3 * count)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let dx = numbers(self.rows * self.width, 2);
        vec![dx, zeros(self.words * self.width)]
    }

    fn batches(&self) -> Vec<Batch> {
        vec![batch(self.rows, self.words)]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [dx, dtable] = pieces(memory);
        let (dx, dtable) = (dx.read(it.on), dtable.write(it.on));
        it.on.embed_backward(&it.batches[0], dx, dtable);
        Ok(())
    }
}

struct Picked {
    rows: usize,
    width: usize,
}

impl Operation for Picked {
    fn about(&self) -> About {
        About::new("pick", [self.rows, self.width])
    }

    fn work(&self) -> (usize, usize) {
        (0, 4 * self.rows * self.width)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let x = numbers(self.rows * self.width, 1);
        vec![x, zeros(self.rows / 2 * self.width)]
    }

    fn batches(&self) -> Vec<Batch> {
        vec![batch(self.rows, self.rows)]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [x, picked] = pieces(memory);
        let (x, picked) = (x.read(it.on), picked.write(it.on));
        it.on.pick(&it.batches[0], x, picked);
        Ok(())
    }
}

struct PickedBack {
    rows: usize,
    width: usize,
}

impl Operation for PickedBack {
    fn about(&self) -> About {
        About::new("pick back", [self.rows, self.width])
    }

    fn work(&self) -> (usize, usize) {
        let bytes = 4 * self.rows * self.width;
        (0, bytes + bytes / 2)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let dpicked = numbers(self.rows / 2 * self.width, 2);
        vec![dpicked, zeros(self.rows * self.width)]
    }

    fn batches(&self) -> Vec<Batch> {
        vec![batch(self.rows, self.rows)]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [dpicked, dx] = pieces(memory);
        let (dpicked, dx) = (dpicked.read(it.on), dx.write(it.on));
        it.on.pick_backward(&it.batches[0], dpicked, dx);
        Ok(())
    }
}
