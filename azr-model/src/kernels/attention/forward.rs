//! Forward: writes keys and values to their pages, then walks the pages.

use std::ops::Range;

use super::{Attention, BLOCK, Heads, Pages, Segment};
use crate::{
    kernels::exp::{exp, ln},
    pool::Pool,
    simd::{
        Isa, lanes,
        matrix::MatrixMut,
        multiversion,
        tile::{self, Extent, Left, PANEL, ROWS_MAX, Right, Start, Sums},
    },
};

/// Pairs of query and key times heads that are worth a task of their own (some 20 microseconds).
const GRAIN_PAIRS: usize = 1 << 12;

impl Attention<'_> {
    /// Writes the keys and values of every row of `qkv [n, width]` into `cache`, then `out [n, query_width]` and
    /// `lse [n, heads]`.
    pub(crate) fn forward(
        &self,
        qkv: &[f32],
        pages: Pages<'_>,
        cache: &mut [f32],
        out: &mut [f32],
        lse: &mut [f32],
    ) {
        let Attention {
            scratch,
            heads,
            segments,
        } = *self;
        let rows = qkv.len() / heads.width();
        let covered: usize = segments.iter().map(|it| it.rows.len()).sum();
        assert_eq!(covered, rows, "every row is in one segment");
        let paged = segments
            .iter()
            .all(|it| it.pages_needed() <= it.pages.len());
        assert!(paged, "every segment has its pages");
        store(qkv, heads, segments, pages, cache);
        let pass = Pass {
            floats: &scratch.floats,
            qkv,
            heads,
            pages,
            cache,
            isa: Isa::detect(),
            threads: scratch.team.threads(),
        };
        let out = MatrixMut::new(out, rows, heads.query_width());
        let lse = MatrixMut::new(lse, rows, heads.heads);
        let mut parts = Vec::new();
        pass.cut(segments, 0..heads.kv_heads, (out, lse), &mut parts);
        scratch.team.each(parts, |part| pass.serial(part));
    }
}

fn store(qkv: &[f32], heads: &Heads, segments: &[Segment], pages: Pages<'_>, cache: &mut [f32]) {
    let (e, padded) = (heads.head_dim, heads.padded());
    for segment in segments {
        for (row, position) in segment.rows.clone().zip(segment.start..) {
            let (block, slot) = (position / BLOCK, position % BLOCK);
            let row = &qkv[row * heads.width() + heads.query_width()..][..2 * heads.kv_width()];
            let (keys, values) = row.split_at(heads.kv_width());
            for (g, (key, value)) in keys.chunks_exact(e).zip(values.chunks_exact(e)).enumerate() {
                let base = pages.head(heads, segment, block, g);
                let panel = &mut cache[base + (slot / PANEL) * e * PANEL..][..e * PANEL];
                for (line, key) in panel.as_chunks_mut::<PANEL>().0.iter_mut().zip(key) {
                    line[slot % PANEL] = *key;
                }
                cache[base + BLOCK * e + slot * padded..][..e].copy_from_slice(value);
            }
        }
    }
}

struct Pass<'a> {
    floats: &'a Pool<Vec<f32>>,
    qkv: &'a [f32],
    heads: &'a Heads,
    pages: Pages<'a>,
    cache: &'a [f32],
    isa: Isa,
    threads: usize,
}

/// What one task computes: some sequences, some of their key/value heads.
struct Part<'a> {
    segments: Vec<Segment>,
    kv: Range<usize>,
    out: MatrixMut<'a>,
    lse: MatrixMut<'a>,
}

