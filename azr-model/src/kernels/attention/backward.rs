//! Backward: scores are computed again block by block from queries, keys and `lse`.
//!
//! With `p = e^(s - lse)` and `D = dout . out`: `dv += p^T dout`, `ds = p (dout . v - D)`, `dq += ds k / sqrt(e)`,
//! `dk += ds^T q / sqrt(e)`. A task owns one key/value head of one sequence, so no sum is shared.

use std::ops::Range;

use super::{Attention, BLOCK, Heads, Saved, Segment};
use crate::{
    kernels::exp::exp,
    pool::Pool,
    simd::{
        Isa, lanes,
        matrix::MatrixMut,
        multiversion,
        tile::{self, Extent, Left, PANEL, Right, Start, Sums},
    },
};

impl Attention<'_> {
    /// Writes `dqkv [n, width]`; every sequence begins at position 0 and is read whole.
    pub(crate) fn backward(&self, saved: Saved<&[f32]>, dqkv: &mut [f32]) {
        let Attention {
            scratch,
            heads,
            segments,
        } = *self;
        let rows = saved.qkv.len() / heads.width();
        let covered: usize = segments.iter().map(|it| it.rows.len()).sum();
        assert_eq!(covered, rows, "every row is in one segment");
        assert!(
            segments.iter().all(|it| it.start == 0),
            "sequences are read whole"
        );
        let (dq, rest) =
            MatrixMut::new(dqkv, rows, heads.width()).split_columns(heads.query_width());
        let (dk, dv) = rest.split_columns(heads.kv_width());
        let pass = Pass {
            spaces: &scratch.attention,
            saved,
            heads,
            isa: Isa::detect(),
        };
        let mut parts = Vec::new();
        pass.cut(
            segments,
            0..heads.kv_heads,
            Gradients { dq, dk, dv },
            &mut parts,
        );
        scratch.team.each(parts, |(segment, kv_head, out)| {
            pass.spaces
                .with(|space| pass.head(segment, kv_head, space, out));
        });
    }
}

struct Gradients<'a> {
    dq: MatrixMut<'a>,
    dk: MatrixMut<'a>,
    dv: MatrixMut<'a>,
}

impl Gradients<'_> {
    fn split_rows(self, at: usize) -> (Self, Self) {
        let (dq, dq_below) = self.dq.split_rows(at);
        let (dk, dk_below) = self.dk.split_rows(at);
        let (dv, dv_below) = self.dv.split_rows(at);
        (
            Self { dq, dk, dv },
            Self {
                dq: dq_below,
                dk: dk_below,
                dv: dv_below,
            },
        )
    }

    /// Cuts before a key/value head; `group` query heads belong to each.
    fn split_heads(self, at: usize, group: usize, e: usize) -> (Self, Self) {
        let (dq, dq_right) = self.dq.split_columns(at * group * e);
        let (dk, dk_right) = self.dk.split_columns(at * e);
        let (dv, dv_right) = self.dv.split_columns(at * e);
        (
            Self { dq, dk, dv },
            Self {
                dq: dq_right,
                dk: dk_right,
                dv: dv_right,
            },
        )
    }
}

struct Pass<'a> {
    spaces: &'a Pool<Space>,
    saved: Saved<&'a [f32]>,
    heads: &'a Heads,
    isa: Isa,
}

