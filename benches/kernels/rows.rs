//! What works row by row: norms, rotary positions, the gated layer, token vectors.

use azr_benches::numbers::{check, dot, numbers, some};
use azr_benches::rates::{Rates, work};
use azr_model::CpuBackend;
use azr_model::backend::{Backend, Batch, Heads, Turn};
use criterion::{BatchSize, Criterion};

/// Tokens of a pass of training.
const ROWS: usize = 512;
/// Widths of SmolLM2-135M.
const HIDDEN: usize = 576;
const FFN: usize = 1_536;
/// Fewer words than it has: what is read are the rows of a pass.
const WORDS: usize = 8_192;
const EPS: f32 = 1e-5;
/// Those of Qwen3-0.6B, which normalizes them.
const HEADS: Heads = Heads {
    heads: 16,
    kv_heads: 8,
    head_dim: 128,
};

fn squares(x: &[f32]) -> f64 {
    dot(x.iter().map(|it| (*it, *it))).0
}

/// One over the root of the mean square.
fn root(x: &[f32]) -> f64 {
    1.0 / (squares(x) / x.len() as f64 + f64::from(EPS)).sqrt()
}

/// What one number of a norm over `x` with scales `w` is, and the gradient that comes back to it.
fn normed(x: &[f32], w: &[f32], dy: &[f32], i: usize) -> (f64, f64) {
    let at = |numbers: &[f32]| f64::from(numbers[i]);
    let root = root(x);
    let weighed = dy
        .iter()
        .zip(w)
        .map(|(dy, w)| f64::from(*dy) * f64::from(*w));
    let pull = weighed
        .zip(x)
        .map(|(dy, x)| dy * f64::from(*x))
        .sum::<f64>()
        / x.len() as f64;
    (
        at(x) * root * at(w),
        root * (at(dy) * at(w) - at(x) * root * root * pull),
    )
}

pub fn norms(criterion: &mut Criterion<Rates>) {
    let backend = CpuBackend::default();
    let (x, w, dy) = (
        numbers(ROWS * HIDDEN, 1),
        numbers(HIDDEN, 2),
        numbers(ROWS * HIDDEN, 3),
    );
    let (mut y, mut r) = (vec![f32::NAN; x.len()], vec![f32::NAN; ROWS]);
    let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; HIDDEN]);
    backend.rms_norm(&x, &w, EPS, &mut y, &mut r);
    backend.rms_norm_backward(&dy, (&x, &w, &r), &mut dx, &mut dw);
    for (row, i) in some(ROWS).zip(some(HIDDEN)) {
        let at = row * HIDDEN;
        let (truth, slope) = normed(&x[at..][..HIDDEN], &w, &dy[at..][..HIDDEN], i);
        check("y", y[row * HIDDEN + i], truth, 1.0);
        check("dx", dx[row * HIDDEN + i], slope, 1.0);
    }
    for i in some(HIDDEN) {
        let of = |row: usize| {
            f64::from(dy[row * HIDDEN + i])
                * f64::from(x[row * HIDDEN + i])
                * root(&x[row * HIDDEN..][..HIDDEN])
        };
        check("dw", dw[i], (0..ROWS).map(of).sum(), 20.0);
    }
    let mut group = criterion.benchmark_group("norm");
    group.throughput(work(4 * x.len(), 4 * 2 * x.len()));
    group.bench_function(format!("forward {ROWS}x{HIDDEN}"), |bencher| {
        bencher.iter(|| backend.rms_norm(&x, &w, EPS, &mut y, &mut r));
    });
    group.throughput(work(10 * x.len(), 4 * 4 * x.len()));
    group.bench_function(format!("backward {ROWS}x{HIDDEN}"), |bencher| {
        bencher.iter(|| backend.rms_norm_backward(&dy, (&x, &w, &r), &mut dx, &mut dw));
    });
    group.finish();
    norms_of_heads(criterion, &backend);
}

