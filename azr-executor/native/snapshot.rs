//! One worker for many runs: stopped after each by a trap, and let go again with the order to make itself what it was.
//!
//! The worker ([`crate::life`]) is the template's child and its tracee. Which of its pages have to be copied back is
//! learned from the kernel ([`crate::image`]); registers are put back from here.

use std::arch::x86_64::__cpuid_count;
use std::ffi::{c_int, c_long, c_uint};

use crate::headroom::HEADROOM_BYTES;
use crate::heap;
use crate::host::{self, Need, PAGE_BYTES};
use crate::image::{Image, Ledger, Plan};
use crate::life::{self, Birth};
use crate::program::Request;
use crate::serve::Settings;
use crate::store;
use crate::tracee::{Registers, Tracee, stop_signal};
use crate::watch::Watch;

/// Places of registers: the next instruction, and at the trap the first one behind it.
const NEXT_INSTRUCTION: usize = 16;
const END_OF_TRAP: usize = 0;
/// `rax`, which the filter leaves as it was when it refuses a call by a signal.
const CALL: usize = 10;
/// `r14`, `r12`, `r13`, `r8`, `r9` and `r10`: what the trap is told when it is let go.
const HAS_KEYS: usize = 1;
const AREA: usize = 3;
const END_OF_HEAP: usize = 2;
const STEPS: usize = 9;
const LIST: usize = 8;
const STOPS_AGAIN: usize = 7;

const SIGTRAP: c_int = 5;
const SIGXCPU: c_int = 24;
const SIGSYS: c_int = 31;
const SYS_EXIT: u64 = 60;
const SYS_EXIT_GROUP: u64 = 231;
const SYS_PIDFD_GETFD: c_long = 438;

unsafe extern "C" {
    fn prlimit(process: c_int, resource: c_uint, new: *const [u64; 2], old: *mut [u64; 2])
    -> c_int;
}

/// A worker that waits at its trap.
struct Worker {
    process: Tracee,
    registers: Registers,
    image: Image,
    /// Where its large blocks are.
    area: usize,
    /// Where its heap ends.
    end_of_heap: usize,
    /// What it has to copy before its next run.
    plan: Plan,
    /// Whether it could close its own memory with protection keys.
    has_keys: bool,
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

/// # Safety
/// As `serve::serve`.
pub unsafe fn serve(settings: &Settings, socket: c_int) {
    // SAFETY: as the caller promises.
    let nursery = unsafe {
        settings.recipe.store.keep_from_workers();
        Nursery::open(settings, socket)
    };
    let nursery = match nursery {
        Ok(nursery) => nursery,
        Err(error) => return Failure::Call(error).report(socket),
    };
    // There is always one ready, or on its way: no program's time runs while its worker is born.
    loop {
        match nursery.spawn() {
            Ok(mut worker) => {
                host::report(socket, READY, 0, -1);
                let is_supervisor_gone = worker.serve(settings, socket);
                worker.process.end();
                if is_supervisor_gone {
                    return;
                }
            }
            Err(failure) => return failure.report(socket),
        }
    }
}

/// What the supervisor is told: a program has ended, and the worker is ready for the next one at once, or will say when.
const ENDED: u8 = b'e';
const ENDED_WAIT: u8 = b'w';
const READY: u8 = b'o';

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
    /// Where notes on it are kept, which are no part of any worker.
    ledger: *mut Ledger,
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
            births: store::shared()?,
            // SAFETY: it is of this size.
            ledger: unsafe { store::own()? },
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
            -1 => Err(Failure::Call(Need::Fork.refused())),
            _ => {
                let worker = self.raise(Tracee(process));
                if worker.is_err() {
                    Tracee(process).end();
                }
                worker
            }
        }
    }

    /// From the child's birth to its first stop at the trap.
    fn raise(&self, process: Tracee) -> Result<Worker, Failure> {
        let stopped = stopped_at_trap(process.stop());
        process.die_with_us();
        // SAFETY: the worker wrote this before it stopped, and no program exists yet.
        let birth = unsafe { self.births.read() };
        if birth.error != 0 {
            return Err(Failure::Call(birth.error));
        }
        stopped?;
        let handle = host::open_process(process.0);
        let take = |descriptor: c_int| {
            // SAFETY: no memory is involved.
            let copy = unsafe { host::syscall(SYS_PIDFD_GETFD, handle, descriptor, 0) } as c_int;
            if copy < 0 {
                Err(Failure::Call(Need::TakeDescriptor.refused()))
            } else {
                Ok(copy)
            }
        };
        let watch = birth.watch;
        let descriptors = [
            watch.page_map,
            watch.memory,
            watch.sizes,
            watch.fault_descriptor,
        ]
        .map(take);
        // The supervisor watches the deadlines of all its runs, and kills it when one is over.
        host::report(self.socket, b'p', 0, handle);
        // SAFETY: the descriptor is ours.
        unsafe { host::close(handle) };
        let [page_map, memory, sizes, fault_descriptor] = descriptors;
        let watch = Watch {
            page_map: page_map?,
            memory: memory?,
            sizes: sizes?,
            fault_descriptor: fault_descriptor?,
            ..watch
        };
        process.resume();
        stopped_at_trap(process.stop())?;
        let registers = process.registers();
        let ranges = &birth.ranges[..watch.ranges];
        let store = self.settings.recipe.store;
        Ok(Worker {
            process,
            registers,
            image: Image::take(&watch, ranges, store, self.ledger).map_err(Failure::Call)?,
            area: self.area,
            end_of_heap: birth.end_of_heap,
            plan: Plan::default(),
            has_keys: has_protection_keys(),
            address_space_max: 0,
        })
    }
}