impl Pass<'_> {
    /// Parts of one key/value head of one sequence each.
    fn cut<'o>(
        &self,
        segments: &'o [Segment],
        kv: Range<usize>,
        out: Gradients<'o>,
        parts: &mut Vec<(&'o Segment, usize, Gradients<'o>)>,
    ) {
        let group = self.heads.group();
        if let ([segment], 1) = (segments, kv.len()) {
            parts.push((segment, kv.start, out));
            return;
        }
        if segments.len() <= 1 {
            let at = kv.len() / 2;
            let (left, right) = out.split_heads(at, group, self.heads.head_dim);
            let middle = kv.start + at;
            self.cut(segments, kv.start..middle, left, parts);
            return self.cut(segments, middle..kv.end, right, parts);
        }
        let (first, second) = segments.split_at(segments.len() / 2);
        let (top, bottom) = out.split_rows(first.iter().map(|it| it.rows.len()).sum());
        self.cut(first, kv.clone(), top, parts);
        self.cut(second, kv, bottom, parts);
    }

    /// One key/value head of one sequence.
    fn head(&self, segment: &Segment, kv_head: usize, space: &mut Space, mut out: Gradients<'_>) {
        let Heads { head_dim: e, .. } = *self.heads;
        let (padded, group) = (self.heads.padded(), self.heads.group());
        space.fit(segment.rows.len(), e, padded);
        self.load_keys(segment, kv_head, space);
        for inner in 0..group {
            for first in (0..segment.rows.len()).step_by(BLOCK) {
                let count = BLOCK.min(segment.rows.len() - first);
                self.load_queries(
                    segment,
                    kv_head * group + inner,
                    first..first + count,
                    space,
                );
                for block in 0..=first / BLOCK {
                    let keys = BLOCK.min(segment.rows.len() - block * BLOCK);
                    self.pair(first, count, block * BLOCK, keys, space);
                }
                for i in 0..count {
                    let dq = &mut out.dq.row(first + i)[inner * e..][..e];
                    dq.copy_from_slice(&space.dq[i * padded..][..e]);
                }
            }
        }
        for i in 0..segment.rows.len() {
            out.dk.row(i).copy_from_slice(&space.dk[i * padded..][..e]);
            out.dv.row(i).copy_from_slice(&space.dv[i * padded..][..e]);
        }
    }

    /// Keys as panels and as rows, values as panels; their gradients begin at zero.
    fn load_keys(&self, segment: &Segment, kv_head: usize, space: &mut Space) {
        let Heads { head_dim: e, .. } = *self.heads;
        let padded = self.heads.padded();
        for (i, row) in segment.rows.clone().enumerate() {
            let row = &self.saved.qkv[row * self.heads.width()..][..self.heads.width()];
            let key = &row[self.heads.query_width() + kv_head * e..][..e];
            let value = &row[self.heads.query_width() + self.heads.kv_width() + kv_head * e..][..e];
            let panel = (i / PANEL) * PANEL * e;
            for (c, (key, value)) in key.iter().zip(value).enumerate() {
                space.key_panels[panel + c * PANEL + i % PANEL] = *key;
                space.value_panels[panel + c * PANEL + i % PANEL] = *value;
            }
            space.keys[i * padded..][..e].copy_from_slice(key);
        }
        space.dk.fill(0.0);
        space.dv.fill(0.0);
    }

    fn load_queries(
        &self,
        segment: &Segment,
        head: usize,
        queries: Range<usize>,
        space: &mut Space,
    ) {
        let Heads {
            head_dim: e, heads, ..
        } = *self.heads;
        let padded = self.heads.padded();
        for (i, query) in queries.enumerate() {
            let row = segment.rows.start + query;
            let at = row * self.heads.query_width() + head * e;
            let (out, dout) = (&self.saved.out[at..][..e], &self.saved.dout[at..][..e]);
            space.q[i * padded..][..e]
                .copy_from_slice(&self.saved.qkv[row * self.heads.width() + head * e..][..e]);
            space.dout[i * padded..][..e].copy_from_slice(dout);
            space.along[i] = inner_product(dout, out);
            space.lse[i] = self.saved.lse[row * heads + head];
        }
        space.dq.fill(0.0);
    }

    /// One block of queries against one block of keys.
    fn pair(&self, first: usize, count: usize, key: usize, keys: usize, space: &mut Space) {
        let (e, padded) = (self.heads.head_dim, self.heads.padded());
        let panels = keys.div_ceil(PANEL);
        let scores = Extent {
            rows: count,
            depth: e,
            panels,
        };
        let queries = Left::rows(&space.q, padded);
        let right = Right::panels(&space.key_panels[key * e..], e);
        let into = Sums {
            data: &mut space.p,
            row: BLOCK,
        };
        tile::multiply(self.isa, scores, queries, right, into, Start::Zero);
        let upstream = Left::rows(&space.dout, padded);
        let right = Right::panels(&space.value_panels[key * e..], e);
        let into = Sums {
            data: &mut space.ds,
            row: BLOCK,
        };
        tile::multiply(self.isa, scores, upstream, right, into, Start::Zero);
        for i in 0..count {
            let limit = keys.min(first + i + 1 - key);
            let row = i * BLOCK..i * BLOCK + panels * PANEL;
            let (p, ds) = (&mut space.p[row.clone()], &mut space.ds[row]);
            differentiate(
                p,
                ds,
                limit,
                self.heads.scale(),
                space.lse[i],
                space.along[i],
            );
        }
        self.spread(count, key, keys, space);
    }

    /// Adds what the probabilities and their gradients say to the gradients of queries, keys and values.
    fn spread(&self, count: usize, key: usize, keys: usize, space: &mut Space) {
        let padded = self.heads.padded();
        let add = |extent, left, right, sums| {
            let into = Sums {
                data: sums,
                row: padded,
            };
            tile::multiply(self.isa, extent, left, right, into, Start::Resume);
        };
        let panels = padded / PANEL;
        let by_query = Extent {
            rows: count,
            depth: keys,
            panels,
        };
        let by_key = Extent {
            rows: keys,
            depth: count,
            panels,
        };
        let at = key * padded;
        let keys = Right::rows(&space.keys[at..], padded);
        add(by_query, Left::rows(&space.ds, BLOCK), keys, &mut space.dq);
        let queries = Right::rows(&space.q, padded);
        add(
            by_key,
            Left::columns(&space.ds, BLOCK),
            queries,
            &mut space.dk[at..],
        );
        let upstream = Right::rows(&space.dout, padded);
        add(
            by_key,
            Left::columns(&space.p, BLOCK),
            upstream,
            &mut space.dv[at..],
        );
    }
}

