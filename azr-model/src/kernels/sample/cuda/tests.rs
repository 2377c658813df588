//! The contract on the emulated device, log-probabilities that are the learner's to the bit, and faults that must be caught.

use super::{
    super::{
        Draw, Drawn, Sampling,
        tests::{SAMPLINGS, borders, contract},
    },
    SOURCE, draw,
};
use crate::{
    cuda::{Device, caught, test_device},
    kernels::{
        contract::numbers,
        head::cuda::{Head, Targets},
        matmul::{
            Plus,
            cuda::{self as matmul, Matrix},
        },
    },
};

fn on(device: &Device, logits: &[f32], v: usize, draws: &[Draw]) -> Vec<Option<Drawn>> {
    let logits = device.upload(logits).unwrap();
    draw(device, logits.view(), v, draws).unwrap()
}

/// What a fault has to break.
fn contracts(device: &Device) {
    let way = |logits: &[f32], v: usize, draws: &[Draw]| on(device, logits, v, draws);
    contract(&way, 33, &SAMPLINGS, 0);
    contract(&way, 1030, &SAMPLINGS, 1);
    borders(&way);
    // Of parts of 64 words.
    contract(&way, 33_000, &SAMPLINGS[8..9], 2);
}

#[test]
fn the_number_lies_in_the_share_of_the_word_that_it_draws() {
    let device = test_device();
    contracts(&device);
    let way = |logits: &[f32], v: usize, draws: &[Draw]| on(&device, logits, v, draws);
    for v in [1, 2, 31] {
        contract(&way, v, &SAMPLINGS, 2);
    }
    contract(&way, 151_936, &[SAMPLINGS[0], SAMPLINGS[11]], 0);
}

#[test]
fn no_batch_changes_a_bit_of_what_is_drawn() {
    let (device, v) = (test_device(), 300);
    let logits = numbers(5 * v, 4);
    let draw = |index: usize| Draw {
        row: index * 3 % 5,
        sampling: SAMPLINGS[index % 12],
        unit: index as f64 / 12.0,
    };
    let draws: Vec<Draw> = (0..12).map(draw).collect();
    let together = on(&device, &logits, v, &draws);
    for (draw, together) in draws.iter().zip(together) {
        let row = &logits[draw.row * v..][..v];
        let alone = on(&device, row, v, &[Draw { row: 0, ..*draw }]);
        assert_eq!([together], alone[..], "{draw:?}");
    }
    assert!(on(&device, &logits, v, &[]).is_empty());
}

#[test]
fn log_probabilities_are_those_of_the_head_to_the_bit_at_a_temperature_for_each_row() {
    let (device, v, d) = (test_device(), 700, 20);
    let (hidden, weights) = (
        device.upload(&numbers(3 * d, 1)).unwrap(),
        device.upload(&numbers(v * d, 2)).unwrap(),
    );
    let of_head = |draw: &Draw, token: u32| {
        let head = Head {
            device: &device,
            hidden: hidden.view().part(draw.row * d..(draw.row + 1) * d),
            weights: Matrix::F32(weights.view()),
            vocab_size: v,
            targets: &Targets::new(&device, &[token]).unwrap(),
            inverse_temperature: 1.0 / draw.sampling.temperature,
            logits_max: v,
        };
        let (mut a, mut b) = (device.allocate(1).unwrap(), device.allocate(1).unwrap());
        head.forward(a.view_mut(), b.view_mut()).unwrap();
        device.download(a.view()).unwrap()[0].to_bits()
    };
    let mut logits = device.allocate(3 * v).unwrap();
    let (x, w) = (hidden.view(), weights.view());
    matmul::forward(&device, x, w, v, Plus::Nothing, logits.view_mut()).unwrap();
    for rows in [
        &[(0, 1.0), (1, 1.0), (2, 1.0)][..],
        &[(0, 0.7), (1, 0.7), (2, 1.3)],
        &[(2, 1.0), (0, 2.0), (0, 1.0), (1, 1.0), (1, 1.0)],
    ] {
        let draw_of = |(index, (row, temperature)): (usize, &(usize, f32))| Draw {
            row: *row,
            sampling: Sampling::at_temperature(*temperature),
            unit: (0.3 + 0.17 * index as f64) % 1.0,
        };
        let draws: Vec<Draw> = rows.iter().enumerate().map(draw_of).collect();
        let found = draw(&device, logits.view(), v, &draws).unwrap();
        for (draw, found) in draws.iter().zip(found) {
            let found = found.unwrap();
            let learned = of_head(draw, found.token);
            assert_eq!(found.logprob.to_bits(), learned, "{draw:?}");
        }
    }
}

#[test]
fn a_row_that_is_not_there_is_refused() {
    let device = test_device();
    let logits = device.upload(&[0.0; 21]).unwrap();
    let behind = Draw {
        row: 3,
        sampling: Sampling::GREEDY,
        unit: 0.0,
    };
    let error = draw(&device, logits.view(), 7, &[behind]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "draw: logits are [rows, v] with a word at least, every row is one of them, but the sizes are [21, 7, 4]"
    );
}

/// A text of the kernel, and what stands in its place.
const FAULTS: [(&str, &str); 31] = [
    ("asked += u64(blockIdx.x) * ASKED;", ""),
    ("u64(asked[0]) * v", "u64(blockIdx.x % 2) * v"),
    (
        "fmaf(row.logits[word], row.inverse_temperature, 0.0f)",
        "row.logits[word] * row.inverse_temperature",
    ),
    ("<< 32 | ~word", "<< 32 | word"),
    ("broken |= !(z < infinity);", ""),
    ("__syncthreads_or(broken)", "broken"),
    ("if (by <= lane) value += other;", "value += other;"),
    ("before < needed", "before <= needed"),
    ("needed <= until", "needed < until"),
    ("left = needed - before;", "left = needed;"),
    (
        "shared.left = left;\n        }\n    }\n    __syncthreads();",
        "shared.left = left;\n        }\n    }",
    ),
    (
        "    __syncthreads();\n    for (unsigned part",
        "    for (unsigned part",
    ),
    ("min(row.v, first + row.span)", "first + row.span"),
    (
        "shared.sums[part] = sum;\n    }\n    __syncthreads();",
        "shared.sums[part] = sum;\n    }",
    ),
    ("left <= until", "left < until"),
    ("left -= __shfl_sync(FULL_WARP, until, 31);", ""),
    (
        "until, 31);\n        }\n    }\n    __syncthreads();",
        "until, 31);\n        }\n    }",
    ),
    (
        "    __syncthreads();\n    for (int shift",
        "    for (int shift",
    ),
    ("shared.sums[bin] = 0;", ""),
    (
        "shared.sums[bin] = 0;\n        __syncthreads();",
        "shared.sums[bin] = 0;",
    ),
    ("bits - digit == key >> shift", "true"),
    ("[BINS - 1 - digit]", "[digit]"),
    (
        "measure(heavy));\n        }\n        __syncthreads();",
        "measure(heavy));\n        }",
    ),
    ("needed = shared.left;", ""),
    ("(needed + each - 1) / each", "needed / each"),
    ("kept.key < key ||", "kept.key <= key ||"),
    ("word < kept.end", "word <= kept.end"),
    ("kept.least <= weight", "kept.least < weight"),
    ("needed < 1 ? 1 :", "false ? 1 :"),
    ("__umul64hi(unit, all) + 1", "__umul64hi(unit, all)"),
    ("logf(float(all) / scale)", "logf(float(all))"),
];

#[test]
fn planted_faults_are_caught() {
    caught(&SOURCE, &FAULTS, contracts);
}
