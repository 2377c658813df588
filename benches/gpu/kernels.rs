//! Every kernel: on the shapes of Qwen2.5-Coder-0.5B on a GPU, on tiny ones on the emulated machine.

mod attention;
mod drawn;
mod head;
mod norms;
mod products;
mod rows;
mod tokens;
mod weights;

use std::io::{Write, stdout};

use anyhow::ensure;
use azr_model::Precision;
use azr_model::backend::Heads;

use crate::device::On;
use crate::lines::Timed;
use crate::timer::{Operation, Timer};

/// Sizes of what is timed.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// Rows of what is bound by memory: more than a cache holds.
    rows: usize,
    /// Rows of products.
    product_rows: usize,
    /// Rows of products and attention while sampling.
    decode_rows: [usize; 3],
    /// Tokens that are there when one more is sampled.
    decode_length: usize,
    /// Rows whose log-probabilities are asked.
    head_rows: usize,
    /// Sequences that are read at once, and their length.
    sequences: usize,
    length: usize,
    hidden: usize,
    ffn: usize,
    words: usize,
    heads: Heads,
    /// Heads of Qwen3-0.6B, which normalizes them.
    normalized: Heads,
    /// Rows, inputs and outputs of the product that shows what the matrix units reach.
    square: [usize; 3],
    /// Numbers that are copied, and weights that are updated.
    numbers: usize,
}

/// Those of Qwen2.5-Coder-0.5B.
const REAL: Sizes = Sizes {
    rows: 16_384,
    product_rows: 4_096,
    decode_rows: [1, 32, 256],
    decode_length: 512,
    head_rows: 1_024,
    sequences: 8,
    length: 1_024,
    hidden: 896,
    ffn: 4_864,
    words: 151_936,
    heads: Heads {
        heads: 14,
        kv_heads: 2,
        head_dim: 64,
    },
    normalized: Heads {
        heads: 16,
        kv_heads: 8,
        head_dim: 128,
    },
    square: [8_192, 4_096, 4_096],
    numbers: 1 << 26,
};

/// For the emulated machine: of every kind something, and more than one tile, page and warp.
const TINY: Sizes = Sizes {
    rows: 33,
    product_rows: 70,
    decode_rows: [1, 2, 3],
    decode_length: 67,
    head_rows: 5,
    sequences: 2,
    length: 67,
    hidden: 48,
    ffn: 72,
    words: 301,
    heads: Heads {
        heads: 4,
        kv_heads: 2,
        head_dim: 16,
    },
    normalized: Heads {
        heads: 2,
        kv_heads: 1,
        head_dim: 20,
    },
    square: [64, 64, 64],
    numbers: 1_027,
};

/// Times every kernel and prints a line for each.
pub fn time(on: On) -> anyhow::Result<()> {
    each(on, &mut |timed| {
        let line = serde_json::to_string(timed)?;
        Ok(writeln!(stdout(), "{line}")?)
    })
}

fn each(on: On, told: &mut dyn FnMut(&Timed) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let sizes = match on {
        On::Cuda => &REAL,
        On::Emulator => &TINY,
    };
    let mut failed = 0;
    for precision in [Precision::F32, Precision::Bf16] {
        let mut bench = Bench {
            timer: Timer::new(on, precision)?,
            precision,
            sizes,
            told: &mut *told,
            failed: 0,
        };
        if precision == Precision::F32 {
            weights::time(&mut bench)?;
            norms::time(&mut bench)?;
            rows::time(&mut bench)?;
            tokens::time(&mut bench)?;
            drawn::time(&mut bench)?;
        }
        attention::time(&mut bench)?;
        products::time(&mut bench)?;
        head::time(&mut bench)?;
        failed += bench.failed;
    }
    ensure!(failed == 0, "{failed} kernels failed");
    Ok(())
}

/// A device, and what is to be timed on it.
struct Bench<'a> {
    timer: Timer,
    precision: Precision,
    sizes: &'a Sizes,
    told: &'a mut dyn FnMut(&Timed) -> anyhow::Result<()>,
    failed: usize,
}

impl Bench<'_> {
    /// A kernel that fails is told, and the others are timed all the same.
    fn time(&mut self, operation: &impl Operation) -> anyhow::Result<()> {
        match self.timer.time(operation) {
            Ok(timed) => (self.told)(&timed),
            Err(error) => {
                eprintln!("gpu-report: {:?}: {error:#}", operation.about());
                self.failed += 1;
                Ok(())
            }
        }
    }
}

/// What a piece holds before results come.
fn zeros(count: usize) -> Vec<f32> {
    vec![0.0; count]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kernel_is_right_on_the_emulated_machine_and_gets_a_line_of_its_own() {
        let (mut lines, mut seen) = (0, BTreeSet::new());
        each(On::Emulator, &mut |it| {
            lines += 1;
            seen.insert(format!("{:?}", it.about));
            assert!(0.0 < it.seconds && 0 < it.bytes, "{it:?}");
            Ok(())
        })
        .unwrap();
        assert_eq!((lines, seen.len()), (52, 52), "{seen:#?}");
    }
}
