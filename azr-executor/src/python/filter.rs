//! The seccomp filters: which system calls a template and its workers may make.
//!
//! Three answers: allowed; refused with an error number, so that a program sees an ordinary exception; and killed, for
//! calls that only an escape needs (or stopped for good, where a worker is rolled back). Whatever is not named is refused
//! with `EPERM`.
//!
//! A template that forks passes its filter on to its workers. One that rolls a worker back must itself trace it and
//! write its memory; that worker puts on a second, tighter filter, under which nothing outside its memory can change.

mod instruction;

use crate::python::Backend;
use instruction::{
    ALLOW, ARCHITECTURE, AUDIT_ARCHITECTURE, Check, FOREIGN_NUMBERS, Instruction, JUMP_ANY_BIT,
    JUMP_EQUAL, JUMP_NOT_LESS, KILL, NUMBER, STOP, allow_when, answer, argument_high, argument_low,
    bytes, jump, load, on_call, refuse,
};

/// What changes nothing but the caller's memory and time.
const HARMLESS: &[libc::c_long] = &[
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getppid,
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_pselect6,
    libc::SYS_gettimeofday,
    libc::SYS_sched_yield,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getcwd,
    libc::SYS_getrusage,
    libc::SYS_times,
    libc::SYS_uname,
    libc::SYS_fstat,
    libc::SYS_lseek,
];

/// What ends a process.
const EXITS: &[libc::c_long] = &[libc::SYS_exit_group, libc::SYS_exit];

/// What a template needs beside it, and workers of its own inherit.
const OWN: &[libc::c_long] = &[
    libc::SYS_munmap,
    libc::SYS_brk,
    libc::SYS_recvfrom,
    libc::SYS_wait4,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sendmsg,
    libc::SYS_pidfd_open,
];

/// What a template needs that rolls a worker back, and what that worker needs until it is shut in.
const ROLLING_BACK: &[libc::c_long] = &[
    libc::SYS_ptrace,
    libc::SYS_pread64,
    libc::SYS_ioctl,
    libc::SYS_kill,
    libc::SYS_prlimit64,
    libc::SYS_pidfd_getfd,
    libc::SYS_openat,
    libc::SYS_userfaultfd,
    libc::SYS_landlock_restrict_self,
    libc::SYS_prctl,
];

/// The same by their older numbers.
#[cfg(target_arch = "x86_64")]
const HARMLESS_BY_OLD_NUMBER: &[libc::c_long] = &[libc::SYS_select];
#[cfg(target_arch = "aarch64")]
const HARMLESS_BY_OLD_NUMBER: &[libc::c_long] = &[];

/// What only an escape needs.
const ESCAPES: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_userfaultfd,
    libc::SYS_perf_event_open,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_open_by_handle_at,
    libc::SYS_pidfd_getfd,
    libc::SYS_reboot,
];

/// Lookups of paths: there is nothing to find, and that is what a program is told.
const NOTHING_THERE: &[libc::c_long] = &[
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
];

/// The same by their older numbers.
#[cfg(target_arch = "x86_64")]
const NOTHING_THERE_BY_PATH: &[libc::c_long] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
];
#[cfg(target_arch = "aarch64")]
const NOTHING_THERE_BY_PATH: &[libc::c_long] = &[];

/// Flags of a plain `fork`, beside its signal.
const FORK_FLAGS: u32 = (libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID) as u32 | 0xff;

/// Flags that make namespaces.
const NAMESPACE_FLAGS: u32 = (libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP) as u32;

/// The filter of a template.
pub(super) fn of_template(backend: Backend) -> Vec<u8> {
    let mut filter = beginning();
    // A worker has its template's filter too, and the harsher of two answers is the one that counts.
    let (own, fork, on_escape): (&[libc::c_long], u32, u32) = match backend {
        Backend::Snapshot => (ROLLING_BACK, ALLOW, STOP),
        Backend::Fork => (&[], ALLOW, KILL),
        // It is the worker itself.
        Backend::Exec => (&[], refuse(libc::EAGAIN), KILL),
    };
    always(&mut filter, own, ALLOW);
    always(&mut filter, &[libc::SYS_restart_syscall], ALLOW);
    on_fork(&mut filter, fork, on_escape);
    // Memory, but never executable.
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        on_call(&mut filter, call, |rule| {
            rule.extend([
                load(argument_low(2)),
                jump(JUMP_ANY_BIT, libc::PROT_EXEC as u32, 0, 1),
            ]);
            rule.extend([answer(refuse(libc::EPERM)), answer(ALLOW)]);
        });
    }
    // Its own limits, not those of other processes.
    on_call(&mut filter, libc::SYS_prlimit64, |rule| {
        rule.extend([
            load(argument_low(0)),
            jump(JUMP_EQUAL, 0, 1, 0),
            answer(refuse(libc::EPERM)),
            answer(ALLOW),
        ]);
    });
    // What ends a worker with its template, where no process namespace does.
    on_call(&mut filter, libc::SYS_prctl, |rule| {
        let option = libc::PR_SET_PDEATHSIG as u32;
        rule.extend([
            load(argument_low(0)),
            jump(JUMP_EQUAL, option, 1, 0),
            answer(refuse(libc::EPERM)),
            answer(ALLOW),
        ]);
    });
    always(&mut filter, OWN, ALLOW);
    always(&mut filter, EXITS, ALLOW);
    end(&mut filter, on_escape);
    bytes(&filter)
}

