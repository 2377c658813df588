//! Moments of 16 and 8 bits: a step is that of the reference from what was held, and what is held after it is a neighbor of
//! the truth, on average the truth itself.

use crate::{
    kernels::{
        adamw::{Draws, Factors, Narrow, NarrowKind, narrow, reference},
        contract::{check, numbers, wide},
    },
    simd::team::Team,
};

/// Some 10 roundings of one step.
const TOLERANCE: f64 = 2e-6;
/// Of the space between neighbors: a mean of 16,320 draws, whose deviation is at most half a space each.
const MEAN_ERROR_MAX: f64 = 0.02;

pub(in super::super) const KINDS: [NarrowKind; 2] = [NarrowKind::Bf16, NarrowKind::Float8];

/// Everything that a step changes.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct State {
    pub(in super::super) weights: Vec<f32>,
    pub(in super::super) gradient: Vec<f32>,
    pub(in super::super) first: Narrow<'static>,
    pub(in super::super) second: Narrow<'static>,
}

/// A form of the step.
pub(in super::super) type Form<'a> = &'a dyn Fn(State, Factors, Draws) -> State;

pub(in super::super) fn on_cpu(threads: usize) -> impl Fn(State, Factors, Draws) -> State {
    move |mut it, factors, draws| {
        let team = Team::new(threads);
        let moments = (&mut it.first, &mut it.second);
        narrow::step(
            &team,
            &mut it.weights,
            &mut it.gradient,
            moments,
            factors,
            draws,
        );
        it
    }
}

/// First moments, second moments, and the spaces between the numbers that can be held around them.
struct Wide {
    first: Vec<f64>,
    second: Vec<f64>,
}

fn widened(first: &Narrow<'_>, second: &Narrow<'_>) -> Wide {
    let of_blocks = |codes: &[u8], scales: &[f32], of: fn(u8, f32) -> f64| -> Vec<f64> {
        let scale = |index: usize| scales[index / 256];
        codes
            .iter()
            .enumerate()
            .map(|(i, code)| of(*code, scale(i)))
            .collect()
    };
    match (first, second) {
        (Narrow::Bf16(first), Narrow::Bf16(second)) => Wide {
            first: first.iter().map(|it| reference::from_bf16(*it)).collect(),
            second: second.iter().map(|it| reference::from_bf16(*it)).collect(),
        },
        (
            Narrow::Float8 { codes, scales },
            Narrow::Float8 {
                codes: roots,
                scales: root_scales,
            },
        ) => {
            let roots = of_blocks(roots, root_scales, reference::root_of);
            Wide {
                first: of_blocks(codes, scales, reference::first_of),
                second: roots.iter().map(|root| root * root).collect(),
            }
        }
        other => panic!("{other:?} are of two kinds"),
    }
}

fn options() -> reference::Options {
    reference::Options {
        lr: 0.01,
        beta1: 0.9,
        beta2: 0.99,
        eps: 1e-8,
        decay: 0.1,
    }
}

fn factors(t: i32) -> Factors {
    Factors {
        gradient_scale: 0.5,
        keep: 1.0 - 0.01 * 0.1,
        beta1: 0.9,
        beta2: 0.99,
        rate: (0.01 / (1.0 - 0.9f64.powi(t))) as f32,
        second_scale: (1.0 / (1.0 - 0.99f64.powi(t)).sqrt()) as f32,
        eps: 1e-8,
    }
}

pub(in super::super) fn fresh(kind: NarrowKind, n: usize) -> State {
    State {
        weights: numbers(n, 1),
        gradient: vec![0.0; n],
        first: Narrow::zeros(kind, n).unwrap(),
        second: Narrow::zeros(kind, n).unwrap(),
    }
}

/// Numbers of many sizes, some of them nothing, one block of nothing else.
pub(in super::super) fn gradient(n: usize, seed: u32) -> Vec<f32> {
    let many = |(index, x): (usize, f32)| match index {
        512..768 => 0.0,
        _ if index.is_multiple_of(11) => 0.0,
        _ => x.powi(9),
    };
    numbers(n, seed).into_iter().enumerate().map(many).collect()
}

/// Whether what is held is the truth or a neighbor of it, in a block with these largest numbers.
fn is_near(kind: NarrowKind, part: &str, held: f64, truth: f64, largest: f64) -> bool {
    let slack = 1e-6 * largest;
    let (held, truth, space) = match (kind, part) {
        (NarrowKind::Bf16, _) => (held, truth, truth.abs() / 128.0),
        (NarrowKind::Float8, "first") => {
            (held, truth, (truth.abs() / 8.0).max(largest / 131_072.0))
        }
        (NarrowKind::Float8, _) => {
            let (held, truth, largest) = (held.sqrt(), truth.sqrt(), largest.sqrt());
            (held, truth, (truth / 16.0).max(largest / 262_144.0))
        }
    };
    (held - truth).abs() <= space + slack
}

