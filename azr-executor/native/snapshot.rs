//! One worker for many runs: stopped after each by a trap, and let go again with the order to make itself what it was.
//!
//! The worker ([`crate::life`]) is the template's child and its tracee. Which of its pages have to be copied back is
//! learned from the kernel ([`crate::image`]); registers are put back from here.

use std::ffi::{c_int, c_long, c_uint};

use crate::heap;
use crate::host;
use crate::image::{Image, Plan};
use crate::life::{self, Birth};
use crate::program::Request;
use crate::serve::Settings;
use crate::store;
use crate::watch::Watch;

/// Registers as the kernel hands them out.
type Registers = [u64; 27];
const NEXT_INSTRUCTION: usize = 16;
/// `rax`, which the filter leaves as it was when it refuses a call by a signal.
const CALL: usize = 10;
/// `r12`, `r8`, `r9` and `r10`: what the trap is told when it is let go.
const AREA: usize = 3;
const STEPS: usize = 9;
const LIST: usize = 8;
const STOPS_AGAIN: usize = 7;

const PTRACE_CONT: c_uint = 7;
const PTRACE_GETREGS: c_uint = 12;
const PTRACE_SETREGS: c_uint = 13;
const PTRACE_SETOPTIONS: c_uint = 0x4200;
const PTRACE_O_EXITKILL: usize = 0x10_0000;
const SIGTRAP: c_int = 5;
const SIGSYS: c_int = 31;
const SYS_EXIT: u64 = 60;
const SYS_EXIT_GROUP: u64 = 231;
const SYS_PIDFD_GETFD: c_long = 438;

unsafe extern "C" {
    fn kill(process: c_int, signal: c_int) -> c_int;
    fn prlimit(process: c_int, resource: c_uint, new: *const [u64; 2], old: *mut [u64; 2])
    -> c_int;
    fn ptrace(request: c_uint, process: c_int, address: usize, data: usize) -> c_long;
}

/// A worker that waits at its trap.
struct Worker {
    process: c_int,
    registers: Registers,
    image: Image,
    /// Where its large blocks are.
    area: usize,
    /// What it has to copy before its next run.
    plan: Plan,
    /// The limit of its address space that is set now.
    address_space_max: u64,
}

/// Why there is no worker.
enum Failure {
    /// A system call failed with this error number.
    Call(c_int),
    /// The worker ended, or stopped elsewhere than at its trap, with this wait status.
    Worker(c_int),
}

/// What became of a worker.
enum Fate {
    /// It can run the next program.
    Whole,
    /// It cannot be used again.
    Spent,
    /// It was lost before its program began, and nothing was reported.
    LostBefore,
}

/// # Safety
/// As `serve::serve`.
pub unsafe fn serve(settings: &Settings, socket: c_int) {
    // SAFETY: as the caller promises.
    let nursery = unsafe {
        settings.recipe.store.keep_from_workers();
        Nursery::open(settings, socket)
    };
    let spawn = || match &nursery {
        Ok(nursery) => nursery.spawn(),
        Err(error) => Err(Failure::Call(*error)),
    };
    // There is always one ready, so that a request after a killed worker does not wait for its successor's birth.
    let mut worker = spawn();
    while let Some(request) = host::next_request(socket) {
        // No program can choose to be lost before it begins; one that seems to be for the second time made it seem so.
        for is_first in [true, false] {
            if worker.is_err() {
                worker = spawn();
            }
            let fate = match worker.as_mut() {
                Ok(ready) if request == b'a' => ready.audit(socket),
                Ok(ready) => ready.run(settings, socket, is_first),
                Err(failure) => {
                    failure.report(socket);
                    break;
                }
            };
            if !matches!(fate, Fate::Whole) {
                worker.iter().for_each(|lost| end(lost.process));
                worker = spawn();
            }
            if !matches!(fate, Fate::LostBefore) {
                break;
            }
        }
    }
}

impl Failure {
    fn report(&self, socket: c_int) {
        match self {
            Self::Call(error) => host::report(socket, b'f', *error, -1),
            Self::Worker(status) => host::report(socket, b'd', *status, -1),
        }
    }
}

/// Where workers come from.
struct Nursery<'template> {
    settings: &'template Settings,
    /// Where a worker says what it is.
    births: *mut Birth,
    /// Where its large blocks will be.
    area: usize,
    socket: c_int,
}

