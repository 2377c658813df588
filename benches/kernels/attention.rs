//! Attention over packed sequences, forward and backward, and over long caches, one new token each.

use azr_benches::numbers::{check, dot, numbers, some};
use azr_benches::rates::{Rates, work};
use azr_model::CpuBackend;
use azr_model::backend::{AttentionSaved, Backend, Batch, CacheLayer, Heads, PAGE_TOKENS};
use criterion::Criterion;

const SMOLLM2: Heads = Heads {
    heads: 9,
    kv_heads: 3,
    head_dim: 64,
};
const QWEN2: Heads = Heads {
    heads: 14,
    kv_heads: 2,
    head_dim: 64,
};
/// Qwen3-0.6B.
const QWEN3: Heads = Heads {
    heads: 16,
    kv_heads: 8,
    head_dim: 128,
};
/// As many keys as queries, the narrow heads of azr-tiny.
const TINY: Heads = Heads {
    heads: 4,
    kv_heads: 4,
    head_dim: 32,
};
const ONE_LAYER: CacheLayer = CacheLayer {
    layer: 0,
    layers: 1,
};

/// Sequences that are read at once, and what came of it.
struct Read {
    heads: Heads,
    lengths: Vec<usize>,
    batch: Batch,
    qkv: Vec<f32>,
    cache: Vec<f32>,
    out: Vec<f32>,
    lse: Vec<f32>,
    dout: Vec<f32>,
    dqkv: Vec<f32>,
}

impl Read {
    fn new(heads: Heads, lengths: Vec<usize>) -> Self {
        let mut batch = Batch::default();
        for length in &lengths {
            batch.push_sequence(&vec![0; *length], 0..0, &[]);
        }
        let rows = batch.rows();
        Self {
            heads,
            lengths,
            qkv: numbers(rows * heads.width(), 1),
            cache: vec![f32::NAN; batch.pages.len() * heads.page_elements()],
            out: vec![f32::NAN; rows * heads.query_width()],
            lse: vec![f32::NAN; rows * heads.heads],
            dout: numbers(rows * heads.query_width(), 2),
            dqkv: vec![f32::NAN; rows * heads.width()],
            batch,
        }
    }

    fn forward(&mut self, backend: &CpuBackend) {
        backend.attention(
            &self.batch,
            &self.heads,
            &self.qkv,
            ONE_LAYER,
            &mut self.cache,
            &mut self.out,
            &mut self.lse,
        );
    }

    fn backward(&mut self, backend: &CpuBackend) {
        let saved = AttentionSaved {
            qkv: self.qkv.as_slice(),
            out: self.out.as_slice(),
            lse: self.lse.as_slice(),
            dout: self.dout.as_slice(),
        };
        backend.attention_backward(&self.batch, &self.heads, saved, &mut self.dqkv);
    }

    fn query(&self, row: usize, head: usize) -> &[f32] {
        &self.qkv[row * self.heads.width() + head * self.heads.head_dim..][..self.heads.head_dim]
    }

    fn key(&self, row: usize, head: usize) -> &[f32] {
        self.query(row, self.heads.heads + head / self.heads.group())
    }

    fn value(&self, row: usize, head: usize) -> &[f32] {
        self.query(
            row,
            self.heads.heads + self.heads.kv_heads + head / self.heads.group(),
        )
    }

    fn dout(&self, row: usize, head: usize) -> &[f32] {
        &self.dout[row * self.heads.query_width() + head * self.heads.head_dim..]
            [..self.heads.head_dim]
    }

    fn score(&self, query: usize, key: usize, head: usize) -> f64 {
        let (sum, _) = dot(pairs(self.query(query, head), self.key(key, head)));
        sum / (self.heads.head_dim as f64).sqrt()
    }

    /// Softmax of the scores of one query, and `dout . value` of each key.
    fn shares(&self, first: usize, row: usize, head: usize) -> Vec<(f64, f64)> {
        let weights: Vec<f64> = (first..=row)
            .map(|key| self.score(row, key, head).exp())
            .collect();
        let sum: f64 = weights.iter().sum();
        let pull = |key| dot(pairs(self.dout(row, head), self.value(key, head))).0;
        (first..=row)
            .zip(weights)
            .map(|(key, weight)| (weight / sum, pull(key)))
            .collect()
    }

