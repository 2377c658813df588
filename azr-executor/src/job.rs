//! What is asked of a sandbox: a program, its inputs, and the limits it runs under.

use crate::value::Arguments;

/// One program, called once for each input, in fresh globals each time.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Source text of the module that defines the entry function.
    pub program: String,
    /// Name of the function to call.
    pub entry: String,
    /// Argument lists; one outcome is reported for each.
    pub inputs: Vec<Arguments>,
    /// How closely to look.
    pub scrutiny: Scrutiny,
    /// Modules the program may not import.
    pub bans: Bans,
    /// What it may use.
    pub limits: Limits,
}

/// How closely a program is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scrutiny {
    /// One run.
    Run,
    /// Two interpreters started apart with different hash seeds, and a second call in the same run: any difference
    /// is [`crate::Outcome::Nondeterministic`].
    Check,
}

/// Names of modules that a program may not import, statically or at run time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bans {
    /// Top-level or dotted module names.
    pub modules: Vec<String>,
}

/// What one run may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Processor time of one call, milliseconds.
    pub cpu_ms_max: u64,
    /// Elapsed time of one call, milliseconds.
    pub wall_ms_max: u64,
    /// Address space of the worker beyond its start, bytes.
    pub memory_bytes_max: u64,
    /// Size of one encoded result, bytes. A larger one is refused, never cut.
    pub output_bytes_max: u64,
    /// Size of the source text, bytes.
    pub source_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu_ms_max: 1_000,
            wall_ms_max: 2_000,
            memory_bytes_max: 256 << 20,
            output_bytes_max: 1 << 20,
            source_bytes_max: 64 << 10,
        }
    }
}
