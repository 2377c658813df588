//! Where programs get their memory: from the heap, whose end the kernel can be told to put back, and from the area of
//! large blocks ([`crate::area`]), which it can be told to empty.

use std::ffi::{c_int, c_void};

use crate::area;
use crate::host::PAGE_BYTES;

const M_TRIM_THRESHOLD: c_int = -1;
const M_TOP_PAD: c_int = -2;
const M_MMAP_MAX: c_int = -4;
const TOP_PAD_BYTES: c_int = 1 << 20;
const TRIMMED_BYTES: c_int = 64 << 20;

unsafe extern "C" {
    fn free(memory: *mut c_void);
    fn mallopt(parameter: c_int, value: c_int) -> c_int;
    fn memalign(alignment: usize, length: usize) -> *mut c_void;
    fn sbrk(bytes: isize) -> *mut c_void;
    fn PyObject_SetArenaAllocator(allocator: *const ArenaAllocator);
}

/// Arenas since the template started, and of those how many lie on the heap: few enough for what short programs need, where
/// they are cheapest. Those beyond are given back for good when they are empty.
static mut ARENAS: usize = 0;
const ARENAS_ON_HEAP: usize = 4;

#[repr(C)]
struct ArenaAllocator {
    context: *mut c_void,
    allocate: unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void,
    free: unsafe extern "C" fn(*mut c_void, *mut c_void, usize),
}

/// Makes all memory of programs come from the heap and the area, and none from other mappings. Gives the area's start.
///
/// # Safety
/// The interpreter's lock is held, here and whenever it allocates.
pub unsafe fn take_memory_from_here() -> Result<usize, c_int> {
    unsafe extern "C" fn allocate(_: *mut c_void, length: usize) -> *mut c_void {
        // SAFETY: one thread; the alignment is a power of two.
        unsafe {
            ARENAS += 1;
            let mapped = if ARENAS <= ARENAS_ON_HEAP {
                None
            } else {
                area::allocate_arena(length)
            };
            mapped.unwrap_or_else(|| memalign(PAGE_BYTES, length))
        }
    }
    unsafe extern "C" fn release(_: *mut c_void, arena: *mut c_void, _: usize) {
        // Those from before are mappings, which lie above the heap and have to stay.
        // SAFETY: an arena that is not used any more.
        unsafe {
            if !area::release_arena(arena) && arena < sbrk(0) {
                free(arena);
            }
        }
    }
    // SAFETY: the allocator is copied; memory that was allocated before stays where it is.
    unsafe {
        mallopt(M_MMAP_MAX, 0);
        mallopt(M_TRIM_THRESHOLD, TRIMMED_BYTES);
        mallopt(M_TOP_PAD, TOP_PAD_BYTES);
        PyObject_SetArenaAllocator(&ArenaAllocator {
            context: std::ptr::null_mut(),
            allocate,
            free: release,
        });
        // The heap's end moves past its padding, so that short programs never move it.
        free(memalign(PAGE_BYTES, PAGE_BYTES));
        area::reserve()
    }
}
