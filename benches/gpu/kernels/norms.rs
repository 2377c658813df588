//! RMSNorm of rows, and of each query and key head; forward and back.

use azr_benches::numbers::numbers;
use azr_model::backend::{Backend, Heads};

use super::{Bench, zeros};
use crate::lines::About;
use crate::timer::{Done, Held, Operation, Piece, pieces};

const EPS: f32 = 1e-6;

pub fn time(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (rows, width, heads) = (bench.sizes.rows, bench.sizes.hidden, bench.sizes.normalized);
    bench.time(&Norm { rows, width })?;
    bench.time(&NormBack { rows, width })?;
    bench.time(&HeadNorm { rows, heads })?;
    bench.time(&HeadNormBack { rows, heads })
}

struct Norm {
    rows: usize,
    width: usize,
}

impl Operation for Norm {
    fn about(&self) -> About {
        About::new("norm", [self.rows, self.width])
    }

    fn work(&self) -> (usize, usize) {
        let count = self.rows * self.width;
        (4 * count, 4 * 2 * count)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let count = self.rows * self.width;
        let (x, w) = (numbers(count, 1), numbers(self.width, 2));
        vec![x, w, zeros(count), zeros(self.rows)]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [x, w, y, r] = pieces(memory);
        let (y, r) = (y.write(it.on), r.write(it.on));
        it.on.rms_norm(x.read(it.on), w.read(it.on), EPS, y, r);
        Ok(())
    }
}

struct NormBack {
    rows: usize,
    width: usize,
}

impl Operation for NormBack {
    fn about(&self) -> About {
        About::new("norm back", [self.rows, self.width])
    }

    fn work(&self) -> (usize, usize) {
        let count = self.rows * self.width;
        (10 * count, 4 * 4 * count)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let count = self.rows * self.width;
        let (x, w, dy) = (numbers(count, 1), numbers(self.width, 2), numbers(count, 3));
        let (y, r, dx, dw) = (count, self.rows, count, self.width);
        vec![x, w, dy, zeros(y), zeros(r), zeros(dx), zeros(dw)]
    }

    fn prepare<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) {
        let [x, w, _, y, r, _, _] = pieces(memory);
        let (y, r) = (y.write(it.on), r.write(it.on));
        it.on.rms_norm(x.read(it.on), w.read(it.on), EPS, y, r);
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [x, w, dy, _, r, dx, dw] = pieces(memory);
        let saved = (x.read(it.on), w.read(it.on), r.read(it.on));
        let (dx, dw) = (dx.write(it.on), dw.write(it.on));
        it.on.rms_norm_backward(dy.read(it.on), saved, dx, dw);
        Ok(())
    }
}

struct HeadNorm {
    rows: usize,
    heads: Heads,
}

/// Elements of all rows that are normalized, and their heads.
fn turned(rows: usize, heads: &Heads) -> (usize, usize) {
    let turned = rows * (heads.heads + heads.kv_heads);
    (turned * heads.head_dim, turned)
}

fn shape(rows: usize, heads: &Heads) -> [usize; 4] {
    [rows, heads.heads, heads.kv_heads, heads.head_dim]
}

impl Operation for HeadNorm {
    fn about(&self) -> About {
        About::new("head norm", shape(self.rows, &self.heads))
    }

    fn work(&self) -> (usize, usize) {
        let (count, _) = turned(self.rows, &self.heads);
        (4 * count, 4 * 3 * count)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let (count, heads) = turned(self.rows, &self.heads);
        let w = numbers(2 * self.heads.head_dim, 2);
        let qkv = numbers(self.rows * self.heads.width(), 1);
        vec![w, qkv, zeros(count), zeros(heads)]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [w, qkv, raw, r] = pieces(memory);
        let (raw, r) = (raw.write(it.on), r.write(it.on));
        let (w, qkv) = (w.read(it.on), qkv.write(it.on));
        it.on.head_norm(&self.heads, w, EPS, qkv, raw, r);
        Ok(())
    }
}

struct HeadNormBack {
    rows: usize,
    heads: Heads,
}

impl Operation for HeadNormBack {
    fn about(&self) -> About {
        About::new("head norm back", shape(self.rows, &self.heads))
    }

    fn work(&self) -> (usize, usize) {
        let (count, _) = turned(self.rows, &self.heads);
        (10 * count, 4 * 3 * count)
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let (count, heads) = turned(self.rows, &self.heads);
        let (w, all) = (2 * self.heads.head_dim, self.rows * self.heads.width());
        let (raw, r) = (zeros(count), zeros(heads));
        let (qkv, dqkv) = (numbers(all, 1), numbers(all, 3));
        vec![numbers(w, 2), qkv, raw, r, dqkv, zeros(w)]
    }

    fn prepare<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) {
        let [w, qkv, raw, r, _, _] = pieces(memory);
        let (raw, r) = (raw.write(it.on), r.write(it.on));
        let (w, qkv) = (w.read(it.on), qkv.write(it.on));
        it.on.head_norm(&self.heads, w, EPS, qkv, raw, r);
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [w, _, raw, r, dqkv, dw] = pieces(memory);
        let saved = (w.read(it.on), raw.read(it.on), r.read(it.on));
        let (dqkv, dw) = (dqkv.write(it.on), dw.write(it.on));
        it.on.head_norm_backward(&self.heads, saved, dqkv, dw);
        Ok(())
    }
}
