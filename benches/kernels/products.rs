//! Linear layers of SmolLM2-135M: forward over packed weights of each precision, backward, and packing.

use azr_benches::numbers::{check, dot, numbers, rounded, some};
use azr_benches::rates::{Rates, work};
use azr_model::backend::{Backend, Plus};
use azr_model::{CpuBackend, Precision};
use criterion::Criterion;

/// Inputs and outputs of the largest layer.
const INPUTS: usize = 576;
const OUTPUTS: usize = 3_072;
/// Tokens of a pass of training.
const ROWS: usize = 512;

pub fn forward(criterion: &mut Criterion<Rates>) {
    let w = numbers(OUTPUTS * INPUTS, 1);
    let mut group = criterion.benchmark_group("linear");
    for precision in [Precision::F32, Precision::Bf16] {
        let backend = CpuBackend::default().with_precision(precision);
        let mut weights = backend.weights(OUTPUTS, INPUTS).expect("there is memory");
        backend.pack(&w, &mut weights);
        for rows in [1, 8, 32, ROWS] {
            let (x, mut y) = (numbers(rows * INPUTS, 2), vec![f32::NAN; rows * OUTPUTS]);
            let held = |value| match precision {
                Precision::F32 => value,
                Precision::Bf16 => rounded(value),
            };
            backend.linear(&x, &weights, Plus::Nothing, &mut y);
            for (row, output) in some(rows).zip(some(OUTPUTS)) {
                let x = &x[row * INPUTS..][..INPUTS];
                let w = &w[output * INPUTS..][..INPUTS];
                let (sum, size) = dot(x.iter().zip(w).map(|(x, w)| (*x, held(*w))));
                check("y", y[row * OUTPUTS + output], sum, size);
            }
            let bytes = OUTPUTS * INPUTS * precision.bytes() + 4 * (x.len() + y.len());
            group.throughput(work(2 * rows * INPUTS * OUTPUTS, bytes));
            let name = format!("{} {rows}x{INPUTS}x{OUTPUTS}", precision.torch_name());
            group.bench_function(name, |bencher| {
                bencher.iter(|| backend.linear(&x, &weights, Plus::Nothing, &mut y));
            });
        }
    }
    group.finish();
}

pub fn backward(criterion: &mut Criterion<Rates>) {
    let backend = CpuBackend::default();
    let w = numbers(OUTPUTS * INPUTS, 1);
    let (x, dy) = (numbers(ROWS * INPUTS, 2), numbers(ROWS * OUTPUTS, 3));
    let mut dx = vec![f32::NAN; ROWS * INPUTS];
    let (mut dw, mut db) = (vec![0.0; OUTPUTS * INPUTS], vec![0.0; OUTPUTS]);
    backend.linear_backward_input(&dy, &w, OUTPUTS, &mut dx);
    backend.linear_backward_weights(&dy, &x, OUTPUTS, &mut dw);
    backend.linear_backward_bias(&dy, &mut db);
    let row_of_dy = |row: usize| dy[row * OUTPUTS..][..OUTPUTS].iter().copied();
    let column = |matrix: &[f32], width: usize, at: usize| -> Vec<f32> {
        matrix.iter().skip(at).step_by(width).copied().collect()
    };
    for ((row, input), output) in some(ROWS).zip(some(INPUTS)).zip(some(OUTPUTS)) {
        let (sum, size) = dot(row_of_dy(row).zip(column(&w, INPUTS, input)));
        check("dx", dx[row * INPUTS + input], sum, size);
        let dy = column(&dy, OUTPUTS, output);
        let (sum, size) = dot(dy.iter().copied().zip(column(&x, INPUTS, input)));
        check("dw", dw[output * INPUTS + input], sum, size);
        let (sum, size) = dot(dy.iter().map(|it| (*it, 1.0)));
        check("db", db[output], sum, size);
    }
    let flops = 2 * ROWS * INPUTS * OUTPUTS;
    let mut group = criterion.benchmark_group("linear backward");
    group.throughput(work(flops, 4 * (w.len() + dy.len() + dx.len())));
    group.bench_function(format!("input {ROWS}x{OUTPUTS}x{INPUTS}"), |bencher| {
        bencher.iter(|| backend.linear_backward_input(&dy, &w, OUTPUTS, &mut dx));
    });
    group.throughput(work(flops, 4 * (2 * dw.len() + dy.len() + x.len())));
    group.bench_function(format!("weights {OUTPUTS}x{ROWS}x{INPUTS}"), |bencher| {
        bencher.iter(|| backend.linear_backward_weights(&dy, &x, OUTPUTS, &mut dw));
    });
    group.throughput(work(dy.len(), 4 * dy.len()));
    group.bench_function(format!("bias {ROWS}x{OUTPUTS}"), |bencher| {
        bencher.iter(|| backend.linear_backward_bias(&dy, &mut db));
    });
    group.finish();
}

/// What a product gives shows that the weights were packed; [`forward`] checks that.
pub fn pack(criterion: &mut Criterion<Rates>) {
    let w = numbers(OUTPUTS * INPUTS, 1);
    let mut group = criterion.benchmark_group("pack");
    for precision in [Precision::F32, Precision::Bf16] {
        let backend = CpuBackend::default().with_precision(precision);
        let mut weights = backend.weights(OUTPUTS, INPUTS).expect("there is memory");
        group.throughput(work(0, w.len() * (4 + precision.bytes())));
        let name = format!("{} {OUTPUTS}x{INPUTS}", precision.torch_name());
        group.bench_function(name, |bencher| {
            bencher.iter(|| backend.pack(&w, &mut weights))
        });
    }
    group.finish();
}