impl Worker {
    /// Serves requests until it cannot be used again; true when the supervisor is gone.
    fn serve(&mut self, settings: &Settings, socket: c_int) -> bool {
        while let Some(request) = host::next_request(socket) {
            let is_whole = match request {
                b'a' => self.audit(socket),
                b'c' => self.settle(socket),
                _ => self.run(settings, socket),
            };
            if !is_whole {
                return false;
            }
        }
        true
    }

    /// Runs the request and reports; false when the worker cannot be used again.
    fn run(&mut self, settings: &Settings, socket: c_int) -> bool {
        // SAFETY: the supervisor wrote the request before it said so.
        let request = unsafe { Request::read(settings.windows.request) };
        let memory = request.memory_bytes_max;
        self.limit(memory);
        let status = self.go(GOES_ON);
        let registers = self.process.registers();
        let is_done = stopped_at_trap(status).is_ok()
            && registers[NEXT_INSTRUCTION] == self.registers[NEXT_INSTRUCTION];
        if !is_done && self.is_spoilt(status, &registers) {
            host::report(socket, ENDED_WAIT, KILLED, -1);
            return false;
        }
        let ending = if is_done {
            0
        } else {
            ending(status, registers[CALL])
        };
        // Wherever it stopped: it has no say in where it goes on, and a signal that it stopped for is never delivered.
        let Some(plan) = stop_signal(status).and_then(|_| self.image.plan()) else {
            host::report(socket, ENDED_WAIT, ending, -1);
            return false;
        };
        self.plan = plan;
        if !plan.is_due && !self.image.has_grown() {
            host::report(socket, ENDED, ending, -1);
            return true;
        }
        // What takes long to undo is not undone in the next program's time.
        host::report(socket, ENDED_WAIT, ending, -1);
        let is_undone = self.roll_back().is_ok();
        if !is_undone || plan.is_due && self.image.protect().is_err() {
            return false;
        }
        host::report(socket, READY, 0, -1);
        true
    }

    /// Takes a signal that was sent to a program which had already ended, so that it does not stop the next one.
    fn settle(&mut self, socket: c_int) -> bool {
        let is_undone = self.roll_back().is_ok();
        if is_undone {
            host::report(socket, READY, 0, -1);
        }
        is_undone
    }

