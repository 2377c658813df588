//! The contract over head shapes and sequence lengths around the block; bits of whole, partial and single reads.

use super::{Attention, BLOCK, Heads, Pages, Saved, Segment, reference};
use crate::kernels::{
    contract::{check, differences, numbers, wide},
    scratch::Scratch,
};

/// Scores are chains of at most 64 products, sums run over at most 150 keys.
const TOLERANCE: f64 = 5e-6;

/// Head counts and widths, and the lengths of the packed sequences.
fn cases() -> Vec<(Heads, Vec<usize>)> {
    let heads = |heads, kv_heads, head_dim| Heads {
        heads,
        kv_heads,
        head_dim,
    };
    vec![
        (heads(1, 1, 2), vec![1, 2]),
        (heads(4, 2, 6), vec![5, 1, 13]),
        (heads(3, 1, 34), vec![64, 65]),
        (heads(9, 3, 64), vec![7, 130]),
        (heads(2, 2, 32), vec![63, 64, 65, 129]),
    ]
}

/// Packs sequences one after the other, each with pages of its own.
pub(crate) fn packed(lengths: &[usize]) -> (Vec<Segment>, Vec<u32>) {
    let (mut segments, mut row, mut page) = (Vec::new(), 0, 0);
    for length in lengths {
        let pages = length.div_ceil(BLOCK);
        segments.push(Segment {
            rows: row..row + length,
            start: 0,
            pages: page..page + pages,
        });
        (row, page) = (row + length, page + pages);
    }
    // Pages need not be in order.
    (segments, (0..page as u32).rev().collect())
}

#[test]
fn forward_and_gradient_match_the_reference() {
    for (heads, lengths) in cases() {
        let (segments, table) = packed(&lengths);
        let rows: usize = lengths.iter().sum();
        let qkv: Vec<f32> = numbers(rows * heads.width(), 1)
            .iter()
            .map(|value| value * 2.0)
            .collect();
        let dout = numbers(rows * heads.query_width(), 2);
        // What was in the cache before must not matter.
        let mut cache = vec![f32::NAN; table.len() * heads.page_elements()];
        let (mut out, mut lse) = (
            vec![f32::NAN; rows * heads.query_width()],
            vec![f32::NAN; rows * heads.heads],
        );
        let pages = Pages {
            table: &table,
            layer: 0,
            layers: 1,
        };
        let scratch = Scratch::default();
        let attention = Attention {
            scratch: &scratch,
            heads: &heads,
            segments: &segments,
        };
        attention.forward(&qkv, pages, &mut cache, &mut out, &mut lse);
        let (out_truth, lse_truth) = reference::forward(&wide(&qkv), &heads, &segments);
        check("out", &out, &out_truth, TOLERANCE);
        check("lse", &lse, &lse_truth, TOLERANCE);
        let mut dqkv = vec![f32::NAN; qkv.len()];
        attention.backward(
            Saved {
                qkv: &qkv,
                out: &out,
                lse: &lse,
                dout: &dout,
            },
            &mut dqkv,
        );
        check(
            "dqkv",
            &dqkv,
            &reference::backward(&wide(&qkv), &wide(&dout), &heads, &segments),
            TOLERANCE,
        );
    }
}

#[test]
fn the_reference_gradient_is_the_slope_of_the_reference() {
    let heads = Heads {
        heads: 2,
        kv_heads: 1,
        head_dim: 2,
    };
    let (segments, _) = packed(&[3, 2]);
    let (qkv, dout) = (
        wide(&numbers(5 * heads.width(), 1)),
        wide(&numbers(5 * heads.query_width(), 2)),
    );
    let loss = |qkv: &[f64]| {
        reference::forward(qkv, &heads, &segments)
            .0
            .iter()
            .zip(&dout)
            .map(|(o, d)| o * d)
            .sum()
    };
    let numeric = differences(&qkv, loss);
    for (analytic, numeric) in reference::backward(&qkv, &dout, &heads, &segments)
        .iter()
        .zip(&numeric)
    {
        assert!(
            (analytic - numeric).abs() < 1e-8,
            "{analytic} and {numeric}"
        );
    }
}

#[test]
fn a_query_has_the_same_bits_however_its_sequence_is_read() {
    for (heads, lengths) in cases() {
        let length = lengths.iter().copied().max().unwrap_or(1);
        let qkv = numbers(length * heads.width(), 3);
        let table: Vec<u32> = (0..length.div_ceil(BLOCK) as u32).collect();
        // Reads rows up to each cut in turn, two layers in one cache.
        let read = |cuts: &[usize], threads: usize| {
            let mut cache = vec![0.0; 2 * table.len() * heads.page_elements()];
            let (mut out, mut lse) = (
                vec![0.0; length * heads.query_width()],
                vec![0.0; length * heads.heads],
            );
            let mut first = 0;
            for cut in cuts {
                let segment = Segment {
                    rows: 0..cut - first,
                    start: first,
                    pages: 0..table.len(),
                };
                let pages = Pages {
                    table: &table,
                    layer: 1,
                    layers: 2,
                };
                let out = &mut out[first * heads.query_width()..cut * heads.query_width()];
                let lse = &mut lse[first * heads.heads..cut * heads.heads];
                let qkv = &qkv[first * heads.width()..cut * heads.width()];
                let (scratch, segments) = (Scratch::of_threads(threads), [segment]);
                let attention = Attention {
                    scratch: &scratch,
                    heads: &heads,
                    segments: &segments,
                };
                attention.forward(qkv, pages, &mut cache, out, lse);
                first = *cut;
            }
            (out, lse)
        };
        let whole = read(&[length], 1);
        assert_eq!(whole, read(&[length], 3), "threads");
        assert_eq!(
            whole,
            read(&(1..=length).collect::<Vec<_>>(), 2),
            "token by token"
        );
        assert_eq!(
            whole,
            read(&[length.div_ceil(3), length.div_ceil(2), length], 2),
            "in parts"
        );
    }
}
