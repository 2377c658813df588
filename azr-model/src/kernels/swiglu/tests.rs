//! The contract, the reference against differences, and far-out gates.

use super::{backward, forward, reference};
use crate::{
    kernels::contract::{check, differences, numbers, wide},
    simd::team::Team,
};

/// A handful of roundings and one exponential an element.
const TOLERANCE: f64 = 1e-6;

#[test]
fn forward_and_gradient_match_the_reference() {
    for (n, f) in [(1, 1), (2, 7), (3, 1500), (67, 352)] {
        let gate_up: Vec<f32> = numbers(n * 2 * f, 1)
            .iter()
            .map(|value| value * 6.0)
            .collect();
        let dy = numbers(n * f, 2);
        let (mut y, mut gradient) = (vec![f32::NAN; n * f], vec![f32::NAN; n * 2 * f]);
        forward(&Team::default(), &gate_up, f, &mut y);
        check("y", &y, &reference::forward(&wide(&gate_up), f), TOLERANCE);
        backward(&Team::default(), &gate_up, &dy, f, &mut gradient);
        check(
            "dgate_up",
            &gradient,
            &reference::backward(&wide(&gate_up), &wide(&dy), f),
            TOLERANCE,
        );
    }
}

#[test]
fn the_reference_gradient_is_the_slope_of_the_reference() {
    let (gate_up, dy) = (wide(&numbers(12, 1)), wide(&numbers(6, 2)));
    let analytic = reference::backward(&gate_up, &dy, 3);
    let numeric = differences(&gate_up, |x| {
        reference::forward(x, 3)
            .iter()
            .zip(&dy)
            .map(|(y, dy)| y * dy)
            .sum()
    });
    for (analytic, numeric) in analytic.iter().zip(&numeric) {
        assert!(
            (analytic - numeric).abs() < 1e-8,
            "{analytic} and {numeric}"
        );
    }
}

#[test]
fn far_gates_saturate_without_nan() {
    let (mut y, mut gradient) = ([0.0; 2], [0.0; 4]);
    forward(&Team::default(), &[-200.0, 200.0, 1.0, 1.0], 2, &mut y);
    assert_eq!(y, [0.0, 200.0]);
    backward(
        &Team::default(),
        &[-200.0, 200.0, 1.0, 1.0],
        &[1.0, 1.0],
        2,
        &mut gradient,
    );
    assert_eq!(gradient, [0.0, 1.0, 0.0, 200.0]);
}
