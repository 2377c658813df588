//! The contract on the emulated device, one row's bits in any batch, and faults that must be caught.

mod bf16;

use super::{SOURCE, backward_bias, backward_input, backward_weights, forward};
use crate::{
    cuda::{Device, caught, test_device},
    half::rounded_to_bf16,
    kernels::{
        contract::{check, numbers, wide},
        matmul::{Plus, reference},
    },
    precision::Precision,
};

/// Chains of at most 200 products.
const TOLERANCE: f64 = 5e-6;

fn plus(truth: Vec<f64>, more: &[f32]) -> Vec<f64> {
    truth
        .iter()
        .zip(more.iter().cycle())
        .map(|(a, b)| a + f64::from(*b))
        .collect()
}

fn contract(device: &Device, n: usize, outputs: usize, inputs: usize) {
    let (x, w) = (numbers(n * inputs, 1), numbers(outputs * inputs, 2));
    let (bias, rest) = (numbers(outputs, 4), numbers(n * outputs, 5));
    let [x_there, w_there] = [&x, &w].map(|it| device.upload(it).unwrap());
    let [bias_there, rest_there] = [&bias, &rest].map(|it| device.upload(it).unwrap());
    let truth = reference::forward(&wide(&x), &wide(&w), n, outputs, inputs);
    for (added, truth) in [
        (Plus::Nothing, truth.clone()),
        (Plus::Bias(bias_there.view()), plus(truth.clone(), &bias)),
        (Plus::Residual(rest_there.view()), plus(truth, &rest)),
    ] {
        let mut y = device.allocate(n * outputs).unwrap();
        forward(
            device,
            x_there.view(),
            w_there.view(),
            outputs,
            added,
            y.view_mut(),
        )
        .unwrap();
        check("y", &device.download(y.view()).unwrap(), &truth, TOLERANCE);
    }
    gradients(device, (n, outputs, inputs), Precision::F32);
    backward_bias_contract(device, n, outputs);
}

/// Holds the gradients against the reference, in bf16 on numbers that are bf16 already: products of those are exact.
fn gradients(device: &Device, (n, outputs, inputs): (usize, usize, usize), precision: Precision) {
    let given = |count, seed| -> Vec<f32> {
        let numbers = numbers(count, seed).into_iter();
        match precision {
            Precision::F32 => numbers.collect(),
            Precision::Bf16 => numbers.map(rounded_to_bf16).collect(),
        }
    };
    let (x, w, dy) = (
        given(n * inputs, 1),
        given(outputs * inputs, 2),
        given(n * outputs, 3),
    );
    let [x_there, w_there, dy_there] = [&x, &w, &dy].map(|it| device.upload(it).unwrap());
    let (wide_x, wide_w, wide_dy) = (wide(&x), wide(&w), wide(&dy));
    let mut dx = device.allocate(n * inputs).unwrap();
    backward_input(
        device,
        precision,
        dy_there.view(),
        w_there.view(),
        outputs,
        dx.view_mut(),
    )
    .unwrap();
    let truth = reference::backward_input(&wide_dy, &wide_w, n, outputs, inputs);
    check(
        "dx",
        &device.download(dx.view()).unwrap(),
        &truth,
        TOLERANCE,
    );
    let dw_before = numbers(outputs * inputs, 6);
    let mut dw = device.upload(&dw_before).unwrap();
    backward_weights(
        device,
        precision,
        dy_there.view(),
        x_there.view(),
        outputs,
        dw.view_mut(),
    )
    .unwrap();
    let truth = plus(
        reference::backward_weights(&wide_dy, &wide_x, n, outputs, inputs),
        &dw_before,
    );
    check(
        "dw",
        &device.download(dw.view()).unwrap(),
        &truth,
        TOLERANCE,
    );
}

fn backward_bias_contract(device: &Device, n: usize, outputs: usize) {
    let (dy, db_before) = (numbers(n * outputs, 3), numbers(outputs, 7));
    let dy_there = device.upload(&dy).unwrap();
    let mut db = device.upload(&db_before).unwrap();
    backward_bias(device, dy_there.view(), db.view_mut()).unwrap();
    let truth = plus(reference::backward_bias(&wide(&dy), outputs), &db_before);
    check(
        "db",
        &device.download(db.view()).unwrap(),
        &truth,
        TOLERANCE,
    );
}

#[test]
fn forward_and_every_gradient_match_the_reference() {
    for (n, outputs, inputs) in [
        (1, 1, 1),
        (3, 5, 7),
        (64, 64, 16),
        (65, 130, 33),
        (200, 17, 150),
    ] {
        contract(&test_device(), n, outputs, inputs);
    }
}

#[test]
fn a_row_has_the_same_bits_in_any_batch() {
    let (device, inputs, outputs) = (test_device(), 100, 70);
    let (x, w) = (
        numbers(90 * inputs, 1),
        device.upload(&numbers(outputs * inputs, 2)).unwrap(),
    );
    let result = |rows: std::ops::Range<usize>| {
        let x = device
            .upload(&x[rows.start * inputs..rows.end * inputs])
            .unwrap();
        let mut y = device.allocate(rows.len() * outputs).unwrap();
        forward(
            &device,
            x.view(),
            w.view(),
            outputs,
            Plus::Nothing,
            y.view_mut(),
        )
        .unwrap();
        device.download(y.view()).unwrap()
    };
    let whole = result(0..90);
    assert_eq!(result(77..78), whole[77 * outputs..78 * outputs]);
}

#[test]
fn planted_faults_are_caught() {
    caught(
        &SOURCE,
        &[
            // Before the tiles are read, and before they are written again.
            (
                ": 0.0f;\n        }\n        __syncthreads();",
                ": 0.0f;\n        }",
            ),
            (
                "        }\n        __syncthreads();\n    }\n#pragma",
                "        }\n    }\n#pragma",
            ),
            (
                "first_row + row < rows && first + k < depth",
                "first_row + row < rows",
            ),
            (
                "first_column + row < columns && first + k < depth",
                "first_column + row <= columns && first + k < depth",
            ),
            (
                "if (rows <= row || columns <= column) continue",
                "if (rows <= row) continue",
            ),
            ("y[at] + sum : sum", "sum : sum"),
            ("sum += plus[column]", "sum += plus[at]"),
            ("k < DEPTH; k++", "k + 1 < DEPTH; k++"),
            (
                "chains[threadIdx.y][threadIdx.x] = sum;\n    __syncthreads();",
                "chains[threadIdx.y][threadIdx.x] = sum;",
            ),
        ],
        |device| contract(device, 65, 130, 33),
    );
}
