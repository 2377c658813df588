//! The contract on the emulated device, chunks that change nothing, and faults that must be caught.

use super::{Head, Matrix, SOURCE, Targets};
use crate::{
    cuda::{Device, caught, test_device},
    kernels::{
        contract::{check, numbers, wide},
        head::reference,
    },
};

/// Logits are chains of up to 64 products (2e-6 of their size, which is a few units); probabilities inherit it.
const TOLERANCE: f64 = 1e-5;

/// Hidden rows, words, width, temperature.
type Shape = (usize, usize, usize, f32);

/// Scores, then gradients by the hidden rows and by the head, with so many logits at once.
fn results(device: &Device, (n, v, d, temperature): Shape, logits_max: usize) -> [Vec<f32>; 4] {
    let hidden: Vec<f32> = numbers(n * d, 1).iter().map(|h| h * 2.0).collect();
    let (hidden, weights) = (
        device.upload(&hidden).unwrap(),
        device.upload(&numbers(v * d, 2)).unwrap(),
    );
    let (a, b) = (
        device.upload(&numbers(n, 3)).unwrap(),
        device.upload(&numbers(n, 4)).unwrap(),
    );
    let targets = Targets::new(device, &targets(n, v)).unwrap();
    let head = Head {
        device,
        hidden: hidden.view(),
        weights: Matrix::F32(weights.view()),
        vocab_size: v,
        targets: &targets,
        inverse_temperature: 1.0 / temperature,
        logits_max,
    };
    let (mut logprobs, mut entropies) = (device.allocate(n).unwrap(), device.allocate(n).unwrap());
    head.forward(logprobs.view_mut(), entropies.view_mut())
        .unwrap();
    let (mut dhidden, mut dw) = (
        device.allocate(n * d).unwrap(),
        device.upload(&numbers(v * d, 5)).unwrap(),
    );
    let above = (a.view(), b.view());
    head.backward(above, weights.view(), dhidden.view_mut(), dw.view_mut())
        .unwrap();
    [logprobs, entropies, dhidden, dw].map(|it| device.download(it.view()).unwrap())
}

fn targets(n: usize, v: usize) -> Vec<u32> {
    (0..n).map(|i| ((i * 7 + 1) % v) as u32).collect()
}

fn contract(device: &Device, shape: Shape, logits_max: usize) {
    let (n, v, d, temperature) = shape;
    let hidden: Vec<f64> = numbers(n * d, 1)
        .iter()
        .map(|h| f64::from(h * 2.0))
        .collect();
    let [w, a, b, before] =
        [(v * d, 2), (n, 3), (n, 4), (v * d, 5)].map(|(count, seed)| wide(&numbers(count, seed)));
    let (targets, temperature) = (targets(n, v), f64::from(temperature));
    let [logprobs, entropies, dhidden, dw] = results(device, shape, logits_max);
    let truth = reference::forward(&hidden, &w, d, &targets, temperature);
    check("logprobs", &logprobs, &truth.logprobs, TOLERANCE);
    check("entropies", &entropies, &truth.entropies, TOLERANCE);
    let (dhidden_truth, dw_truth) =
        reference::backward(&hidden, &w, d, &targets, temperature, (&a, &b));
    check("dhidden", &dhidden, &dhidden_truth, TOLERANCE);
    let dw_truth: Vec<f64> = dw_truth.iter().zip(&before).map(|(a, b)| a + b).collect();
    check("dw", &dw, &dw_truth, TOLERANCE);
}

#[test]
fn forward_and_every_gradient_match_the_reference() {
    for shape in [
        (1, 2, 1, 1.0),
        (3, 7, 5, 0.7),
        (9, 300, 33, 1.0),
        (5, 1500, 64, 1.3),
        (6, 513, 20, 1.0),
    ] {
        contract(&test_device(), shape, usize::MAX);
    }
}

#[test]
fn chunks_of_rows_change_no_bit_of_a_score() {
    let shape = (9, 300, 33, 0.9);
    let [logprobs, entropies, dhidden, _] = results(&test_device(), shape, usize::MAX);
    for logits_max in [1, 700] {
        let chunked = results(&test_device(), shape, logits_max);
        assert_eq!(
            [&logprobs, &entropies, &dhidden],
            [&chunked[0], &chunked[1], &chunked[2]]
        );
    }
    contract(&test_device(), shape, 700);
}

#[test]
fn a_word_behind_the_vocabulary_is_refused() {
    let device = test_device();
    let (hidden, weights) = (
        device.upload(&[1.0, 2.0]).unwrap(),
        device.upload(&[1.0; 6]).unwrap(),
    );
    let targets = Targets::new(&device, &[3]).unwrap();
    let head = Head {
        device: &device,
        hidden: hidden.view(),
        weights: Matrix::F32(weights.view()),
        vocab_size: 3,
        targets: &targets,
        inverse_temperature: 1.0,
        logits_max: 100,
    };
    let (mut a, mut b) = (device.allocate(1).unwrap(), device.allocate(1).unwrap());
    let error = head.forward(a.view_mut(), b.view_mut()).unwrap_err();
    assert!(error.to_string().contains("targets are words"), "{error}");
}

#[test]
fn planted_faults_are_caught() {
    caught(
        &SOURCE,
        &[
            (
                "parts[threadIdx.x / 32] = all;\n    __syncthreads();",
                "parts[threadIdx.x / 32] = all;",
            ),
            (
                "for (unsigned warp = 1; warp < WARPS",
                "for (unsigned warp = 1; warp < 2",
            ),
            ("fmaf(b.sum, after, b.slope) * y", "b.slope * y"),
            ("fmaf(a.sum, x, b.sum * y)", "a.sum + b.sum"),
            ("log_sum - all.slope / all.sum", "log_sum"),
            ("all.most = most;", ""),
            (
                "word < v; word += THREADS) {\n        float below",
                "word <= v; word += THREADS) {\n        float below",
            ),
            (
                "row[targets[blockIdx.x]] * inverse_temperature",
                "row[targets[blockIdx.x]]",
            ),
            ("word == target ?", "word == 0 ?"),
            (
                "fmaf(by_logprob, inverse_temperature, slope)",
                "by_logprob + slope",
            ),
            ("log_p + it.entropy, by_logprob", "log_p, by_logprob"),
        ],
        |device| contract(device, (3, 1030, 5, 0.7), usize::MAX),
    );
}
