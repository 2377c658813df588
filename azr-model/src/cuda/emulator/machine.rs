//! The emulated machine and the kernels that were compiled for it: by g++, each text once, kept from run to run.

use std::{
    collections::HashMap,
    ffi::c_int,
    fs,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::{Arc, Mutex, OnceLock},
    thread,
};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};
use sha2::{Digest, Sha256};

use super::{Fault, lock};
use crate::cuda::{DeviceError, Source};

/// What kernels see of the machine. Nothing is read from the tree when kernels are compiled, so that a program with the
/// emulator in it can be carried elsewhere.
const WORDS: &str = include_str!("../../../cuda/emulator/machine.hpp");
const MACHINE: &str = include_str!("../../../cuda/emulator/machine.cpp");
const MACHINE_FLAGS: [&str; 9] = [
    "-std=c++17",
    "-O2",
    "-fPIC",
    "-shared",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-x",
    "c++",
];
/// Undefined behavior of C++ ends in a trap, which the machine reports.
const KERNEL_FLAGS: [&str; 10] = [
    "-std=c++17",
    "-O1",
    "-fPIC",
    "-shared",
    "-w",
    "-fno-strict-aliasing",
    "-x",
    "c++",
    "-fsanitize=undefined",
    "-fsanitize-undefined-trap-on-error",
];

/// A library, loaded when it is first asked for, or why it cannot be. It runs one launch at a time, because its static
/// shared memory exists once.
type Loaded = Arc<OnceLock<Result<Arc<Mutex<Library>>, String>>>;

/// The emulated machine and its kernels.
pub(in crate::cuda) struct Machine {
    compiler: Compiler,
    library: Library,
    /// By source.
    kernels: Mutex<HashMap<String, Loaded>>,
}

impl Machine {
    /// The machine of this process. What is compiled for it is kept in the directory that the first caller names: a library
    /// that is loaded twice is one library with one piece of shared memory, so there cannot be two machines.
    pub(in crate::cuda) fn get(directory: &Path) -> Result<&'static Self, DeviceError> {
        static MACHINE_OF_ALL: OnceLock<Result<Machine, String>> = OnceLock::new();
        let machine = MACHINE_OF_ALL.get_or_init(|| Self::build(directory));
        machine.as_ref().map_err(|log| DeviceError::Compile {
            name: "of the emulator",
            log: log.clone(),
        })
    }

    fn build(directory: &Path) -> Result<Self, String> {
        let compiler = Compiler::new(directory)?;
        let text = MACHINE.replacen("#include \"machine.hpp\"", WORDS, 1);
        let library = load(&compiler.library(&MACHINE_FLAGS, &text)?, RTLD_GLOBAL)?;
        Ok(Self {
            compiler,
            library,
            kernels: Mutex::default(),
        })
    }

    pub(super) fn library(&self) -> &Library {
        &self.library
    }

    /// The library of a source, compiled if it is new. Others are compiled meanwhile where other threads ask for them.
    pub(in crate::cuda) fn kernels(
        &self,
        source: &Source,
        fault: Option<Fault>,
    ) -> Result<Arc<Mutex<Library>>, DeviceError> {
        let mut text = source.whole();
        if let Some((right, wrong)) = fault {
            text = text.replacen(right, wrong, 1);
        }
        let entries = source.kernels().into_iter();
        text.extend(entries.map(|kernel| format!("\nAZR_ENTRY({kernel})")));
        let loaded = Arc::clone(lock(&self.kernels).entry(text.clone()).or_default());
        let library = loaded.get_or_init(|| {
            let text = format!("{WORDS}\n{text}");
            let path = self.compiler.library(&KERNEL_FLAGS, &text)?;
            Ok(Arc::new(Mutex::new(load(&path, RTLD_LOCAL)?)))
        });
        library.clone().map_err(|log| DeviceError::Compile {
            name: source.name,
            log,
        })
    }
}

/// g++ and what it has made so far.
pub(in crate::cuda) struct Compiler {
    directory: PathBuf,
    version: String,
}

impl Compiler {
    pub(in crate::cuda) fn new(directory: &Path) -> Result<Self, String> {
        let made = fs::create_dir_all(directory);
        made.map_err(|error| format!("{}: {error}", directory.display()))?;
        Ok(Self {
            directory: directory.to_path_buf(),
            version: said(Command::new("g++").arg("-dumpfullversion"))?,
        })
    }

    /// The library that a text becomes. Its name is a hash of the text, the flags and the compiler's version, so that one
    /// which is there already need not be made.
    pub(in crate::cuda) fn library(&self, flags: &[&str], text: &str) -> Result<PathBuf, String> {
        let mut hash = Sha256::new();
        for part in flags.iter().copied().chain([self.version.as_str(), text]) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let name: String = hash.finalize()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let library = self.directory.join(format!("{name}.so"));
        if library.is_file() {
            return Ok(library);
        }
        // Whoever makes the same at the same time makes it aside, under a name of his own.
        let own = format!("{name}-{}-{:?}", process::id(), thread::current().id());
        let [from, to] = [".cu", ".new"].map(|end| self.directory.join(format!("{own}{end}")));
        let failed = |error: std::io::Error| format!("{}: {error}", from.display());
        fs::write(&from, text).map_err(failed)?;
        let made = said(
            Command::new("g++")
                .args(flags)
                .arg(&from)
                .arg("-o")
                .arg(&to),
        );
        fs::remove_file(&from).map_err(failed)?;
        made?;
        fs::rename(&to, &library).map_err(failed)?;
        Ok(library)
    }
}

/// What g++ prints, or its complaint.
fn said(command: &mut Command) -> Result<String, String> {
    let done = command.output();
    let output =
        done.map_err(|error| format!("g++ does not start ({error}); apt-get install g++"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

/// The machine is seen by the kernels that are loaded after it; kernels do not see each other.
fn load(path: &Path, scope: c_int) -> Result<Library, String> {
    // SAFETY: the library was compiled from our own sources, whose initializers do nothing.
    unsafe { Library::open(Some(path), RTLD_NOW | scope) }.map_err(|error| error.to_string())
}
