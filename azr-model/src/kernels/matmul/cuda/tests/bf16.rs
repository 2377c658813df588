//! The product on tensor cores, whose twin in the emulator has their layout, and rounding to bf16.

use super::{
    super::{SOURCE, forward_bf16, to_bf16},
    gradients,
};
use crate::{
    cuda::{Buffer, Device, View, caught, test_device},
    half::f32_from_bf16,
    kernels::{
        contract::{check, numbers, wide},
        matmul::{Plus, reference},
    },
    precision::Precision,
};

/// Products of bf16 are exact in f32; a chain of at most seventy sums of sixteen.
const TOLERANCE: f64 = 5e-6;

/// The same numbers rounded on the device, and widened again.
fn rounded(device: &Device, values: &[f32]) -> (Buffer<u16>, Vec<f32>) {
    let (there, mut narrow) = (
        device.upload(values).unwrap(),
        device.allocate(values.len()).unwrap(),
    );
    to_bf16(device, there.view(), narrow.view_mut()).unwrap();
    let bits: Vec<u16> = device.download(narrow.view()).unwrap();
    let wide = bits.iter().map(|it| f32_from_bf16(*it)).collect();
    (narrow, wide)
}

fn contract(device: &Device, n: usize, outputs: usize, inputs: usize) {
    let (x, x_wide) = rounded(device, &numbers(n * inputs, 1));
    let (w, w_wide) = rounded(device, &numbers(outputs * inputs, 2));
    let (bias, rest) = (numbers(outputs, 3), numbers(n * outputs, 4));
    let [bias_there, rest_there] = [&bias, &rest].map(|it| device.upload(it).unwrap());
    let truth = reference::forward(&wide(&x_wide), &wide(&w_wide), n, outputs, inputs);
    let plus = |more: &[f32]| -> Vec<f64> {
        let more = more.iter().cycle();
        truth
            .iter()
            .zip(more)
            .map(|(a, b)| a + f64::from(*b))
            .collect()
    };
    let cases: [(Plus<View<'_>>, Vec<f64>); 3] = [
        (Plus::Nothing, truth.clone()),
        (Plus::Bias(bias_there.view()), plus(&bias)),
        (Plus::Residual(rest_there.view()), plus(&rest)),
    ];
    for (added, truth) in cases {
        let mut y = device.allocate(n * outputs).unwrap();
        forward_bf16(device, x.view(), w.view(), outputs, added, y.view_mut()).unwrap();
        check("y", &device.download(y.view()).unwrap(), &truth, TOLERANCE);
    }
    gradients(device, (n, outputs, inputs), Precision::Bf16);
}

#[test]
fn products_match_the_reference() {
    for (n, outputs, inputs) in [
        (1, 1, 1),
        (3, 5, 7),
        (64, 64, 32),
        (65, 130, 50),
        (20, 17, 150),
    ] {
        contract(&test_device(), n, outputs, inputs);
    }
}

#[test]
fn rounding_is_to_nearest_and_to_even() {
    let device = test_device();
    let bits = |it: u32| f32::from_bits(it);
    let given = [
        bits(0x3f80_8000),
        bits(0x3f81_8000),
        bits(0x3f80_8001),
        bits(0xbf80_7fff),
        f32::INFINITY,
        f32::MAX,
    ];
    let wanted = [0x3f80u16, 0x3f82, 0x3f81, 0xbf80, 0x7f80, 0x7f80];
    let (narrow, _) = rounded(&device, &given);
    assert_eq!(device.download(narrow.view()).unwrap(), wanted);
    let (_, wide) = rounded(&device, &[f32::NAN, bits(0x7f80_0001)]);
    assert!(wide.iter().all(|it| it.is_nan()), "{wide:?}");
}

#[test]
fn planted_faults_are_caught() {
    caught(
        &SOURCE,
        &[
            (
                ": bf16(0);\n        }\n        __syncthreads();",
                ": bf16(0);\n        }",
            ),
            (
                "multiply_step(sums, left, right);\n        __syncthreads();",
                "multiply_step(sums, left, right);",
            ),
            (
                "first, depth, b_row, b_depth);\n        __syncthreads();",
                "first, depth, b_row, b_depth);",
            ),
            (
                "? narrow(from[u64(first_row + row) * row_step",
                "? narrow(from[u64(row) * row_step",
            ),
            (
                "first, depth, a_row, a_depth)",
                "first, depth, a_depth, a_row)",
            ),
            (
                "a[i][1] = pair_at(&left[row + 8][k])",
                "a[i][1] = pair_at(&left[row][k + 8])",
            ),
            (
                "b[j][1] = pair_at(&right[own_column + j * 8 + group][k + 8])",
                "b[j][1] = b[j][0]",
            ),
            ("k < STEP; k += 16", "k < STEP; k += 32"),
            (
                "x[u64(first_row + row) * depth + first + k]",
                "x[u64(first_row + row) * depth + k]",
            ),
            (
                "inside = first_column + row < columns && first + k < depth;\n            right[row][k] = inside ? w",
                "inside = first_column + row < columns;\n            right[row][k] = inside ? w",
            ),
            ("group + r / 2 * 8", "group + r % 2 * 8"),
            ("own_column = warp % 2 * 32", "own_column = warp / 2 * 32"),
            ("(bits >> 16 & 1u)", "1u"),
        ],
        |device| {
            contract(device, 65, 70, 50);
            // A tie, which goes to the even neighbor.
            assert_eq!(rounded(device, &[f32::from_bits(0x3f80_8000)]).1, [1.0]);
        },
    );
}
