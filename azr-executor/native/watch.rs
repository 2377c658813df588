//! A worker before any program: what it opens to be watched with from outside, and which of its memory can change.

use std::ffi::{CStr, c_char, c_int, c_long, c_void};

use crate::host::{self, Need, PAGE_BYTES};
use crate::store::Store;

/// Mappings of one worker.
pub const RANGES_MAX: usize = 512;

/// A writable private mapping.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Range {
    /// Its first address.
    pub start: usize,
    /// The first address behind it.
    pub end: usize,
    /// Whether a page that was never touched has content: that of a file.
    pub has_file: bool,
    /// Whether the range before it is watched and nothing lies between them.
    pub follows: bool,
}

impl Range {
    /// Whether the kernel is asked which of its pages were written. To copy fewer costs less than to ask.
    pub fn is_watched(&self) -> bool {
        COPIED_BYTES_MAX < self.end - self.start
    }
}

/// The largest mapping that is copied back whole, always.
const COPIED_BYTES_MAX: usize = 8 * PAGE_BYTES;

/// Descriptors that a worker opened to be watched with, and the number of its mappings.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Watch {
    /// Its `/proc/self/pagemap`.
    pub page_map: c_int,
    /// Its `/proc/self/mem`.
    pub memory: c_int,
    /// Its `/proc/self/statm`.
    pub sizes: c_int,
    /// Its `userfaultfd`.
    pub fault_descriptor: c_int,
    /// How many mappings.
    pub ranges: usize,
    /// Where the worker has the store.
    pub store: usize,
}

const SYS_USERFAULTFD: c_long = 323;
const USER_MODE_ONLY: c_int = 1;
const CLOSE_ON_EXEC: c_int = 0o2_000_000;
const UFFDIO_API: u64 = 0xc018_aa3f;
const UFFDIO_REGISTER: u64 = 0xc020_aa00;
const UFFD_API: u64 = 0xaa;
const WRITE_PROTECTION_ASYNC: u64 = 1 << 15;
const MODE_WRITE_PROTECTION: u64 = 2;

unsafe extern "C" {
    fn openat(directory: c_int, path: *const c_char, flags: c_int) -> c_int;
    fn read(descriptor: c_int, buffer: *mut c_void, length: usize) -> isize;
}

/// Names all writable private mappings of this process, and registers those that are to be watched.
pub fn watch_self(
    proc_directory: c_int,
    store: &Store,
    ranges: &mut [Range; RANGES_MAX],
) -> Result<Watch, c_int> {
    let store = store.map()?;
    let page_map = open(proc_directory, c"self/pagemap")?;
    let memory = open(proc_directory, c"self/mem")?;
    let sizes = open(proc_directory, c"self/statm")?;
    let length = writable_mappings(proc_directory, ranges)?;
    let fault_descriptor = fault_descriptor()?;
    for range in ranges[..length].iter().filter(|it| it.is_watched()) {
        let mut register = [
            range.start as u64,
            (range.end - range.start) as u64,
            MODE_WRITE_PROTECTION,
            0,
        ];
        host::control(
            fault_descriptor,
            UFFDIO_REGISTER,
            register.as_mut_ptr().cast(),
        )?;
    }
    Ok(Watch {
        page_map,
        memory,
        sizes,
        fault_descriptor,
        ranges: length,
        store,
    })
}

fn fault_descriptor() -> Result<c_int, c_int> {
    // SAFETY: no memory is involved.
    let descriptor =
        unsafe { host::syscall(SYS_USERFAULTFD, CLOSE_ON_EXEC | USER_MODE_ONLY) } as c_int;
    if descriptor < 0 {
        return Err(Need::FaultDescriptor.refused());
    }
    let mut interface = [UFFD_API, WRITE_PROTECTION_ASYNC, 0];
    host::control(descriptor, UFFDIO_API, interface.as_mut_ptr().cast())
        .map_err(|error| Need::Protection.with(error))?;
    Ok(descriptor)
}

fn open(directory: c_int, path: &CStr) -> Result<c_int, c_int> {
    // SAFETY: a C string.
    let descriptor = unsafe { openat(directory, path.as_ptr(), CLOSE_ON_EXEC) };
    if descriptor < 0 {
        Err(host::error_number())
    } else {
        Ok(descriptor)
    }
}

/// Reads this process's own list of mappings. No memory is allocated meanwhile: the list would change.
fn writable_mappings(
    proc_directory: c_int,
    ranges: &mut [Range; RANGES_MAX],
) -> Result<usize, c_int> {
    let file = open(proc_directory, c"self/maps")?;
    let mut line = [0_u8; 512];
    let (mut in_line, mut found, mut follows) = (0, 0, false);
    loop {
        let mut bytes = [0_u8; 2048];
        // SAFETY: the buffer is ours, with its length.
        let n = unsafe { read(file, bytes.as_mut_ptr().cast(), bytes.len()) };
        if n <= 0 {
            // SAFETY: the descriptor is ours.
            unsafe { host::close(file) };
            return if n < 0 {
                Err(host::error_number())
            } else {
                Ok(found)
            };
        }
        for &byte in &bytes[..n.cast_unsigned()] {
            if byte != b'\n' {
                if in_line < line.len() {
                    line[in_line] = byte;
                    in_line += 1;
                }
                continue;
            }
            let range = mapping(&line[..in_line]);
            if let Some(range) = range {
                *ranges.get_mut(found).ok_or(host::EINVAL)? = Range { follows, ..range };
                found += 1;
            }
            follows = range.is_some_and(|it| it.is_watched());
            in_line = 0;
        }
    }
}

/// One line of the list, when it is of a writable private mapping: `start-end rw-p offset device inode path`.
fn mapping(line: &[u8]) -> Option<Range> {
    let mut words = line
        .split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty());
    let (addresses, access) = (words.next()?, words.next()?);
    let inode = words.nth(2)?;
    if access.get(1) != Some(&b'w') || access.get(3) != Some(&b'p') {
        return None;
    }
    let dash = addresses.iter().position(|&byte| byte == b'-')?;
    Some(Range {
        start: hexadecimal(&addresses[..dash])?,
        end: hexadecimal(&addresses[dash + 1..])?,
        has_file: inode != b"0",
        follows: false,
    })
}

fn hexadecimal(digits: &[u8]) -> Option<usize> {
    digits.iter().try_fold(0_usize, |number, &digit| {
        let value = char::from(digit).to_digit(16)? as usize;
        Some(number << 4 | value)
    })
}
