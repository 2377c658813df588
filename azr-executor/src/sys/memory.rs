//! Memory shared with another process: ours to write, and theirs to write or only to read.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;

use super::checked;

/// Whether others that map the memory later may write to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteAccess {
    /// Only this process.
    Ours,
    /// Everyone who has the descriptor.
    Everyone,
    /// Everyone who has the descriptor, until one of them seals it.
    UntilSealed,
}

/// A sealed, sparse region of memory with a descriptor to hand on. Its size never changes.
pub(crate) struct SharedMemory {
    descriptor: OwnedFd,
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the mapping is plain memory that lives as long as the value; nothing about it belongs to one thread.
unsafe impl Send for SharedMemory {}

impl SharedMemory {
    /// A region of zeros. Pages come into being when they are touched.
    pub(crate) fn create(name: &CStr, bytes: usize, access: WriteAccess) -> io::Result<Self> {
        // SAFETY: `name` is a C string.
        let raw = checked(unsafe {
            libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING)
        })?;
        // SAFETY: the call gave us a descriptor that nobody else owns.
        let descriptor = unsafe { OwnedFd::from_raw_fd(raw) };
        let length = libc::off_t::try_from(bytes).map_err(io::Error::other)?;
        // SAFETY: no memory is involved.
        checked(unsafe { libc::ftruncate(raw, length) })?;
        // SAFETY: a new mapping at a place of the kernel's choice cannot overlap anything of ours.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                raw,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(io::Error::last_os_error)?;
        let memory = Self {
            descriptor,
            start,
            bytes,
        };
        memory.seal(access)?;
        Ok(memory)
    }

    /// Fixes the size; with [`WriteAccess::Ours`] every later mapping is read-only, whatever its owner tries.
    fn seal(&self, access: WriteAccess) -> io::Result<()> {
        let size = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;
        let write = match access {
            WriteAccess::Ours => libc::F_SEAL_FUTURE_WRITE | libc::F_SEAL_SEAL,
            WriteAccess::Everyone => libc::F_SEAL_SEAL,
            WriteAccess::UntilSealed => 0,
        };
        // SAFETY: no memory is involved.
        checked(unsafe {
            libc::fcntl(self.descriptor.as_raw_fd(), libc::F_ADD_SEALS, size | write)
        })?;
        Ok(())
    }

    /// Copies `bytes` to `offset`; false when they do not fit.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) -> bool {
        if self
            .bytes
            .checked_sub(offset)
            .is_none_or(|room| room < bytes.len())
        {
            return false;
        }
        // SAFETY: source and destination are in bounds as checked, and a slice of ours never lies in the mapping.
        unsafe {
            std::ptr::copy_nonoverlapping(
                bytes.as_ptr(),
                self.start.as_ptr().add(offset),
                bytes.len(),
            )
        };
        true
    }

    /// Copies `length` bytes from `offset`, or as many as there are. The writer must have stopped for them to be whole.
    pub(crate) fn read(&self, offset: usize, length: usize) -> Vec<u8> {
        let room = self.bytes.saturating_sub(offset);
        let length = length.min(room);
        let mut copy = Vec::with_capacity(length);
        // SAFETY: the source is in bounds as computed, the vector has the capacity, and all its bytes are written.
        unsafe {
            std::ptr::copy_nonoverlapping(
                self.start.as_ptr().add(offset.min(self.bytes)),
                copy.as_mut_ptr(),
                length,
            );
            copy.set_len(length);
        }
        copy
    }

    /// One byte that another process may be changing now; 0 beyond the end.
    pub(crate) fn peek(&self, offset: usize) -> u8 {
        if self.bytes <= offset {
            return 0;
        }
        // SAFETY: in bounds as checked; a volatile read of a byte takes whatever is there.
        unsafe { self.start.as_ptr().add(offset).read_volatile() }
    }

    /// Sets `length` bytes from `offset` to zero, or as many as there are.
    pub(crate) fn clear(&mut self, offset: usize, length: usize) {
        let offset = offset.min(self.bytes);
        let length = length.min(self.bytes - offset);
        // SAFETY: in bounds as computed.
        unsafe { std::ptr::write_bytes(self.start.as_ptr().add(offset), 0, length) };
    }

    /// Makes everything zero. Quick where only the first page was ever written.
    pub(crate) fn wipe(&mut self) -> io::Result<()> {
        self.clear(0, PAGE_BYTES);
        if PAGE_BYTES < self.bytes_in_use()? {
            self.discard_from(PAGE_BYTES)?;
        }
        Ok(())
    }

    /// Bytes of the pages that exist.
    fn bytes_in_use(&self) -> io::Result<usize> {
        // SAFETY: all-zero is a valid place for the call to write to.
        let mut status: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: the place is valid.
        checked(unsafe { libc::fstat(self.descriptor.as_raw_fd(), &raw mut status) })?;
        // The unit of blocks is 512 bytes everywhere.
        usize::try_from(status.st_blocks)
            .map(|blocks| blocks * 512)
            .map_err(io::Error::other)
    }

    /// Gives all pages from `offset` on back, so that they read as zeros. `offset` is a multiple of the page size.
    fn discard_from(&mut self, offset: usize) -> io::Result<()> {
        let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        let convert = |number: usize| libc::off_t::try_from(number).map_err(io::Error::other);
        let (offset, length) = (
            convert(offset)?,
            convert(self.bytes.saturating_sub(offset))?,
        );
        // SAFETY: no memory of ours is involved beyond the mapping, whose pages stay readable.
        checked(unsafe { libc::fallocate(self.descriptor.as_raw_fd(), mode, offset, length) })?;
        Ok(())
    }
}

/// Size of a page, bytes; where pages are larger, the first of them is cleared in parts and the rest given back whole.
const PAGE_BYTES: usize = 4096;

impl AsFd for SharedMemory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and nothing refers to it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}
