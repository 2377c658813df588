//! The life of a worker that is rolled back: birth, layers, and then one run after the other, each from the same state.
//!
//! It shuts itself in further than its template: no files at all, and system calls that change nothing but its own memory.
//! What a program did to that memory is undone at the trap, registers and all.

use std::arch::asm;
use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_ulong};

use crate::area;
use crate::headroom;
use crate::heap;
use crate::host::{self, Need, PAGE_BYTES};
use crate::program::{self, Request};
use crate::serve::Settings;
use crate::store::{self, Store};
use crate::watch::{self, RANGES_MAX, Range, Watch};

/// What a worker that is rolled back needs, beside the windows. 64 bits each.
#[repr(C)]
pub struct Recipe {
    /// The directory `/proc`, which is not in the template's root any more.
    proc_directory: u64,
    /// The landlock rules to put on, or -1.
    landlock_rules: u64,
    /// The seccomp filter: address, instructions.
    filter: u64,
    filter_length: u64,
    /// Where the content of snapshots is kept.
    pub store: Store,
}

const PTRACE_TRACEME: c_uint = 0;
const PR_SET_SECCOMP: c_int = 22;
const SECCOMP_MODE_FILTER: usize = 2;
const SYS_CLOSE_RANGE: c_long = 436;
const SYS_LANDLOCK_RESTRICT_SELF: c_long = 446;
const SYS_MUNMAP: c_long = 11;
const SYS_BRK: c_long = 12;
/// Interrupts enabled, and the bit that is always set.
const INITIAL_FLAGS: c_long = 0x202;
/// All protection keys but the first, which all memory has, are closed.
const INITIAL_KEYS: u32 = 0x5555_5554;
const FIRST_DESCRIPTOR: c_uint = 3;

unsafe extern "C" {
    fn ptrace(request: c_uint, process: c_int, address: usize, data: usize) -> c_long;
    fn getauxval(kind: c_ulong) -> c_ulong;
}

/// What a worker says of itself before any program exists.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Birth {
    /// What went wrong; 0 for nothing.
    pub error: c_int,
    /// How it can be watched.
    pub watch: Watch,
    /// The heap's end, below which it never shrinks.
    pub end_of_heap: usize,
    /// Its memory that can change.
    pub ranges: [Range; RANGES_MAX],
}

/// From its birth to its end.
///
/// # Safety
/// As `serve::serve`, in a child that has just been forked.
pub unsafe fn live(settings: &Settings, birth: *mut Birth, area: usize) -> ! {
    // SAFETY: as `serve`; the place of the birth record is shared with the template.
    unsafe {
        if ptrace(PTRACE_TRACEME, 0, 0, 0) != 0 {
            (*birth).error = Need::Trace.refused();
            host::_exit(1);
        }
        if settings.die_with_parent != 0 {
            host::prctl(host::PR_SET_PDEATHSIG, host::SIGKILL);
        }
        let recipe = &settings.recipe;
        grow_stack();
        let end_of_heap = heap::keep_end();
        (*birth).end_of_heap = end_of_heap;
        let (proc_directory, ranges) = (recipe.proc_directory as c_int, &mut (*birth).ranges);
        (*birth).error = match watch::watch_self(proc_directory, &recipe.store, ranges) {
            Ok(_) if has_restartable_sequences() => host::EINVAL,
            Ok(_) if has_limited_time() => Need::ProcessorTime.with(host::EINVAL),
            Ok(watch) => {
                (*birth).watch = watch;
                0
            }
            Err(error) => error,
        };
        trap();
        store::forget(birth);
        area::open(area);
        let error = shut_in(&settings.recipe, end_of_heap, area);
        if error != 0 {
            host::_exit(error);
        }
        loop {
            trap();
            // From here on everything is as it was at the snapshot, but for the vector state.
            reset_vector_state();
            let request = Request::read(settings.windows.request);
            headroom::limit_program(request.memory_bytes_max);
            program::run(&request, &settings.windows, settings.tools);
        }
    }
}

/// Makes the stack as large as it may become: its size is the kernel's and would not be rolled back.
unsafe fn grow_stack() {
    let mut limits = [0_u64; 2];
    // SAFETY: the limits are a valid place; the stack may be so large, and reading a byte of it makes it so.
    unsafe {
        host::getrlimit(RLIMIT_STACK, &raw mut limits);
        let bytes = limits[0].min(STACK_BYTES_MAX);
        // The name of what was executed is the last thing on the stack, but for a null.
        let name = CStr::from_ptr(getauxval(AT_EXECFN) as *const c_char);
        let end = name.as_ptr().addr() + name.count_bytes() + 1 + size_of::<usize>();
        let lowest = end.next_multiple_of(PAGE_BYTES) - bytes as usize;
        std::ptr::with_exposed_provenance::<u8>(lowest).read_volatile();
        host::limit(RLIMIT_STACK, bytes, bytes);
    }
}

/// Bytes of stack, as a process has them by default.
const STACK_BYTES_MAX: u64 = 8 << 20;
const AT_EXECFN: c_ulong = 31;
const RLIMIT_STACK: c_uint = 3;

/// Whether there is an end to this process's time: programs would use it up together.
unsafe fn has_limited_time() -> bool {
    let mut limits = [0_u64; 2];
    // SAFETY: the limits are a valid place.
    unsafe { host::getrlimit(host::RLIMIT_CPU, &raw mut limits) };
    limits[0] != u64::MAX
}