/// Up to six queries that read the same keys: tokens of one head, or heads of one token.
struct Strip {
    /// Row of the batch and query head of the first.
    row: usize,
    head: usize,
    /// Its position in the sequence.
    position: usize,
    count: usize,
    /// Consecutive queries are tokens; otherwise they are heads.
    along: Along,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Along {
    Tokens,
    Heads,
}

impl Strip {
    /// Keys of the block that query `index` may read.
    fn limit(&self, index: usize, block: usize) -> usize {
        let position = match self.along {
            Along::Tokens => self.position + index,
            Along::Heads => self.position,
        };
        (position + 1).saturating_sub(block * BLOCK).min(BLOCK)
    }
}

impl Pass<'_> {
    /// Halves the segments, then the rows of one, then its key/value heads, until a part is small.
    fn cut<'o>(
        &self,
        segments: &[Segment],
        kv: Range<usize>,
        (out, lse): (MatrixMut<'o>, MatrixMut<'o>),
        parts: &mut Vec<Part<'o>>,
    ) {
        let group = self.heads.group();
        let cost = segments.iter().map(Segment::pairs).sum::<usize>() * kv.len() * group;
        let single = segments.len() == 1 && segments[0].rows.len() <= ROWS_MAX && kv.len() == 1;
        if cost <= GRAIN_PAIRS || single || self.threads < 2 {
            let segments = segments.to_vec();
            parts.push(Part {
                segments,
                kv,
                out,
                lse,
            });
            return;
        }
        if let [segment] = segments {
            let rows = segment.rows.len();
            if rows <= ROWS_MAX {
                let at = kv.len() / 2;
                let (out, out_right) = out.split_columns(at * group * self.heads.head_dim);
                let (lse, lse_right) = lse.split_columns(at * group);
                let middle = kv.start + at;
                self.cut(segments, kv.start..middle, (out, lse), parts);
                return self.cut(segments, middle..kv.end, (out_right, lse_right), parts);
            }
            let at = rows / 2;
            let (first, second) = (segment.part(0..at), segment.part(at..rows));
            let (out, out_below) = out.split_rows(at);
            let (lse, lse_below) = lse.split_rows(at);
            self.cut(&[first], kv.clone(), (out, lse), parts);
            return self.cut(&[second], kv, (out_below, lse_below), parts);
        }
        let (first, second) = segments.split_at(segments.len() / 2);
        let at = first.iter().map(|it| it.rows.len()).sum();
        let (out, out_below) = out.split_rows(at);
        let (lse, lse_below) = lse.split_rows(at);
        self.cut(first, kv.clone(), (out, lse), parts);
        self.cut(second, kv, (out_below, lse_below), parts);
    }

    fn serial(&self, part: Part<'_>) {
        let Part {
            segments,
            kv,
            mut out,
            mut lse,
        } = part;
        let group = self.heads.group();
        let (first_row, first_head) = (
            segments.first().map_or(0, |it| it.rows.start),
            kv.start * group,
        );
        self.floats.with(|sums| {
            sums.resize(sums.len().max(ROWS_MAX * self.heads.padded()), 0.0);
            for segment in &segments {
                for g in kv.clone() {
                    for strip in strips(segment, g * group..(g + 1) * group) {
                        let states = self.walk(segment, g, &strip, sums);
                        self.finish(
                            &strip,
                            &states,
                            sums,
                            (first_row, first_head),
                            &mut out,
                            &mut lse,
                        );
                    }
                }
            }
        });
    }

    /// Takes a strip through all blocks of its keys; leaves the weighted sums of values in `sums`.
    fn walk(
        &self,
        segment: &Segment,
        kv_head: usize,
        strip: &Strip,
        sums: &mut [f32],
    ) -> [State; ROWS_MAX] {
        let (e, padded) = (self.heads.head_dim, self.heads.padded());
        let queries = self.queries(strip);
        let mut scores = [0.0f32; ROWS_MAX * BLOCK];
        let mut states = [State::default(); ROWS_MAX];
        let last = strip.count - 1;
        for block in (0..).take_while(|block| 0 < strip.limit(last, *block)) {
            let base = self.pages.head(self.heads, segment, block, kv_head);
            let (keys, values) = self.cache[base..][..BLOCK * (e + padded)].split_at(BLOCK * e);
            let limit = strip.limit(last, block);
            let panels = limit.div_ceil(PANEL);
            let extent = Extent {
                rows: strip.count,
                depth: e,
                panels,
            };
            let into = Sums {
                data: &mut scores,
                row: BLOCK,
            };
            tile::multiply(
                self.isa,
                extent,
                queries,
                Right::panels(keys, e),
                into,
                Start::Zero,
            );
            for (index, state) in states.iter_mut().enumerate().take(strip.count) {
                let row = &mut scores[index * BLOCK..][..panels * PANEL];
                let sums = &mut sums[index * padded..][..padded];
                let limit = strip.limit(index, block);
                soften(row, limit, self.heads.scale(), state, sums, block);
            }
            let extent = Extent {
                rows: strip.count,
                depth: limit,
                panels: padded / PANEL,
            };
            let weights = Left::rows(&scores, BLOCK);
            let into = Sums {
                data: sums,
                row: padded,
            };
            tile::multiply(
                self.isa,
                extent,
                weights,
                Right::rows(values, padded),
                into,
                Start::Resume,
            );
        }
        states
    }

    fn queries(&self, strip: &Strip) -> Left<'_> {
        let (e, width) = (self.heads.head_dim, self.heads.width());
        let stride = match strip.along {
            Along::Tokens => width,
            Along::Heads => e,
        };
        Left::rows(&self.qkv[strip.row * width + strip.head * e..], stride)
    }

    fn finish(
        &self,
        strip: &Strip,
        states: &[State; ROWS_MAX],
        sums: &[f32],
        (first_row, first_head): (usize, usize),
        out: &mut MatrixMut<'_>,
        lse: &mut MatrixMut<'_>,
    ) {
        let e = self.heads.head_dim;
        for (index, state) in states.iter().enumerate().take(strip.count) {
            let (row, head) = match strip.along {
                Along::Tokens => (strip.row + index, strip.head),
                Along::Heads => (strip.row, strip.head + index),
            };
            let (row, head) = (row - first_row, head - first_head);
            let share = 1.0 / state.sum;
            let sums = &sums[index * self.heads.padded()..][..e];
            for (out, sum) in out.row(row)[head * e..][..e].iter_mut().zip(sums) {
                *out = sum * share;
            }
            lse.row(row)[head] = state.max + ln(state.sum);
        }
    }
}

