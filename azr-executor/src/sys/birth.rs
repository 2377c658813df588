//! What a child does between its birth and the program that it executes: system calls and nothing else, for it shares
//! our memory until then.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// What the child does before it executes, all of it made beforehand.
pub(super) struct Plan<'call> {
    /// Null for a trial.
    pub(super) program: *const libc::c_char,
    pub(super) arguments: *const *const libc::c_char,
    pub(super) environment: *const *const libc::c_char,
    pub(super) descriptors: &'call [RawFd],
    pub(super) entrances: &'call [OwnedFd],
    pub(super) identity: Option<IdentityMap>,
    /// Written by the child: the error that stopped it.
    pub(super) error: libc::c_int,
}

/// What goes into the maps of a new user namespace: root there is we here.
pub(super) struct IdentityMap {
    users: String,
    groups: String,
}

pub(super) fn identity_map(namespaces: libc::c_int) -> Option<IdentityMap> {
    let (user, group) = super::effective_user();
    let inside = namespaces & libc::CLONE_NEWUSER != 0;
    inside.then(|| IdentityMap {
        users: format!("0 {user} 1\n"),
        groups: format!("0 {group} 1\n"),
    })
}

/// The child, until it executes.
pub(super) extern "C" fn run_plan(argument: *mut libc::c_void) -> libc::c_int {
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

/// Control groups, identity, session, signals and descriptors. Gives an error number, 0 for none.
///
/// # Safety
/// Runs between clone and exec: system calls only.
unsafe fn prepare(plan: &Plan<'_>) -> libc::c_int {
    // SAFETY: as the caller promises; all pointers are of C strings, slices and values that live here or in the plan.
    unsafe {
        for entrance in plan.entrances {
            if !write_all(entrance.as_raw_fd(), b"0") {
                return *libc::__errno_location();
            }
        }
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
        steady_limits();
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

/// Bytes of stack, as processes have them by default.
const STACK_BYTES_MAX: libc::rlim_t = 8 << 20;

/// The same depth of recursion whatever the shell's limit, unless that is lower; and no end of a process's time before it
/// has to be.
///
/// # Safety
/// Runs between clone and exec: system calls only.
unsafe fn steady_limits() {
    for resource in [libc::RLIMIT_STACK, libc::RLIMIT_CPU] {
        // SAFETY: one limit is written and read.
        unsafe {
            let mut limit: libc::rlimit = std::mem::zeroed();
            if libc::getrlimit(resource, &raw mut limit) == 0 {
                limit.rlim_cur = if resource == libc::RLIMIT_STACK {
                    limit.rlim_cur.min(STACK_BYTES_MAX)
                } else {
                    limit.rlim_max
                };
                // Where that is refused they stay what they are.
                libc::setrlimit(resource, &raw const limit);
            }
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
        let is_written = write_all(file, bytes);
        let error = *libc::__errno_location();
        libc::close(file);
        *libc::__errno_location() = error;
        is_written
    }
}

/// # Safety
/// Runs between clone and exec: system calls only.
unsafe fn write_all(file: RawFd, bytes: &[u8]) -> bool {
    // SAFETY: a slice with its length.
    let written = unsafe { libc::write(file, bytes.as_ptr().cast(), bytes.len()) };
    usize::try_from(written) == Ok(bytes.len())
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