multiversion! {
    fn inner_product(a: &[f32], b: &[f32]) -> f32 {
        lanes::dot(a, b)
    }
}

multiversion! {
    /// Scores become probabilities, `ds` becomes the gradient by the raw products; both are zero beyond the limit.
    fn differentiate(p: &mut [f32], ds: &mut [f32], limit: usize, scale: f32, lse: f32, along: f32) {
        for (p, ds) in p[..limit].iter_mut().zip(&mut ds[..limit]) {
            *p = exp(*p * scale - lse);
            *ds = *p * (*ds - along) * scale;
        }
        p[limit..].fill(0.0);
        ds[limit..].fill(0.0);
    }
}

/// Memory of one task.
#[derive(Debug, Default)]
pub(crate) struct Space {
    key_panels: Vec<f32>,
    value_panels: Vec<f32>,
    keys: Vec<f32>,
    dk: Vec<f32>,
    dv: Vec<f32>,
    q: Vec<f32>,
    dout: Vec<f32>,
    dq: Vec<f32>,
    along: Vec<f32>,
    lse: Vec<f32>,
    p: Vec<f32>,
    ds: Vec<f32>,
}

impl Space {
    fn fit(&mut self, tokens: usize, e: usize, padded: usize) {
        let tokens = tokens.next_multiple_of(BLOCK);
        for panels in [&mut self.key_panels, &mut self.value_panels] {
            panels.resize(tokens * e, 0.0);
        }
        for rows in [&mut self.keys, &mut self.dk, &mut self.dv] {
            rows.resize(tokens * padded, 0.0);
        }
        for rows in [&mut self.q, &mut self.dout, &mut self.dq] {
            rows.resize(BLOCK * padded, 0.0);
        }
        for scalars in [&mut self.along, &mut self.lse] {
            scalars.resize(BLOCK, 0.0);
        }
        for square in [&mut self.p, &mut self.ds] {
            square.resize(BLOCK * BLOCK, 0.0);
        }
    }
}
