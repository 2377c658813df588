//! The contract on the emulated device, far-out gates, and faults that must be caught.

use super::{SOURCE, backward, forward};
use crate::{
    cuda::{Device, caught, test_device},
    kernels::{
        contract::{check, numbers, wide},
        swiglu::reference,
    },
};

/// A handful of roundings and one exponential an element.
const TOLERANCE: f64 = 1e-6;

fn contract(device: &Device, n: usize, f: usize) {
    let gate_up: Vec<f32> = numbers(n * 2 * f, 1)
        .iter()
        .map(|value| value * 6.0)
        .collect();
    let dy = numbers(n * f, 2);
    let (there, dy_there) = (
        device.upload(&gate_up).unwrap(),
        device.upload(&dy).unwrap(),
    );
    let (mut y, mut gradient) = (
        device.allocate(n * f).unwrap(),
        device.allocate(n * 2 * f).unwrap(),
    );
    forward(device, there.view(), f, y.view_mut()).unwrap();
    check(
        "y",
        &device.download(y.view()).unwrap(),
        &reference::forward(&wide(&gate_up), f),
        TOLERANCE,
    );
    backward(
        device,
        there.view(),
        dy_there.view(),
        f,
        gradient.view_mut(),
    )
    .unwrap();
    let truth = reference::backward(&wide(&gate_up), &wide(&dy), f);
    check(
        "dgate_up",
        &device.download(gradient.view()).unwrap(),
        &truth,
        TOLERANCE,
    );
}

#[test]
fn forward_and_gradient_match_the_reference() {
    for (n, f) in [(1, 1), (2, 7), (3, 1500), (67, 352)] {
        contract(&test_device(), n, f);
    }
}

#[test]
fn far_gates_saturate_without_nan() {
    let device = test_device();
    let gate_up = device.upload(&[-200.0f32, 200.0, 1.0, 1.0]).unwrap();
    let dy = device.upload(&[1.0f32, 1.0]).unwrap();
    let (mut y, mut gradient) = (device.allocate(2).unwrap(), device.allocate(4).unwrap());
    forward(&device, gate_up.view(), 2, y.view_mut()).unwrap();
    assert_eq!(device.download(y.view()).unwrap(), [0.0, 200.0]);
    backward(&device, gate_up.view(), dy.view(), 2, gradient.view_mut()).unwrap();
    assert_eq!(
        device.download(gradient.view()).unwrap(),
        [0.0, 1.0, 0.0, 200.0]
    );
}

#[test]
fn planted_faults_are_caught() {
    caught(
        &SOURCE,
        &[
            ("dup = dy * (gate * s)", "dup = dy * s"),
            ("fmaf(gate, 1.0f - s, 1.0f)", "fmaf(gate, s, 1.0f)"),
            ("up = load4(row + f,", "up = load4(row + f - 1,"),
            ("if (f <= at) return", "if (f < at) return"),
            ("(blockIdx.y * 256 + threadIdx.x) * 4", "threadIdx.x * 4"),
            (
                "gradient(gate.w, up.w, above.w, dgate.w",
                "gradient(gate.w, up.w, above.z, dgate.w",
            ),
            ("exponential(-gate)) * up", "exponential(gate)) * up"),
        ],
        |device| {
            [(2, 7), (3, 1500)]
                .iter()
                .for_each(|(n, f)| contract(device, *n, *f))
        },
    );
}
