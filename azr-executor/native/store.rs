//! Memory that a template shares with its workers.

use std::ffi::{c_int, c_void};

use crate::host::{self, PAGE_BYTES};

const PROT_READ: c_int = 1;
const PROT_WRITE: c_int = 2;
const MAP_SHARED: c_int = 1;
const MAP_ANONYMOUS: c_int = 0x20;
const MADV_DONTFORK: c_int = 10;

unsafe extern "C" {
    fn madvise(start: *mut c_void, length: usize, advice: c_int) -> c_int;
}

/// The memory that the content of snapshots and the list of pages to copy are kept in: the template writes it, its
/// workers see it read-only and elsewhere.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Store {
    /// Where the template has it.
    start: *mut u8,
    /// Its size.
    bytes: usize,
    /// A descriptor of it.
    descriptor: u64,
}

/// The list comes first, then zeros, then the pages.
pub const LIST_BYTES: usize = STEPS_MAX * size_of::<Step>();
pub const ZEROS_AT: usize = LIST_BYTES;
pub const PAGES_AT: usize = ZEROS_AT + ZERO_BYTES;

impl Store {
    /// Keeps the template's own mapping from its workers.
    ///
    /// # Safety
    /// The mapping is as the store says.
    pub unsafe fn keep_from_workers(&self) {
        // SAFETY: as the caller promises.
        unsafe { madvise(self.start.cast(), self.bytes, MADV_DONTFORK) };
    }

    /// A worker's own mapping of it.
    pub fn map(&self) -> Result<usize, c_int> {
        // SAFETY: a new mapping at a place of the kernel's choice.
        let start = unsafe {
            host::mmap(
                0,
                self.bytes,
                PROT_READ,
                MAP_SHARED,
                self.descriptor as c_int,
                0,
            )
        };
        if start == usize::MAX {
            Err(host::error_number())
        } else {
            Ok(start)
        }
    }

    /// The place of `length` bytes at `at`, if they lie inside.
    pub fn place(&self, at: usize, length: usize) -> Option<*mut c_void> {
        // SAFETY: inside, as just seen.
        (at + length <= self.bytes).then(|| unsafe { self.start.add(at).cast() })
    }
}

/// One copy that a worker makes: from its own mapping of the store to its own memory.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Step {
    /// Where to.
    pub to: usize,
    /// Where from.
    pub from: usize,
    /// How much.
    pub bytes: usize,
}

/// Zeros to copy at a time.
pub const ZERO_BYTES: usize = 64 * PAGE_BYTES;

/// Copies before one run, at most.
pub const STEPS_MAX: usize = 4096;

/// Memory that a process and its children share.
pub fn shared<T>() -> Result<*mut T, c_int> {
    // SAFETY: a new mapping at a place of the kernel's choice.
    let start = unsafe {
        host::mmap(
            0,
            size_of::<T>(),
            PROT_READ | PROT_WRITE,
            MAP_SHARED | MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if start == usize::MAX {
        Err(host::error_number())
    } else {
        Ok(std::ptr::with_exposed_provenance_mut(start))
    }
}

/// Memory that a process has and its children have not.
///
/// # Safety
/// Zeros are a valid `T`.
pub unsafe fn own<T>() -> Result<*mut T, c_int> {
    let memory = shared::<T>()?;
    // SAFETY: the mapping is of this size.
    unsafe { madvise(memory.cast(), size_of::<T>(), MADV_DONTFORK) };
    Ok(memory)
}

/// Takes memory from [`shared`] out of this process.
///
/// # Safety
/// It is not used here any more.
pub unsafe fn forget<T>(memory: *mut T) {
    // SAFETY: as the caller promises.
    unsafe { host::munmap(memory.addr(), size_of::<T>()) };
}
