//! The contract, and the reference against differences.

use super::{Heads, backward, forward, reference};
use crate::{
    kernels::contract::{check, differences, numbers, wide},
    simd::team::Team,
};

/// Sums of at most 300 products in sixteen lanes, and of 66 rows one after the other.
const TOLERANCE: f64 = 3e-6;
pub(crate) const EPS: f32 = 1e-5;

pub(crate) fn heads(heads: usize, kv_heads: usize, head_dim: usize) -> Heads {
    Heads {
        heads,
        kv_heads,
        head_dim,
    }
}

/// What the contract is checked on.
pub(crate) struct Given {
    pub(crate) heads: Heads,
    pub(crate) x: Vec<f32>,
    pub(crate) w: Vec<f32>,
    pub(crate) dy: Vec<f32>,
    pub(crate) dw_before: Vec<f32>,
}

impl Given {
    pub(crate) fn new(n: usize, heads: Heads) -> Self {
        let (width, e) = (heads.width(), heads.head_dim);
        Self {
            heads,
            x: numbers(n * width, 1),
            w: numbers(2 * e, 2),
            dy: numbers(n * width, 3),
            dw_before: numbers(2 * e, 4),
        }
    }

    pub(crate) fn check(&self, y: &[f32], dx: &[f32], dw: &[f32], tolerance: f64) {
        let Self {
            heads,
            x,
            w,
            dy,
            dw_before,
        } = self;
        let truth = reference::forward(heads, &wide(x), &wide(w), EPS.into());
        check("y", y, &truth, tolerance);
        let (dx_truth, mut dw_truth) =
            reference::backward(heads, &wide(dy), &wide(x), &wide(w), EPS.into());
        for (truth, before) in dw_truth.iter_mut().zip(dw_before) {
            *truth += f64::from(*before);
        }
        check("dx", dx, &dx_truth, tolerance);
        check("dw", dw, &dw_truth, tolerance);
        // Values, behind the turned heads, are none of this.
        let turned = (heads.heads + heads.kv_heads) * heads.head_dim;
        for (row, (y, dx)) in y
            .chunks(heads.width())
            .zip(dx.chunks(heads.width()))
            .enumerate()
        {
            let values = row * heads.width() + turned..(row + 1) * heads.width();
            assert_eq!(y[turned..], x[values.clone()]);
            assert_eq!(dx[turned..], dy[values]);
        }
    }
}

#[test]
fn forward_and_every_gradient_match_the_reference() {
    let team = Team::default();
    for (n, heads) in [
        (1, heads(1, 1, 2)),
        (3, heads(3, 1, 6)),
        (66, heads(4, 2, 34)),
        (65, heads(16, 8, 128)),
        (2, heads(2, 2, 300)),
    ] {
        let given = Given::new(n, heads);
        let turned = heads.heads + heads.kv_heads;
        let mut y = given.x.clone();
        let mut raw = vec![f32::NAN; n * turned * heads.head_dim];
        let mut r = vec![f32::NAN; n * turned];
        forward(&team, &heads, &given.w, EPS, &mut y, &mut raw, &mut r);
        let (mut dx, mut dw) = (given.dy.clone(), given.dw_before.clone());
        backward(&team, &heads, &given.w, &raw, &r, &mut dx, &mut dw);
        given.check(&y, &dx, &dw, TOLERANCE);
    }
}

#[test]
fn threads_cannot_be_seen() {
    let heads = heads(4, 2, 66);
    let n = 700;
    let (x, w) = (numbers(n * heads.width(), 1), numbers(2 * 66, 2));
    let run = |threads| {
        let team = Team::new(threads);
        let (mut y, mut dw) = (x.clone(), vec![0.0; 2 * 66]);
        let (mut raw, mut r) = (vec![0.0; n * 6 * 66], vec![0.0; n * 6]);
        forward(&team, &heads, &w, EPS, &mut y, &mut raw, &mut r);
        let mut dx = numbers(n * heads.width(), 3);
        backward(&team, &heads, &w, &raw, &r, &mut dx, &mut dw);
        (y, dx, dw)
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn the_reference_gradient_is_the_slope_of_the_reference() {
    let heads = heads(2, 1, 4);
    let (x, w, dy) = (
        wide(&numbers(2 * heads.width(), 1)),
        wide(&numbers(8, 2)),
        wide(&numbers(2 * heads.width(), 3)),
    );
    let loss = |y: Vec<f64>| y.iter().zip(&dy).map(|(y, dy)| y * dy).sum::<f64>();
    let (dx, dw) = reference::backward(&heads, &dy, &x, &w, 1e-5);
    let by_x = differences(&x, |x| loss(reference::forward(&heads, x, &w, 1e-5)));
    let by_w = differences(&w, |w| loss(reference::forward(&heads, &x, w, 1e-5)));
    for (analytic, numeric) in dx.iter().chain(&dw).zip(by_x.iter().chain(&by_w)) {
        assert!(
            (analytic - numeric).abs() < 1e-8,
            "{analytic} and {numeric}"
        );
    }
}
