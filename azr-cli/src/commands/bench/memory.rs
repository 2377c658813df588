//! How much memory the work takes: as planned, and the most that the kernel saw this process hold.

use std::fmt;
use std::fs;

use azr_model::memory::{LearningMemory, ModelMemory, SamplingMemory};
use serde::Serialize;

/// What everything takes, in bytes, counted by the code that takes it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Plan {
    weights: usize,
    prepared_weights: usize,
    gradient: usize,
    moments: usize,
    activations: usize,
    activations_recomputed: usize,
    keys_and_values: usize,
    sampling_activations: usize,
}

impl Plan {
    /// Learning is planned twice, the second time with activations that are computed again.
    pub fn of(model: ModelMemory, learning: [LearningMemory; 2], sampling: SamplingMemory) -> Self {
        let [kept, recomputed] = learning;
        Self {
            weights: model.weights,
            prepared_weights: model.prepared,
            gradient: kept.gradient,
            moments: kept.moments,
            activations: kept.activations,
            activations_recomputed: recomputed.activations,
            keys_and_values: sampling.keys_and_values,
            sampling_activations: sampling.activations,
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |bytes: usize| format!("{:.0}", bytes as f64 / f64::from(1 << 20));
        write!(
            f,
            "memory planned, MiB: weights {}, prepared {}, gradient {}, moments {}, activations {} ({} if computed again); \
             to sample: keys and values {}, activations {}",
            mebibytes(self.weights),
            mebibytes(self.prepared_weights),
            mebibytes(self.gradient),
            mebibytes(self.moments),
            mebibytes(self.activations),
            mebibytes(self.activations_recomputed),
            mebibytes(self.keys_and_values),
            mebibytes(self.sampling_activations),
        )
    }
}

/// Begins a new count, where the kernel allows that; elsewhere the peak of the whole process counts.
pub fn forget_peak() {
    // 5 resets the peak resident size and nothing else (proc(5)); without it the figure is only less sharp.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Peak resident size since the count began, bytes.
pub fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_touched_is_counted() {
        forget_peak();
        let before = peak_bytes().unwrap();
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        assert!(
            before + (48 << 20) < peak_bytes().unwrap(),
            "{} bytes held",
            block.len()
        );
    }
}
