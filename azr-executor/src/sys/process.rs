//! Starts a process in namespaces of its own, and ends it.
//!
//! The child shares our memory until it executes (as `posix_spawn` does it), so starting costs the same however large
//! the embedding process is. Until then it makes system calls and nothing else: no allocation, no locks, no panics.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

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

/// Whether this host lets us make these namespaces, found by making them.
pub(crate) fn namespaces_allowed(namespaces: libc::c_int) -> io::Result<()> {
    let none = [std::ptr::null()];
    let mut plan = Plan {
        program: std::ptr::null(),
        arguments: none.as_ptr(),
        environment: none.as_ptr(),
        descriptors: &[],
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

/// What the child does before it executes, all of it made beforehand.
struct Plan<'call> {
    /// Null for a trial of namespaces.
    program: *const libc::c_char,
    arguments: *const *const libc::c_char,
    environment: *const *const libc::c_char,
    descriptors: &'call [RawFd],
    identity: Option<IdentityMap>,
    /// Written by the child: the error that stopped it.
    error: libc::c_int,
}

/// What goes into the maps of a new user namespace: root there is we here.
struct IdentityMap {
    users: String,
    groups: String,
}

fn identity_map(namespaces: libc::c_int) -> Option<IdentityMap> {
    let (user, group) = super::effective_user();
    let inside = namespaces & libc::CLONE_NEWUSER != 0;
    inside.then(|| IdentityMap {
        users: format!("0 {user} 1\n"),
        groups: format!("0 {group} 1\n"),
    })
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

/// The child, until it executes.
extern "C" fn run_plan(argument: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `clone` passed a plan that the waiting parent keeps alive and does not touch.
    let plan = unsafe { &mut *argument.cast::<Plan<'_>>() };
    // SAFETY: system calls on memory that the plan owns; nothing else is touched, and no lock is taken.
    unsafe {
        plan.error = prepare(plan);
        if plan.error == 0 && !plan.program.is_null() {
            libc::execve(plan.program, plan.arguments, plan.environment);
            plan.error = *libc::__errno_location();
        }
        libc::_exit(127)
    }
}

/// Identity, session, signals and descriptors. Gives an error number, 0 for none.
///
/// # Safety
/// Runs between clone and exec: system calls only.
unsafe fn prepare(plan: &Plan<'_>) -> libc::c_int {
    // SAFETY: as the caller promises; all pointers are of C strings, slices and values that live here or in the plan.
    unsafe {
        if let Some(identity) = &plan.identity {
            // Older kernels have no setgroups file and need none.
            let _ = write_file(c"/proc/self/setgroups", b"deny");
            if !write_file(c"/proc/self/uid_map", identity.users.as_bytes())
                || !write_file(c"/proc/self/gid_map", identity.groups.as_bytes())
            {
                return *libc::__errno_location();
            }
        }
        if plan.program.is_null() {
            return 0;
        }
        // If the thread that started us dies, so do we. The child sets it again when its identity changes.
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        // A session of its own: no terminal, and no Ctrl-C meant for the embedding program.
        libc::setsid();
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut empty: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut empty);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const empty, std::ptr::null_mut());
        for (target, &descriptor) in (0..).zip(plan.descriptors) {
            if libc::dup2(descriptor, target) < 0 {
                return *libc::__errno_location();
            }
        }
        close_from(plan.descriptors.len());
        if libc::chdir(c"/".as_ptr()) < 0 {
            *libc::__errno_location()
        } else {
            0
        }
    }
}

/// # Safety
/// Runs between clone and exec: system calls only.
unsafe fn write_file(path: &CStr, bytes: &[u8]) -> bool {
    // SAFETY: a C string and a slice with its length.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if file < 0 {
            return false;
        }
        let written = libc::write(file, bytes.as_ptr().cast(), bytes.len());
        let error = *libc::__errno_location();
        libc::close(file);
        *libc::__errno_location() = error;
        usize::try_from(written) == Ok(bytes.len())
    }
}

/// Descriptors closed one by one where the kernel cannot close a range.
const DESCRIPTORS_MAX: libc::c_int = 65_536;

/// # Safety
/// Runs between clone and exec: system calls only.
unsafe fn close_from(first: usize) {
    // SAFETY: the descriptor table is the child's own.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) < 0 {
            let first = first as libc::c_int;
            for descriptor in first..DESCRIPTORS_MAX {
                libc::close(descriptor);
            }
        }
    }
}
