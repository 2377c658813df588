//! The norm of a gradient, and one AdamW step.

use azr_benches::numbers::{check, numbers, some};
use azr_benches::rates::{Rates, work};
use azr_model::CpuBackend;
use azr_model::backend::{Backend, Factors};
use criterion::Criterion;

/// Weights: four times as many numbers are 128 MB, more than caches hold.
const WEIGHTS: usize = 8_000_003;

const FACTORS: Factors = Factors {
    gradient_scale: 0.5,
    keep: 0.999,
    beta1: 0.9,
    beta2: 0.99,
    rate: 0.01,
    second_scale: 1.25,
    eps: 1e-8,
};

pub fn optimizer(criterion: &mut Criterion<Rates>) {
    let backend = CpuBackend::default();
    let (before, slopes, first) = (
        numbers(WEIGHTS, 1),
        numbers(WEIGHTS, 2),
        numbers(WEIGHTS, 3),
    );
    let second: Vec<f32> = numbers(WEIGHTS, 4).iter().map(|it| it * it).collect();
    let (mut weights, mut gradient) = (before.clone(), slopes.clone());
    let (mut m, mut v) = (first.clone(), second.clone());
    let squares = backend
        .sum_of_squares(&gradient)
        .expect("the sum can be taken");
    let truth: f64 = slopes.iter().map(|it| f64::from(*it).powi(2)).sum();
    assert!(
        (squares - truth).abs() <= 1e-6 * truth,
        "{squares} and {truth}"
    );
    backend.adamw(&mut weights, &mut gradient, (&mut m, &mut v), FACTORS);
    for i in some(WEIGHTS) {
        let wide = |it: f32| f64::from(it);
        let g = wide(slopes[i]) * wide(FACTORS.gradient_scale);
        let (b1, b2) = (wide(FACTORS.beta1), wide(FACTORS.beta2));
        let (truth_m, truth_v) = (
            b1 * wide(first[i]) + (1.0 - b1) * g,
            b2 * wide(second[i]) + (1.0 - b2) * g * g,
        );
        let step = wide(FACTORS.rate) * truth_m
            / (truth_v.sqrt() * wide(FACTORS.second_scale) + wide(FACTORS.eps));
        check("first", m[i], truth_m, 1.0);
        check("second", v[i], truth_v, 1.0);
        check(
            "weight",
            weights[i],
            wide(before[i]) * wide(FACTORS.keep) - step,
            1.0,
        );
    }
    assert!(
        gradient.iter().all(|it| *it == 0.0),
        "the gradient is empty"
    );
    // The same arithmetic as often as is wanted: with these factors nothing fades to numbers that are slow.
    let still = Factors {
        keep: 1.0,
        beta1: 1.0,
        beta2: 1.0,
        rate: 1e-9,
        ..FACTORS
    };
    let mut group = criterion.benchmark_group("optimizer");
    group.throughput(work(2 * WEIGHTS, 4 * WEIGHTS));
    group.bench_function("norm", |bencher| {
        bencher.iter(|| backend.sum_of_squares(&before))
    });
    group.throughput(work(16 * WEIGHTS, 8 * 4 * WEIGHTS));
    group.bench_function("AdamW", |bencher| {
        bencher.iter(|| backend.adamw(&mut weights, &mut gradient, (&mut m, &mut v), still));
    });
    group.finish();
}