fn norms_of_heads(criterion: &mut Criterion<Rates>, backend: &CpuBackend) {
    let (e, width, turned) = (HEADS.head_dim, HEADS.width(), HEADS.heads + HEADS.kv_heads);
    let (x, w, dy) = (
        numbers(ROWS * width, 1),
        numbers(2 * e, 2),
        numbers(ROWS * width, 3),
    );
    let (mut y, mut dx, mut dw) = (x.clone(), dy.clone(), vec![0.0; 2 * e]);
    let (mut raw, mut r) = (
        vec![f32::NAN; ROWS * turned * e],
        vec![f32::NAN; ROWS * turned],
    );
    backend.head_norm(&HEADS, &w, EPS, &mut y, &mut raw, &mut r);
    backend.head_norm_backward(&HEADS, (&w, &raw, &r), &mut dx, &mut dw);
    for ((row, head), i) in some(ROWS).zip(some(turned)).zip(some(e)) {
        let at = row * width + head * e;
        let w = if head < HEADS.heads { &w[..e] } else { &w[e..] };
        let (truth, slope) = normed(&x[at..][..e], w, &dy[at..][..e], i);
        check("y", y[at + i], truth, 1.0);
        check("dx", dx[at + i], slope, 1.0);
    }
    for i in some(e) {
        let heads =
            (0..ROWS).flat_map(|row| (0..HEADS.heads).map(move |head| row * width + head * e));
        let of = |at: usize| f64::from(dy[at + i]) * f64::from(x[at + i]) * root(&x[at..][..e]);
        check("dw", dw[i], heads.map(of).sum(), 100.0);
    }
    let numbers = raw.len();
    let mut group = criterion.benchmark_group("norm of heads");
    // In place: what was normalized before is not what is timed.
    group.throughput(work(4 * numbers, 4 * 3 * numbers));
    group.bench_function(format!("forward {ROWS}x{turned}x{e}"), |bencher| {
        bencher.iter_batched_ref(
            || x.clone(),
            |y| backend.head_norm(&HEADS, &w, EPS, y, &mut raw, &mut r),
            BatchSize::LargeInput,
        );
    });
    group.throughput(work(10 * numbers, 4 * 3 * numbers));
    group.bench_function(format!("backward {ROWS}x{turned}x{e}"), |bencher| {
        let mut back =
            |dx: &mut Vec<f32>| backend.head_norm_backward(&HEADS, (&w, &raw, &r), dx, &mut dw);
        bencher.iter_batched_ref(|| dy.clone(), &mut back, BatchSize::LargeInput);
    });
    group.finish();
}

pub fn positions(criterion: &mut Criterion<Rates>) {
    let backend = CpuBackend::default();
    let (e, width) = (HEADS.head_dim, HEADS.width());
    let turned = (HEADS.heads + HEADS.kv_heads) * e;
    let mut batch = Batch::default();
    batch.push_sequence(&vec![0; ROWS], 0..0, &[]);
    let frequencies: Vec<f32> = (0..e / 2)
        .map(|i| 1e6f32.powf(-2.0 * i as f32 / e as f32))
        .collect();
    let (mut turns, x) = (vec![f32::NAN; ROWS * e], numbers(ROWS * width, 1));
    let mut y = x.clone();
    backend.angles(&batch, &frequencies, &mut turns);
    backend.rope(&HEADS, &turns, Turn::Forward, &mut y);
    for (row, i) in some(ROWS).zip(some(e / 2)) {
        let (sin, cos) = f64::from(row as f32 * frequencies[i]).sin_cos();
        check("cosine", turns[row * e + i], cos, 1.0);
        let (a, b) = (
            f64::from(x[row * width + i]),
            f64::from(x[row * width + e / 2 + i]),
        );
        check("low", y[row * width + i], a * cos - b * sin, 1.0);
        check("high", y[row * width + e / 2 + i], b * cos + a * sin, 1.0);
    }
    backend.rope(&HEADS, &turns, Turn::Backward, &mut y);
    for (row, i) in some(ROWS).zip(some(width)) {
        check(
            "back",
            y[row * width + i],
            f64::from(x[row * width + i]),
            1.0,
        );
    }
    let mut group = criterion.benchmark_group("positions");
    group.throughput(work(0, 4 * turns.len()));
    group.bench_function(format!("angles {ROWS}x{e}"), |bencher| {
        bencher.iter(|| backend.angles(&batch, &frequencies, &mut turns));
    });
    group.throughput(work(3 * ROWS * turned, 4 * 2 * ROWS * turned));
    group.bench_function(format!("turn {ROWS}x{turned}"), |bencher| {
        bencher.iter(|| backend.rope(&HEADS, &turns, Turn::Forward, &mut y));
    });
    group.finish();
}

