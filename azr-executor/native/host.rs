//! The kernel's side: the few calls of the C library that a template makes.

use std::ffi::{c_int, c_long, c_uint, c_void};

unsafe extern "C" {
    pub fn _exit(code: c_int) -> !;
    pub fn close(descriptor: c_int) -> c_int;
    pub fn fork() -> c_int;
    pub fn mmap(
        start: usize,
        length: usize,
        protection: c_int,
        flags: c_int,
        file: c_int,
        at: i64,
    ) -> usize;
    pub fn munmap(start: usize, length: usize) -> c_int;
    pub fn prctl(option: c_int, ...) -> c_int;
    pub fn recv(socket: c_int, buffer: *mut c_void, length: usize, flags: c_int) -> isize;
    pub fn sendmsg(socket: c_int, message: *const Message, flags: c_int) -> isize;
    pub fn sigaddset(set: *mut SignalSet, signal: c_int) -> c_int;
    pub fn sigemptyset(set: *mut SignalSet) -> c_int;
    pub fn sigprocmask(how: c_int, set: *const SignalSet, before: *mut SignalSet) -> c_int;
    pub fn sigtimedwait(
        set: *const SignalSet,
        information: *mut c_void,
        timeout: *const Time,
    ) -> c_int;
    pub fn syscall(number: c_long, ...) -> c_long;
    pub fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn ioctl(descriptor: c_int, request: u64, argument: *mut c_void) -> c_int;
    pub fn getrlimit(resource: c_uint, limits: *mut [u64; 2]) -> c_int;
    fn setrlimit(resource: c_uint, limit: *const [u64; 2]) -> c_int;
    fn getpid() -> c_int;
    fn clock_gettime(clock: c_int, time: *mut Time) -> c_int;
    fn __errno_location() -> *mut c_int;
}

/// `sigset_t`.
pub type SignalSet = [u64; 16];

/// `struct timespec`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Time {
    pub seconds: i64,
    pub nanoseconds: i64,
}

/// `struct iovec`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Part {
    pub start: *mut c_void,
    pub length: usize,
}

/// `struct msghdr`.
#[repr(C)]
pub struct Message {
    pub name: *mut c_void,
    pub name_length: c_uint,
    pub parts: *mut Part,
    pub parts_length: usize,
    pub control: *mut c_void,
    pub control_length: usize,
    pub flags: c_int,
}

/// Size of a page on x86-64, bytes.
pub const PAGE_BYTES: usize = 4096;

/// The error number of what does not make sense.
pub const EINVAL: c_int = 22;

pub const SIGKILL: c_int = 9;
pub const SIGCHLD: c_int = 17;
pub const WNOHANG: c_int = 1;
pub const SIG_BLOCK: c_int = 0;
pub const PR_SET_PDEATHSIG: c_int = 1;
const MSG_NOSIGNAL: c_int = 0x4000;
const SOL_SOCKET: c_int = 1;
const SCM_RIGHTS: c_int = 1;
const CLOCK_PROCESS_CPUTIME_ID: c_int = 2;
const SYS_PIDFD_OPEN: c_long = 434;

/// Resources of `setrlimit`; the numbers are those of x86-64 and aarch64.
pub const RLIMIT_CPU: c_uint = 0;
pub const RLIMIT_NPROC: c_uint = 6;
pub const RLIMIT_NOFILE: c_uint = 7;
pub const RLIMIT_AS: c_uint = 9;

/// What a host may refuse. The supervisor has the same numbers in its `refusal.rs`.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub enum Need {
    Handle = 1,
    Fork = 2,
    Trace = 3,
    FaultDescriptor = 4,
    Protection = 5,
    Scan = 6,
    TakeDescriptor = 7,
    ShutIn = 8,
    ProcessorTime = 9,
}

impl Need {
    /// It was refused by the last call: an error number that says so.
    pub fn refused(self) -> c_int {
        self.with(error_number())
    }

    /// It was refused with this error number.
    pub fn with(self, error: c_int) -> c_int {
        (self as c_int) << 16 | error
    }
}

/// The error number of the last call that failed.
pub fn error_number() -> c_int {
    // SAFETY: the C library gives this thread's place.
    unsafe { *__errno_location() }
}

/// `ioctl` with a structure of the request's own layout.
pub fn control(descriptor: c_int, request: u64, argument: *mut c_void) -> Result<c_int, c_int> {
    // SAFETY: every caller passes a structure of the request's own layout.
    let result = unsafe { ioctl(descriptor, request, argument) };
    if result < 0 {
        Err(error_number())
    } else {
        Ok(result)
    }
}

/// Sets both limits of a resource. A limit that cannot be set is one that is lower already.
pub fn limit(resource: c_uint, soft: u64, hard: u64) {
    let limits = [soft, hard];
    // SAFETY: two words are read.
    unsafe { setrlimit(resource, &raw const limits) };
}

/// Whole seconds of processor time that this process has used.
pub fn processor_seconds() -> u64 {
    let mut time = Time::default();
    // SAFETY: one time is written.
    unsafe { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.seconds.cast_unsigned()
}

/// The number of this process.
pub fn own_process() -> c_int {
    // SAFETY: no memory is involved.
    unsafe { getpid() }
}

/// A descriptor of a process.
pub fn open_process(process: c_int) -> c_int {
    // SAFETY: no memory is involved.
    unsafe { syscall(SYS_PIDFD_OPEN, process, 0) as c_int }
}

/// Sends a tag, a number and, unless it is negative, a descriptor, as one message.
pub fn report(socket: c_int, tag: u8, number: c_int, descriptor: c_int) {
    #[repr(C)]
    struct Control {
        length: usize,
        level: c_int,
        kind: c_int,
        descriptor: c_int,
    }
    let mut bytes = [0_u8; 5];
    bytes[0] = tag;
    bytes[1..].copy_from_slice(&number.to_le_bytes());
    let mut part = Part {
        start: bytes.as_mut_ptr().cast(),
        length: bytes.len(),
    };
    let mut control = Control {
        length: size_of::<usize>() + 3 * size_of::<c_int>(),
        level: SOL_SOCKET,
        kind: SCM_RIGHTS,
        descriptor,
    };
    let carries = 0 <= descriptor;
    let message = Message {
        name: std::ptr::null_mut(),
        name_length: 0,
        parts: &raw mut part,
        parts_length: 1,
        control: if carries {
            (&raw mut control).cast()
        } else {
            std::ptr::null_mut()
        },
        control_length: if carries { size_of::<Control>() } else { 0 },
        flags: 0,
    };
    // SAFETY: the message and all it points to live until the call returns. A supervisor that is gone ends us soon.
    unsafe { sendmsg(socket, &raw const message, MSG_NOSIGNAL) };
}

/// Waits for the next message of one byte; false when the other end is gone.
pub fn next_request(socket: c_int) -> Option<u8> {
    let mut byte = 0_u8;
    // SAFETY: one byte is written.
    let received = unsafe { recv(socket, (&raw mut byte).cast(), 1, 0) };
    (received == 1).then_some(byte)
}

/// The signal that says that a child has ended or stopped.
pub fn child_signal() -> SignalSet {
    let mut set = [0; 16];
    // SAFETY: the set is a valid place.
    unsafe {
        sigemptyset(&raw mut set);
        sigaddset(&raw mut set, SIGCHLD);
    }
    set
}