/// Three steps against the reference.
pub(in super::super) fn contract(form: Form<'_>, kind: NarrowKind, n: usize) {
    let mut state = fresh(kind, n);
    for t in 1..=3 {
        state.gradient = gradient(n, 10 + t as u32);
        let before = widened(&state.first, &state.second);
        let mut truth: Vec<(f64, f64, f64)> = wide(&state.weights)
            .into_iter()
            .zip(before.first.into_iter().zip(before.second))
            .map(|(w, (m, v))| (w, m, v))
            .collect();
        for ((w, m, v), g) in truth.iter_mut().zip(&state.gradient) {
            reference::step(w, f64::from(*g) * 0.5, m, v, t, &options());
        }
        let draws = Draws {
            seed: 7,
            step: t as u64,
        };
        state = form(state, factors(t), draws);
        assert!(
            state.gradient.iter().all(|it| *it == 0.0),
            "the gradient is empty"
        );
        let weights: Vec<f64> = truth.iter().map(|it| it.0).collect();
        check("weights", &state.weights, &weights, TOLERANCE);
        let after = widened(&state.first, &state.second);
        for (i, (_, m, v)) in truth.iter().enumerate() {
            let block = &truth[i / 256 * 256..n.min(i / 256 * 256 + 256)];
            let largest =
                |of: fn(&(f64, f64, f64)) -> f64| block.iter().map(of).fold(0.0, f64::max);
            for (part, held, truth, largest) in [
                ("first", after.first[i], *m, largest(|it| it.1.abs())),
                ("second", after.second[i], *v, largest(|it| it.2)),
            ] {
                let is_near = is_near(kind, part, held, truth, largest);
                assert!(is_near, "{part}[{i}]: {held} instead of {truth}, step {t}");
            }
            // What the largest of the block does not hide from f32 is not rounded to nothing.
            assert!(
                *v < 1e-30 || 0.0 < after.second[i],
                "second[{i}]: nothing instead of {v}"
            );
        }
    }
}

/// Many equal numbers are held as different ones whose mean is right.
pub(in super::super) fn mean(form: Form<'_>, kind: NarrowKind) {
    let n = 64 * 256;
    let mut state = fresh(kind, n);
    let is_largest = |index: usize| index.is_multiple_of(256);
    state.gradient = (0..n)
        .map(|index| if is_largest(index) { 1.0 } else { 0.27 })
        .collect();
    let (mut w, mut m, mut v) = (0.0, 0.0, 0.0);
    reference::step(
        &mut w,
        f64::from(0.27f32) * 0.5,
        &mut m,
        &mut v,
        1,
        &options(),
    );
    let draws = Draws { seed: 3, step: 1 };
    let state = form(state, factors(1), draws);
    let held = widened(&state.first, &state.second);
    let roots = held.second.iter().map(|v| v.sqrt()).collect();
    let (second, truth) = match kind {
        NarrowKind::Bf16 => (held.second, v),
        NarrowKind::Float8 => (roots, v.sqrt()),
    };
    for (part, held, truth) in [("first", held.first, m), ("second", second, truth)] {
        let held: Vec<f64> = (0..n)
            .filter(|it| !is_largest(*it))
            .map(|it| held[it])
            .collect();
        let least = held.iter().copied().fold(f64::MAX, f64::min);
        let most = held.iter().copied().fold(0.0, f64::max);
        let mean = held.iter().sum::<f64>() / held.len() as f64;
        assert!(
            least < truth && truth < most,
            "{part}: {truth} is between {least} and {most}"
        );
        let error = (mean - truth).abs() / (most - least);
        assert!(error <= MEAN_ERROR_MAX, "{part}: {mean} instead of {truth}");
    }
}

#[test]
fn a_step_with_rounded_moments_matches_the_reference() {
    for kind in KINDS {
        for n in [1, 37, 256, 257, 1023, 20_000] {
            contract(&on_cpu(2), kind, n);
        }
        mean(&on_cpu(2), kind);
    }
}

#[test]
fn threads_change_no_bit_and_seeds_and_steps_change_some() {
    for kind in KINDS {
        let with = |threads, seed, step| {
            let mut state = fresh(kind, 40_000);
            state.gradient = gradient(40_000, 5);
            on_cpu(threads)(state, factors(1), Draws { seed, step })
        };
        let one = with(1, 1, 1);
        assert_eq!(one, with(3, 1, 1));
        assert_ne!(one.first, with(1, 2, 1).first);
        assert_ne!(one.second, with(1, 1, 2).second);
    }
}

#[test]
fn draws_have_no_bias_that_shows() {
    let draws = Draws { seed: 1, step: 1 };
    let n = 1 << 16;
    for halves in [|it: u32| it >> 16, |it: u32| it & 0xffff] {
        let all = (0..n).map(|at| f64::from(halves(narrow::draw(at, draws.keys(0)))));
        let mean = all.sum::<f64>() / f64::from(n) / 65_536.0;
        assert!((mean - 0.5).abs() < 0.006, "{mean}");
    }
    assert_ne!(draws.keys(0), draws.keys(1));
}
