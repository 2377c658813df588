//! Head, log-softmax, gather and entropy as one operation that never holds tokens x vocabulary.
//!
//! `z[n, v] = h[n, d] w[v, d]^T / temperature`, `p = softmax(z)`, `logprob[n] = ln p[n, target[n]]`,
//! `entropy[n] = -sum over v of p ln p`. Words are walked in blocks of [`BLOCK`]: each gives its maximum `m`,
//! `s = sum e^(z - m)` and `u = sum e^(z - m) (z - m)`, and blocks are merged in order, so that a sampler with a whole
//! row of logits and a learner with blocks of them get the same bits.
//! Backward: `dz = dlogprob ([v = target] - p) - dentropy p (ln p + entropy)`, in chunks of rows whose logits stay
//! below [`LOGITS_MAX`]; they are computed again rather than kept.

use super::{
    exp::{exp, ln},
    matmul::{self, Plus, Weights},
    rows,
    scratch::Scratch,
};
use crate::simd::{
    lanes,
    matrix::MatrixMut,
    multiversion,
    product::{Factor, Finish, Product},
    tile::Left,
};

pub(crate) mod cuda;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

/// Words whose sums are taken together. Part of the shape of the reduction.
const BLOCK: usize = 512;
/// Rows of one task of the forward pass; with a block of words their logits fill the second-level cache.
const ROWS: usize = 96;
/// Most logits held at once by the backward pass (64 MiB).
const LOGITS_MAX: usize = 1 << 24;
/// Most rows of a chunk of the backward pass: more brings no better products.
const CHUNK_ROWS_MAX: usize = 512;
/// Fewest: below this, reading the weights costs more than the arithmetic.
const CHUNK_ROWS_MIN: usize = 64;

/// Rows whose logits the backward pass holds at once.
fn chunk_rows(v: usize) -> usize {
    (LOGITS_MAX / v).clamp(CHUNK_ROWS_MIN, CHUNK_ROWS_MAX)
}

/// Logits that the backward pass of `n` rows holds at once.
pub(crate) fn logits_at_once(n: usize, v: usize) -> usize {
    n.min(chunk_rows(v)) * v
}

/// The head at work: `n` hidden rows, and for each the token whose probability is asked.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// Passing memory.
    pub scratch: &'a Scratch,
    /// The head, prepared.
    pub weights: &'a Weights,
    /// `[n, d]`, after the last norm.
    pub hidden: &'a [f32],
    /// `[n]`.
    pub targets: &'a [u32],
    /// One over the temperature.
    pub inverse_temperature: f32,
}

/// The sums over some words of one row.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// Largest `z`.
    max: f32,
    /// `sum e^(z - max)`.
    sum: f32,
    /// `sum e^(z - max) (z - max)`.
    slope: f32,
}

/// What is known of a whole row of logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RowSummary {
    max: f32,
    ln_sum: f32,
    /// In nats; NaN if any logit is.
    pub(crate) entropy: f32,
}

impl RowSummary {
    /// Of a row of logits before the temperature.
    pub(crate) fn of(logits: &[f32], inverse_temperature: f32) -> Self {
        let sums = logits
            .chunks(BLOCK)
            .map(|block| block_sums(block, inverse_temperature));
        Self::merge(sums)
    }

    fn merge(mut blocks: impl Iterator<Item = Sums>) -> Self {
        let mut all = blocks.next().unwrap_or_default();
        for next in blocks {
            let max = if all.max < next.max {
                next.max
            } else {
                all.max
            };
            let (before, after) = (all.max - max, next.max - max);
            let (a, b) = (exp(before), exp(after));
            all = Sums {
                max,
                sum: all.sum * a + next.sum * b,
                slope: all.sum.mul_add(before, all.slope) * a
                    + next.sum.mul_add(after, next.slope) * b,
            };
        }
        let ln_sum = ln(all.sum);
        Self {
            max: all.max,
            ln_sum,
            entropy: ln_sum - all.slope / all.sum,
        }
    }

    /// Log-probability of a word with this logit (before the temperature).
    #[inline(always)]
    pub(crate) fn logprob(&self, logit: f32, inverse_temperature: f32) -> f32 {
        (logit * inverse_temperature - self.max) - self.ln_sum
    }

    /// Whether every logit was a number below infinity.
    pub(crate) fn is_finite(&self) -> bool {
        self.ln_sum.is_finite() && self.max.is_finite()
    }

    /// `e^(z - max)` of a word: its probability but for one factor of the row.
    #[inline(always)]
    pub(crate) fn weight(&self, logit: f32, inverse_temperature: f32) -> f32 {
        exp(logit * inverse_temperature - self.max)
    }
}

/// Sums of one (rows, block) task, and the target's logit where the block holds it.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    sums: Sums,
    target: f32,
}