impl<'template> Nursery<'template> {
    /// # Safety
    /// As `serve::serve`.
    unsafe fn open(settings: &'template Settings, socket: c_int) -> Result<Self, c_int> {
        Ok(Self {
            settings,
            births: store::shared::<Birth>()?,
            // SAFETY: as the caller promises.
            area: unsafe { heap::take_memory_from_here()? },
            socket,
        })
    }

    fn spawn(&self) -> Result<Worker, Failure> {
        // SAFETY: as `serve`; the child runs nothing but its own birth and programs.
        let process = unsafe { host::fork() };
        match process {
            // SAFETY: as `serve`.
            0 => unsafe { life::live(self.settings, self.births, self.area) },
            -1 => Err(Failure::Call(host::error_number())),
            _ => {
                let worker = self.raise(process);
                if worker.is_err() {
                    end(process);
                }
                worker
            }
        }
    }

    /// From the child's birth to its first stop at the trap.
    fn raise(&self, process: c_int) -> Result<Worker, Failure> {
        stopped_at_trap(stop_of(process))?;
        // SAFETY: no memory is involved.
        unsafe { ptrace(PTRACE_SETOPTIONS, process, 0, PTRACE_O_EXITKILL) };
        // SAFETY: the worker wrote this before it stopped, and no program exists yet.
        let birth = unsafe { self.births.read() };
        if birth.error != 0 {
            return Err(Failure::Call(birth.error));
        }
        let handle = host::open_process(process);
        let take = |descriptor: c_int| {
            // SAFETY: no memory is involved.
            let copy = unsafe { host::syscall(SYS_PIDFD_GETFD, handle, descriptor, 0) } as c_int;
            if copy < 0 {
                Err(Failure::Call(host::error_number()))
            } else {
                Ok(copy)
            }
        };
        let descriptors = (
            take(birth.watch.page_map),
            take(birth.watch.memory),
            take(birth.watch.fault_descriptor),
        );
        // The supervisor watches the deadlines of all its runs, and kills it when one is over.
        host::report(self.socket, b'p', 0, handle);
        // SAFETY: the descriptor is ours.
        unsafe { host::close(handle) };
        let watch = Watch {
            page_map: descriptors.0?,
            memory: descriptors.1?,
            fault_descriptor: descriptors.2?,
            ..birth.watch
        };
        resume(process);
        stopped_at_trap(stop_of(process))?;
        let registers = registers(process);
        let ranges = &birth.ranges[..watch.ranges];
        let store = self.settings.recipe.store;
        Ok(Worker {
            process,
            registers,
            image: Image::take(&watch, ranges, store).map_err(Failure::Call)?,
            area: self.area,
            plan: Plan::default(),
            address_space_max: 0,
        })
    }
}

impl Worker {
    /// Runs the request and reports. A loss before the program began is not reported if it `may_be_lost`.
    fn run(&mut self, settings: &Settings, socket: c_int, may_be_lost: bool) -> Fate {
        let windows = &settings.windows;
        // SAFETY: the supervisor wrote the request before it said so.
        let request = unsafe { Request::read(windows.request) };
        self.limit(
            settings
                .address_space
                .saturating_add(request.memory_bytes_max),
        );
        let status = match self.begin() {
            Ok(()) => stop_of(self.process),
            Err(status) => status,
        };
        let is_at_trap = stopped_at_trap(status).is_ok();
        let registers = registers(self.process);
        if is_at_trap && registers[NEXT_INSTRUCTION] == self.registers[NEXT_INSTRUCTION] {
            host::report(socket, b'e', 0, -1);
        } else if may_be_lost && !windows.has_begun() {
            return Fate::LostBefore;
        } else {
            host::report(socket, b'e', ending(status, registers[CALL]), -1);
        }
        if !is_stopped(status) {
            return Fate::Spent;
        }
        // Wherever it stopped: it has no say in where it goes on, and a signal that it stopped for is never delivered.
        match self.image.plan() {
            Some(plan) => {
                self.plan = plan;
                Fate::Whole
            }
            None => Fate::Spent,
        }
    }

