//! Several steps against the reference, and the norm for any number of threads.

pub(super) mod narrow;

use super::{Factors, reference, step, sum_of_squares};
use crate::{
    kernels::contract::{check, numbers, wide},
    simd::team::Team,
};

/// Some 10 roundings a step over 5 steps.
const TOLERANCE: f64 = 2e-6;

#[test]
fn five_steps_match_the_reference_and_empty_the_gradient() {
    let options = reference::Options {
        lr: 0.01,
        beta1: 0.9,
        beta2: 0.99,
        eps: 1e-8,
        decay: 0.1,
    };
    for n in [1, 37, 20_000] {
        let mut weights = numbers(n, 1);
        let (mut first, mut second) = (vec![0.0; n], vec![0.0; n]);
        let mut truth: Vec<(f64, f64, f64)> =
            wide(&weights).iter().map(|w| (*w, 0.0, 0.0)).collect();
        for t in 1..=5 {
            let scale = 0.5f32;
            let mut gradient = numbers(n, 10 + t as u32);
            for ((w, m, v), g) in truth.iter_mut().zip(&gradient) {
                reference::step(w, f64::from(*g) * f64::from(scale), m, v, t, &options);
            }
            let factors = Factors {
                gradient_scale: scale,
                keep: 1.0 - 0.01 * 0.1,
                beta1: 0.9,
                beta2: 0.99,
                rate: (0.01 / (1.0 - 0.9f64.powi(t))) as f32,
                second_scale: (1.0 / (1.0 - 0.99f64.powi(t)).sqrt()) as f32,
                eps: 1e-8,
            };
            step(
                &Team::default(),
                &mut weights,
                &mut gradient,
                &mut first,
                &mut second,
                factors,
            );
            assert!(gradient.iter().all(|g| *g == 0.0), "the gradient is empty");
        }
        check(
            "weights",
            &weights,
            &truth.iter().map(|it| it.0).collect::<Vec<_>>(),
            TOLERANCE,
        );
        check(
            "first",
            &first,
            &truth.iter().map(|it| it.1).collect::<Vec<_>>(),
            TOLERANCE,
        );
        check(
            "second",
            &second,
            &truth.iter().map(|it| it.2).collect::<Vec<_>>(),
            TOLERANCE,
        );
    }
}

#[test]
fn the_norm_is_right_and_the_same_for_any_number_of_threads() {
    let values = numbers(100_003, 3);
    let truth: f64 = wide(&values).iter().map(|v| v * v).sum();
    let on = |threads: usize| sum_of_squares(&Team::new(threads), &values);
    assert!((on(1) - truth).abs() <= 1e-6 * truth);
    assert_eq!(on(1).to_bits(), on(3).to_bits());
    assert!(!sum_of_squares(&Team::default(), &[1.0, f32::NAN]).is_finite());
}
