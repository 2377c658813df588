//! The contract on the emulated device, and faults that it must catch.

use super::{SOURCE, backward, forward};
use crate::{
    cuda::{Device, caught, test_device},
    kernels::{
        contract::{check, numbers, wide},
        rms_norm::reference,
    },
};

/// Chains of at most six squares, a tree of eight steps: fewer roundings than the processor's form has.
const TOLERANCE: f64 = 3e-6;
const EPS: f32 = 1e-5;

fn contract(device: &Device, n: usize, d: usize) {
    let (x, w, dy) = (numbers(n * d, 1), numbers(d, 2), numbers(n * d, 3));
    let (dx_before, dw_before) = (numbers(n * d, 4), numbers(d, 5));
    let [x_there, w_there, dy_there] = [&x, &w, &dy].map(|it| device.upload(it).unwrap());
    let (mut y, mut r) = (device.allocate(n * d).unwrap(), device.allocate(n).unwrap());
    forward(
        device,
        x_there.view(),
        w_there.view(),
        EPS,
        y.view_mut(),
        r.view_mut(),
    )
    .unwrap();
    let truth = reference::forward(&wide(&x), &wide(&w), EPS.into());
    check("y", &device.download(y.view()).unwrap(), &truth, TOLERANCE);
    let (mut dx, mut dw) = (
        device.upload(&dx_before).unwrap(),
        device.upload(&dw_before).unwrap(),
    );
    let saved = (x_there.view(), w_there.view(), r.view());
    backward(device, dy_there.view(), saved, dx.view_mut(), dw.view_mut()).unwrap();
    let (dx_truth, dw_truth) = reference::backward(&wide(&dy), &wide(&x), &wide(&w), EPS.into());
    for (what, found, truth, before) in [
        ("dx", dx, dx_truth, dx_before),
        ("dw", dw, dw_truth, dw_before),
    ] {
        let truth: Vec<f64> = truth
            .iter()
            .zip(&before)
            .map(|(a, b)| a + f64::from(*b))
            .collect();
        check(
            what,
            &device.download(found.view()).unwrap(),
            &truth,
            TOLERANCE,
        );
    }
}

#[test]
fn forward_and_every_gradient_match_the_reference() {
    for (n, d) in [(1, 1), (1, 1500), (3, 7), (5, 64), (70, 129), (301, 128)] {
        contract(&test_device(), n, d);
    }
}

#[test]
fn a_row_has_the_same_bits_in_any_batch_and_at_any_alignment() {
    let (device, d) = (test_device(), 1500);
    let (x, w) = (
        numbers(3 * d + 1, 1),
        device.upload(&numbers(d, 2)).unwrap(),
    );
    let normed = |rows: usize, shift: usize| {
        let mut shifted = vec![0.0; shift];
        shifted.extend(&x[..rows * d]);
        let x = device.upload(&shifted).unwrap();
        let (mut y, mut r) = (
            device.allocate(rows * d).unwrap(),
            device.allocate(rows).unwrap(),
        );
        let part = x.view().part(shift..shift + rows * d);
        forward(&device, part, w.view(), EPS, y.view_mut(), r.view_mut()).unwrap();
        device.download(y.view().part(0..d)).unwrap()
    };
    assert_eq!(normed(1, 0), normed(3, 0));
    assert_eq!(normed(1, 0), normed(2, 1));
}

#[test]
fn planted_faults_are_caught() {
    caught(
        &SOURCE,
        &[
            // The block's sum. (Its other barrier is for kernels that sum twice, so its absence is no fault here.)
            (
                "parts[threadIdx.x / 32] = value;\n    __syncthreads();",
                "parts[threadIdx.x / 32] = value;",
            ),
            (
                "for (int warp = 1; warp < WARPS",
                "for (int warp = 2; warp < WARPS",
            ),
            // Rows that are no multiple of four.
            ("if (at + 2 < width) it.z", "it.z"),
            ("if (at + 3 < width) row", "row"),
            // Indices.
            (
                "u64 row = u64(blockIdx.x) * d;\n    float sum",
                "u64 row = u64(blockIdx.x) * (d + 1);\n    float sum",
            ),
            ("float root = r[blockIdx.x]", "float root = r[0]"),
            ("out.z += root", "out.z = root"),
            // The sums over rows.
            (
                "chains[threadIdx.y][threadIdx.x] = sum;\n    __syncthreads();",
                "chains[threadIdx.y][threadIdx.x] = sum;",
            ),
            ("row < end; row += 8", "row < rows; row += 8"),
            ("    out[column] += sum;", "    out[column] = sum;"),
        ],
        |device| {
            [(70, 129), (301, 128), (3, 7)]
                .iter()
                .for_each(|(n, d)| contract(device, *n, *d))
        },
    );
}

#[test]
fn sizes_that_do_not_belong_together_are_refused() {
    let device = test_device();
    let (x, w) = (
        device.upload(&[1.0; 6]).unwrap(),
        device.upload(&[1.0; 4]).unwrap(),
    );
    let (mut y, mut r) = (device.allocate(6).unwrap(), device.allocate(2).unwrap());
    let error = forward(&device, x.view(), w.view(), EPS, y.view_mut(), r.view_mut()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "rms_norm forward: x and y are [n, d], w is [d], r is [n], but the sizes are [6, 6, 4, 2]"
    );
}
