//! Where programs get their memory: from the heap, whose end the kernel can be told to put back, and from the area of
//! large blocks ([`crate::area`]), which it can be told to empty.

use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::area;
use crate::host::PAGE_BYTES;

const M_TRIM_THRESHOLD: c_int = -1;
const M_TOP_PAD: c_int = -2;
const M_MMAP_MAX: c_int = -4;
const TOP_PAD_BYTES: c_int = 1 << 20;
/// The C library never lowers the heap's end of its own accord: it knows nothing of the end that has to be kept.
const NO_TRIMMING: c_int = -1;

/// `struct mallinfo`: of its ten numbers the last is what could be given back from the heap's end, bytes.
#[repr(C)]
struct Information {
    others: [c_int; 9],
    free_at_end: c_int,
}

unsafe extern "C" {
    fn mallinfo() -> Information;
    fn malloc(bytes: usize) -> *mut c_void;
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

/// Where the heap ends when no program has begun.
static mut END: usize = 0;

/// The heap's end, which it keeps: a filter of system calls makes sure of that.
///
/// # Safety
/// There is one thread.
pub unsafe fn keep_end() -> usize {
    // SAFETY: as the caller promises.
    unsafe {
        END = sbrk(0).addr();
        END
    }
}

/// What a program may take, and what of that lies in the area, bytes.
static BYTES_MAX: AtomicUsize = AtomicUsize::new(isize::MAX.cast_unsigned());
static LENT: AtomicUsize = AtomicUsize::new(0);

/// Limits what programs take of the heap and the area together, beside what is there when none has begun.
pub fn limit(bytes: u64) {
    let most = isize::MAX.cast_unsigned();
    BYTES_MAX.store(usize::try_from(bytes).unwrap_or(most).min(most), Relaxed);
}

/// Takes note of a block in the area that has another length now.
pub fn lend(before: usize, after: usize) {
    LENT.store(LENT.load(Relaxed) + after - before, Relaxed);
}

/// Whether so many bytes more are inside the limit, wherever they are taken.
pub fn has_room(bytes: usize) -> bool {
    // SAFETY: it only says where the heap ends.
    let end = unsafe { sbrk(0) };
    is_inside(end.addr().saturating_add(bytes))
}

/// Whether the heap may reach up to `end`.
fn is_inside(end: usize) -> bool {
    // SAFETY: it was written before any program began.
    let before = unsafe { END };
    end.saturating_sub(before) <= BYTES_MAX.load(Relaxed).saturating_sub(LENT.load(Relaxed))
}

/// A block of the heap, inside the limit. When there is none, the heap's padding may be what is missing.
///
/// # Safety
/// There is one thread, and `take` gives blocks of so many bytes of the C library.
pub unsafe fn patiently(bytes: usize, take: impl Fn() -> *mut c_void) -> *mut c_void {
    let inside = || {
        let block = take();
        if is_inside(block.addr().saturating_add(bytes)) {
            return block;
        }
        // SAFETY: nobody has the block.
        unsafe { free(block) };
        std::ptr::null_mut()
    };
    let block = inside();
    if !block.is_null() {
        return block;
    }
    // SAFETY: as the caller promises.
    unsafe { give_back() };
    inside()
}

/// Gives back what is free at the heap's end, and asks for no more than is needed from now on: memory is scarce.
///
/// # Safety
/// There is one thread.
pub unsafe fn give_back() {
    // SAFETY: the block is the C library's, and given back at once. It borders on the end, or is none of what is free there.
    unsafe {
        mallopt(M_TOP_PAD, 0);
        let end = sbrk(0).addr();
        // The number has 32 bits, and a heap that grew by more may have more free at its end than it says.
        if u32::MAX as usize <= end.saturating_sub(END) {
            return;
        }
        let free_at_end = mallinfo().free_at_end.cast_unsigned() as usize;
        // The heap never ends before the place where it did at first.
        let kept = (END + PAGE_BYTES).saturating_sub(end.saturating_sub(free_at_end));
        if kept + BORDER_BYTES < free_at_end {
            mallopt(M_TOP_PAD, c_int::try_from(kept).unwrap_or(c_int::MAX));
            mallopt(M_TRIM_THRESHOLD, 0);
            // Hidden from the compiler, which knows both and would leave them out.
            free(black_box(malloc(free_at_end - BORDER_BYTES)));
            mallopt(M_TRIM_THRESHOLD, NO_TRIMMING);
            mallopt(M_TOP_PAD, 0);
        }
    }
}

/// Blocks that are larger than this are looked at when they are given back: whether they border on the heap's end. Twice
/// what the C library has for that, so that the block is larger when what is free is.
const BORDER_BYTES: usize = 128 << 10;

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
            mapped.unwrap_or_else(|| patiently(length, || memalign(PAGE_BYTES, length)))
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
        mallopt(M_TRIM_THRESHOLD, NO_TRIMMING);
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
