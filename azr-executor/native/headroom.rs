//! Address space to write a record in when a program has used up its own.
//!
//! A forked worker has a soft limit that it raises to the hard one. The limit of a worker that is rolled back is its
//! tracer's, so it keeps a mapping that nobody touches, and gives that back.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[cfg(target_arch = "x86_64")]
use crate::area;
use crate::host::{self, RLIMIT_AS};

/// How much.
pub const HEADROOM_BYTES: u64 = 16 << 20;

/// The limit of this process's address space with its headroom; 0 where somebody else sets it.
static WITH_HEADROOM: AtomicU64 = AtomicU64::new(0);

/// Limits the address space of this process, but for the headroom.
pub fn limit_address_space(bytes: u64) {
    let with_headroom = bytes.saturating_add(HEADROOM_BYTES);
    WITH_HEADROOM.store(with_headroom, Relaxed);
    host::limit(RLIMIT_AS, bytes, with_headroom);
}

/// Takes the headroom away, before a program runs or goes on.
///
/// # Safety
/// There is one thread.
pub unsafe fn keep() {
    let with_headroom = WITH_HEADROOM.load(Relaxed);
    if with_headroom != 0 {
        return host::limit(RLIMIT_AS, with_headroom - HEADROOM_BYTES, with_headroom);
    }
    // SAFETY: as the caller promises.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        area::keep_headroom(HEADROOM_BYTES as usize)
    };
}

/// Gives it to whoever writes a record. As often as one likes.
///
/// # Safety
/// There is one thread.
pub unsafe fn give() {
    let with_headroom = WITH_HEADROOM.load(Relaxed);
    if with_headroom != 0 {
        return host::limit(RLIMIT_AS, with_headroom, with_headroom);
    }
    // SAFETY: as the caller promises.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        area::give_headroom()
    };
}
