//! The contract, and the reference against differences.

use super::{backward, forward, reference};
use crate::{
    kernels::contract::{check, differences, numbers, wide},
    simd::team::Team,
};

/// Sums of at most 1500 squares in sixteen lanes: some 10 roundings of 6e-8 in a row.
const TOLERANCE: f64 = 3e-6;
const EPS: f32 = 1e-5;

#[test]
fn forward_and_every_gradient_match_the_reference() {
    for (n, d) in [(1, 1), (1, 1500), (3, 7), (5, 64), (70, 129), (301, 128)] {
        let (x, w, dy) = (numbers(n * d, 1), numbers(d, 2), numbers(n * d, 3));
        let (mut y, mut r) = (vec![f32::NAN; n * d], vec![f32::NAN; n]);
        forward(&Team::default(), &x, &w, EPS, &mut y, &mut r);
        check(
            "y",
            &y,
            &reference::forward(&wide(&x), &wide(&w), EPS.into()),
            TOLERANCE,
        );
        let (dx_before, dw_before) = (numbers(n * d, 4), numbers(d, 5));
        let (mut dx, mut dw) = (dx_before.clone(), dw_before.clone());
        backward(&Team::default(), &dy, &x, &w, &r, &mut dx, &mut dw);
        let (dx_truth, dw_truth) =
            reference::backward(&wide(&dy), &wide(&x), &wide(&w), EPS.into());
        let add = |truth: Vec<f64>, before: &[f32]| {
            truth
                .iter()
                .zip(before)
                .map(|(a, b)| a + f64::from(*b))
                .collect::<Vec<_>>()
        };
        check("dx", &dx, &add(dx_truth, &dx_before), TOLERANCE);
        check("dw", &dw, &add(dw_truth, &dw_before), TOLERANCE);
    }
}

#[test]
fn the_reference_gradient_is_the_slope_of_the_reference() {
    let (x, w, dy) = (
        wide(&numbers(10, 1)),
        wide(&numbers(5, 2)),
        wide(&numbers(10, 3)),
    );
    let loss = |y: Vec<f64>| y.iter().zip(&dy).map(|(y, dy)| y * dy).sum::<f64>();
    let (dx, dw) = reference::backward(&dy, &x, &w, 1e-5);
    let by_x = differences(&x, |x| loss(reference::forward(x, &w, 1e-5)));
    let by_w = differences(&w, |w| loss(reference::forward(&x, w, 1e-5)));
    for (analytic, numeric) in dx.iter().chain(&dw).zip(by_x.iter().chain(&by_w)) {
        assert!(
            (analytic - numeric).abs() < 1e-8,
            "{analytic} and {numeric}"
        );
    }
}
