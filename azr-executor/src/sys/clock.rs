//! Processor time of another process, and who we are.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// The processor clock of one process.
pub(crate) struct ProcessClock {
    id: libc::clockid_t,
}

impl ProcessClock {
    /// The clock of the process behind a process descriptor. Needs `/proc` to learn its number.
    pub(crate) fn of(process: BorrowedFd<'_>) -> io::Result<Self> {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", process.as_raw_fd()))?;
        let pid = info.lines().find_map(|line| {
            line.strip_prefix("Pid:")?
                .trim()
                .parse::<libc::pid_t>()
                .ok()
        });
        match pid {
            Some(pid) if 0 < pid => Self::of_pid(pid),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        }
    }

    fn of_pid(pid: libc::pid_t) -> io::Result<Self> {
        let mut id: libc::clockid_t = 0;
        // SAFETY: `id` is a valid place for the one value that the call writes.
        let error = unsafe { libc::clock_getcpuclockid(pid, &raw mut id) };
        if error == 0 {
            Ok(Self { id })
        } else {
            Err(io::Error::from_raw_os_error(error))
        }
    }

    /// Processor time used so far; none when the process is gone.
    pub(crate) fn now(&self) -> Option<Duration> {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: `time` is a valid place for the one value that the call writes.
        let failed = unsafe { libc::clock_gettime(self.id, &raw mut time) } != 0;
        if failed {
            return None;
        }
        let seconds = u64::try_from(time.tv_sec).ok()?;
        Some(Duration::new(seconds, u32::try_from(time.tv_nsec).ok()?))
    }
}

/// The user and group this process acts as.
pub(crate) fn effective_user() -> (u32, u32) {
    // SAFETY: both calls only read and cannot fail.
    unsafe { (libc::geteuid(), libc::getegid()) }
}