impl Head<'_> {
    /// Writes `logprobs [n]` and `entropies [n]`.
    pub(crate) fn forward(&self, logprobs: &mut [f32], entropies: &mut [f32]) {
        let (v, n) = (self.weights.outputs(), self.targets.len());
        let fits = logprobs.len() == n && entropies.len() == n;
        assert!(
            fits && self.hidden.len() == n * self.weights.inputs(),
            "n rows"
        );
        let blocks = v.div_ceil(BLOCK);
        // `[chunk of rows, block, row]`: a task owns the cells of its rows and its block.
        let mut cells = vec![Cell::default(); n.div_ceil(ROWS) * blocks * ROWS];
        let tasks = cells.chunks_mut(ROWS).enumerate();
        self.scratch.team.each(tasks, |(task, cells)| {
            let (chunk, block) = (task / blocks, task % blocks);
            let first = chunk * ROWS;
            let count = ROWS.min(n - first);
            self.score_block(first, block, &mut cells[..count]);
        });
        for (n, (logprob, entropy)) in logprobs.iter_mut().zip(entropies).enumerate() {
            let at = |block: usize| cells[((n / ROWS) * blocks + block) * ROWS + n % ROWS];
            let summary = RowSummary::merge((0..blocks).map(|block| at(block).sums));
            let target = at(self.targets[n] as usize / BLOCK).target;
            *logprob = summary.logprob(target, self.inverse_temperature);
            *entropy = summary.entropy;
        }
    }

    fn score_block(&self, first: usize, block: usize, cells: &mut [Cell]) {
        let d = self.weights.inputs();
        let words = block * BLOCK..self.weights.outputs().min((block + 1) * BLOCK);
        let product = Product {
            blocks: &self.scratch.blocks,
            team: &self.scratch.team,
            rows: cells.len(),
            depth: d,
            columns: self.weights.outputs(),
            left: Left::rows(&self.hidden[first * d..], d),
            right: Factor::Panels(self.weights.panels()),
            finish: Finish::Store,
        };
        self.scratch.floats.with(|tile| {
            tile.resize(tile.len().max(ROWS * BLOCK), 0.0);
            let tile = &mut tile[..cells.len() * words.len()];
            let out = MatrixMut::new(tile, cells.len(), words.len());
            product.run_columns_here(words.clone(), out);
            let rows = tile.chunks_exact(words.len()).zip(&self.targets[first..]);
            for (cell, (logits, target)) in cells.iter_mut().zip(rows) {
                cell.sums = block_sums(logits, self.inverse_temperature);
                let target = *target as usize;
                if words.contains(&target) {
                    cell.target = logits[target - words.start];
                }
            }
        });
    }

    /// Writes `dhidden [n, d]` and adds to `dw [v, d]`; `w` is the head as it lies, `[v, d]`, and `by_scores` the gradient
    /// of the loss by the log-probabilities and by the entropies, each `[n]`.
    pub(crate) fn backward(
        &self,
        by_scores: (&[f32], &[f32]),
        w: &[f32],
        dhidden: &mut [f32],
        dw: &mut [f32],
    ) {
        let (v, d) = (self.weights.outputs(), self.weights.inputs());
        assert!(w.len() == v * d && dw.len() == v * d, "the head is [v, d]");
        assert_eq!(dhidden.len(), self.hidden.len(), "dhidden is [n, d]");
        let chunk = chunk_rows(v);
        self.scratch.logits.with(|logits| {
            for (index, dhidden) in dhidden.chunks_mut(chunk * d).enumerate() {
                let (first, count) = (index * chunk, dhidden.len() / d);
                let hidden = &self.hidden[first * d..][..dhidden.len()];
                logits.resize(logits.len().max(count * v), 0.0);
                let logits = &mut logits[..count * v];
                matmul::forward(self.scratch, hidden, self.weights, Plus::Nothing, logits);
                rows::in_parallel(&self.scratch.team, logits, v, |offset, part| {
                    for (n, logits) in (first + offset..).zip(part.chunks_exact_mut(v)) {
                        self.differentiate(n, logits, by_scores);
                    }
                });
                matmul::backward_input(self.scratch, logits, w, v, dhidden);
                matmul::backward_weights(self.scratch, logits, hidden, v, dw);
            }
        });
    }

    /// Turns the logits of row `n` into the gradient by them.
    fn differentiate(&self, n: usize, logits: &mut [f32], by_scores: (&[f32], &[f32])) {
        let inverse_temperature = self.inverse_temperature;
        let summary = RowSummary::of(logits, inverse_temperature);
        let (dlogprob, dentropy) = (by_scores.0[n], by_scores.1[n]);
        differentiate_words(logits, summary, inverse_temperature, dlogprob, dentropy);
        logits[self.targets[n] as usize] += dlogprob * inverse_temperature;
    }
}

multiversion! {
    fn differentiate_words(
        logits: &mut [f32], summary: RowSummary, inverse_temperature: f32, dlogprob: f32, dentropy: f32,
    ) {
        for z in logits {
            let ln_p = summary.logprob(*z, inverse_temperature);
            *z = -(exp(ln_p) * inverse_temperature) * dentropy.mul_add(ln_p + summary.entropy, dlogprob);
        }
    }
}

multiversion! {
    fn block_sums(logits: &[f32], inverse_temperature: f32) -> Sums {
        let max = lanes::max(logits) * inverse_temperature;
        let (mut sums, mut slopes) = ([0.0f32; lanes::LANES], [0.0f32; lanes::LANES]);
        for chunk in logits.chunks(lanes::LANES) {
            for ((sum, slope), z) in sums.iter_mut().zip(&mut slopes).zip(chunk) {
                let below = z * inverse_temperature - max;
                let weight = exp(below);
                *sum += weight;
                // A word so unlikely that its weight is 0 adds nothing, even if its logit is minus infinity.
                *slope = if weight == 0.0 { *slope } else { weight.mul_add(below, *slope) };
            }
        }
        Sums { max, sum: lanes::sum(&sums), slope: lanes::sum(&slopes) }
    }
}
