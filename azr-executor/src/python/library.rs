//! Modules that are loaded when a program imports them: collected by the first template of a sandbox, shared by all.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use crate::python::template::shared_memory;
use crate::sys::WriteAccess;

/// Size of the region that they are collected in, bytes: several times that of a standard library.
const LIBRARY_BYTES_MAX: usize = 128 << 20;

/// A region of memory that becomes read-only for everyone once it is complete.
#[derive(Debug, Clone)]
pub(super) struct Library {
    descriptor: Arc<OwnedFd>,
}

impl Library {
    /// One that nobody has collected anything in.
    pub(super) fn empty() -> io::Result<Self> {
        let memory = shared_memory(c"library", LIBRARY_BYTES_MAX, WriteAccess::UntilSealed)?;
        let descriptor = Arc::new(memory.as_fd().try_clone_to_owned()?);
        Ok(Self { descriptor })
    }

    /// A descriptor for one more template.
    pub(super) fn descriptor(&self) -> io::Result<OwnedFd> {
        self.descriptor.try_clone()
    }
}
