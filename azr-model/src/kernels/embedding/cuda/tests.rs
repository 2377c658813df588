//! The contract on the emulated device, with repeated and missing rows, and faults that must be caught.

use super::{Indices, SOURCE, backward, forward};
use crate::{
    cuda::{Device, caught, test_device},
    kernels::{
        contract::{check, numbers, wide},
        embedding::reference,
    },
};

/// Copies are exact; at most a few hundred additions meet in one row.
const TOLERANCE: f64 = 1e-5;

fn contract(device: &Device, table_rows: usize, n: usize, d: usize) {
    let (table, dx, before) = (
        numbers(table_rows * d, 1),
        numbers(n * d, 2),
        numbers(table_rows * d, 3),
    );
    let given: Vec<u32> = (0..n)
        .map(|i| ((i * i + 3 * i) % table_rows) as u32)
        .collect();
    let indices = Indices::new(device, &given).unwrap();
    let there = device.upload(&table).unwrap();
    let mut x = device.allocate(n * d).unwrap();
    forward(device, there.view(), &indices, d, x.view_mut()).unwrap();
    let truth = reference::forward(&wide(&table), &given, d);
    check("x", &device.download(x.view()).unwrap(), &truth, TOLERANCE);
    let (dx_there, mut gradient) = (device.upload(&dx).unwrap(), device.upload(&before).unwrap());
    backward(device, dx_there.view(), &indices, d, gradient.view_mut()).unwrap();
    let truth = reference::backward(&wide(&dx), &given, d, table_rows);
    let truth: Vec<f64> = truth
        .iter()
        .zip(&before)
        .map(|(a, b)| a + f64::from(*b))
        .collect();
    check(
        "dtable",
        &device.download(gradient.view()).unwrap(),
        &truth,
        TOLERANCE,
    );
}

#[test]
fn forward_and_gradient_match_the_reference() {
    for (table_rows, n, d) in [(1, 1, 1), (7, 20, 3), (300, 500, 64), (5, 9, 1500)] {
        contract(&test_device(), table_rows, n, d);
    }
}

#[test]
fn an_index_behind_the_table_is_refused() {
    let device = test_device();
    let (table, indices) = (
        device.upload(&[0.0; 8]).unwrap(),
        Indices::new(&device, &[1, 4]).unwrap(),
    );
    let mut x = device.allocate(4).unwrap();
    let error = forward(&device, table.view(), &indices, 2, x.view_mut()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("every index is a row of the table"),
        "{error}"
    );
}

#[test]
fn planted_faults_are_caught() {
    caught(
        &SOURCE,
        &[
            ("at < d; at += 1024", "at < d; at += 2048"),
            ("u64(places[i]) * d", "u64(i) * d"),
            (
                "i < starts[blockIdx.x + 1]",
                "i + 1 < starts[blockIdx.x + 1]",
            ),
            ("u64(rows[blockIdx.x]) * d", "u64(blockIdx.x) * d"),
            ("sum.w += it.w", "sum.w = it.w"),
            (
                "float4 sum = load4(out, at, d, whole)",
                "float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f)",
            ),
            ("if (d <= at) return;", ""),
        ],
        |device| {
            contract(device, 7, 20, 3);
            contract(device, 5, 9, 1500);
        },
    );
}
