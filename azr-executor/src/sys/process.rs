//! Starts a process in namespaces of its own, and ends it.
//!
//! The child shares our memory until it executes (as `posix_spawn` does it), so starting costs the same however large
//! the embedding process is. Until then it makes system calls and nothing else: no allocation, no locks, no panics.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::birth::{Plan, identity_map, run_plan};
use super::processor::{self, Processor};
use super::{checked, socket};

/// What to start.
pub(crate) struct Spawn<'call> {
    /// Path of the program.
    pub(crate) program: &'call CStr,
    /// Arguments, the program's name first.
    pub(crate) arguments: &'call [CString],
    /// The whole environment, `NAME=value`.
    pub(crate) environment: &'call [CString],
    /// Descriptors it gets, as 0, 1, 2 and so on; no others.
    pub(crate) descriptors: &'call [BorrowedFd<'call>],
    /// `CLONE_NEW*` flags.
    pub(crate) namespaces: libc::c_int,
    /// Where it writes to come into control groups (`cgroup.procs`).
    pub(crate) entrances: &'call [OwnedFd],
}

/// A running child.
pub(crate) struct Child {
    pid: libc::pid_t,
    descriptor: OwnedFd,
    reaped: bool,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It left with this status.
    Exited(i32),
    /// This signal ended it.
    Signaled(i32),
}

impl Ending {
    /// Reads what `wait` gives.
    pub(crate) fn of_status(status: i32) -> Self {
        if libc::WIFSIGNALED(status) {
            Self::Signaled(libc::WTERMSIG(status))
        } else {
            Self::Exited(libc::WEXITSTATUS(status))
        }
    }
}

impl Child {
    /// Starts the process and waits until it executes its program.
    pub(crate) fn spawn(request: &Spawn<'_>) -> io::Result<Self> {
        let arguments = pointers(request.arguments);
        let environment = pointers(request.environment);
        let descriptors = away_from_targets(request.descriptors)?;
        let raw: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
        let mut plan = Plan {
            program: request.program.as_ptr(),
            arguments: arguments.as_ptr(),
            environment: environment.as_ptr(),
            descriptors: &raw,
            entrances: request.entrances,
            identity: identity_map(request.namespaces),
            error: 0,
        };
        let (pid, descriptor) = clone(request.namespaces, &mut plan)?;
        let mut child = Self {
            pid,
            descriptor,
            reaped: false,
        };
        if plan.error != 0 {
            child.end();
            return Err(io::Error::from_raw_os_error(plan.error));
        }
        Ok(child)
    }

    /// The process as a descriptor.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    /// Makes it stay on one processor, with all that it will start.
    pub(crate) fn keep_on(&self, processor: Processor) -> io::Result<()> {
        processor::keep_on(self.pid, processor)
    }

    /// Waits for the end; none when the time is over first.
    pub(crate) fn wait(&mut self, timeout: Duration) -> io::Result<Option<Ending>> {
        if !socket::wait_readable(self.descriptor(), timeout)? {
            return Ok(None);
        }
        self.reap().map(Some)
    }

