//! The edit distance of syntax trees, beside the table of all pairs that it avoids.

use azr_executor::metrics::{Distance, NodeKind};
use proptest::prelude::*;

use crate::cases::CASES;
use crate::shape;

/// Longest common subsequence by the table that the distance avoids.
fn distance_by_table(a: &[NodeKind], b: &[NodeKind]) -> f64 {
    let mut row = vec![0_usize; b.len() + 1];
    for ours in a {
        let mut diagonal = 0;
        for (at, theirs) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if ours == theirs {
                diagonal + 1
            } else {
                above.max(row[at])
            };
            diagonal = above;
        }
    }
    let whole = a.len() + b.len();
    (whole - 2 * row[b.len()]) as f64 / whole as f64
}

#[test]
fn the_distance_is_that_of_the_longest_common_subsequence() {
    for a in CASES {
        for b in CASES {
            let (ours, theirs) = (shape(a.program), shape(b.program));
            let expected = distance_by_table(ours.preorder(), theirs.preorder());
            assert_eq!(
                ours.distance(&theirs),
                Distance::Exact(expected),
                "{} and {}",
                a.about,
                b.about
            );
        }
    }
    let one = shape("pass").distance(&shape("pass\npass"));
    assert_eq!(one, Distance::Exact(0.2), "one insertion, five nodes");
    let renamed = shape("x = f(1)").distance(&shape("y = g('z')"));
    assert_eq!(renamed, Distance::Exact(0.0));
}

#[test]
fn a_distance_that_takes_too_much_work_is_a_bound() {
    let ours = shape(&"x = [1]\nfor x in y: f(x)\n".repeat(2_000));
    let theirs = shape(&"def f(x, y): return {x: -y}\n".repeat(2_500));
    let Distance::AtMost(bound) = ours.distance(&theirs) else {
        panic!("the work was within its bound");
    };
    assert_eq!(theirs.distance(&ours), Distance::AtMost(bound));
    assert!(bound <= 1.0, "{bound} is no distance");
    for (a, b) in CASES.iter().zip(&CASES[1..]) {
        let (ours, theirs) = (shape(a.program), shape(b.program));
        let exact = ours.distance(&theirs).value();
        for steps_max in [0, 1, 2, 7, 30, 100, 300] {
            let bounded = ours.distance_within(&theirs, steps_max);
            assert_eq!(bounded, theirs.distance_within(&ours, steps_max));
            match bounded {
                Distance::Exact(value) => assert_eq!(value, exact, "{}", a.about),
                Distance::AtMost(value) => assert!(exact <= value && value <= 1.0, "{value}"),
            }
        }
    }
}

proptest! {
    #[test]
    fn a_distance_is_symmetric_within_its_range_and_none_from_itself(
        ours in prop::collection::vec(0..CASES.len(), 0..4),
        theirs in prop::collection::vec(0..CASES.len(), 0..4),
    ) {
        let program = |of: &[usize]| of.iter().map(|at| CASES[*at].program).collect::<String>();
        let (ours, theirs) = (shape(&program(&ours)), shape(&program(&theirs)));
        let there = ours.distance(&theirs);
        prop_assert_eq!(there, theirs.distance(&ours));
        prop_assert!(0.0 <= there.value() && there.value() < 1.0);
        prop_assert_eq!(ours.distance(&ours), Distance::Exact(0.0));
        prop_assert_eq!(there.value(), distance_by_table(ours.preorder(), theirs.preorder()));
    }
}
