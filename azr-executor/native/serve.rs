//! The template's loop: waits for a request, lets a worker run it, reports how the worker ended.

use std::ffi::c_int;

use crate::headroom;
use crate::host::{self, Need};
#[cfg(target_arch = "x86_64")]
use crate::life::Recipe;
use crate::program::{self, Request, Windows};
use crate::python as py;
use crate::record::Tools;
#[cfg(target_arch = "x86_64")]
use crate::snapshot;

/// What the driver hands over. Its fields are 64 bits each.
#[repr(C)]
pub struct Settings {
    /// 0 forks a worker for each run; 1 rolls one worker back.
    pub mode: u64,
    /// The socket to the supervisor.
    pub socket: u64,
    /// Whether each worker has to be told to die with its template.
    pub die_with_parent: u64,
    /// Bytes of address space before any program.
    pub address_space: u64,
    /// Where requests and results are.
    pub windows: Windows,
    /// Objects looked up before any program existed.
    pub tools: Tools,
    /// What a worker that is rolled back needs.
    #[cfg(target_arch = "x86_64")]
    pub recipe: Recipe,
}

/// A worker that runs longer than this is handed to the supervisor, which watches the deadlines.
static SHORT_RUN: host::Time = host::Time {
    seconds: 0,
    nanoseconds: 20_000_000,
};

/// Called at the interpreter's end, which never comes.
///
/// # Safety
/// Everything in `settings` is valid for the rest of the process, and the interpreter's lock is held.
pub unsafe fn serve(settings: &Settings) {
    let socket = settings.socket as c_int;
    // SAFETY: a function of the interpreter's own; programs would find this one among what it clears.
    unsafe {
        py::PyObject_CallFunctionObjArgs(
            settings.tools.clear_exit_callbacks,
            std::ptr::null_mut::<u8>(),
        )
    };
    let signals = host::child_signal();
    // Blocked, so that it can be waited for.
    // SAFETY: a valid set, and nothing is written.
    unsafe { host::sigprocmask(host::SIG_BLOCK, &raw const signals, std::ptr::null_mut()) };
    let handle = host::open_process(host::own_process());
    if handle < 0 {
        // Without handles nobody could end a program that hangs.
        host::report(socket, b'f', Need::Handle.refused(), -1);
        // It is read before the first request is answered; to be gone then would be another error.
        host::next_request(socket);
        return;
    }
    // SAFETY: the descriptor is ours.
    unsafe { host::close(handle) };
    #[cfg(target_arch = "x86_64")]
    if settings.mode == 1 {
        // SAFETY: as the caller promises.
        return unsafe { snapshot::serve(settings, socket) };
    }
    while host::next_request(socket) == Some(b'r') {
        // SAFETY: there is one thread, and the child only runs what follows.
        match unsafe { host::fork() } {
            0 => {
                // SAFETY: as the caller promises; the worker exits when the program ran.
                unsafe {
                    host::close(socket);
                    work(settings);
                    host::_exit(0)
                }
            }
            -1 => host::report(socket, b'f', Need::Fork.refused(), -1),
            worker => {
                let status = wait(socket, worker);
                host::report(socket, b'e', status, -1);
            }
        }
    }
}

/// Waits until a child ends or stops. A long one is handed over: only the supervisor can kill.
pub fn wait(socket: c_int, worker: c_int) -> c_int {
    let set = host::child_signal();
    let mut is_handed_over = false;
    loop {
        // SAFETY: valid sets and places; the information about the signal is not wanted.
        let signal = unsafe {
            host::sigtimedwait(&raw const set, std::ptr::null_mut(), &raw const SHORT_RUN)
        };
        let mut status = 0;
        // SAFETY: one number is written.
        if unsafe { host::waitpid(worker, &raw mut status, host::WNOHANG) } != 0 {
            return status;
        }
        if signal < 0 && !is_handed_over {
            is_handed_over = true;
            let descriptor = host::open_process(worker);
            host::report(socket, b'p', 0, descriptor);
            // SAFETY: the descriptor is ours.
            unsafe { host::close(descriptor) };
        }
    }
}

/// The worker of one run: lowers its limits, runs the program.
unsafe fn work(settings: &Settings) {
    // SAFETY: as the caller of `serve` promises.
    unsafe {
        if settings.die_with_parent != 0 {
            host::prctl(host::PR_SET_PDEATHSIG, host::SIGKILL);
        }
        let request = Request::read(settings.windows.request);
        let seconds = u64::from(request.cpu_seconds_max) + host::processor_seconds() + 1;
        host::limit(host::RLIMIT_NPROC, 0, 0);
        host::limit(host::RLIMIT_NOFILE, 8, 8);
        host::limit(host::RLIMIT_CPU, seconds, seconds + 1);
        let address_space = settings
            .address_space
            .saturating_add(request.memory_bytes_max);
        headroom::limit_address_space(address_space);
        program::run(&request, &settings.windows, settings.tools);
    }
}
