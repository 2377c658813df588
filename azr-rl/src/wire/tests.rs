//! The rules of the wires, each as a test.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;

const BOUNDS: Bounds = Bounds {
    delivered_max: 3,
    judged_max: 2,
    workers: 2,
};

fn all(count: usize) -> impl FnOnce(Put<'_, usize>) -> Result<(), &'static str> + Send {
    move |put| {
        for index in 0..count {
            if put(index, index * 10).is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[test]
fn results_come_in_the_order_of_their_indices() {
    let results = wave(
        BOUNDS,
        100,
        all(100),
        |index, item| Ok(item + index),
        |_| (),
    );
    assert_eq!(
        results.unwrap(),
        (0..100).map(|it| it * 11).collect::<Vec<_>>()
    );
}

proptest! {
    #[test]
    fn the_order_of_completion_never_reaches_the_caller(order in Just((0..40usize).collect::<Vec<_>>()).prop_shuffle()) {
        let produce = |put: Put<'_, usize>| {
            for &index in &order {
                assert!(put(index, index).is_continue());
            }
            Ok::<(), &str>(())
        };
        let results = wave(BOUNDS, 40, produce, |_, item| Ok(item), |_| ());
        prop_assert_eq!(results.unwrap(), (0..40).collect::<Vec<_>>());
    }
}

#[test]
fn no_more_is_ever_in_flight_than_the_bounds_allow() {
    let (in_flight, peak) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let produce = |put: Put<'_, ()>| {
        for index in 0..10_000 {
            let now = in_flight.fetch_add(1, Ordering::SeqCst) + 1;
            peak.fetch_max(now, Ordering::SeqCst);
            assert!(put(index, ()).is_continue());
        }
        Ok::<(), &str>(())
    };
    let arrived = |_: &()| {
        // A slow collector: gives an unbounded wire every chance to fill up.
        (0..20).for_each(|_| std::thread::yield_now());
        in_flight.fetch_sub(1, Ordering::SeqCst);
    };
    wave(BOUNDS, 10_000, produce, |_, ()| Ok(()), arrived).unwrap();
    let peak = peak.into_inner();
    assert!(
        peak <= BOUNDS.in_flight_max(),
        "{peak} items were in flight, {} are allowed",
        BOUNDS.in_flight_max()
    );
    assert!(
        BOUNDS.delivered_max < peak,
        "the wire never filled up ({peak}), so this test shows nothing"
    );
}

#[test]
fn the_first_error_of_a_worker_surfaces_and_stops_the_producer() {
    let produced = AtomicUsize::new(0);
    let produce = |put: Put<'_, usize>| {
        for index in 0..10_000 {
            produced.fetch_add(1, Ordering::SeqCst);
            if put(index, index).is_break() {
                return Ok(());
            }
        }
        Err("the producer was never told to stop")
    };
    let judge = |_, item| if item == 7 { Err("lost") } else { Ok(item) };
    let result = wave(BOUNDS, 10_000, produce, judge, |_| ());
    assert!(
        matches!(result, Err(WireError::Failed("lost"))),
        "{result:?}"
    );
    let produced = produced.into_inner();
    assert!(
        produced <= 8 + 2 * BOUNDS.in_flight_max(),
        "{produced} items were produced after item 7 failed"
    );
}

#[test]
fn an_error_of_the_producer_surfaces_although_results_came_in() {
    let produce = |put: Put<'_, usize>| {
        assert!(put(0, 0).is_continue());
        Err("the device is gone")
    };
    let result = wave(BOUNDS, 2, produce, |_, item| Ok(item), |_| ());
    assert!(
        matches!(result, Err(WireError::Failed("the device is gone"))),
        "{result:?}"
    );
}

#[test]
fn an_error_of_the_producer_surfaces_although_every_result_came_in() {
    let produce = |put: Put<'_, usize>| {
        assert!(put(0, 0).is_continue());
        Err("the device is gone")
    };
    let result = wave(BOUNDS, 1, produce, |_, item| Ok(item), |_| ());
    assert!(
        matches!(result, Err(WireError::Failed("the device is gone"))),
        "{result:?}"
    );
}

#[test]
fn a_producer_that_skips_repeats_or_invents_an_item_is_found_out() {
    let deliver = |indices: &'static [usize]| {
        let produce = move |put: Put<'_, usize>| {
            for &index in indices {
                if put(index, index).is_break() {
                    break;
                }
            }
            Ok::<(), &str>(())
        };
        wave(BOUNDS, 3, produce, |_, item| Ok(item), |_| ())
    };
    let skips = deliver(&[0, 2]);
    assert!(
        matches!(skips, Err(WireError::Missing { index: 1, count: 3 })),
        "{skips:?}"
    );
    let repeats = deliver(&[0, 1, 1, 2]);
    assert!(
        matches!(repeats, Err(WireError::Unasked { index: 1, count: 3 })),
        "{repeats:?}"
    );
    let invents = deliver(&[0, 1, 2, 3]);
    assert!(
        matches!(invents, Err(WireError::Unasked { index: 3, count: 3 })),
        "{invents:?}"
    );
    assert_eq!(deliver(&[2, 1, 0]).unwrap(), [0, 1, 2]);
}

#[test]
fn an_empty_wave_is_done_at_once() {
    let results = wave(BOUNDS, 0, all(0), |_, item| Ok(item), |_| ());
    assert!(results.unwrap().is_empty());
}
