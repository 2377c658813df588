//! The contract on the emulated device, in both precisions; one query's bits however its sequence is read; faults that
//! must be caught.

mod bf16;

use super::{Layer, SOURCE, Tiles, backward, forward};
use crate::{
    cuda::{Device, caught, test_device},
    kernels::{
        attention::{Heads, Saved, Segment, reference, tests::packed},
        contract::{check, numbers, wide},
    },
    precision::Precision,
};

/// Scores are chains of at most 128 products, sums run over at most 130 keys.
const TOLERANCE: f64 = 5e-6;

fn heads(heads: usize, kv_heads: usize, head_dim: usize) -> Heads {
    Heads {
        heads,
        kv_heads,
        head_dim,
    }
}

/// What a batch of sequences is made of: rows, and gradients from above.
fn given(heads: &Heads, lengths: &[usize]) -> (Vec<f32>, Vec<f32>) {
    let rows: usize = lengths.iter().sum();
    let qkv = numbers(rows * heads.width(), 1);
    (
        qkv.iter().map(|it| it * 2.0).collect(),
        numbers(rows * heads.query_width(), 2),
    )
}

fn contract(device: &Device, heads: &Heads, lengths: &[usize]) {
    let given = given(heads, lengths);
    held(device, heads, lengths, given, (Precision::F32, TOLERANCE));
}

/// Holds both passes against the reference.
fn held(
    device: &Device,
    heads: &Heads,
    lengths: &[usize],
    (qkv, dout): (Vec<f32>, Vec<f32>),
    (precision, tolerance): (Precision, f64),
) {
    let (segments, table) = packed(lengths);
    let rows: usize = lengths.iter().sum();
    let tiles = Tiles::new(device, &segments, &table, precision).unwrap();
    let (there, dout_there) = (device.upload(&qkv).unwrap(), device.upload(&dout).unwrap());
    // Fresh memory of the emulated device is full of what is no number: what was in the cache must not matter.
    let mut cache = device
        .allocate(2 * table.len() * heads.page_elements())
        .unwrap();
    let (mut out, mut lse) = (
        device.allocate(dout.len()).unwrap(),
        device.allocate(rows * heads.heads).unwrap(),
    );
    let layer = Layer {
        layer: 1,
        layers: 2,
    };
    let results = (out.view_mut(), lse.view_mut());
    forward(
        device,
        &tiles,
        heads,
        there.view(),
        layer,
        cache.view_mut(),
        results,
    )
    .unwrap();
    let (out_truth, lse_truth) = reference::forward(&wide(&qkv), heads, &segments);
    check(
        "out",
        &device.download(out.view()).unwrap(),
        &out_truth,
        tolerance,
    );
    check(
        "lse",
        &device.download(lse.view()).unwrap(),
        &lse_truth,
        tolerance,
    );
    let mut dqkv = device.allocate(qkv.len()).unwrap();
    let saved = Saved {
        qkv: there.view(),
        out: out.view(),
        lse: lse.view(),
        dout: dout_there.view(),
    };
    backward(device, &tiles, heads, saved, dqkv.view_mut()).unwrap();
    let truth = reference::backward(&wide(&qkv), &wide(&dout), heads, &segments);
    check(
        "dqkv",
        &device.download(dqkv.view()).unwrap(),
        &truth,
        tolerance,
    );
}

/// Heads and lengths of sequences that no page and no tile divides.
fn shapes() -> Vec<(Heads, Vec<usize>)> {
    vec![
        (heads(1, 1, 1), vec![1, 2]),
        (heads(4, 2, 6), vec![5, 1, 13]),
        (heads(3, 1, 34), vec![64, 65]),
        (heads(6, 2, 64), vec![7, 130]),
        (heads(1, 1, 128), vec![17]),
    ]
}

#[test]
fn forward_and_gradient_match_the_reference() {
    for (heads, lengths) in shapes() {
        contract(&test_device(), &heads, &lengths);
    }
}

#[test]
fn a_query_has_the_same_bits_however_its_sequence_is_read() {
    for precision in [Precision::F32, Precision::Bf16] {
        read_in_parts(precision);
    }
}

