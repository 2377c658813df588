//! On which processors threads run.

use std::io;

use super::checked;

/// The number of a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Processor(usize);

impl Processor {
    /// Those that this thread may run on; none where the host does not tell.
    pub(crate) fn allowed() -> Vec<Self> {
        let is_allowed = |set: &libc::cpu_set_t, number| {
            // SAFETY: the number is within the set's size.
            unsafe { libc::CPU_ISSET(number, set) }
        };
        affinity().map_or_else(
            |_| Vec::new(),
            |set| {
                let all = 0..libc::CPU_SETSIZE as usize;
                all.filter(|&it| is_allowed(&set, it)).map(Self).collect()
            },
        )
    }

    /// The one that this thread runs on now.
    pub(crate) fn current() -> Option<Self> {
        // SAFETY: no memory is involved.
        usize::try_from(unsafe { libc::sched_getcpu() })
            .ok()
            .map(Self)
    }

    fn alone(self) -> libc::cpu_set_t {
        // SAFETY: a set of no processors is all zeros, and the number is within its size.
        unsafe {
            let mut set = std::mem::zeroed();
            libc::CPU_SET(self.0, &mut set);
            set
        }
    }
}

/// This thread stays on one processor until this is dropped.
pub(crate) struct Stay {
    before: libc::cpu_set_t,
}

impl Stay {
    /// None when this thread is not to run there, or the host does not permit it.
    pub(crate) fn on(processor: Processor) -> Option<Self> {
        let before = affinity().ok()?;
        // SAFETY: the number is within the set's size.
        let is_allowed = unsafe { libc::CPU_ISSET(processor.0, &before) };
        (is_allowed && bind(THIS_THREAD, &processor.alone()).is_ok()).then_some(Self { before })
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        // It was so before; a host that no longer permits it leaves the thread where it is.
        let _ = bind(THIS_THREAD, &self.before);
    }
}

const THIS_THREAD: libc::pid_t = 0;

/// Makes a process stay on one processor, with all that it will start.
pub(super) fn keep_on(process: libc::pid_t, processor: Processor) -> io::Result<()> {
    bind(process, &processor.alone())
}

fn affinity() -> io::Result<libc::cpu_set_t> {
    // SAFETY: a set of no processors is all zeros.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set is a valid place of the size that is named.
    checked(unsafe { libc::sched_getaffinity(THIS_THREAD, size_of_val(&set), &raw mut set) })?;
    Ok(set)
}

fn bind(thread: libc::pid_t, set: &libc::cpu_set_t) -> io::Result<()> {
    // SAFETY: the set is valid and of the size that is named.
    checked(unsafe { libc::sched_setaffinity(thread, size_of_val(set), set) })?;
    Ok(())
}
