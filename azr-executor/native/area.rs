//! Large blocks of memory: mappings in one area of the address space that holds nothing else, so that all of them can be
//! taken away at once from outside ([`crate::life`]).
//!
//! From the heap they would not be what they are in a fresh interpreter: zeros that cost nothing, and memory that is
//! given back when it is freed.

use std::ffi::{c_int, c_long, c_void};

use crate::heap;
use crate::host::{self, PAGE_BYTES};

/// Smallest block that gets a mapping of its own, bytes, at first. As in the C library it becomes the size of the largest
/// block that was given back, up to a limit: what comes and goes is cheaper on the heap.
const LARGE_BYTES: usize = 128 << 10;
const LARGE_BYTES_MAX: usize = 32 << 20;

/// The area begins at a multiple of this, blocks begin within so much of it and are shorter: what a filter of system
/// calls can tell from half a word.
const REACH: usize = 1 << 32;

/// What is reserved for the area. All blocks lie in its first two parts of [`REACH`]; behind them lies nothing that a
/// longer length could touch.
const RESERVED_BYTES: usize = 3 * REACH;

/// What emptying the area unmaps from its start: all places where blocks can be.
pub const EMPTIED_BYTES: usize = 2 * REACH - PAGE_BYTES;

/// Blocks at a time; more come from the heap.
const BLOCKS_MAX: usize = 1024;

const PROT_NONE: c_int = 0;
const PROT_READ_AND_WRITE: c_int = 3;
const PRIVATE_AND_ANONYMOUS: c_int = 0x22;
const MAP_NORESERVE: c_int = 0x4000;
const MAP_FIXED_NOREPLACE: c_int = 0x10_0000;
const SYS_MREMAP: c_long = 25;
const IN_PLACE: c_int = 0;
const TO_PLACE: c_int = 3;

unsafe extern "C" {
    fn malloc_usable_size(block: *mut c_void) -> usize;
    fn PyMem_GetAllocator(domain: c_int, allocator: *mut Allocator);
    fn PyMem_SetAllocator(domain: c_int, allocator: *const Allocator);
}

/// `PyMemAllocatorEx`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Allocator {
    context: *mut c_void,
    malloc: unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void,
    calloc: unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut c_void,
    realloc: unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> *mut c_void,
    free: unsafe extern "C" fn(*mut c_void, *mut c_void),
}

/// `PYMEM_DOMAIN_RAW`, from which the others get what is larger than they keep.
const RAW: c_int = 0;

/// Addresses from `start` to `end`.
#[derive(Clone, Copy)]
struct Block {
    start: usize,
    end: usize,
}

/// The area and the blocks in it, by their addresses.
struct Area {
    start: usize,
    blocks: [Block; BLOCKS_MAX],
    length: usize,
    /// Smallest block that is one of these now, bytes.
    large_bytes: usize,
    /// Where the interpreter gets the rest.
    heap: Option<Allocator>,
}

static mut AREA: Area = Area {
    start: 0,
    blocks: [Block { start: 0, end: 0 }; BLOCKS_MAX],
    length: 0,
    large_bytes: LARGE_BYTES,
    heap: None,
};

/// Reserves the area and makes large blocks of the interpreter come from it in this process's children, once they have
/// [`open`]ed it. Gives its start.
///
/// # Safety
/// The interpreter's lock is held, here and whenever it allocates.
pub unsafe fn reserve() -> Result<usize, c_int> {
    // SAFETY: new mappings at places of the kernel's choice, of which the ends are given back; one thread.
    unsafe {
        let flags = PRIVATE_AND_ANONYMOUS | MAP_NORESERVE;
        let found = host::mmap(0, RESERVED_BYTES + REACH, PROT_NONE, flags, -1, 0);
        if found == usize::MAX {
            return Err(host::error_number());
        }
        let start = found.next_multiple_of(REACH);
        let behind = start + RESERVED_BYTES;
        for (from, to) in [(found, start), (behind, found + RESERVED_BYTES + REACH)] {
            if from < to {
                host::munmap(from, to - from);
            }
        }
        let area = area();
        area.start = start;
        let mut heap = Allocator {
            context: std::ptr::null_mut(),
            malloc,
            calloc,
            realloc,
            free,
        };
        let own = heap;
        PyMem_GetAllocator(RAW, &raw mut heap);
        area.heap = Some(heap);
        PyMem_SetAllocator(RAW, &raw const own);
        Ok(start)
    }
}

