//! Rotary positions, and the gated layer forward and back.

use azr_benches::numbers::numbers;
use azr_model::backend::{Backend, Batch, Heads, Turn};

use super::{Bench, zeros};
use crate::lines::About;
use crate::timer::{Done, Held, Operation, Piece, pieces};

pub fn time(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (rows, width, heads) = (bench.sizes.rows, bench.sizes.ffn, bench.sizes.heads);
    bench.time(&Angles { rows, heads })?;
    bench.time(&Turned { rows, heads })?;
    bench.time(&Gate { rows, width })?;
    bench.time(&GateBack { rows, width })
}

fn frequencies(heads: &Heads) -> Vec<f32> {
    let e = heads.head_dim;
    let of = |i: usize| 1e6f32.powf(-2.0 * i as f32 / e as f32);
    (0..e / 2).map(of).collect()
}

struct Angles {
    rows: usize,
    heads: Heads,
}

impl Operation for Angles {
    fn about(&self) -> About {
        About::new("angles", [self.rows, self.heads.head_dim])
    }

    fn work(&self) -> (usize, usize) {
        (0, 4 * self.rows * self.heads.head_dim)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        vec![zeros(self.rows * self.heads.head_dim)]
    }

    fn batches(&self) -> Vec<Batch> {
        vec![one_sequence(self.rows)]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [turns] = pieces(memory);
        let turns = turns.write(it.on);
        it.on
            .angles(&it.batches[0], &frequencies(&self.heads), turns);
        Ok(())
    }
}

fn one_sequence(rows: usize) -> Batch {
    let mut batch = Batch::default();
    batch.push_sequence(&vec![0; rows], 0..0, &[]);
    batch
}

struct Turned {
    rows: usize,
    heads: Heads,
}

impl Operation for Turned {
    fn about(&self) -> About {
        let it = &self.heads;
        About::new("rope", [self.rows, it.heads, it.kv_heads, it.head_dim])
    }

    fn work(&self) -> (usize, usize) {
        let turned = self.rows * (self.heads.query_width() + self.heads.kv_width());
        (3 * turned, 4 * 2 * turned)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let qkv = numbers(self.rows * self.heads.width(), 1);
        vec![zeros(self.rows * self.heads.head_dim), qkv]
    }

    fn batches(&self) -> Vec<Batch> {
        vec![one_sequence(self.rows)]
    }

    fn prepare<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) {
        let [turns, _] = pieces(memory);
        let turns = turns.write(it.on);
        it.on
            .angles(&it.batches[0], &frequencies(&self.heads), turns);
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [turns, qkv] = pieces(memory);
        let (turns, qkv) = (turns.read(it.on), qkv.write(it.on));
        it.on.rope(&self.heads, turns, Turn::Forward, qkv);
        Ok(())
    }
}

struct Gate {
    rows: usize,
    width: usize,
}

impl Operation for Gate {
    fn about(&self) -> About {
        About::new("gate", [self.rows, self.width])
    }

    fn work(&self) -> (usize, usize) {
        let count = self.rows * self.width;
        (20 * count, 4 * 3 * count)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let count = self.rows * self.width;
        vec![numbers(2 * count, 1), zeros(count)]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [gate_up, y] = pieces(memory);
        let (gate_up, y) = (gate_up.read(it.on), y.write(it.on));
        it.on.swiglu(gate_up, self.width, y);
        Ok(())
    }
}

struct GateBack {
    rows: usize,
    width: usize,
}

impl Operation for GateBack {
    fn about(&self) -> About {
        About::new("gate back", [self.rows, self.width])
    }

    fn work(&self) -> (usize, usize) {
        let count = self.rows * self.width;
        (28 * count, 4 * 5 * count)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let count = self.rows * self.width;
        vec![numbers(2 * count, 1), numbers(count, 2), zeros(2 * count)]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [gate_up, dy, dgate_up] = pieces(memory);
        let (gate_up, dy) = (gate_up.read(it.on), dy.read(it.on));
        let dgate_up = dgate_up.write(it.on);
        it.on.swiglu_backward(gate_up, dy, self.width, dgate_up);
        Ok(())
    }
}
