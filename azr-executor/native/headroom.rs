//! Memory to write a record in when a program has used up its own.
//!
//! A program's limit is raised by so much once it has ended. A forked worker has a soft limit of the kernel's that it raises
//! to the hard one. The kernel's limit of a worker that is rolled back is its tracer's and has the headroom in it; what its
//! programs may take of that is kept by those who give it to them ([`crate::heap`]).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

#[cfg(target_arch = "x86_64")]
use crate::heap;
use crate::host::{self, RLIMIT_AS};

/// How much.
pub const HEADROOM_BYTES: u64 = 16 << 20;

/// What is limited, without the headroom: this process's address space, or what a program takes.
static BYTES_MAX: AtomicU64 = AtomicU64::new(0);
static IS_ROLLED_BACK: AtomicBool = AtomicBool::new(false);

/// Limits the address space of this process, but for the headroom.
pub fn limit_address_space(bytes: u64) {
    BYTES_MAX.store(bytes, Relaxed);
    keep();
}

/// Limits what a program takes of the heap and the area, but for the headroom.
#[cfg(target_arch = "x86_64")]
pub fn limit_program(bytes: u64) {
    IS_ROLLED_BACK.store(true, Relaxed);
    limit_address_space(bytes);
}

/// Takes the headroom away, before a program runs or goes on.
pub fn keep() {
    limit(BYTES_MAX.load(Relaxed));
}

/// Gives it to whoever writes a record. As often as one likes.
pub fn give() {
    limit(with_headroom());
}

fn limit(bytes: u64) {
    #[cfg(target_arch = "x86_64")]
    if IS_ROLLED_BACK.load(Relaxed) {
        return heap::limit(bytes);
    }
    host::limit(RLIMIT_AS, bytes, with_headroom());
}

fn with_headroom() -> u64 {
    BYTES_MAX.load(Relaxed).saturating_add(HEADROOM_BYTES)
}