    /// Holds some elements of the last sequence against sums over all its keys or queries.
    fn check(&self) {
        let rows = self.batch.rows();
        let length = self.lengths[self.lengths.len() - 1];
        let (first, e) = (rows - length, self.heads.head_dim);
        for ((at, head), i) in some(length).zip(some(self.heads.heads)).zip(some(e)) {
            let row = first + at;
            let shares = self.shares(first, row, head);
            let out: f64 = (first..)
                .zip(&shares)
                .map(|(key, (p, _))| p * f64::from(self.value(key, head)[i]))
                .sum();
            check(
                "out",
                self.out[row * self.heads.query_width() + head * e + i],
                out,
                1.0,
            );
            let mean: f64 = shares.iter().map(|(p, pull)| p * pull).sum();
            let slopes = (first..)
                .zip(&shares)
                .map(|(key, (p, pull))| (key, p * (pull - mean) / (e as f64).sqrt()));
            let dq: f64 = slopes
                .map(|(key, slope)| slope * f64::from(self.key(key, head)[i]))
                .sum();
            check(
                "dq",
                self.dqkv[row * self.heads.width() + head * e + i],
                dq,
                1.0,
            );
        }
        // The last key but one of the sequence is read by two queries of each head of its group.
        let (key, kv_head, i) = (rows - 2.min(length), self.heads.kv_heads - 1, e / 2);
        let (mut dk, mut dv) = (0.0, 0.0);
        for head in kv_head * self.heads.group()..self.heads.heads {
            for row in key..rows {
                let shares = self.shares(first, row, head);
                let mean: f64 = shares.iter().map(|(p, pull)| p * pull).sum();
                let (p, pull) = shares[key - first];
                dv += p * f64::from(self.dout(row, head)[i]);
                dk += p * (pull - mean) / (e as f64).sqrt() * f64::from(self.query(row, head)[i]);
            }
        }
        let at = key * self.heads.width() + self.heads.query_width() + kv_head * e + i;
        check("dk", self.dqkv[at], dk, 1.0);
        check("dv", self.dqkv[at + self.heads.kv_width()], dv, 1.0);
    }
}

fn pairs<'a>(a: &'a [f32], b: &'a [f32]) -> impl Iterator<Item = (f32, f32)> {
    a.iter().copied().zip(b.iter().copied())
}

pub fn read(criterion: &mut Criterion<Rates>) {
    let backend = CpuBackend::default();
    let mut group = criterion.benchmark_group("attention");
    for (heads, name, lengths) in [
        (SMOLLM2, "9/3x64", vec![256; 2]),
        (SMOLLM2, "9/3x64", vec![1024]),
        (SMOLLM2, "9/3x64", vec![33; 31]),
        (QWEN2, "14/2x64", vec![512]),
        (QWEN3, "16/8x128", vec![256; 2]),
        (TINY, "4/4x32", vec![64; 32]),
    ] {
        let mut read = Read::new(heads, lengths);
        read.forward(&backend);
        read.backward(&backend);
        read.check();
        let seen: usize = read.lengths.iter().map(|it| it * (it + 1) / 2).sum();
        let product = 2 * seen * heads.query_width();
        let name = format!("{name} {}x{}", read.lengths.len(), read.lengths[0]);
        group.throughput(work(2 * product, 4 * (read.qkv.len() + read.out.len())));
        group.bench_function(format!("forward {name}"), |bencher| {
            bencher.iter(|| read.forward(&backend));
        });
        // Scores and their gradients, and the gradients of queries, keys and values.
        group.throughput(work(5 * product, 4 * 2 * (read.qkv.len() + read.out.len())));
        group.bench_function(format!("backward {name}"), |bencher| {
            bencher.iter(|| read.backward(&backend));
        });
    }
    group.finish();
}

/// The last token of each sequence, with the keys and values of those before it in the cache.
pub fn decode(criterion: &mut Criterion<Rates>) {
    let backend = CpuBackend::default();
    let mut group = criterion.benchmark_group("attention decode");
    for (heads, name, sequences, length) in [
        (SMOLLM2, "9/3x64", 1, 1024),
        (SMOLLM2, "9/3x64", 32, 151),
        (QWEN2, "14/2x64", 32, 512),
    ] {
        let mut read = Read::new(heads, vec![length; sequences]);
        read.forward(&backend);
        let mut batch = Batch::default();
        let (mut qkv, mut truth) = (Vec::new(), Vec::<f32>::new());
        for (sequence, pages) in read
            .batch
            .pages
            .chunks(length.div_ceil(PAGE_TOKENS))
            .enumerate()
        {
            let last = (sequence + 1) * length - 1;
            batch.push_continuation(&[0], length - 1, pages);
            qkv.extend(&read.qkv[last * heads.width()..][..heads.width()]);
            truth.extend(&read.out[last * heads.query_width()..][..heads.query_width()]);
        }
        let (mut out, mut lse) = (
            vec![f32::NAN; truth.len()],
            vec![f32::NAN; sequences * heads.heads],
        );
        let mut attend = || {
            backend.attention(
                &batch,
                &heads,
                &qkv,
                ONE_LAYER,
                &mut read.cache,
                &mut out,
                &mut lse,
            );
            out.clone()
        };
        assert_eq!(
            attend(),
            truth,
            "a token read alone has the bits of one that is read with its sequence"
        );
        let keys = 2 * sequences * length * heads.kv_width();
        group.throughput(work(4 * sequences * length * heads.query_width(), 4 * keys));
        group.bench_function(format!("{name} {sequences}x{length}"), |bencher| {
            bencher.iter(&mut attend)
        });
    }
    group.finish();
}
