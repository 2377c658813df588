//! What runs inside a template's interpreter: native code that reads requests, runs programs and writes typed results.
//!
//! The crate's build script compiles these files into a shared library and embeds it; the driver loads it into the
//! interpreter before that is shut in. Nothing here is linked into the supervisor. It has no dependencies, and of the
//! interpreter it uses functions that every CPython from 3.10 on exports.
//!
//! Order of reading: [`serve`] (the template's loop), [`program`] (one run), [`record`], [`encode`], [`decode`],
//! [`library`] and [`headroom`] (what came of it, and values), [`snapshot`], [`tracee`], [`life`] and [`image`] (a worker that is rolled
//! back) with [`watch`], [`scan`], [`store`], [`heap`] and [`area`], then the two foreign sides, [`python`] and [`host`].

mod decode;
mod encode;
mod headroom;
mod host;
mod library;
mod program;
mod python;
mod record;
mod serve;

#[cfg(target_arch = "x86_64")]
mod area;
#[cfg(target_arch = "x86_64")]
mod heap;
#[cfg(target_arch = "x86_64")]
mod image;
#[cfg(target_arch = "x86_64")]
mod life;
#[cfg(target_arch = "x86_64")]
mod scan;
#[cfg(target_arch = "x86_64")]
mod snapshot;
#[cfg(target_arch = "x86_64")]
mod store;
#[cfg(target_arch = "x86_64")]
mod tracee;
#[cfg(target_arch = "x86_64")]
mod watch;

use serve::Settings;

/// Serves requests until the supervisor is gone, then ends the process. Called once, at the interpreter's end, with its
/// lock held.
///
/// # Safety
/// `settings` points to a filled [`Settings`] whose addresses, objects and descriptors are valid for the rest of the
/// process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn azr_serve(settings: *const Settings) -> ! {
    // SAFETY: as the caller promises.
    unsafe {
        serve::serve(&*settings);
        host::_exit(0)
    }
}
