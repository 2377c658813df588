//! The contract at near and far positions; the columns behind the turned heads stay.

use super::{Turn, angles, frequencies, reference, turn};
use crate::{
    config::RopeScaling,
    kernels::contract::{check, numbers, wide},
    simd::team::Team,
};

/// Angles are rounded to f32 (as in Hugging Face): at position 2000 an angle is off by up to 2000 * 6e-8.
const TOLERANCE: f64 = 2.5e-4;

#[test]
fn forward_and_gradient_match_the_reference() {
    for (heads, e) in [(1, 2), (3, 6), (4, 32), (2, 64), (5, 34)] {
        let positions = [0u32, 1, 2, 17, 63, 64, 511, 2000];
        let spare = 3;
        let width = heads * e + spare;
        let x = numbers(positions.len() * width, 1);
        let mut turns = vec![f32::NAN; positions.len() * e];
        angles(
            &Team::default(),
            &positions,
            &frequencies(10_000.0, e, &RopeScaling::Unscaled),
            &mut turns,
        );
        let turned: Vec<f32> = x
            .chunks(width)
            .flat_map(|row| row[..heads * e].to_vec())
            .collect();
        for (way, sign) in [(Turn::Forward, 1.0), (Turn::Backward, -1.0)] {
            let mut y = x.clone();
            turn(&Team::default(), &mut y, width, heads, &turns, e, way);
            let truth = reference::turn(&wide(&turned), heads, e, &positions, 10_000.0, sign);
            let heads_only: Vec<f32> = y
                .chunks(width)
                .flat_map(|row| row[..heads * e].to_vec())
                .collect();
            check("turned", &heads_only, &truth, TOLERANCE);
            for (before, after) in x.chunks(width).zip(y.chunks(width)) {
                assert_eq!(before[heads * e..], after[heads * e..]);
            }
        }
    }
}

#[test]
fn turning_back_undoes_turning() {
    let positions = [5u32, 900];
    let mut turns = vec![0.0; 2 * 8];
    angles(
        &Team::default(),
        &positions,
        &frequencies(1e6, 8, &RopeScaling::Unscaled),
        &mut turns,
    );
    let x = numbers(2 * 16, 2);
    let mut y = x.clone();
    turn(&Team::default(), &mut y, 16, 2, &turns, 8, Turn::Forward);
    turn(&Team::default(), &mut y, 16, 2, &turns, 8, Turn::Backward);
    check("there and back", &y, &wide(&x), 1e-6);
}
