//! The contract on the emulated device, and faults that it must catch.

use super::{SOURCE, backward, forward};
use crate::{
    cuda::{Device, caught, test_device},
    kernels::{
        attention::Heads,
        contract::numbers,
        head_norm::tests::{EPS, Given, heads},
    },
};

/// Chains of at most ten squares and a tree of five steps; sums over rows in chains of at most 17, each of a few heads.
const TOLERANCE: f64 = 3e-6;

fn contract(device: &Device, n: usize, heads: Heads) {
    let given = Given::new(n, heads);
    let turned = heads.heads + heads.kv_heads;
    let there = |numbers: &[f32]| device.upload(numbers).unwrap();
    let (mut y, w) = (there(&given.x), there(&given.w));
    let mut raw = device.allocate(n * turned * heads.head_dim).unwrap();
    let mut r = device.allocate(n * turned).unwrap();
    let kept = (raw.view_mut(), r.view_mut());
    forward(device, &heads, w.view(), EPS, y.view_mut(), kept).unwrap();
    let (mut dx, mut dw) = (there(&given.dy), there(&given.dw_before));
    let saved = (w.view(), raw.view(), r.view());
    backward(device, &heads, saved, dx.view_mut(), dw.view_mut()).unwrap();
    let [y, dx, dw] = [y, dx, dw].map(|it| device.download(it.view()).unwrap());
    given.check(&y, &dx, &dw, TOLERANCE);
}

#[test]
fn forward_and_every_gradient_match_the_reference() {
    let device = test_device();
    for (n, heads) in [
        (1, heads(1, 1, 1)),
        (3, heads(3, 1, 6)),
        (130, heads(4, 2, 34)),
        (9, heads(16, 8, 128)),
        (2, heads(2, 2, 300)),
    ] {
        contract(&device, n, heads);
    }
}

#[test]
fn a_row_has_the_same_bits_in_any_batch() {
    let (device, heads) = (test_device(), heads(3, 1, 66));
    let x = numbers(5 * heads.width(), 1);
    let w = device.upload(&numbers(2 * 66, 2)).unwrap();
    let normed = |rows: usize| {
        let mut y = device.upload(&x[..rows * heads.width()]).unwrap();
        let mut raw = device.allocate(rows * 4 * 66).unwrap();
        let mut r = device.allocate(rows * 4).unwrap();
        let kept = (raw.view_mut(), r.view_mut());
        forward(&device, &heads, w.view(), EPS, y.view_mut(), kept).unwrap();
        device.download(y.view().part(0..heads.width())).unwrap()
    };
    assert_eq!(normed(1), normed(5));
}

#[test]
fn planted_faults_are_caught() {
    caught(
        &SOURCE,
        &[
            // Which heads, and whose scales.
            (
                "if (turned <= head) return;\n    float* row = qkv",
                "float* row = qkv",
            ),
            (
                "if (turned <= head) return;\n    float* row = dqkv",
                "float* row = dqkv",
            ),
            (
                "scale = head < queries ? w : w + e;\n    float squares",
                "scale = w;\n    float squares",
            ),
            (
                "scale = head < queries ? w : w + e;\n    float sum",
                "scale = w;\n    float sum",
            ),
            (
                "r[u64(blockIdx.x) * turned + head] = root",
                "r[head] = root",
            ),
            // The sums of a head.
            ("kept[i] = x;", "kept[i] = x * 1.001f;"),
            ("warp_sum(squares)", "squares"),
            ("warp_sum(sum) / float(e)", "sum / float(e)"),
            ("fmaf(-pull, x[i]", "fmaf(pull, x[i]"),
            // The sums over rows.
            ("end = of_keys ? turned : queries", "end = turned"),
            ("head = of_keys ? queries : 0", "head = 0"),
            ("* r[at], raw[at * e + i]", "* r[head], raw[at * e + i]"),
            (
                "chains[threadIdx.y][threadIdx.x] = sum;\n    __syncthreads();",
                "chains[threadIdx.y][threadIdx.x] = sum;",
            ),
            ("    out[column] += sum;", "    out[column] = sum;"),
        ],
        |device| {
            for (n, heads) in [(3, heads(3, 1, 6)), (130, heads(4, 2, 34))] {
                contract(device, n, heads);
            }
        },
    );
}

#[test]
fn sizes_that_do_not_belong_together_are_refused() {
    let (device, heads) = (test_device(), heads(2, 1, 4));
    let mut qkv = device.upload(&[1.0; 16]).unwrap();
    let (w, mut raw) = (
        device.upload(&[1.0; 8]).unwrap(),
        device.allocate(12).unwrap(),
    );
    let mut r = device.allocate(2).unwrap();
    let kept = (raw.view_mut(), r.view_mut());
    let error = forward(&device, &heads, w.view(), EPS, qkv.view_mut(), kept).unwrap_err();
    assert_eq!(
        error.to_string(),
        "head_norm forward: qkv is [n, width], w is [2 e], raw is [n, t e], r is [n, t], but the sizes are [16, 8, 12, 2]"
    );
}
