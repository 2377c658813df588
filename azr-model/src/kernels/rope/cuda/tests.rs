//! The contract on the emulated device, and faults that it must catch.

use super::{SOURCE, Turn, angles, turn};
use crate::{
    config::RopeScaling,
    cuda::{Device, caught, test_device},
    kernels::{
        contract::{check, numbers, wide},
        rope::{self, frequencies, reference},
    },
    simd::team::Team,
};

/// Angles are rounded to f32, as on the processor: at position 2000 an angle is off by up to 2000 * 6e-8.
const TOLERANCE: f64 = 2.5e-4;
const THETA: f32 = 10_000.0;

fn contract(device: &Device, heads: usize, e: usize) {
    let positions = [0u32, 1, 2, 17, 63, 64, 511, 2000];
    let spare = 3;
    let width = heads * e + spare;
    let (x, waves) = (
        numbers(positions.len() * width, 1),
        frequencies(THETA, e, &RopeScaling::Unscaled),
    );
    let (there, waves) = (
        device.upload(&positions).unwrap(),
        device.upload(&waves).unwrap(),
    );
    let mut turns = device.allocate(positions.len() * e).unwrap();
    angles(device, there.view(), waves.view(), turns.view_mut()).unwrap();
    let heads_of = |x: &[f32]| -> Vec<f32> {
        x.chunks(width)
            .flat_map(|row| row[..heads * e].to_vec())
            .collect()
    };
    for (way, sign) in [(Turn::Forward, 1.0), (Turn::Backward, -1.0)] {
        let mut y = device.upload(&x).unwrap();
        turn(device, y.view_mut(), width, heads, turns.view(), e, way).unwrap();
        let y = device.download(y.view()).unwrap();
        let truth = reference::turn(
            &wide(&heads_of(&x)),
            heads,
            e,
            &positions,
            THETA.into(),
            sign,
        );
        check("turned", &heads_of(&y), &truth, TOLERANCE);
        for (before, after) in x.chunks(width).zip(y.chunks(width)) {
            assert_eq!(
                before[heads * e..],
                after[heads * e..],
                "the columns behind the heads stay"
            );
        }
    }
}

#[test]
fn forward_and_gradient_match_the_reference() {
    for (heads, e) in [(1, 2), (3, 6), (4, 32), (2, 64), (5, 34), (9, 128)] {
        contract(&test_device(), heads, e);
    }
}

#[test]
fn angles_are_those_of_the_processor() {
    let (device, positions) = (
        test_device(),
        [0u32, 1, 5, 1000, 32_767, 131_072, 1_000_003],
    );
    let waves = frequencies(1e6, 64, &RopeScaling::Unscaled);
    let mut here = vec![0.0; positions.len() * 64];
    rope::angles(&Team::new(1), &positions, &waves, &mut here);
    let mut there = device.allocate(here.len()).unwrap();
    let (positions, waves) = (
        device.upload(&positions).unwrap(),
        device.upload(&waves).unwrap(),
    );
    angles(&device, positions.view(), waves.view(), there.view_mut()).unwrap();
    for (here, there) in here.iter().zip(device.download(there.view()).unwrap()) {
        assert!((here - there).abs() <= 6.0e-8, "{here} and {there}");
    }
}

#[test]
fn planted_faults_are_caught() {
    caught(
        &SOURCE,
        &[
            (
                "row[half + i] = float(sine)",
                "row[half + i] = float(cosine)",
            ),
            ("if (turn == 1 || turn == 2)", "if (turn == 1 || turn == 3)"),
            ("quarters & 3", "quarters & 1"),
            ("u64(blockIdx.x) * width", "u64(blockIdx.x) * (width + 1)"),
            ("i < heads * half; i += 256", "i < heads * half; i += 512"),
            ("sine = sign * turn", "sine = turn"),
            ("i < half; i += 64", "i <= half; i += 64"),
            ("head * 2 * half + column", "head * half + column"),
        ],
        |device| {
            [(5, 34), (9, 128)]
                .iter()
                .for_each(|(heads, e)| contract(device, *heads, *e))
        },
    );
}
