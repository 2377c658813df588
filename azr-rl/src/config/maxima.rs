//! The table of limits: more than this is refused. Generous, so that no sum of a run overflows and none is met by a run
//! that could ever end.

/// Steps, in all or from one event to the next.
pub(in crate::config) const STEPS_MAX: u64 = 1_000_000_000;
/// Proposals of a kind, or tasks of a kind, in a step or in the buffer.
pub(in crate::config) const TASKS_MAX: u64 = 1_000_000;
/// Answers to one task.
pub(in crate::config) const SAMPLES_MAX: u64 = 65_536;
/// Answers that one step, or one evaluation, asks for.
pub(in crate::config) const ANSWERS_MAX: usize = 10_000_000;
/// Examples or ingredients in one prompt; there are no more ingredients than this.
pub(in crate::config) const SHOWN_MAX: u64 = 100;
/// Inputs that an induction proposal writes.
pub(in crate::config) const INPUTS_MAX: u64 = 1_024;
/// Tokens of one prompt or response.
pub(in crate::config) const SEQUENCE_TOKENS_MAX: u64 = 1 << 20;
/// Tokens in memory at the same time.
pub(in crate::config) const TOKENS_MAX: u64 = 1 << 30;
/// Responses that grow at the same time.
pub(in crate::config) const SEQUENCES_MAX: u64 = 65_536;
/// Optimizer steps on one batch.
pub(in crate::config) const UPDATES_MAX: u64 = 1_024;
/// Checkpoints that are kept.
pub(in crate::config) const KEEP_MAX: u64 = 1_000_000;
/// Threads of the sandbox.
pub(in crate::config) const WORKERS_MAX: u64 = 4_096;
/// Time of one call, milliseconds: an hour.
pub(in crate::config) const CALL_MS_MAX: u64 = 3_600_000;
/// Memory of one call, bytes: an interpreter does not start with less.
pub(in crate::config) const MEMORY_BYTES_MIN: u64 = 16 << 20;
/// Memory of one call, bytes.
pub(in crate::config) const MEMORY_BYTES_MAX: u64 = 1 << 40;
/// One text, bytes.
pub(in crate::config) const TEXT_BYTES_MAX: u64 = 1 << 30;
/// A factor, a reward or a coefficient, without its sign.
pub(in crate::config) const FACTOR_MAX: f64 = 100.0;
/// Length of a gradient.
pub(in crate::config) const NORM_MAX: f64 = 1e30;
