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

impl Bans {
    /// No module is banned.
    pub fn none() -> Self {
        Self::default()
    }

    /// The list that Absolute Zero proposals are checked with (arXiv 2505.03335, Figures 8 and 10, and the list its
    /// code adds): what depends on chance, time, processes or the host.
    pub fn paper() -> Self {
        let modules = [
            "logging",
            "random",
            "multiprocessing",
            "pebble",
            "subprocess",
            "threading",
            "datetime",
            "time",
            "hashlib",
            "hmac",
            "bcrypt",
            "os.sys",
            "os.path",
            "sys.exit",
            "os.environ",
            "calendar",
        ];
        Self {
            modules: modules.map(str::to_owned).to_vec(),
        }
    }

    /// The ban that covers a dotted path: the same name, or a package that it lies in.
    pub fn covering(&self, path: &str) -> Option<&str> {
        let covers = |banned: &&String| {
            path.strip_prefix(banned.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.modules.iter().find(covers).map(String::as_str)
    }
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
