//! Modules that are loaded when a program imports them: collected by the first template of a sandbox, shared by all.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use crate::python::template::shared_memory;
use crate::sys::WriteAccess;

/// Size of the region that they are collected in, bytes: several times that of a standard library, and room for packages.
const LIBRARY_BYTES_MAX: usize = 64 << 20;
const LIBRARY_BYTES_MAX_WITH_PACKAGES: usize = 1 << 30;

/// A region of memory that becomes read-only for everyone once it is complete.
#[derive(Debug, Clone)]
pub(super) struct Library {
    descriptor: Arc<OwnedFd>,
}

impl Library {
    /// One that nobody has collected anything in.
    pub(super) fn empty(packages: &[String]) -> io::Result<Self> {
        let bytes_max = if packages.is_empty() {
            LIBRARY_BYTES_MAX
        } else {
            LIBRARY_BYTES_MAX_WITH_PACKAGES
        };
        let memory = shared_memory(c"library", bytes_max, WriteAccess::UntilSealed)?;
        let descriptor = Arc::new(memory.as_fd().try_clone_to_owned()?);
        Ok(Self { descriptor })
    }

    /// A descriptor for one more template.
    pub(super) fn descriptor(&self) -> io::Result<OwnedFd> {
        self.descriptor.try_clone()
    }
}
