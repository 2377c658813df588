//! Token vectors: `x[n] = table[token[n]]`; backward `dtable[token[n]] += dx[n]`, in the order of `n`.
//!
//! The same two forms pick single rows of an activation for the head and put their gradients back.

use super::rows;
use crate::simd::team::Team;

pub(crate) mod cuda;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

/// Copies row `indices[i]` of `table [_, d]` to row `i` of `x [n, d]`.
pub(crate) fn forward(team: &Team, table: &[f32], indices: &[u32], d: usize, x: &mut [f32]) {
    assert_eq!(x.len(), indices.len() * d, "x is [n, d]");
    rows::in_parallel(team, x, d, |first, x| {
        for (x, index) in x.chunks_exact_mut(d).zip(&indices[first..]) {
            x.copy_from_slice(&table[*index as usize * d..][..d]);
        }
    });
}

/// Adds row `i` of `dx [n, d]` to row `indices[i]` of `dtable [_, d]`.
///
/// Tasks own ranges of table rows, so each row of the table is added to in the order of `i` whatever the threads.
pub(crate) fn backward(team: &Team, dx: &[f32], indices: &[u32], d: usize, dtable: &mut [f32]) {
    assert_eq!(dx.len(), indices.len() * d, "dx is [n, d]");
    let tasks = if dx.len() <= rows::grain(d) * d {
        1
    } else {
        team.threads()
    };
    let rows_of_task = (dtable.len() / d).div_ceil(tasks).max(1);
    team.each(
        dtable.chunks_mut(rows_of_task * d).enumerate(),
        |(task, dtable)| {
            let first = task * rows_of_task;
            for (dx, index) in dx.chunks_exact(d).zip(indices) {
                let Some(row) = (*index as usize)
                    .checked_sub(first)
                    .filter(|row| *row < dtable.len() / d)
                else {
                    continue;
                };
                for (sum, dx) in dtable[row * d..][..d].iter_mut().zip(dx) {
                    *sum += dx;
                }
            }
        },
    );
}
