//! The command that starts a template's interpreter, and the text that it runs.

use std::ffi::CString;
use std::io::{self, Error};
use std::os::unix::ffi::OsStrExt;

use crate::python::template::Recipe;

/// The text that the interpreter runs, and before it the parts that it is given as arguments.
const DRIVER: &str = include_str!("driver/main.py");
const PARTS: [&str; 8] = [
    include_str!("driver/preload.py"),
    include_str!("driver/left_out.py"),
    include_str!("driver/packages.py"),
    include_str!("driver/collect.py"),
    include_str!("driver/library.py"),
    include_str!("driver/adapt.py"),
    include_str!("driver/lock.py"),
    include_str!("driver/result.py"),
];

/// How the interpreter is started. It asks for the number of processors, which it may not, unless it is told.
const OPTIONS: [&str; 6] = ["-s", "-S", "-B", "-Xutf8", "-Xcpu_count=1", "-Wignore"];

/// What packages ask how many threads of their own to start; programs never see it.
const ONE_THREAD: [&str; 7] = [
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
];

/// What is executed.
pub(super) struct Command {
    pub(super) program: CString,
    pub(super) arguments: Vec<CString>,
    pub(super) environment: Vec<CString>,
}

impl Command {
    pub(super) fn of(recipe: &Recipe) -> io::Result<Self> {
        let program = c_string(recipe.interpreter.as_os_str().as_bytes())?;
        let mut arguments = vec![program.clone()];
        for option in OPTIONS {
            arguments.push(c_string(option.as_bytes())?);
        }
        for text in ["-c", DRIVER].into_iter().chain(PARTS) {
            arguments.push(c_string(text.as_bytes())?);
        }
        let mut environment = vec![
            c_string(format!("PYTHONHASHSEED={}", recipe.hash_seed).as_bytes())?,
            // Restartable sequences are memory of the program's that the kernel acts on; workers must not have them.
            c_string(b"GLIBC_TUNABLES=glibc.pthread.rseq=0")?,
        ];
        if !recipe.packages.is_empty() {
            for variable in ONE_THREAD {
                environment.push(c_string(format!("{variable}=1").as_bytes())?);
            }
        }
        Ok(Self {
            program,
            arguments,
            environment,
        })
    }
}

fn c_string(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(Error::other)
}