    fn reap(&mut self) -> io::Result<Ending> {
        let mut status = 0;
        loop {
            // SAFETY: `status` is a valid place for the one value that the call writes.
            match checked(unsafe { libc::waitpid(self.pid, &raw mut status, 0) }) {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.reaped = true;
        Ok(Ending::of_status(status))
    }

    /// Kills it, with everything in its process namespace.
    pub(crate) fn kill(&self) {
        if !self.reaped && send_signal(self.descriptor(), libc::SIGKILL).is_err() {
            // A host may refuse that way. The number is still the child's: nobody has taken it from the process table.
            // SAFETY: no memory is involved.
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
        }
    }

    /// Kills it and takes it from the process table.
    fn end(&mut self) {
        if !self.reaped {
            self.kill();
            let _ = self.reap();
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

/// Sends a signal to the process behind a process descriptor, unless it has ended.
pub(crate) fn send_signal(process: BorrowedFd<'_>, signal: libc::c_int) -> io::Result<()> {
    let (none, no_flags) = (std::ptr::null::<libc::siginfo_t>(), 0);
    // SAFETY: no signal information is passed, which the call permits.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            process.as_raw_fd(),
            signal,
            none,
            no_flags,
        )
    };
    match io::Error::last_os_error() {
        error if result < 0 && error.raw_os_error() != Some(libc::ESRCH) => Err(error),
        _ => Ok(()),
    }
}

/// Whether this host lets us start a process in these new namespaces and these control groups, found by doing it.
pub(crate) fn start_allowed(namespaces: libc::c_int, entrances: &[OwnedFd]) -> io::Result<()> {
    let none = [std::ptr::null()];
    let mut plan = Plan {
        program: std::ptr::null(),
        arguments: none.as_ptr(),
        environment: none.as_ptr(),
        descriptors: &[],
        entrances,
        identity: identity_map(namespaces),
        error: 0,
    };
    let (pid, descriptor) = clone(namespaces, &mut plan)?;
    drop(Child {
        pid,
        descriptor,
        reaped: false,
    });
    if plan.error == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(plan.error))
    }
}

fn pointers(texts: &[CString]) -> Vec<*const libc::c_char> {
    texts
        .iter()
        .map(|text| text.as_ptr())
        .chain([std::ptr::null()])
        .collect()
}

/// Copies of the descriptors with numbers above all targets, so that putting them in place overwrites none of them.
fn away_from_targets(descriptors: &[BorrowedFd<'_>]) -> io::Result<Vec<OwnedFd>> {
    let above = libc::c_int::try_from(descriptors.len()).map_err(io::Error::other)?;
    let copy = |descriptor: &BorrowedFd<'_>| {
        // SAFETY: no memory is involved.
        let raw =
            checked(unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_DUPFD_CLOEXEC, above) })?;
        // SAFETY: the call gave us a descriptor that nobody else owns.
        Ok(unsafe { OwnedFd::from_raw_fd(raw) })
    };
    descriptors.iter().map(copy).collect()
}

/// Stack of the child until it executes, bytes.
const STACK_BYTES: usize = 64 << 10;

/// Runs `plan` in a new process that shares our memory and holds this thread until it executes or exits.
fn clone(namespaces: libc::c_int, plan: &mut Plan<'_>) -> io::Result<(libc::pid_t, OwnedFd)> {
    let mut stack = vec![0_u128; STACK_BYTES / size_of::<u128>()];
    let mut descriptor: libc::c_int = -1;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD | namespaces;
    let signals = BlockedSignals::all();
    // SAFETY: the stack is ours and large enough for `run_plan`, which calls the kernel only; CLONE_VFORK keeps this
    // frame, the stack and the plan alive until the child no longer shares them; all signals are blocked meanwhile, so
    // no handler of the embedding program runs in the child.
    let pid = unsafe {
        let top = stack.as_mut_ptr_range().end;
        libc::clone(
            run_plan,
            top.cast(),
            flags,
            std::ptr::from_mut(plan).cast(),
            &raw mut descriptor,
        )
    };
    drop(signals);
    let pid = checked(pid)?;
    if descriptor < 0 {
        // A kernel that does not know the flag passes it over.
        // SAFETY: the child is ours, and nobody has taken it from the process table.
        unsafe {
            libc::kill(pid, libc::SIGKILL);
            libc::waitpid(pid, std::ptr::null_mut(), 0);
        }
        return Err(io::Error::from(io::ErrorKind::Unsupported));
    }
    // SAFETY: CLONE_PIDFD gave us a descriptor that nobody else owns.
    Ok((pid, unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

/// All signals blocked on this thread while it lives.
struct BlockedSignals(libc::sigset_t);

impl BlockedSignals {
    fn all() -> Self {
        // SAFETY: all-zero is a valid set, and both sets are valid places.
        unsafe {
            let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self(before)
        }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: the set was filled by the call that blocked.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut())
        };
    }
}
