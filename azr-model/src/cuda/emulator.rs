//! A device that is not there: kernels are compiled with g++ and run on the processor, each launch in several orders.
//!
//! For checks only. What it finds and what it cannot find stands at the head of `cuda/emulator/machine.cpp`.

mod machine;

use std::{
    collections::BTreeMap,
    ffi::{CStr, c_char, c_int, c_void},
    sync::{Mutex, MutexGuard, PoisonError},
};

use libloading::os::unix::Library;

use super::{Argument, DeviceError, Driver, Launch, Source};
#[cfg(test)]
pub(super) use machine::Compiler;
pub(super) use machine::Machine;

/// Orders in which each launch is run: lowest thread first, highest first, and one that is drawn.
const SEEDS: [u64; 3] = [0, 1, 0x5eed];
const MESSAGE_BYTES: usize = 600;

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

/// A text that is replaced in a source before it is compiled, and what stands in its place.
pub(super) type Fault = (&'static str, &'static str);

/// An emulated device.
pub(super) struct Emulator {
    machine: &'static Machine,
    fault: Option<Fault>,
    /// Sizes of what is allocated, by address.
    memory: Mutex<BTreeMap<u64, usize>>,
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

fn function<T: Copy>(library: &Library, name: &str) -> T {
    // SAFETY: every caller names a function of the emulator together with the type that its source gives it.
    let found = unsafe { library.get::<T>(name.as_bytes()) };
    *found.unwrap_or_else(|error| panic!("{name}: {error}"))
}

impl Emulator {
    pub(super) fn new(machine: &'static Machine, fault: Option<Fault>) -> Self {
        Self {
            machine,
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
            function(self.machine.library(), "azr_intact");
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
        let run: Run = function(self.machine.library(), "azr_launch");
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
        let allocate: extern "C" fn(usize) -> *mut c_void =
            function(self.machine.library(), "azr_allocate");
        let address = allocate(bytes) as u64;
        if address == 0 {
            return Err(DeviceError::Allocate { bytes });
        }
        lock(&self.memory).insert(address, bytes);
        Ok(address)
    }

    fn free(&self, address: u64, bytes: usize) {
        lock(&self.memory).remove(&address);
        let free: unsafe extern "C" fn(*mut c_void, usize) =
            function(self.machine.library(), "azr_free");
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

    fn clear(&self, at: u64, bytes: usize) -> Result<(), DeviceError> {
        poke(&vec![0; bytes], at);
        Ok(())
    }

    fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<(), DeviceError> {
        poke(&peek(from, bytes), to);
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
