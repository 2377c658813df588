//! The system calls, each behind a safe function; the only `unsafe` of the crate.
//!
//! This module knows descriptors, processes and memory. It never knows programs, layers or outcomes.

mod birth;
mod clock;
mod memory;
mod process;
mod processor;
mod socket;

pub(crate) use clock::{ProcessClock, effective_user};
pub(crate) use memory::{SharedMemory, WriteAccess};
pub(crate) use process::{Child, Ending, Spawn, send_signal, start_allowed};
pub(crate) use processor::{Processor, Stay};
pub(crate) use socket::Channel;
#[cfg(any(fuzzing, test))]
pub(crate) use socket::other_end;

/// The result of a call that reports failure by a negative number.
fn checked(result: libc::c_int) -> std::io::Result<libc::c_int> {
    if result < 0 {
        Err(std::io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Fills `bytes` with random ones from the kernel.
pub(crate) fn fill_random(bytes: &mut [u8]) -> std::io::Result<()> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        // SAFETY: pointer and length are those of a slice.
        let drawn = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        match usize::try_from(drawn) {
            Ok(drawn) => filled += drawn,
            Err(_) => {
                let error = std::io::Error::last_os_error();
                if error.kind() != std::io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}
