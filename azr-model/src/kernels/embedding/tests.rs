//! The contract, with repeated and missing rows.

use super::{backward, forward, reference};
use crate::{
    kernels::contract::{check, numbers, wide},
    simd::team::Team,
};

/// Copies are exact; at most a few hundred additions meet in one row.
const TOLERANCE: f64 = 1e-5;

#[test]
fn forward_and_gradient_match_the_reference() {
    for (table_rows, n, d) in [(1, 1, 1), (7, 20, 3), (300, 500, 64)] {
        let table = numbers(table_rows * d, 1);
        let indices: Vec<u32> = (0..n)
            .map(|i| ((i * i + 3 * i) % table_rows) as u32)
            .collect();
        let mut x = vec![f32::NAN; n * d];
        let team = Team::default();
        forward(&team, &table, &indices, d, &mut x);
        check(
            "x",
            &x,
            &reference::forward(&wide(&table), &indices, d),
            TOLERANCE,
        );
        let dx = numbers(n * d, 2);
        let mut gradient = vec![0.0; table_rows * d];
        backward(&team, &dx, &indices, d, &mut gradient);
        check(
            "dtable",
            &gradient,
            &reference::backward(&wide(&dx), &indices, d, table_rows),
            TOLERANCE,
        );
        let mut serial = vec![0.0; table_rows * d];
        backward(&Team::new(1), &dx, &indices, d, &mut serial);
        assert_eq!(serial, gradient);
    }
}