fn read_in_parts(precision: Precision) {
    let (device, heads, length) = (test_device(), heads(4, 2, 6), 70);
    let qkv = numbers(length * heads.width(), 3);
    let table = [2, 0];
    // Reads rows up to each cut in turn.
    let read = |cuts: &[usize]| {
        let mut cache = device.allocate(3 * heads.page_elements()).unwrap();
        let (mut outs, mut sums, mut first) = (Vec::new(), Vec::new(), 0);
        for cut in cuts {
            let segment = Segment {
                rows: 0..cut - first,
                start: first,
                pages: 0..2,
            };
            let tiles = Tiles::new(&device, &[segment], &table, precision).unwrap();
            let rows = cut - first;
            let part = device
                .upload(&qkv[first * heads.width()..cut * heads.width()])
                .unwrap();
            let (mut out, mut lse) = (
                device.allocate(rows * heads.query_width()).unwrap(),
                device.allocate(rows * heads.heads).unwrap(),
            );
            let layer = Layer {
                layer: 0,
                layers: 1,
            };
            let results = (out.view_mut(), lse.view_mut());
            forward(
                &device,
                &tiles,
                &heads,
                part.view(),
                layer,
                cache.view_mut(),
                results,
            )
            .unwrap();
            outs.extend(device.download(out.view()).unwrap());
            sums.extend(device.download(lse.view()).unwrap());
            first = *cut;
        }
        (outs, sums)
    };
    let whole = read(&[length]);
    assert_eq!(
        whole,
        read(&(1..=length).collect::<Vec<_>>()),
        "token by token"
    );
    assert_eq!(whole, read(&[23, 41, length]), "in parts");
}

#[test]
fn a_head_that_is_too_wide_and_a_batch_without_pages_are_refused() {
    let device = test_device();
    let (segments, table) = packed(&[3]);
    let tiles = Tiles::new(&device, &segments, &table, Precision::F32).unwrap();
    let (wide, mut any) = (heads(1, 1, 130), device.allocate(1).unwrap());
    let nothing = device.upload(&[]).unwrap();
    let saved = Saved {
        qkv: nothing.view(),
        out: nothing.view(),
        lse: nothing.view(),
        dout: nothing.view(),
    };
    let error = backward(&device, &tiles, &wide, saved, any.view_mut()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "attention backward: the width of a head is 130, and at most 128 is supported"
    );
    assert!(Tiles::new(&device, &packed(&[65]).0, &[0], Precision::F32).is_err());
}

#[test]
fn planted_faults_are_caught() {
    caught(
        &SOURCE,
        &[
            // Barriers: before the keys are read, before the values replace them, before those are read, and before
            // the next keys replace those.
            (
                "fill(rows, e + 1, page, e, e, count, PAGE);\n        __syncthreads();",
                "fill(rows, e + 1, page, e, e, count, PAGE);",
            ),
            (
                "most = highest;\n        __syncthreads();",
                "most = highest;",
            ),
            (
                "page + PAGE * e, e, e, count, PAGE);\n        __syncthreads();",
                "page + PAGE * e, e, e, count, PAGE);",
            ),
            (
                "__syncthreads();\n        fill(rows, e + 1, page, e",
                "fill(rows, e + 1, page, e",
            ),
            // The backward pass.
            ("__syncthreads();\n        fill(keys", "fill(keys"),
            (
                "width, e, count, KEYS);\n        __syncthreads();",
                "width, e, count, KEYS);",
            ),
            (
                "count, QUERIES);\n            __syncthreads();",
                "count, QUERIES);",
            ),
            ("__syncthreads();\n            fill(queries", "fill(queries"),
            // Masks.
            (
                "first + key <= position ? score :",
                "first + key < end ? score :",
            ),
            (
                "first + key <= position ? exponential(score - log_sum)",
                "first + key < end ? exponential(score - log_sum)",
            ),
            ("tile.start + key <= first + query ?", "true ?"),
            (
                "row < count ? from[row * from_step + column] : 0.0f",
                "from[row * from_step + column]",
            ),
            // Indices and factors.
            (
                "head / (heads / kv_heads), page_head",
                "head % kv_heads, page_head",
            ),
            (
                "u64(table[first + block]) * layers + layer",
                "u64(first + block) * layers + layer",
            ),
            ("float value = mixed[i] * kept", "float value = mixed[i]"),
            (
                "sum = fmaf(sum, kept, lanes_sum(part))",
                "sum = fmaf(sum, kept, part)",
            ),
            (
                "weight * (slope - mean) * scale;\n        }",
                "weight * slope * scale;\n        }",
            ),
            ("head < (kv_head + 1) * group", "head < kv_head * group + 1"),
        ],
        |device| contract(device, &heads(4, 2, 6), &[5, 1, 70]),
    );
}
