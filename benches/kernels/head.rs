//! Head, log-softmax, gather and entropy in one, forward and backward, with the vocabulary of SmolLM2.

use azr_benches::numbers::{check, dot, numbers, some};
use azr_benches::rates::{Rates, work};
use azr_model::CpuBackend;
use azr_model::backend::{Backend, Batch, HeadSaved};
use criterion::Criterion;

const ROWS: usize = 128;
const HIDDEN: usize = 576;
const WORDS: usize = 49_152;

/// What goes in.
struct Head {
    hidden: Vec<f32>,
    w: Vec<f32>,
    packed: <CpuBackend as Backend>::Weights,
    batch: Batch,
    dlogprobs: Vec<f32>,
    dentropies: Vec<f32>,
}

/// What comes out.
struct Results {
    logprobs: Vec<f32>,
    entropies: Vec<f32>,
    dhidden: Vec<f32>,
    dw: Vec<f32>,
}

impl Head {
    fn new(backend: &CpuBackend) -> Self {
        let w: Vec<f32> = numbers(WORDS * HIDDEN, 2)
            .iter()
            .map(|it| 0.2 * it)
            .collect();
        let mut packed = backend.weights(WORDS, HIDDEN).expect("there is memory");
        backend.pack(&w, &mut packed);
        Self {
            hidden: numbers(ROWS * HIDDEN, 1),
            w,
            packed,
            batch: Batch {
                targets: (0..ROWS).map(|row| (row * 7_919 % WORDS) as u32).collect(),
                ..Batch::default()
            },
            dlogprobs: numbers(ROWS, 3),
            dentropies: numbers(ROWS, 4),
        }
    }

    fn forward(&self, backend: &CpuBackend, out: &mut Results) {
        let Results {
            logprobs,
            entropies,
            ..
        } = out;
        backend.head(
            &self.batch,
            &self.hidden,
            &self.packed,
            1.0,
            logprobs,
            entropies,
        );
    }

    fn backward(&self, backend: &CpuBackend, out: &mut Results) {
        let saved = HeadSaved {
            hidden: self.hidden.as_slice(),
            packed: &self.packed,
            weights: self.w.as_slice(),
            inverse_temperature: 1.0,
            dlogprobs: self.dlogprobs.as_slice(),
            dentropies: self.dentropies.as_slice(),
        };
        backend.head_backward(&self.batch, saved, &mut out.dhidden, &mut out.dw);
    }

    fn target(&self, row: usize) -> usize {
        self.batch.targets[row] as usize
    }

    fn logit(&self, row: usize, word: usize) -> f64 {
        let x = &self.hidden[row * HIDDEN..][..HIDDEN];
        let w = &self.w[word * HIDDEN..][..HIDDEN];
        dot(x.iter().copied().zip(w.iter().copied())).0
    }

    /// Loss by the logit of a word whose log-probability is known.
    fn slope(&self, row: usize, word: usize, ln_p: f64, entropy: f64) -> f64 {
        let is_target = f64::from(u8::from(self.target(row) == word));
        let (dl, de) = (
            f64::from(self.dlogprobs[row]),
            f64::from(self.dentropies[row]),
        );
        dl * (is_target - ln_p.exp()) - de * ln_p.exp() * (ln_p + entropy)
    }

    /// One row in full, and the gradient of one word, whose log-probabilities follow from those of the targets.
    fn check(&self, found: &Results) {
        let row = ROWS - 1;
        let logits: Vec<f64> = (0..WORDS).map(|word| self.logit(row, word)).collect();
        let ln_sum = logits.iter().map(|it| it.exp()).sum::<f64>().ln();
        let ln_p: Vec<f64> = logits.iter().map(|it| it - ln_sum).collect();
        let entropy: f64 = ln_p.iter().map(|it| -it * it.exp()).sum();
        check("logprob", found.logprobs[row], ln_p[self.target(row)], 1.0);
        check("entropy", found.entropies[row], entropy, 1.0);
        for i in some(HIDDEN) {
            let of = |word: usize| {
                self.slope(row, word, ln_p[word], entropy) * f64::from(self.w[word * HIDDEN + i])
            };
            let truth = (0..WORDS).map(of).sum();
            check("dhidden", found.dhidden[row * HIDDEN + i], truth, 1.0);
        }
        let word = self.target(3);
        let of = |row: usize| {
            let ln_sum = self.logit(row, self.target(row)) - f64::from(found.logprobs[row]);
            let ln_p = self.logit(row, word) - ln_sum;
            self.slope(row, word, ln_p, f64::from(found.entropies[row]))
        };
        let slopes: Vec<f64> = (0..ROWS).map(of).collect();
        for i in some(HIDDEN) {
            let hidden = self.hidden.iter().skip(i).step_by(HIDDEN);
            let truth = slopes
                .iter()
                .zip(hidden)
                .map(|(slope, x)| slope * f64::from(*x))
                .sum();
            check("dw", found.dw[word * HIDDEN + i], truth, 1.0);
        }
    }
}

pub fn head(criterion: &mut Criterion<Rates>) {
    let backend = CpuBackend::default();
    let head = Head::new(&backend);
    let mut out = Results {
        logprobs: vec![f32::NAN; ROWS],
        entropies: vec![f32::NAN; ROWS],
        dhidden: vec![f32::NAN; ROWS * HIDDEN],
        dw: vec![0.0; WORDS * HIDDEN],
    };
    head.forward(&backend, &mut out);
    head.backward(&backend, &mut out);
    head.check(&out);
    let (product, bytes) = (2 * ROWS * HIDDEN * WORDS, 4 * head.w.len());
    let mut group = criterion.benchmark_group("head");
    group.sample_size(10);
    group.throughput(work(product, bytes));
    group.bench_function(format!("forward {ROWS}x{HIDDEN}x{WORDS}"), |bencher| {
        bencher.iter(|| head.forward(&backend, &mut out));
    });
    // The logits again, then two products; the weights are read twice, their gradient is read and written.
    group.throughput(work(3 * product, 4 * bytes));
    group.bench_function(format!("backward {ROWS}x{HIDDEN}x{WORDS}"), |bencher| {
        bencher.iter(|| head.backward(&backend, &mut out));
    });
    group.finish();
}