pub fn gate(criterion: &mut Criterion<Rates>) {
    let backend = CpuBackend::default();
    let (gate_up, dy) = (numbers(ROWS * 2 * FFN, 1), numbers(ROWS * FFN, 2));
    let (mut y, mut dgate_up) = (vec![f32::NAN; ROWS * FFN], vec![f32::NAN; ROWS * 2 * FFN]);
    backend.swiglu(&gate_up, FFN, &mut y);
    backend.swiglu_backward(&gate_up, &dy, FFN, &mut dgate_up);
    for (row, i) in some(ROWS).zip(some(FFN)) {
        let at = row * 2 * FFN + i;
        let (gate, up) = (f64::from(gate_up[at]), f64::from(gate_up[at + FFN]));
        let (share, dy) = (1.0 / (1.0 + (-gate).exp()), f64::from(dy[row * FFN + i]));
        check("y", y[row * FFN + i], gate * share * up, 1.0);
        check(
            "dgate",
            dgate_up[at],
            dy * up * share * (1.0 + gate * (1.0 - share)),
            1.0,
        );
        check("dup", dgate_up[at + FFN], dy * gate * share, 1.0);
    }
    let mut group = criterion.benchmark_group("gate");
    group.throughput(work(20 * y.len(), 4 * 3 * y.len()));
    group.bench_function(format!("forward {ROWS}x{FFN}"), |bencher| {
        bencher.iter(|| backend.swiglu(&gate_up, FFN, &mut y));
    });
    group.throughput(work(28 * y.len(), 4 * 5 * y.len()));
    group.bench_function(format!("backward {ROWS}x{FFN}"), |bencher| {
        bencher.iter(|| backend.swiglu_backward(&gate_up, &dy, FFN, &mut dgate_up));
    });
    group.finish();
}

pub fn vectors(criterion: &mut Criterion<Rates>) {
    let backend = CpuBackend::default();
    let table = numbers(WORDS * HIDDEN, 1);
    let tokens: Vec<u32> = (0..ROWS)
        .map(|row| (row * row * 31 % WORDS) as u32)
        .collect();
    let mut batch = Batch::default();
    batch.push_sequence(&tokens, 0..ROWS / 2, &vec![0; ROWS / 2]);
    let (mut x, dx) = (vec![f32::NAN; ROWS * HIDDEN], numbers(ROWS * HIDDEN, 2));
    let mut dtable = vec![0.0; table.len()];
    let (mut picked, mut back) = (vec![f32::NAN; x.len() / 2], vec![f32::NAN; x.len()]);
    backend.embed(&batch, &table, &mut x);
    backend.embed_backward(&batch, &dx, &mut dtable);
    backend.pick(&batch, &x, &mut picked);
    backend.pick_backward(&batch, &picked, &mut back);
    for (row, i) in some(ROWS).zip(some(HIDDEN)) {
        let word = tokens[row] as usize;
        assert_eq!(x[row * HIDDEN + i], table[word * HIDDEN + i]);
        let of_word = (0..ROWS).filter(|it| tokens[*it] as usize == word);
        check(
            "dtable",
            dtable[word * HIDDEN + i],
            of_word.map(|it| f64::from(dx[it * HIDDEN + i])).sum(),
            1.0,
        );
    }
    assert_eq!(
        (picked.as_slice(), picked.as_slice()),
        (&x[..picked.len()], &back[..picked.len()])
    );
    assert!(back[picked.len()..].iter().all(|it| *it == 0.0));
    let bytes = 4 * ROWS * HIDDEN;
    let mut group = criterion.benchmark_group("token vectors");
    group.throughput(work(0, 2 * bytes));
    group.bench_function(format!("forward {ROWS}x{HIDDEN}"), |bencher| {
        bencher.iter(|| backend.embed(&batch, &table, &mut x));
    });
    group.throughput(work(dx.len(), 3 * bytes));
    group.bench_function(format!("backward {ROWS}x{HIDDEN}"), |bencher| {
        bencher.iter(|| backend.embed_backward(&batch, &dx, &mut dtable));
    });
    group.throughput(work(0, bytes));
    group.bench_function("pick half", |bencher| {
        bencher.iter(|| backend.pick(&batch, &x, &mut picked));
    });
    group.throughput(work(0, bytes + bytes / 2));
    group.bench_function("pick half backward", |bencher| {
        bencher.iter(|| backend.pick_backward(&batch, &picked, &mut back));
    });
    group.finish();
}
