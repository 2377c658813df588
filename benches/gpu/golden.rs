//! Log-probabilities of small models on a device, beside those that transformers found (`golden/small_models.py`).

use std::io::{Write, stdout};
use std::path::Path;

use anyhow::{Context, ensure};
use azr_model::{LanguageModel, Precision, Transformer, score};
use serde::Deserialize;

use crate::device::On;

/// As on the processor: both sides round to f32 in orders of their own.
const NATS_MAX: f32 = 5e-5;
/// Of each sequence, on the emulated machine, which takes its time. Those behind change nothing before them.
const EMULATED_TOKENS_MAX: usize = 8;

#[derive(Deserialize)]
struct Golden {
    logprobs: Vec<Scored>,
}

#[derive(Deserialize)]
struct Scored {
    tokens: Vec<u32>,
    logprobs: Vec<Option<f32>>,
}

/// Compares the model of a directory with the numbers beside it; says how far off it is at most.
pub fn check(on: On, directory: &Path) -> anyhow::Result<()> {
    let words = || directory.display().to_string();
    let text = std::fs::read_to_string(directory.join("golden.json")).with_context(words)?;
    let golden: Golden = serde_json::from_str(&text).with_context(words)?;
    let model = LanguageModel::load_local(directory).with_context(words)?;
    let transformer = Transformer::new(on.open(Precision::F32)?, model.parameters)?;
    let most = match on {
        On::Cuda => usize::MAX,
        On::Emulator => EMULATED_TOKENS_MAX,
    };
    let first = |it: &Scored| it.tokens.iter().take(most).copied().collect();
    let sequences: Vec<Vec<u32>> = golden.logprobs.iter().map(first).collect();
    let found = score::logprobs(&transformer, &sequences)?;
    let (mut count, mut nats) = (0, 0.0f32);
    for (found, golden) in found.iter().zip(&golden.logprobs) {
        for (found, golden) in found.iter().zip(&golden.logprobs) {
            let (Some(found), Some(golden)) = (found, golden) else {
                ensure!(found == golden, "{}: a token without a score", words());
                continue;
            };
            let off = (found - golden).abs();
            nats = nats.max(if off.is_nan() { f32::INFINITY } else { off });
            count += 1;
        }
    }
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    ensure!(
        0 < count && nats <= NATS_MAX,
        "{name}: {count} log-probabilities, off by up to {nats:.1e} nats; {NATS_MAX:.0e} is allowed"
    );
    Ok(writeln!(
        stdout(),
        "golden {name}: {count} log-probabilities, off by at most {nats:.1e} nats"
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_golden_model_passes_and_one_with_other_numbers_does_not() {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/small");
        let right = golden.join("qwen2-tied-one-kv-head");
        check(On::Emulator, &right).unwrap();
        let place = tempfile::tempdir().unwrap();
        for file in right.read_dir().unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), place.path().join(file.file_name())).unwrap();
        }
        let other = golden.join("llama-tied-gqa/golden.json");
        std::fs::copy(other, place.path().join("golden.json")).unwrap();
        let refused = check(On::Emulator, place.path()).unwrap_err().to_string();
        assert!(refused.contains("is allowed"), "{refused}");
    }
}
