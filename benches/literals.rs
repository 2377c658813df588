//! Values on their way through a verdict: text to value, value to value, value to text, program to key and figures.
//!
//! `cargo bench -p azr-benches --bench literals`. Every bench checks what it times before it times it.

use std::hint::black_box;

use azr_executor::metrics::{Metrics, Shape};
use azr_executor::value::{Equality, Value};
use azr_executor::{Bans, Limits, syntax};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// A value such as solvers answer: a few hundred bytes, nested, every common type.
fn answer() -> String {
    let rows: Vec<String> = (0..12)
        .map(|row| {
            format!(
                "({row}, 'row {row}', {:.3}, [None, True, {}])",
                row as f64 / 7.0,
                row * row
            )
        })
        .collect();
    format!(
        "{{'rows': [{}], 'total': {}}}",
        rows.join(", "),
        10_u64.pow(15)
    )
}

const PROGRAM: &str = "\
def f(numbers, width=3):
    windows = [numbers[i:i + width] for i in range(len(numbers) - width + 1)]
    best = max(windows, key=lambda it: (sum(it), it))
    return {'best': best, 'total': sum(map(sum, windows))}
";

fn values(criterion: &mut Criterion) {
    let text = answer();
    let value = Value::parse_literal(&text).expect("the answer is a literal");
    let again = Value::parse_literal(&value.to_string()).expect("what is written can be read");
    assert!(
        Equality::Python.equal(&value, &again),
        "a value changed on its way through text"
    );

    let mut group = criterion.benchmark_group("literal");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| Value::parse_literal(black_box(&text)))
    });
    group.bench_function("write", |bencher| {
        bencher.iter(|| black_box(&value).to_string())
    });
    group.bench_function("compare", |bencher| {
        bencher.iter(|| Equality::Python.equal(black_box(&value), black_box(&again)))
    });
    group.finish();
}

fn programs(criterion: &mut Criterion) {
    let renamed = PROGRAM.replace("best", "most");
    assert!(
        syntax::defines_function(PROGRAM, "f"),
        "the program defines f"
    );
    assert!(
        syntax::normalized_hash(PROGRAM).is_some(),
        "the program has a key"
    );
    assert!(
        syntax::normalized_hash(&renamed).is_some(),
        "and so has a renamed one"
    );
    let (shape, other) = (Shape::of(PROGRAM), Shape::of(&PROGRAM.repeat(2)));
    let (shape, other) = (
        shape.expect("the program has a shape"),
        other.expect("and so has it twice"),
    );
    assert!(
        Metrics::of(PROGRAM).is_ok_and(|it| it.shape == shape),
        "the program has one shape"
    );
    assert!(
        0.0 < shape.distance(&other).value(),
        "two programs are not one"
    );
    let (bans, limits) = (Bans::default(), Limits::default());
    assert!(
        syntax::denial(PROGRAM, &bans, &limits).is_none(),
        "nothing in it is banned"
    );

    let mut group = criterion.benchmark_group("program");
    group.throughput(Throughput::Bytes(PROGRAM.len() as u64));
    group.bench_function("key", |bencher| {
        bencher.iter(|| syntax::normalized_hash(black_box(PROGRAM)))
    });
    group.bench_function("denial", |bencher| {
        bencher.iter(|| syntax::denial(black_box(PROGRAM), &bans, &limits))
    });
    group.bench_function("metrics", |bencher| {
        bencher.iter(|| Metrics::of(black_box(PROGRAM)))
    });
    group.bench_function("distance", |bencher| {
        bencher.iter(|| black_box(&shape).distance(black_box(&other)))
    });
    group.finish();
}

criterion_group!(benches, values, programs);
criterion_main!(benches);
