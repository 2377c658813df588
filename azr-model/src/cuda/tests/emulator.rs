//! The driver of the emulated machine: compiles kernels with g++, loads them, runs each launch in several orders.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::{CStr, c_char, c_int, c_void},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};

use crate::cuda::{Argument, DeviceError, Driver, Launch, Source};

/// Orders in which each launch is run: lowest thread first, highest first, and one that is drawn.
const SEEDS: [u64; 3] = [0, 1, 0x5eed];
const MESSAGE_BYTES: usize = 600;
/// Undefined behavior of C++ ends in a trap, which the machine reports.
const FLAGS: [&str; 10] = [
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
const MACHINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cuda/emulator/machine.cpp");
const WORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cuda/emulator/machine.hpp");

type Entry = unsafe extern "C" fn(*mut *mut c_void);
type Run = unsafe extern "C" fn(
    Entry,
    *mut *mut c_void,
    *const u32,
    u32,
    *mut u8,
    usize,
    u64,
    *mut c_char,
    usize,
) -> c_int;

/// A text that is replaced in a source before it is compiled.
#[derive(Clone, Copy)]
pub(super) struct Fault {
    pub(super) right: &'static str,
    pub(super) wrong: &'static str,
}

/// An emulated device.
pub(super) struct Emulator {
    machine: &'static Machine,
    fault: Option<Fault>,
    /// Sizes of what is allocated, by address.
    memory: Mutex<BTreeMap<u64, usize>>,
}

/// The emulated machine and the kernels that were compiled for it; one for all tests of a process.
pub(super) struct Machine {
    directory: tempfile::TempDir,
    library: Library,
    /// By source; a library runs one launch at a time, because its static shared memory exists once.
    kernels: Mutex<HashMap<String, Arc<Mutex<Library>>>>,
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

fn compile(arguments: &[&str], from: &Path, to: &Path) -> Result<(), String> {
    let done = Command::new("g++")
        .args(arguments)
        .arg(from)
        .arg("-o")
        .arg(to)
        .output();
    let output =
        done.map_err(|error| format!("g++ does not start ({error}); apt-get install g++"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The machine is seen by the kernels that are loaded after it; kernels do not see each other.
fn load(path: &Path, scope: c_int) -> Library {
    // SAFETY: the library was just compiled from our own sources, whose initializers do nothing.
    unsafe { Library::open(Some(path), RTLD_NOW | scope) }
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Machine {
    pub(super) fn get() -> &'static Self {
        static MACHINE_OF_ALL: OnceLock<Machine> = OnceLock::new();
        MACHINE_OF_ALL.get_or_init(|| {
            let directory = tempfile::tempdir().expect("a directory for what is compiled");
            let path = directory.path().join("machine.so");
            let flags = [
                "-std=c++17",
                "-O2",
                "-fPIC",
                "-shared",
                "-Wall",
                "-Wextra",
                "-Werror",
            ];
            if let Err(log) = compile(&flags, Path::new(MACHINE), &path) {
                panic!("the emulator does not compile:\n{log}");
            }
            Self {
                library: load(&path, RTLD_GLOBAL),
                directory,
                kernels: Mutex::default(),
            }
        })
    }

    fn function<T: Copy>(&self, name: &str) -> T {
        function(&self.library, name)
    }

    /// The library of a source, compiled if it is new.
    pub(super) fn kernels(
        &self,
        source: &Source,
        fault: Option<Fault>,
    ) -> Result<Arc<Mutex<Library>>, DeviceError> {
        let mut text = source.whole();
        if let Some(Fault { right, wrong }) = fault {
            text = text.replacen(right, wrong, 1);
        }
        text.extend(
            source
                .kernels()
                .iter()
                .map(|kernel| format!("\nAZR_ENTRY({kernel})")),
        );
        let mut kernels = lock(&self.kernels);
        if let Some(known) = kernels.get(&text) {
            return Ok(Arc::clone(known));
        }
        let stem: PathBuf = self
            .directory
            .path()
            .join(format!("kernels-{}", kernels.len()));
        let (from, to) = (stem.with_extension("cu"), stem.with_extension("so"));
        fs::write(&from, &text).expect("a source can be written");
        let mut arguments = FLAGS.to_vec();
        arguments.extend(["-include", WORDS]);
        compile(&arguments, &from, &to).map_err(|log| DeviceError::Compile {
            name: source.name,
            log,
        })?;
        let library = Arc::new(Mutex::new(load(&to, RTLD_LOCAL)));
        kernels.insert(text, Arc::clone(&library));
        Ok(library)
    }
}

fn function<T: Copy>(library: &Library, name: &str) -> T {
    // SAFETY: every caller names a function of the emulator together with the type that its source gives it.
    let found = unsafe { library.get::<T>(name.as_bytes()) };
    *found.unwrap_or_else(|error| panic!("{name}: {error}"))
}

impl Emulator {
    pub(super) fn new(fault: Option<Fault>) -> Self {
        Self {
            machine: Machine::get(),
            fault,
            memory: Mutex::default(),
        }
    }

    /// What a launch may write: the buffers that its arguments point into.
    fn written(&self, launch: &Launch<'_>) -> Vec<(u64, usize)> {
        let memory = lock(&self.memory);
        let mut found: Vec<(u64, usize)> = Vec::new();
        for argument in launch.arguments {
            let Argument::Write(address) = argument else {
                continue;
            };
            let (start, bytes) = memory
                .range(..=address)
                .next_back()
                .expect("memory of this device");
            assert!(*address <= start + *bytes as u64, "memory of this device");
            if !found.contains(&(*start, *bytes)) {
                found.push((*start, *bytes));
            }
        }
        found
    }

    /// Whether nothing was written around any buffer.
    fn intact(&self) -> bool {
        let intact: unsafe extern "C" fn(*const c_void, usize) -> c_int =
            self.machine.function("azr_intact");
        lock(&self.memory).iter().all(|(address, bytes)| {
            // SAFETY: the address and the size are those of a buffer that is still allocated.
            unsafe { intact(*address as *const c_void, *bytes) == 1 }
        })
    }

    fn run(&self, library: &Library, launch: &Launch<'_>, seed: u64) -> Result<(), String> {
        let mut storage: Vec<u64> = launch.arguments.iter().map(bits).collect();
        let mut pointers: Vec<*mut c_void> = storage
            .iter_mut()
            .map(|it| (it as *mut u64).cast())
            .collect();
        let entry: Entry = function(library, &format!("azr_run_{}", launch.kernel));
        let shared: extern "C" fn(*mut usize) -> *mut u8 = function(library, "azr_static_shared");
        let mut shared_bytes = 0;
        let shared = shared(&mut shared_bytes);
        let mut shape = [0u32; 6];
        for (axis, (blocks, threads)) in launch.grid.iter().zip(launch.block).enumerate() {
            (shape[axis], shape[axis + 3]) = (*blocks as u32, threads);
        }
        let mut message = [0 as c_char; MESSAGE_BYTES];
        let run: Run = self.machine.function("azr_launch");
        // SAFETY: the entry is of a loaded library whose lock the caller holds; there are as many arguments of as many
        // bytes as its parameters, which was checked; a kernel that leaves its buffers is stopped by the machine.
        let failed = unsafe {
            run(
                entry,
                pointers.as_mut_ptr(),
                shape.as_ptr(),
                launch.dynamic_shared_bytes as u32,
                shared,
                shared_bytes,
                seed,
                message.as_mut_ptr(),
                MESSAGE_BYTES,
            )
        };
        if failed == 0 {
            return Ok(());
        }
        // SAFETY: the machine ends its message with a zero inside the array.
        let message = unsafe { CStr::from_ptr(message.as_ptr()) };
        Err(message.to_string_lossy().into_owned())
    }

    /// Runs a launch in every order from the same beginning.
    fn run_all(&self, library: &Library, launch: &Launch<'_>) -> Result<(), String> {
        let signature: extern "C" fn() -> *const c_char =
            function(library, &format!("azr_codes_{}", launch.kernel));
        // SAFETY: the text is a constant of the library.
        let signature = unsafe { CStr::from_ptr(signature()) }.to_string_lossy();
        let given: String = launch.arguments.iter().map(code).collect();
        if signature != given {
            return Err(format!(
                "its parameters are {signature}, the arguments are {given}"
            ));
        }
        let written = self.written(launch);
        let copy = || {
            written
                .iter()
                .map(|(at, bytes)| peek(*at, *bytes))
                .collect::<Vec<_>>()
        };
        let before = copy();
        let mut first: Option<Vec<Vec<u8>>> = None;
        for seed in SEEDS {
            for ((address, _), before) in written.iter().zip(&before) {
                poke(before, *address);
            }
            self.run(library, launch, seed)?;
            if !self.intact() {
                return Err("a write outside of a buffer".into());
            }
            let after = copy();
            if first.as_ref().is_some_and(|first| *first != after) {
                return Err("the result depends on the order of threads".into());
            }
            first = Some(after);
        }
        Ok(())
    }
}

/// How a kernel's parameter for it is coded in `machine.hpp`.
fn code(argument: &Argument) -> char {
    match argument {
        Argument::Read(_) => 'r',
        Argument::Write(_) => 'w',
        Argument::Size(_) => 'u',
        Argument::Number(_) => 'f',
    }
}

fn bits(argument: &Argument) -> u64 {
    match argument {
        Argument::Read(address) | Argument::Write(address) => *address,
        Argument::Size(size) => u64::from(*size),
        Argument::Number(number) => u64::from(number.to_bits()),
    }
}

fn peek(address: u64, bytes: usize) -> Vec<u8> {
    // SAFETY: callers give the place of a buffer of the emulator, or a part of one.
    unsafe { std::slice::from_raw_parts(address as *const u8, bytes) }.to_vec()
}

fn poke(from: &[u8], address: u64) {
    // SAFETY: as in `peek`; the host's own slice is never a buffer of the emulator.
    unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), address as *mut u8, from.len()) }
}

impl Driver for Emulator {
    fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
        let allocate: extern "C" fn(usize) -> *mut c_void = self.machine.function("azr_allocate");
        let address = allocate(bytes) as u64;
        if address == 0 {
            return Err(DeviceError::Allocate { bytes });
        }
        lock(&self.memory).insert(address, bytes);
        Ok(address)
    }

    fn free(&self, address: u64, bytes: usize) {
        lock(&self.memory).remove(&address);
        let free: unsafe extern "C" fn(*mut c_void, usize) = self.machine.function("azr_free");
        // SAFETY: a buffer gives back what it was given, once.
        unsafe { free(address as *mut c_void, bytes) }
    }

    fn write(&self, from: &[u8], to: u64) -> Result<(), DeviceError> {
        poke(from, to);
        Ok(())
    }

    fn read(&self, from: u64, to: &mut [u8]) -> Result<(), DeviceError> {
        to.copy_from_slice(&peek(from, to.len()));
        Ok(())
    }

    fn launch(&self, source: &Source, launch: &Launch<'_>) -> Result<(), DeviceError> {
        assert!(
            source.kernels().contains(&launch.kernel),
            "{} is a kernel of {}",
            launch.kernel,
            source.name
        );
        let library = self.machine.kernels(source, self.fault)?;
        self.run_all(&lock(&library), launch)
            .map_err(|cause| DeviceError::Launch {
                kernel: launch.kernel,
                grid: launch.grid,
                block: launch.block,
                cause,
            })
    }
}