    /// Whether the worker failed before the program began, while it made itself what it was: no verdict. Or the program made
    /// it look so, and gains nothing: it is tried once more, and then it was killed.
    fn is_spoilt(&self, status: c_int, registers: &Registers) -> bool {
        let trap = self.registers[NEXT_INSTRUCTION]..self.registers[END_OF_TRAP];
        stop_signal(status).is_some_and(|signal| signal != SIGXCPU)
            && trap.contains(&registers[NEXT_INSTRUCTION])
    }

    /// The worker makes itself what it was, and stops again. A signal that was meant for the program before may stop it on
    /// the way; then it starts over.
    fn roll_back(&mut self) -> Result<(), Failure> {
        let mut status = self.go(STOPS);
        while stop_signal(status) == Some(SIGXCPU) {
            status = self.go(STOPS);
        }
        stopped_at_trap(status)?;
        self.plan.steps = 0;
        Ok(())
    }

    /// Says how many pages are not what they were at the snapshot.
    fn audit(&mut self, socket: c_int) -> bool {
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
        rolled_back
    }

    /// Lets the worker go from the trap until it stops: its wait status. What it mapped is unmapped on the way only if it
    /// stops again, for nothing is mapped when a program begins.
    fn go(&self, then: u64) -> c_int {
        let mut registers = self.registers;
        registers[HAS_KEYS] = u64::from(self.has_keys);
        registers[AREA] = if then == STOPS { self.area as u64 } else { 0 };
        registers[END_OF_HEAP] = self.end_of_heap as u64;
        registers[STEPS] = self.plan.steps as u64;
        registers[LIST] = self.image.store_there as u64;
        registers[STOPS_AGAIN] = then;
        self.process.resume_at(&registers);
        self.process.stop()
    }

    /// Limits the memory of a program: so much beside what the worker had before the first one.
    fn limit(&mut self, memory: u64) {
        let own = (self.image.pages * PAGE_BYTES) as u64 + HEADROOM_BYTES;
        let address_space = memory.saturating_add(own);
        if self.address_space_max != address_space {
            self.address_space_max = address_space;
            let limits = [address_space, u64::MAX];
            // SAFETY: two words are read, none written. Lowering and raising below the hard limit always succeeds.
            unsafe {
                prlimit(
                    self.process.0,
                    host::RLIMIT_AS,
                    &raw const limits,
                    std::ptr::null_mut(),
                );
            }
        }
    }
}

/// Whether the processor has protection keys and the kernel lets programs set them.
fn has_protection_keys() -> bool {
    const FEATURES: u32 = 7;
    const KEYS_ARE_ON: u32 = 1 << 4;
    __cpuid_count(FEATURES, 0).ecx & KEYS_ARE_ON != 0
}

/// What a program's end without a result is reported as, by the worker's wait status and the system call it was about to
/// make: the signal that would have ended it, or an exit that is none of success.
fn ending(status: c_int, call: u64) -> c_int {
    const LEFT: c_int = 1 << 8;
    match stop_signal(status) {
        Some(SIGSYS) if call == SYS_EXIT || call == SYS_EXIT_GROUP => LEFT,
        Some(signal) => signal,
        None if status == 0 => LEFT,
        None => status,
    }
}

/// What the trap does after its copies.
const GOES_ON: u64 = 0;
const STOPS: u64 = 1;

/// The wait status of a process that was killed.
const KILLED: c_int = host::SIGKILL;

fn stopped_at_trap(status: c_int) -> Result<(), Failure> {
    if stop_signal(status) == Some(SIGTRAP) {
        Ok(())
    } else if status & 0x7f == 0 && status != 0 {
        // An exit before the first stop says which error it was.
        Err(Failure::Call(Need::ShutIn.with(status >> 8)))
    } else {
        Err(Failure::Worker(status))
    }
}
