//! A process that is traced: how it stopped, where it stands, and how it is let go.

use std::ffi::{c_int, c_long, c_uint};

use crate::host;

/// A child that is traced by this process.
#[derive(Clone, Copy)]
pub struct Tracee(pub c_int);

/// Registers as the kernel hands them out.
pub type Registers = [u64; 27];

const PTRACE_CONT: c_uint = 7;
const PTRACE_GETREGS: c_uint = 12;
const PTRACE_SETREGS: c_uint = 13;
const PTRACE_SETOPTIONS: c_uint = 0x4200;
const PTRACE_O_EXITKILL: usize = 0x10_0000;
const EINTR: c_int = 4;

unsafe extern "C" {
    fn kill(process: c_int, signal: c_int) -> c_int;
    fn ptrace(request: c_uint, process: c_int, address: usize, data: usize) -> c_long;
}

impl Tracee {
    /// Waits until it stops or ends: its wait status. There is no limit: the supervisor watches the time.
    pub fn stop(self) -> c_int {
        let mut status = 0;
        // SAFETY: one number is written.
        while unsafe { host::waitpid(self.0, &raw mut status, 0) } < 0
            && host::error_number() == EINTR
        {}
        status
    }

    /// Makes it die with this process.
    pub fn die_with_us(self) {
        // SAFETY: no memory is involved.
        unsafe { ptrace(PTRACE_SETOPTIONS, self.0, 0, PTRACE_O_EXITKILL) };
    }

    /// Where it stands.
    pub fn registers(self) -> Registers {
        let mut registers = [0; 27];
        // SAFETY: the registers are a valid place.
        unsafe { ptrace(PTRACE_GETREGS, self.0, 0, (&raw mut registers).addr()) };
        registers
    }

    /// Lets it go, without the signal that it stopped for.
    pub fn resume(self) {
        // SAFETY: no memory is involved.
        unsafe { ptrace(PTRACE_CONT, self.0, 0, 0) };
    }

    /// Lets it go with these registers.
    pub fn resume_at(self, registers: &Registers) {
        // SAFETY: the registers are a valid place.
        unsafe { ptrace(PTRACE_SETREGS, self.0, 0, registers.as_ptr().addr()) };
        self.resume();
    }

    /// Kills it, and takes it from the process table.
    pub fn end(self) {
        let mut status = 0;
        // SAFETY: one number is written.
        unsafe {
            kill(self.0, host::SIGKILL);
            while host::waitpid(self.0, &raw mut status, 0) == self.0
                && stop_signal(status).is_some()
            {}
        }
    }
}

/// The signal that a process stopped for; none when it has ended.
pub fn stop_signal(status: c_int) -> Option<c_int> {
    (status & 0xff == 0x7f).then_some(status >> 8 & 0x7f)
}