/// Operands that stand for halves of addresses which only the worker knows: the heap's end, below which it must not
/// shrink, and the start of the area of its large blocks.
const HEAP_HIGH: u32 = 0xa2ea_0001;
const HEAP_LOW: u32 = 0xa2ea_0002;
const AREA_HIGH: u32 = 0xa2ea_0003;

const READ_AND_WRITE: u32 = (libc::PROT_READ | libc::PROT_WRITE) as u32;

/// What new memory looks like: private, anonymous, and where nothing is.
const FRESH_MEMORY: u32 =
    (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE) as u32;

/// Moving memory to a given place.
const TO_PLACE: u32 = (libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED) as u32;

/// The filter of a worker that is rolled back. What it permits changes its own memory, and of its mappings only those of
/// an area that is emptied after each run, and the heap's end, which is put back.
pub(super) fn of_worker() -> Vec<u8> {
    let mut filter = beginning();
    // The kernel remembers what was interrupted, and would go on with what an earlier program asked for.
    let interrupted = refuse(libc::EINTR);
    always(&mut filter, &[libc::SYS_restart_syscall], interrupted);
    on_fork(&mut filter, refuse(libc::EAGAIN), STOP);
    on_call(&mut filter, libc::SYS_brk, |rule| {
        rule.extend([
            load(argument_high(0)),
            jump(JUMP_EQUAL, HEAP_HIGH, 0, 2),
            load(argument_low(0)),
            jump(JUMP_NOT_LESS, HEAP_LOW, 2, 1),
            jump(JUMP_NOT_LESS, HEAP_HIGH, 1, 0),
            answer(STOP),
            answer(ALLOW),
        ]);
    });
    // Blocks begin in the area's first 4 GiB and are shorter; what is unmapped is less than twice that.
    let in_area = Check::equal(argument_high(0), AREA_HIGH);
    let short = |index| Check::equal(argument_high(index), 0);
    let fresh = [
        in_area,
        short(1),
        Check::equal(argument_low(2), READ_AND_WRITE),
        Check::equal(argument_low(3), FRESH_MEMORY),
    ];
    let resized = [
        in_area,
        short(1),
        short(2),
        // In place, or to a place in the area; never to one that the kernel chooses.
        Check::below(argument_low(3), TO_PLACE + 1),
        Check::differs(argument_low(3), libc::MREMAP_MAYMOVE as u32),
        Check::equal(argument_high(4), AREA_HIGH),
    ];
    let unmapped = [in_area, Check::below(argument_high(1), 2)];
    // Limits may be asked for, not set.
    let asked_for = [
        Check::equal(argument_low(2), 0),
        Check::equal(argument_high(2), 0),
        Check::equal(argument_low(0), 0),
    ];
    // No set of signals, or the one that ends its time might wait.
    let unmasked = [
        Check::equal(argument_low(5), 0),
        Check::equal(argument_high(5), 0),
    ];
    for (call, checks, error) in [
        (libc::SYS_mmap, fresh.as_slice(), libc::ENOMEM),
        (libc::SYS_mremap, &resized, libc::ENOMEM),
        (libc::SYS_munmap, &unmapped, libc::EPERM),
        (libc::SYS_prlimit64, &asked_for, libc::EPERM),
        (libc::SYS_pselect6, &unmasked, libc::EPERM),
    ] {
        on_call(&mut filter, call, |rule| {
            allow_when(rule, checks, refuse(error));
        });
    }
    always(&mut filter, EXITS, STOP);
    end(&mut filter, STOP);
    bytes(&filter)
}

/// Other instruction sets and numberings are an escape.
fn beginning() -> Vec<Instruction> {
    vec![
        load(ARCHITECTURE),
        jump(JUMP_EQUAL, AUDIT_ARCHITECTURE, 1, 0),
        answer(KILL),
        load(NUMBER),
        jump(JUMP_NOT_LESS, FOREIGN_NUMBERS, 0, 1),
        answer(KILL),
    ]
}

/// A fork; threads and shared memory are refused, namespaces are an escape.
fn on_fork(filter: &mut Vec<Instruction>, action: u32, on_escape: u32) {
    on_call(filter, libc::SYS_clone, |rule| {
        rule.extend([
            load(argument_low(0)),
            jump(JUMP_ANY_BIT, NAMESPACE_FLAGS, 0, 1),
            answer(on_escape),
        ]);
        rule.extend([
            jump(JUMP_ANY_BIT, !FORK_FLAGS, 0, 1),
            answer(refuse(libc::EPERM)),
            answer(action),
        ]);
    });
}

fn always(filter: &mut Vec<Instruction>, calls: &[libc::c_long], action: u32) {
    for &call in calls {
        filter.extend([jump(JUMP_EQUAL, call as u32, 0, 1), answer(action)]);
    }
}

/// What both filters say of everything else.
fn end(filter: &mut Vec<Instruction>, on_escape: u32) {
    always(filter, HARMLESS, ALLOW);
    always(filter, HARMLESS_BY_OLD_NUMBER, ALLOW);
    always(filter, NOTHING_THERE, refuse(libc::ENOENT));
    always(filter, NOTHING_THERE_BY_PATH, refuse(libc::ENOENT));
    always(filter, ESCAPES, on_escape);
    // Without it the C library falls back to clone, whose flags can be seen.
    always(filter, &[libc::SYS_clone3], refuse(libc::ENOSYS));
    always(filter, &[libc::SYS_ioctl], refuse(libc::ENOTTY));
    filter.push(answer(refuse(libc::EPERM)));
}