    /// Lets the worker go, to make itself what it was and then to run. Protection is renewed in between when it is due.
    fn begin(&mut self) -> Result<(), c_int> {
        if self.plan.is_due {
            self.roll_back()?;
            self.image.protect().map_err(|_| KILLED)?;
            self.go(0, GOES_ON);
        } else {
            self.go(self.plan.steps, GOES_ON);
        }
        Ok(())
    }

    /// The worker makes itself what it was, and stops again.
    fn roll_back(&mut self) -> Result<(), c_int> {
        self.go(self.plan.steps, STOPS);
        let status = stop_of(self.process);
        self.plan.steps = 0;
        stopped_at_trap(status).map_err(|_| status)
    }

    /// Says how many pages are not what they were at the snapshot.
    fn audit(&mut self, socket: c_int) -> Fate {
        let rolled_back = self.roll_back().is_ok();
        host::report(
            socket,
            b'a',
            if rolled_back {
                self.image.differing_pages()
            } else {
                -1
            },
            -1,
        );
        if rolled_back {
            Fate::Whole
        } else {
            Fate::Spent
        }
    }

    fn go(&self, steps: usize, then: u64) {
        let mut registers = self.registers;
        registers[AREA] = self.area as u64;
        registers[STEPS] = steps as u64;
        registers[LIST] = self.image.store_there as u64;
        registers[STOPS_AGAIN] = then;
        // SAFETY: the registers are a valid place.
        unsafe {
            ptrace(
                PTRACE_SETREGS,
                self.process,
                0,
                (&raw const registers).addr(),
            )
        };
        resume(self.process);
    }

    fn limit(&mut self, address_space: u64) {
        if self.address_space_max != address_space {
            self.address_space_max = address_space;
            let limits = [address_space, u64::MAX];
            // SAFETY: two words are read, none written. Lowering and raising below the hard limit always succeeds.
            unsafe {
                prlimit(
                    self.process,
                    host::RLIMIT_AS,
                    &raw const limits,
                    std::ptr::null_mut(),
                );
            }
        }
    }
}

/// What a program's end without a result is reported as, by the worker's wait status and the system call it was about to
/// make: the signal that would have ended it, or an exit that is none of success.
fn ending(status: c_int, call: u64) -> c_int {
    const LEFT: c_int = 1 << 8;
    if !is_stopped(status) {
        return if status == 0 { LEFT } else { status };
    }
    match status >> 8 & 0x7f {
        SIGSYS if call == SYS_EXIT || call == SYS_EXIT_GROUP => LEFT,
        SIGTRAP => host::SIGKILL,
        signal => signal,
    }
}

/// What the trap does after its copies.
const GOES_ON: u64 = 0;
const STOPS: u64 = 1;

/// The wait status of a process that was killed.
const KILLED: c_int = host::SIGKILL;

/// Waits until the worker stops or ends. There is no limit: the supervisor kills it when its time is over.
fn stop_of(process: c_int) -> c_int {
    let mut status = 0;
    // SAFETY: one number is written.
    while unsafe { host::waitpid(process, &raw mut status, 0) } < 0 && host::error_number() == EINTR
    {
    }
    status
}

const EINTR: c_int = 4;

fn end(process: c_int) {
    let mut status = 0;
    // SAFETY: one number is written.
    unsafe {
        kill(process, host::SIGKILL);
        while host::waitpid(process, &raw mut status, 0) == process && is_stopped(status) {}
    }
}

fn is_stopped(status: c_int) -> bool {
    status & 0xff == 0x7f
}

fn stopped_at_trap(status: c_int) -> Result<(), Failure> {
    if is_stopped(status) && status >> 8 & 0xff == SIGTRAP {
        Ok(())
    } else if status & 0x7f == 0 && status != 0 {
        // An exit before the first stop says which error it was.
        Err(Failure::Call(status >> 8))
    } else {
        Err(Failure::Worker(status))
    }
}

fn resume(process: c_int) {
    // SAFETY: no memory is involved.
    unsafe { ptrace(PTRACE_CONT, process, 0, 0) };
}

fn registers(process: c_int) -> Registers {
    let mut registers = [0; 27];
    // SAFETY: the registers are a valid place.
    unsafe { ptrace(PTRACE_GETREGS, process, 0, (&raw mut registers).addr()) };
    registers
}
