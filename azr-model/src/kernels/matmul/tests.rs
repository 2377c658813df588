//! Shapes that break blocking, and independence of rows and threads.

use super::{Plus, Weights, backward_bias, backward_input, backward_weights, forward, reference};
use crate::{
    half::rounded_to_bf16,
    kernels::{
        contract::{check, numbers, wide},
        scratch::Scratch,
    },
    precision::Precision,
    simd::team::Team,
};

/// Chains of up to 1500 roundings of 6e-8 each, random in sign: about 2e-6 of the largest result; the rest is margin.
const TOLERANCE: f64 = 1e-5;
/// Equal numbers, whose roundings all have one sign: half a unit of a chain's largest sum, some hundred times what is added.
const DEEP_TOLERANCE: f64 = 5e-5;

/// Rows, outputs, inputs: ones, primes, block borders and their neighbors.
const SHAPES: [(usize, usize, usize); 9] = [
    (1, 1, 1),
    (1, 65, 1500),
    (2, 31, 257),
    (5, 17, 3),
    (6, 16, 256),
    (7, 129, 127),
    (97, 128, 255),
    (101, 300, 33),
    (193, 47, 520),
];

fn packed(w: &[f32], outputs: usize, inputs: usize) -> Weights {
    held(w, outputs, inputs, Precision::F32)
}

fn held(w: &[f32], outputs: usize, inputs: usize, precision: Precision) -> Weights {
    let mut weights = Weights::new(outputs, inputs, precision).unwrap();
    weights.pack(&Team::default(), w);
    weights
}

#[test]
fn forward_and_every_gradient_match_the_reference() {
    for (rows, outputs, inputs) in SHAPES {
        let (x, w, dy) = (
            numbers(rows * inputs, 1),
            numbers(outputs * inputs, 2),
            numbers(rows * outputs, 3),
        );
        let (bias, residual) = (numbers(outputs, 4), numbers(rows * outputs, 5));
        let weights = packed(&w, outputs, inputs);
        let shape = format!("{rows}x{outputs}x{inputs}");
        let truth = reference::forward(&wide(&x), &wide(&w), rows, outputs, inputs);
        let mut y = vec![f32::NAN; rows * outputs];
        forward(&Scratch::default(), &x, &weights, Plus::Nothing, &mut y);
        check(&format!("y {shape}"), &y, &truth, TOLERANCE);
        forward(&Scratch::default(), &x, &weights, Plus::Bias(&bias), &mut y);
        let biased: Vec<f64> = truth
            .iter()
            .enumerate()
            .map(|(i, y)| y + f64::from(bias[i % outputs]))
            .collect();
        check(&format!("y + bias {shape}"), &y, &biased, TOLERANCE);
        forward(
            &Scratch::default(),
            &x,
            &weights,
            Plus::Residual(&residual),
            &mut y,
        );
        let added: Vec<f64> = truth
            .iter()
            .zip(&residual)
            .map(|(y, r)| y + f64::from(*r))
            .collect();
        check(&format!("y + residual {shape}"), &y, &added, TOLERANCE);

        let mut dx = vec![f32::NAN; rows * inputs];
        backward_input(&Scratch::default(), &dy, &w, outputs, &mut dx);
        let truth = reference::backward_input(&wide(&dy), &wide(&w), rows, outputs, inputs);
        check(&format!("dx {shape}"), &dx, &truth, TOLERANCE);
        let before = numbers(outputs * inputs, 6);
        let mut dw = before.clone();
        backward_weights(&Scratch::default(), &dy, &x, outputs, &mut dw);
        let truth = reference::backward_weights(&wide(&dy), &wide(&x), rows, outputs, inputs);
        let truth: Vec<f64> = truth
            .iter()
            .zip(&before)
            .map(|(dw, before)| dw + f64::from(*before))
            .collect();
        check(&format!("dw {shape}"), &dw, &truth, TOLERANCE);
        let mut db = vec![0.0; outputs];
        backward_bias(&Team::default(), &dy, &mut db);
        check(
            &format!("db {shape}"),
            &db,
            &reference::backward_bias(&wide(&dy), outputs),
            TOLERANCE,
        );
    }
}

#[test]
fn gradients_over_a_whole_vocabulary_and_many_tokens_are_exact_too() {
    let depth = 100_000;
    let (ones, tenths) = (vec![1.0; 2 * depth], vec![0.1; 3 * depth]);
    let truth = vec![depth as f64 * f64::from(0.1f32); 6];
    let mut dx = vec![f32::NAN; 6];
    backward_input(&Scratch::default(), &ones, &tenths, depth, &mut dx);
    check("dx", &dx, &truth, DEEP_TOLERANCE);
    let mut dw = vec![0.0; 6];
    backward_weights(&Scratch::default(), &ones, &tenths, 2, &mut dw);
    check("dw", &dw, &truth, DEEP_TOLERANCE);
}

#[test]
fn a_row_has_the_same_bits_alone_and_among_others_and_for_any_number_of_threads() {
    let (rows, outputs, inputs) = (131, 210, 600);
    let (x, w, dy) = (
        numbers(rows * inputs, 7),
        numbers(outputs * inputs, 8),
        numbers(rows * outputs, 9),
    );
    for precision in [Precision::F32, Precision::Bf16] {
        let weights = held(&w, outputs, inputs, precision);
        let run = |threads: usize| {
            let scratch = Scratch::of_threads(threads);
            let (mut y, mut dx, mut dw) = (
                vec![0.0; rows * outputs],
                vec![0.0; rows * inputs],
                vec![0.0; outputs * inputs],
            );
            forward(&scratch, &x, &weights, Plus::Nothing, &mut y);
            backward_input(&scratch, &dy, &w, outputs, &mut dx);
            backward_weights(&scratch, &dy, &x, outputs, &mut dw);
            (y, dx, dw)
        };
        let (y, dx, dw) = run(1);
        assert_eq!((y.clone(), dx, dw), run(3));
        for count in 1..=97 {
            let mut part = vec![0.0; count * outputs];
            let x = &x[..count * inputs];
            forward(&Scratch::default(), x, &weights, Plus::Nothing, &mut part);
            let same = part == y[..count * outputs];
            assert!(same, "{count} rows in {precision:?}");
        }
    }
}

#[test]
fn weights_held_in_bfloat16_give_the_bits_of_the_rounded_weights() {
    for (rows, outputs, inputs) in SHAPES {
        let (x, w) = (numbers(rows * inputs, 1), numbers(outputs * inputs, 2));
        let rounded: Vec<f32> = w.iter().map(|it| rounded_to_bf16(*it)).collect();
        assert_ne!(w, rounded, "the numbers are no bfloat16");
        let product = |weights: &Weights| {
            let mut y = vec![f32::NAN; rows * outputs];
            forward(&Scratch::default(), &x, weights, Plus::Nothing, &mut y);
            y
        };
        assert_eq!(
            product(&held(&w, outputs, inputs, Precision::Bf16)),
            product(&packed(&rounded, outputs, inputs)),
            "{rows}x{outputs}x{inputs}"
        );
    }
}
