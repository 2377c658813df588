//! The gated hidden layer (Shazeer, arXiv 2002.05202): `y[n, f] = silu(gate[n, f]) up[n, f]`, `silu(x) = x s(x)`,
//! `s(x) = 1 / (1 + e^-x)`.
//!
//! Gate and up lie side by side in one row of `2 f`. Backward: `dup = dy silu(gate)`,
//! `dgate = dy up s (1 + gate (1 - s))`.

use super::{exp::exp, rows};
use crate::simd::{multiversion, team::Team};

pub(crate) mod cuda;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

/// Writes `y [n, f]` from `gate_up [n, 2 f]`.
pub(crate) fn forward(team: &Team, gate_up: &[f32], f: usize, y: &mut [f32]) {
    assert_eq!(
        gate_up.len(),
        2 * y.len(),
        "gate_up is [n, 2 f], y is [n, f]"
    );
    rows::in_parallel(team, y, f, |first, y| {
        forward_rows(&gate_up[first * 2 * f..], f, y)
    });
}

/// Writes `dgate_up [n, 2 f]` from `gate_up` and `dy [n, f]`.
pub(crate) fn backward(team: &Team, gate_up: &[f32], dy: &[f32], f: usize, dgate_up: &mut [f32]) {
    assert!(
        gate_up.len() == 2 * dy.len() && dgate_up.len() == gate_up.len(),
        "dgate_up is [n, 2 f], dy is [n, f]"
    );
    rows::in_parallel(team, dgate_up, 2 * f, |first, dgate_up| {
        backward_rows(&gate_up[first * 2 * f..], &dy[first * f..], f, dgate_up);
    });
}

multiversion! {
    fn forward_rows(gate_up: &[f32], f: usize, y: &mut [f32]) {
        for (y, gate_up) in y.chunks_exact_mut(f).zip(gate_up.chunks_exact(2 * f)) {
            let (gate, up) = gate_up.split_at(f);
            for ((y, gate), up) in y.iter_mut().zip(gate).zip(up) {
                *y = gate / (1.0 + exp(-gate)) * up;
            }
        }
    }
}

multiversion! {
    fn backward_rows(gate_up: &[f32], dy: &[f32], f: usize, dgate_up: &mut [f32]) {
        let rows = dgate_up.chunks_exact_mut(2 * f).zip(gate_up.chunks_exact(2 * f)).zip(dy.chunks_exact(f));
        for ((dgate_up, gate_up), dy) in rows {
            let (gate, up) = gate_up.split_at(f);
            let (dgate, dup) = dgate_up.split_at_mut(f);
            for ((((dgate, dup), gate), up), dy) in dgate.iter_mut().zip(dup).zip(gate).zip(up).zip(dy) {
                let s = 1.0 / (1.0 + exp(-gate));
                *dup = dy * (gate * s);
                *dgate = dy * up * (s * gate.mul_add(1.0 - s, 1.0));
            }
        }
    }
}
