//! Several steps against the reference on the emulated device, the norm, and faults that must be caught.

mod narrow;

use super::{CHUNK, SOURCE, step, step_by, sum_of_squares, sum_of_squares_by};
use crate::{
    cuda::{Device, caught, test_device},
    kernels::{
        adamw::{Factors, reference},
        contract::{check, numbers, wide},
    },
};

/// Some 10 roundings a step over 3 steps.
const TOLERANCE: f64 = 2e-6;
/// 64 squares in f32, then f64.
const NORM_ERROR_MAX: f64 = 1e-6;

fn steps(device: &Device, n: usize) {
    let options = reference::Options {
        lr: 0.01,
        beta1: 0.9,
        beta2: 0.99,
        eps: 1e-8,
        decay: 0.1,
    };
    let start = numbers(n, 1);
    let mut weights = device.upload(&start).unwrap();
    let (mut first, mut second) = (
        device.upload(&vec![0.0; n]).unwrap(),
        device.upload(&vec![0.0; n]).unwrap(),
    );
    let mut truth: Vec<(f64, f64, f64)> = wide(&start).iter().map(|w| (*w, 0.0, 0.0)).collect();
    for t in 1..=3 {
        let given = numbers(n, 10 + t as u32);
        for ((w, m, v), g) in truth.iter_mut().zip(&given) {
            reference::step(w, f64::from(*g) * 0.5, m, v, t, &options);
        }
        let factors = Factors {
            gradient_scale: 0.5,
            keep: 1.0 - 0.01 * 0.1,
            beta1: 0.9,
            beta2: 0.99,
            rate: (0.01 / (1.0 - 0.9f64.powi(t))) as f32,
            second_scale: (1.0 / (1.0 - 0.99f64.powi(t)).sqrt()) as f32,
            eps: 1e-8,
        };
        let mut gradient = device.upload(&given).unwrap();
        let moments = (first.view_mut(), second.view_mut());
        step(
            device,
            weights.view_mut(),
            gradient.view_mut(),
            moments,
            factors,
        )
        .unwrap();
        let left = device.download(gradient.view()).unwrap();
        assert!(left.iter().all(|g| *g == 0.0), "the gradient is empty");
    }
    let found = [weights, first, second].map(|it| device.download(it.view()).unwrap());
    let truths: [Vec<f64>; 3] =
        [0, 1, 2].map(|part| truth.iter().map(|it| [it.0, it.1, it.2][part]).collect());
    for ((what, found), truth) in ["weights", "first", "second"].iter().zip(found).zip(truths) {
        check(what, &found, &truth, TOLERANCE);
    }
}

fn norm(device: &Device, n: usize) {
    let values = numbers(n, 3);
    let truth: f64 = wide(&values).iter().map(|v| v * v).sum();
    let found = sum_of_squares(device, device.upload(&values).unwrap().view()).unwrap();
    assert!(
        (found - truth).abs() <= NORM_ERROR_MAX * truth,
        "{found} instead of {truth}"
    );
}

#[test]
fn three_steps_match_the_reference_and_empty_the_gradient() {
    for n in [1, 37, 2048, 5001] {
        steps(&test_device(), n);
    }
}

#[test]
fn the_norm_is_right_and_shows_what_is_no_number() {
    for n in [1, 300, 16_384, 100_003] {
        norm(&test_device(), n);
    }
    let device = test_device();
    let values = device.upload(&[1.0, f32::NAN]).unwrap();
    assert!(!sum_of_squares(&device, values.view()).unwrap().is_finite());
}

/// Weights, gradient and moments after a step that is launched in pieces.
fn in_pieces(device: &Device, n: usize, piece: usize) -> [Vec<f32>; 4] {
    let mut parts = [1, 2, 3, 4].map(|seed| device.upload(&numbers(n, seed)).unwrap());
    let [weights, gradient, first, second] = parts.each_mut().map(|it| it.view_mut());
    let factors = Factors {
        gradient_scale: 0.5,
        keep: 0.9,
        beta1: 0.9,
        beta2: 0.99,
        rate: 0.1,
        second_scale: 2.0,
        eps: 1e-8,
    };
    let moments = (first, second);
    step_by(piece, device, weights, gradient, moments, factors).unwrap();
    parts.map(|it| device.download(it.view()).unwrap())
}

/// Bits, because roots of what is negative are no numbers.
fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|it| it.to_bits()).collect()
}

#[test]
fn what_is_launched_in_pieces_has_the_same_bits() {
    let (device, n) = (test_device(), 3 * CHUNK + 77);
    let whole = in_pieces(&device, n, usize::MAX);
    for piece in [CHUNK, 2 * CHUNK] {
        let found = in_pieces(&device, n, piece);
        assert_eq!(found.map(|it| bits(&it)), whole.clone().map(|it| bits(&it)));
    }
    let values = device.upload(&numbers(n, 5)).unwrap();
    let norm = |piece| sum_of_squares_by(piece, &device, values.view()).unwrap();
    assert_eq!(norm(CHUNK).to_bits(), norm(usize::MAX).to_bits());
    assert_eq!(norm(2 * CHUNK).to_bits(), norm(usize::MAX).to_bits());
}

#[test]
fn planted_faults_are_caught() {
    caught(
        &SOURCE,
        &[
            ("whole = aligned && at + 4 <= n", "whole = aligned"),
            (
                "(1.0f - beta2) * (scaled * scaled)",
                "(1.0f - beta2) * scaled",
            ),
            ("g = 0.0f;", ""),
            ("update(w.w, g.w, m.w, v.w", "update(w.w, g.w, m.w, v.z"),
            ("wide;\n    __syncthreads();", "wide;"),
            ("for (int warp = 1; warp < 8", "for (int warp = 1; warp < 7"),
            ("min(n, first + SQUARES)", "n"),
            ("at < chunks; at += 32", "at < chunks; at += 33"),
        ],
        |device| {
            steps(device, 1037);
            norm(device, 600_003);
        },
    );
}