/// Empties the area, which from here on holds blocks.
pub fn open(start: usize) {
    // SAFETY: nothing is there but the reservation.
    unsafe { host::munmap(start, RESERVED_BYTES) };
}

/// A block of zeros for an arena of the interpreter, which it gives back whole.
///
/// # Safety
/// There is one thread.
pub unsafe fn allocate_arena(bytes: usize) -> Option<*mut c_void> {
    // SAFETY: as the caller promises.
    unsafe { area().map(bytes) }
}

/// Gives an arena back, if it is one of these.
///
/// # Safety
/// There is one thread, and nobody uses the arena any more.
pub unsafe fn release_arena(arena: *mut c_void) -> bool {
    // SAFETY: as the caller promises.
    unsafe { area().unmap(arena.addr()).is_some() }
}

unsafe fn area() -> &'static mut Area {
    let area = &raw mut AREA;
    // SAFETY: one thread, and no reference outlives the call it was made for.
    unsafe { &mut *area }
}

impl Area {
    /// A block of zeros, if it is large and there is room.
    unsafe fn allocate(&mut self, bytes: usize) -> Option<*mut c_void> {
        // SAFETY: as the caller promises.
        (self.large_bytes <= bytes).then(|| unsafe { self.map(bytes) })?
    }

    unsafe fn map(&mut self, bytes: usize) -> Option<*mut c_void> {
        if REACH - PAGE_BYTES <= bytes || self.length == BLOCKS_MAX {
            return None;
        }
        let length = bytes.next_multiple_of(PAGE_BYTES);
        let (at, start) = self.gap(length)?;
        let flags = PRIVATE_AND_ANONYMOUS | MAP_FIXED_NOREPLACE;
        let is_mapped = || {
            heap::has_room(length)
                // SAFETY: a new mapping, where there is none.
                && unsafe { host::mmap(start, length, PROT_READ_AND_WRITE, flags, -1, 0) == start }
        };
        if !is_mapped() {
            // SAFETY: one thread.
            unsafe { heap::give_back() };
            if !is_mapped() {
                return None;
            }
        }
        self.insert(at, start, length);
        Some(std::ptr::with_exposed_provenance_mut(start))
    }

    /// The first place with so much room: its number among the blocks, and its address.
    fn gap(&self, length: usize) -> Option<(usize, usize)> {
        let mut start = self.start;
        for (at, block) in self.blocks[..self.length].iter().enumerate() {
            if start + length <= block.start {
                return Some((at, start));
            }
            start = block.end;
        }
        (start < self.start + REACH).then_some((self.length, start))
    }

    fn insert(&mut self, at: usize, start: usize, length: usize) {
        let end = start + length;
        self.blocks.copy_within(at..self.length, at + 1);
        self.blocks[at] = Block { start, end };
        self.length += 1;
        heap::lend(0, length);
    }

    fn remove(&mut self, at: usize) {
        let Block { start, end } = self.blocks[at];
        heap::lend(end - start, 0);
        self.blocks.copy_within(at + 1..self.length, at);
        self.length -= 1;
    }

    fn position(&self, start: usize) -> Option<usize> {
        let blocks = &self.blocks[..self.length];
        blocks.binary_search_by_key(&start, |it| it.start).ok()
    }

    /// How long a block is; 0 for none.
    fn length(&self, start: usize) -> usize {
        let block = self.position(start).map(|at| self.blocks[at]);
        block.map_or(0, |it| it.end - it.start)
    }

    fn holds(&self, address: usize) -> bool {
        (self.start..self.start + RESERVED_BYTES).contains(&address)
    }

    /// Gives a block back, if it is one.
    unsafe fn release(&mut self, start: usize) -> bool {
        // SAFETY: as the caller promises.
        if let Some(length) = unsafe { self.unmap(start) }
            && length <= LARGE_BYTES_MAX
        {
            self.large_bytes = self.large_bytes.max(length + 1);
        }
        self.holds(start)
    }

    /// Unmaps a block, if there is one: how long it was.
    unsafe fn unmap(&mut self, start: usize) -> Option<usize> {
        let at = self.position(start)?;
        let Block { end, .. } = self.blocks[at];
        // SAFETY: a block of ours that nobody uses any more.
        unsafe { host::munmap(start, end - start) };
        self.remove(at);
        Some(end - start)
    }

