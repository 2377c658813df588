//! What a worker is given: one program, one argument list, its limits and a nonce. Never an expected answer.

use std::time::Duration;

use unicode_normalization::UnicodeNormalization;

use crate::encoding::encode_arguments;
use crate::job::{Job, Limits};
use crate::python::result::NONCE_BYTES;
use crate::value::Arguments;

/// Size of the region that a request is written to, bytes.
pub(super) const REQUEST_BYTES_MAX: usize = 16 << 20;

/// Size of the region that a result is read from, bytes.
pub(super) const RESULT_BYTES_MAX: usize = 16 << 20;

/// The largest result of one call, bytes, whatever the limits say: two calls fit beside the header.
const OUTPUT_BYTES_MAX: u64 = 7 << 20;

/// One run of a program: the calls of its entry function in one worker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'job> {
    /// The program, its bans and its limits.
    pub(super) job: &'job Job,
    /// Arguments of every call.
    pub(super) input: &'job Arguments,
    /// How often the entry function is called, in the same globals.
    pub(super) calls: u32,
    /// How long to wait for it; none for as long as the limits permit.
    pub(super) patience: Option<Duration>,
}

impl Run<'_> {
    /// The request as the driver reads it: a header of fixed size, then its parts.
    pub(super) fn to_bytes(self, nonce: &[u8; NONCE_BYTES]) -> Vec<u8> {
        let Limits {
            cpu_ms_max,
            memory_bytes_max,
            output_bytes_max,
            ..
        } = self.job.limits;
        let bans = self.job.bans.modules.join("\n");
        let arguments = encode_arguments(self.input);
        // The interpreter normalizes the names in a source text.
        let entry: String = self.job.entry.nfkc().collect();
        let parts: [&[u8]; 4] = [
            entry.as_bytes(),
            bans.as_bytes(),
            self.job.program.as_bytes(),
            &arguments,
        ];
        let mut bytes = Vec::with_capacity(64 + parts.iter().map(|part| part.len()).sum::<usize>());
        bytes.extend_from_slice(nonce);
        bytes.extend(self.calls.to_le_bytes());
        bytes.extend(output_bytes_max.min(OUTPUT_BYTES_MAX).to_le_bytes());
        bytes.extend(memory_bytes_max.min(MEMORY_BYTES_MAX).to_le_bytes());
        bytes.extend(cpu_seconds_max(cpu_ms_max, self.calls).to_le_bytes());
        for part in parts {
            // A part that is longer than this does not fit into the region, and the caller refuses it.
            bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        bytes
    }
}

/// Address space beyond which a limit means none, bytes.
const MEMORY_BYTES_MAX: u64 = 1 << 46;

/// The kernel's own limit, in whole seconds; the worker adds one, so that it stands behind the supervisor's.
fn cpu_seconds_max(cpu_ms_max: u64, calls: u32) -> u32 {
    let milliseconds = cpu_ms_max.saturating_mul(u64::from(calls));
    u32::try_from(milliseconds.div_ceil(1_000)).unwrap_or(u32::MAX / 2)
}
