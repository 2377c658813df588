//! Values that are short to write and could be long to read: time stays in step with size.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use azr_executor::encoding::{Reader, encode};
use azr_executor::value::LITERAL_BYTES_MAX;
use azr_executor::{Arguments, Equality, Value};

/// Far more than any of these takes on a busy host, and far less than when each doubling of the size takes four times as
/// long.
const WALL_MAX: Duration = Duration::from_secs(20);

/// Sets of two sets each, so many levels deep, that differ only where one looks last.
fn twins(levels: u32, last: i64) -> String {
    if levels == 0 {
        return last.to_string();
    }
    let (left, right) = (twins(levels - 1, last), twins(levels - 1, last + 1));
    format!("frozenset(({left}, {right}))")
}

#[test]
fn sets_of_sets_that_look_alike_are_read_and_compared_in_time() {
    let text = twins(15, 0);
    let started = Instant::now();
    let value = Value::parse_literal(&text).unwrap();
    let mut bytes = Vec::new();
    encode(&value, &mut bytes);
    let back = Reader::new(&bytes).value().unwrap();
    assert!(Equality::Strict.equal(&value, &back));
    assert!(started.elapsed() < WALL_MAX, "{:?}", started.elapsed());
}

#[test]
fn very_many_keywords_are_read_in_time() {
    let keywords: Vec<_> = (0..100_000).map(|at| format!("name_{at}=1")).collect();
    let started = Instant::now();
    let arguments = Arguments::parse(&keywords.join(",")).unwrap();
    assert_eq!(arguments.keyword.len(), keywords.len());
    assert!(started.elapsed() < WALL_MAX, "{:?}", started.elapsed());
}

#[test]
fn numbers_of_all_types_are_put_in_order_in_time() {
    let mut numbers = vec![format!("1{}", "1".repeat(4_298))];
    numbers.extend((0..50_000).map(|at| format!("Decimal('1.1{at:05}E+4298')")));
    let long = |at: i32, digit: &str| format!("{}{}", 10_000 + at, digit.repeat(4_290));
    numbers.extend((0..400).map(|at| format!("Fraction({}, {})", long(at, "7"), long(at, "3"))));
    let started = Instant::now();
    let value = Value::parse_literal(&format!("{{{}}}", numbers.join(","))).unwrap();
    let mut bytes = Vec::new();
    encode(&value, &mut bytes);
    let back = Reader::new(&bytes).value().unwrap();
    assert!(Equality::Strict.equal(&value, &back));
    assert!(started.elapsed() < WALL_MAX, "{:?}", started.elapsed());
}

#[test]
fn the_longest_integer_is_refused_as_a_real_part_in_time() {
    let text = format!("0x{}+1j", "f".repeat(LITERAL_BYTES_MAX - 5));
    let started = Instant::now();
    assert!(Value::parse_literal(&text).is_err());
    assert!(started.elapsed() < WALL_MAX, "{:?}", started.elapsed());
}