/// Cuts the queries of a segment that read one key/value head into strips. A single token has no neighbors of its own
/// head, so its heads go together.
fn strips(segment: &Segment, heads: Range<usize>) -> impl Iterator<Item = Strip> {
    let (row, rows, start) = (segment.rows.start, segment.rows.len(), segment.start);
    let along = if rows == 1 {
        Along::Heads
    } else {
        Along::Tokens
    };
    let (outer, inner) = if rows == 1 {
        (0..1, heads.clone())
    } else {
        (heads, 0..rows)
    };
    outer.flat_map(move |outer| {
        let end = inner.end;
        inner.clone().step_by(ROWS_MAX).map(move |first| {
            let count = ROWS_MAX.min(end - first);
            match along {
                Along::Heads => Strip {
                    row,
                    head: first,
                    position: start,
                    count,
                    along,
                },
                Along::Tokens => Strip {
                    row: row + first,
                    head: outer,
                    position: start + first,
                    count,
                    along,
                },
            }
        })
    })
}

/// The running softmax of one query.
#[derive(Clone, Copy)]
struct State {
    /// Largest score so far.
    max: f32,
    /// Sum of `e^(score - max)` so far.
    sum: f32,
}

impl Default for State {
    fn default() -> Self {
        Self {
            max: f32::NEG_INFINITY,
            sum: 0.0,
        }
    }
}

multiversion! {
    /// Turns the scores of one block into weights, zero beyond the limit, and rescales what came before.
    fn soften(scores: &mut [f32], limit: usize, scale: f32, state: &mut State, sums: &mut [f32], block: usize) {
        let (seen, unseen) = scores.split_at_mut(limit);
        for score in seen {
            *score *= scale;
        }
        unseen.fill(f32::NEG_INFINITY);
        let largest = lanes::max(scores);
        let max = if state.max < largest { largest } else { state.max };
        for score in scores.iter_mut() {
            *score = exp(*score - max);
        }
        if block == 0 {
            *state = State { max, sum: lanes::sum(scores) };
            sums.fill(0.0);
            return;
        }
        let shrink = exp(state.max - max);
        *state = State { max, sum: state.sum * shrink + lanes::sum(scores) };
        for sum in sums {
            *sum *= shrink;
        }
    }
}