/// Whether the kernel would act on this thread's memory whenever it comes back to it, before the trap's next instruction.
/// Found by taking the place: it can only be taken once.
fn has_restartable_sequences() -> bool {
    #[repr(C, align(32))]
    struct Area([u32; 8]);
    let mut area = Area([0; 8]);
    let bytes = size_of::<Area>();
    // SAFETY: the area lives until it is given back.
    unsafe {
        let place = (&raw mut area).addr();
        let taken = host::syscall(SYS_RSEQ, place, bytes, 0, SIGNATURE);
        taken != 0 && host::error_number() != ENOSYS
            || taken == 0 && host::syscall(SYS_RSEQ, place, bytes, UNREGISTER, SIGNATURE) != 0
    }
}

const SYS_RSEQ: c_long = 334;
const UNREGISTER: c_int = 1;
const SIGNATURE: c_uint = 0x5305_3053;
const ENOSYS: c_int = 38;

/// Stops until the template lets go; then unmaps and copies what it is told to, so that everything this process can write
/// is what it was at the stop. The template sets all registers: unless `r14` is 0, the protection keys are what they were
/// when the process began, so that all its memory is accessible; unless `r12` is 0, the area there is emptied and the heap
/// ends at `r13` again; `r8` copies are made from the list at `r9`; then there is one more stop if `r10` is not 0. Nothing up
/// to there reads memory that a program can write. The flags are set behind it, for a tracer cannot set them all. `r15` tells
/// the template where all that ends.
#[inline(never)]
fn trap() {
    // SAFETY: without copies, which is how this is entered, nothing changes; the copies make all memory what it was here.
    unsafe {
        asm!(
            "lea r15, [rip + 7f]",
            "int3",
            "test r14, r14",
            "jz 6f",
            "xor ecx, ecx",
            "xor edx, edx",
            "mov eax, {keys}",
            "wrpkru",
            "6:",
            "test r12, r12",
            "jz 2f",
            "mov rdi, r12",
            "mov rsi, {emptied}",
            "mov eax, {munmap}",
            "syscall",
            "test rax, rax",
            "jnz 5f",
            "mov rdi, r13",
            "mov eax, {brk}",
            "syscall",
            "cmp rax, r13",
            "je 2f",
            "5:",
            "ud2",
            "2:",
            "test r8, r8",
            "jz 3f",
            "mov rdi, [r9]",
            "mov rsi, [r9 + 8]",
            "mov rcx, [r9 + 16]",
            "rep movsb",
            "add r9, 24",
            "dec r8",
            "jmp 2b",
            "3:",
            "test r10, r10",
            "jz 4f",
            "int3",
            "4:",
            "push {flags}",
            "popfq",
            "7:",
            emptied = const area::EMPTIED_BYTES,
            munmap = const SYS_MUNMAP,
            brk = const SYS_BRK,
            flags = const INITIAL_FLAGS,
            keys = const INITIAL_KEYS,
            inout("r14") 0_u64 => _,
            inout("r13") 0_u64 => _,
            inout("r12") 0_u64 => _,
            out("rax") _,
            out("rdx") _,
            out("r11") _,
            out("r15") _,
            inout("r8") 0_u64 => _,
            inout("r9") 0_u64 => _,
            inout("r10") 0_u64 => _,
            out("rdi") _,
            out("rsi") _,
            out("rcx") _,
        );
    }
}

/// Sets all vector and floating-point registers to their initial state.
fn reset_vector_state() {
    #[repr(C, align(64))]
    struct Area([u32; 144]);
    static INITIAL: Area = {
        let mut words = [0; 144];
        // The control word of the vector unit: all exceptions masked, round to nearest.
        words[6] = 0x1f80;
        Area(words)
    };
    // SAFETY: an area whose header names no component sets all of them to their initial state.
    unsafe {
        asm!(
            "xrstor64 [{area}]",
            area = in(reg) &raw const INITIAL,
            inout("eax") u32::MAX => _,
            inout("edx") u32::MAX => _,
            clobber_abi("sysv64"),
            options(readonly, nostack)
        );
    }
}

/// Operands of the filter that stand for halves of addresses: the heap's lowest end, and the area's start. The supervisor,
/// which writes the filter, has the same in its `filter.rs`.
const HEAP_HIGH: u32 = 0xa2ea_0001;
const HEAP_LOW: u32 = 0xa2ea_0002;
const AREA_HIGH: u32 = 0xa2ea_0003;

/// Takes files, limits and system calls away. Gives an error number, 0 for none.
unsafe fn shut_in(recipe: &Recipe, end_of_heap: usize, area: usize) -> c_int {
    #[repr(C)]
    struct Filter {
        length: u16,
        instructions: *mut Instruction,
    }
    #[repr(C)]
    struct Instruction {
        code: u16,
        jumps: u16,
        operand: u32,
    }
    // SAFETY: the recipe is valid, and its filter is this process's own copy.
    unsafe {
        if (recipe.landlock_rules as c_int) >= 0
            && host::syscall(
                SYS_LANDLOCK_RESTRICT_SELF,
                recipe.landlock_rules as c_int,
                0,
            ) != 0
        {
            return host::error_number();
        }
        host::syscall(SYS_CLOSE_RANGE, FIRST_DESCRIPTOR, c_uint::MAX, 0);
        host::limit(host::RLIMIT_NPROC, 0, 0);
        host::limit(host::RLIMIT_NOFILE, 3, 3);
        let instructions = recipe.filter as *mut Instruction;
        for nth in 0..recipe.filter_length as usize {
            let operand = &mut (*instructions.add(nth)).operand;
            *operand = match *operand {
                HEAP_HIGH => (end_of_heap >> 32) as u32,
                HEAP_LOW => end_of_heap as u32,
                AREA_HIGH => (area >> 32) as u32,
                other => other,
            };
        }
        let filter = Filter {
            length: recipe.filter_length as u16,
            instructions,
        };
        if host::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &raw const filter, 0, 0) != 0 {
            return host::error_number();
        }
    }
    0
}