    /// Makes a block longer or shorter; where what follows is taken, its pages move. None leaves it as it is.
    unsafe fn resize(&mut self, start: usize, bytes: usize) -> Option<*mut c_void> {
        let at = self.position(start)?;
        let Block { end, .. } = self.blocks[at];
        let (before, length) = (end - start, bytes.next_multiple_of(PAGE_BYTES));
        if REACH - PAGE_BYTES <= bytes {
            return None;
        }
        // SAFETY: as the caller promises.
        unsafe {
            self.remap(at, before, length).or_else(|| {
                heap::give_back();
                self.remap(at, before, length)
            })
        }
    }

    unsafe fn remap(&mut self, at: usize, before: usize, length: usize) -> Option<*mut c_void> {
        let start = self.blocks[at].start;
        if before < length && !heap::has_room(length - before) {
            return None;
        }
        // The C library's own function names no place unless the block is to move, and the filter wants one in the area.
        let remap = |flags: c_int, place: usize| {
            // SAFETY: a block of ours, to where nothing is; in place it only grows into what is free.
            let there = unsafe { host::syscall(SYS_MREMAP, start, before, length, flags, place) };
            there.cast_unsigned() as usize == place
        };
        if before == length || remap(IN_PLACE, start) {
            self.blocks[at].end = start + length;
            heap::lend(before, length);
            return Some(std::ptr::with_exposed_provenance_mut(start));
        }
        let place = self.gap(length)?.1;
        if !remap(TO_PLACE, place) {
            return None;
        }
        self.remove(at);
        let at = self.blocks[..self.length].partition_point(|it| it.start < place);
        self.insert(at, place, length);
        Some(std::ptr::with_exposed_provenance_mut(place))
    }
}

unsafe extern "C" fn malloc(_: *mut c_void, bytes: usize) -> *mut c_void {
    // SAFETY: as the interpreter calls it.
    unsafe {
        let area = area();
        match (area.allocate(bytes), &area.heap) {
            (Some(block), _) => block,
            (None, Some(heap)) => heap::patiently(bytes, || (heap.malloc)(heap.context, bytes)),
            (None, None) => std::ptr::null_mut(),
        }
    }
}

unsafe extern "C" fn calloc(_: *mut c_void, elements: usize, bytes: usize) -> *mut c_void {
    // SAFETY: as the interpreter calls it.
    unsafe {
        let area = area();
        let all = elements.saturating_mul(bytes);
        match (area.allocate(all), &area.heap) {
            (Some(block), _) => block,
            (None, Some(heap)) => {
                heap::patiently(all, || (heap.calloc)(heap.context, elements, bytes))
            }
            (None, None) => std::ptr::null_mut(),
        }
    }
}

unsafe extern "C" fn realloc(_: *mut c_void, block: *mut c_void, bytes: usize) -> *mut c_void {
    // SAFETY: as the interpreter calls it; blocks of the heap are the C library's.
    unsafe {
        let area = area();
        let Some(heap) = area.heap else {
            return std::ptr::null_mut();
        };
        let is_ours = area.holds(block.addr());
        if is_ours
            && LARGE_BYTES <= bytes
            && let Some(resized) = area.resize(block.addr(), bytes)
        {
            return resized;
        }
        let before = if is_ours {
            area.length(block.addr())
        } else {
            malloc_usable_size(block)
        };
        let large = (!is_ours && LARGE_BYTES <= bytes)
            .then(|| area.allocate(bytes))
            .flatten();
        if !is_ours && large.is_none() && (bytes <= before || heap::has_room(bytes)) {
            return (heap.realloc)(heap.context, block, bytes);
        }
        // From one to the other, or to where the limit is kept.
        let new =
            large.unwrap_or_else(|| heap::patiently(bytes, || (heap.malloc)(heap.context, bytes)));
        if !new.is_null() {
            std::ptr::copy_nonoverlapping(block.cast::<u8>(), new.cast(), before.min(bytes));
            if is_ours {
                area.release(block.addr());
            } else {
                (heap.free)(heap.context, block);
            }
        }
        new
    }
}

unsafe extern "C" fn free(_: *mut c_void, block: *mut c_void) {
    // SAFETY: as the interpreter calls it.
    unsafe {
        let area = area();
        if !area.release(block.addr())
            && let Some(heap) = area.heap
        {
            (heap.free)(heap.context, block);
        }
    }
}
