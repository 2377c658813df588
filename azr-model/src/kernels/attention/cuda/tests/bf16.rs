//! The tensor cores' form, on numbers that are bf16 already.

use super::{given, heads, held, shapes};
use crate::{
    cuda::{Device, caught, test_device},
    half::rounded_to_bf16,
    kernels::attention::{Heads, cuda::SOURCE_BF16},
    precision::Precision,
};

/// Probabilities and the gradients of scores are rounded to 8 binary digits, 2e-3 each at most, in either direction.
const TOLERANCE: f64 = 5e-3;

fn contract(device: &Device, heads: &Heads, lengths: &[usize]) {
    let rounded = |it: Vec<f32>| -> Vec<f32> { it.into_iter().map(rounded_to_bf16).collect() };
    let (qkv, dout) = given(heads, lengths);
    let (mut qkv, dout) = (rounded(qkv), rounded(dout));
    let exactly = (Precision::Bf16, TOLERANCE);
    held(device, heads, lengths, (qkv.clone(), dout.clone()), exactly);
    // Scores so far below zero that a query of zeros, which is none, would have an infinite weight.
    for row in qkv.chunks_mut(heads.width()) {
        row[..heads.query_width()].fill(8.0);
        row[heads.query_width()..][..heads.kv_width()].fill(-8.0);
    }
    held(device, heads, lengths, (qkv, dout), exactly);
}

#[test]
fn forward_and_gradient_match_the_reference() {
    for (heads, lengths) in shapes() {
        contract(&test_device(), &heads, &lengths);
    }
}

#[test]
fn planted_faults_are_caught() {
    caught(&SOURCE_BF16, FAULTS, |device| {
        contract(device, &heads(4, 2, 20), &[5, 1, 90]);
    });
}

const FAULTS: &[(&str, &str)] = &[
    // Barriers: before factors are read and before the next ones replace them, in each kernel.
    (
        "fill_across(values, at + PAGE * e, e, e, d, count, PAGE);\n        __syncthreads();",
        "fill_across(values, at + PAGE * e, e, e, d, count, PAGE);",
    ),
    ("__syncthreads();\n        fill(keys, at", "fill(keys, at"),
    ("__syncthreads();\n        fill(keys, row", "fill(keys, row"),
    (
        "fill(values, row + kv_heads * e, width, e, d, count, STEP);\n        __syncthreads();",
        "fill(values, row + kv_heads * e, width, e, d, count, STEP);",
    ),
    ("__syncthreads();\n            fill(queries", "fill(queries"),
    (
        "means[threadIdx.x] = delta[at];\n            }\n            __syncthreads();",
        "means[threadIdx.x] = delta[at];\n            }",
    ),
    // Masks.
    (
        "key <= position ? scores[j][i] * scale",
        "key < end ? scores[j][i] * scale",
    ),
    (
        "float weight = key <= position ?",
        "float weight = key < end ?",
    ),
    (
        "bool sees = key <= first + it && it < count",
        "bool sees = it < count",
    ),
    (
        "bool sees = key <= first + it && it < count",
        "bool sees = key <= first + it",
    ),
    // What goes where.
    (
        "row < count && column < e ? narrow(from[row * from_step + column]) : bf16(0);\n}\n\n// The same",
        "narrow(from[row * from_step + column]);\n}\n\n// The same",
    ),
    (
        "to[column * (all + PAD) + row]",
        "to[row * (all + PAD) + column]",
    ),
    (
        "pair_at(left + 8 * pitch + k), pair_at(left + k + 8)",
        "pair_at(left + k + 8), pair_at(left + 8 * pitch + k)",
    ),
    (
        "pair_at(right + j * 8 * pitch + k + 8)",
        "pair_at(right + j * 8 * pitch + k)",
    ),
    (
        "pair_of(low[2], low[3]), pair_of(high[0], high[1])",
        "pair_of(high[0], high[1]), pair_of(low[2], low[3])",
    ),
    ("j * 8 * PITCH + k * 16 + 8", "j * 8 * PITCH + k * 16"),
    (
        "kv_head = head / (heads / kv_heads);\n    bf16* queries = shared;\n    bf16* keys",
        "kv_head = head % kv_heads;\n    bf16* queries = shared;\n    bf16* keys",
    ),
    (
        "u64(table[tile.pages + first / PAGE])",
        "u64(tile.pages + first / PAGE)",
    ),
    ("head < (kv_head + 1) * group", "head < kv_head * group + 1"),
    // Factors.
    ("mixed[j][i] *= kept[i / 2]", "mixed[j][i] *= kept[0]"),
    (
        "fmaf(sum[half], kept[half], row_sum(part[half]))",
        "fmaf(sum[half], kept[half], part[half])",
    ),
    ("it = fmaxf(it, __shfl_xor_sync(FULL_WARP, it, 2));", ""),
    (
        "weight * (slopes[j][i] - mean[i / 2]) * scale",
        "weight * slopes[j][i] * scale",
    ),
    (
        "weight * (slopes[j][i] - means[it]) * scale",
        "weight * (slopes[j][i] - means[it])",
    ),
];
