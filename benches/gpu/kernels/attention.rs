//! Attention over packed sequences, forward and back, and of one new token each over what was read before.

use azr_benches::numbers::numbers;
use azr_model::Precision;
use azr_model::backend::{AttentionSaved, Backend, Batch, CacheLayer, Heads, PAGE_TOKENS};

use super::{Bench, zeros};
use crate::lines::About;
use crate::timer::{Done, Held, Operation, Piece, pieces, rounded_tolerance};

const ONE_LAYER: CacheLayer = CacheLayer {
    layer: 0,
    layers: 1,
};

pub fn time(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let read = Read {
        sequences: bench.sizes.sequences,
        length: bench.sizes.length,
        heads: bench.sizes.heads,
        precision: bench.precision,
    };
    bench.time(&Forward(read))?;
    bench.time(&Back(read))?;
    for sequences in bench.sizes.decode_rows {
        bench.time(&Decode(Read {
            sequences,
            length: bench.sizes.decode_length,
            ..read
        }))?;
    }
    Ok(())
}

/// Sequences of one length.
#[derive(Clone, Copy)]
struct Read {
    sequences: usize,
    length: usize,
    heads: Heads,
    /// Of the products.
    precision: Precision,
}

impl Read {
    fn about(&self, kernel: &str) -> About {
        let it = &self.heads;
        let shape = [
            self.sequences,
            self.length,
            it.heads,
            it.kv_heads,
            it.head_dim,
        ];
        About::of(kernel, self.precision, shape)
    }

    fn rows(&self) -> usize {
        self.sequences * self.length
    }

    fn batch(&self) -> Batch {
        let mut batch = Batch::default();
        for _ in 0..self.sequences {
            batch.push_sequence(&vec![0; self.length], 0..0, &[]);
        }
        batch
    }

    /// Queries, keys and values; pages; results and sums of so many rows.
    fn memory(&self) -> Vec<Vec<f32>> {
        let (rows, it) = (self.rows(), &self.heads);
        let pages = self.sequences * self.length.div_ceil(PAGE_TOKENS);
        vec![
            numbers(rows * it.width(), 1),
            zeros(pages * it.page_elements()),
            zeros(rows * it.query_width()),
            zeros(rows * it.heads),
        ]
    }

    /// Of one product of queries and keys, or of weights and values.
    fn product_flops(&self) -> usize {
        let seen = self.sequences * self.length * (self.length + 1) / 2;
        2 * seen * self.heads.query_width()
    }

    /// Of queries, keys, values and results.
    fn bytes(&self) -> usize {
        4 * self.rows() * (self.heads.width() + self.heads.query_width())
    }

    fn attend<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) {
        let [qkv, cache, out, lse] = pieces(memory);
        it.on.attention(
            &it.batches[0],
            &self.heads,
            qkv.read(it.on),
            ONE_LAYER,
            cache.write(it.on),
            out.write(it.on),
            lse.write(it.on),
        );
    }
}

struct Forward(Read);

impl Operation for Forward {
    fn about(&self) -> About {
        self.0.about("attention")
    }

    fn work(&self) -> (usize, usize) {
        (2 * self.0.product_flops(), self.0.bytes())
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        self.0.memory()
    }

    fn own_form(&self) -> &[usize] {
        &[1]
    }

    fn tolerance(&self) -> f64 {
        rounded_tolerance(self.0.precision)
    }

    fn batches(&self) -> Vec<Batch> {
        vec![self.0.batch()]
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        self.0.attend(it, memory);
        Ok(())
    }
}

struct Back(Read);

impl Operation for Back {
    fn about(&self) -> About {
        self.0.about("attention back")
    }

    /// Scores and their gradients, and the gradients of queries, keys and values.
    fn work(&self) -> (usize, usize) {
        (5 * self.0.product_flops(), 2 * self.0.bytes())
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let (rows, heads) = (self.0.rows(), &self.0.heads);
        let dout = numbers(rows * heads.query_width(), 2);
        let mut memory = self.0.memory();
        memory.extend([dout, zeros(rows * heads.width())]);
        memory
    }

    fn own_form(&self) -> &[usize] {
        &[1]
    }

    fn tolerance(&self) -> f64 {
        rounded_tolerance(self.0.precision)
    }

    fn batches(&self) -> Vec<Batch> {
        vec![self.0.batch()]
    }

    fn prepare<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) {
        self.0.attend(it, &mut memory[..4]);
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [qkv, _, out, lse, dout, dqkv] = pieces(memory);
        let saved = AttentionSaved {
            qkv: qkv.read(it.on),
            out: out.read(it.on),
            lse: lse.read(it.on),
            dout: dout.read(it.on),
        };
        let dqkv = dqkv.write(it.on);
        it.on
            .attention_backward(&it.batches[0], &self.0.heads, saved, dqkv);
        Ok(())
    }
}

/// The last token of each sequence once more, with those before it in the cache.
struct Decode(Read);

impl Operation for Decode {
    fn about(&self) -> About {
        self.0.about("attention decode")
    }

    fn work(&self) -> (usize, usize) {
        let (rows, heads) = (self.0.rows(), &self.0.heads);
        (
            4 * rows * heads.query_width(),
            4 * 2 * rows * heads.kv_width(),
        )
    }

    fn memory(&self) -> Vec<Vec<f32>> {
        let (n, heads) = (self.0.sequences, &self.0.heads);
        let mut memory = self.0.memory();
        memory.extend([
            numbers(n * heads.width(), 3),
            zeros(n * heads.query_width()),
            zeros(n * heads.heads),
        ]);
        memory
    }

    fn own_form(&self) -> &[usize] {
        &[1]
    }

    fn tolerance(&self) -> f64 {
        rounded_tolerance(self.0.precision)
    }

    fn batches(&self) -> Vec<Batch> {
        let (whole, mut last) = (self.0.batch(), Batch::default());
        for pages in whole.pages.chunks(self.0.length.div_ceil(PAGE_TOKENS)) {
            last.push_continuation(&[0], self.0.length - 1, pages);
        }
        vec![whole, last]
    }

    fn prepare<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) {
        self.0.attend(it, &mut memory[..4]);
    }

    fn run<B: Backend>(&self, it: &Held<'_, B>, memory: &mut [Piece<B>]) -> Done {
        let [_, cache, _, _, qkv, out, lse] = pieces(memory);
        it.on.attention(
            &it.batches[1],
            &self.0.heads,
            qkv.read(it.on),
            ONE_LAYER,
            cache.write(it.on),
            out.write(it.on),
            lse.write(it.on),
        );
        Ok(())
    }
}
