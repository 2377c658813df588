//! A worker's memory as it was at the snapshot, and how it becomes that again.
//!
//! The kernel keeps the list of what was written: every writable private mapping but the smallest is registered for
//! asynchronous write protection (`userfaultfd`, Linux 6.7), and `PAGEMAP_SCAN` names the pages without protection, which
//! are those written since they were last protected. The smallest are copied back whole. Protection is renewed for all
//! pages at once, now and then, and not for each page after each run: a page that programs write all the time would only
//! fault each time. So the pages to restore are those written since the last renewal, and the more there are, the sooner
//! comes the next.
//!
//! The content lies in memory that the worker sees too, read-only ([`crate::store`]): it copies the pages itself, by code
//! that it cannot change, from a list that it cannot change, in registers that the tracer sets ([`crate::life`]). Writing
//! from outside would look up every page.

use std::ffi::{c_int, c_void};

use crate::host::{self, EINVAL, PAGE_BYTES};
use crate::scan::{Region, Scan};
use crate::store::{LIST_BYTES, PAGES_AT, STEPS_MAX, Step, Store, ZERO_BYTES, ZEROS_AT};
use crate::watch::{RANGES_MAX, Range, Watch};

unsafe extern "C" {
    fn pread(descriptor: c_int, buffer: *mut c_void, length: usize, at: i64) -> isize;
}

/// Pages that follow each other, and where their content is kept.
#[derive(Clone, Copy)]
struct Extent {
    start: usize,
    end: usize,
    kept_at: usize,
}

/// Regions that one scan names, at most; a run that scatters more is not undone but ended with its worker.
const REGIONS_MAX: usize = 2048;

/// Runs from one renewal of protection to the next.
const RUNS_MAX: u32 = 256;

/// Pages beyond those of the first run after a renewal that bring the next one early.
const EXTRA_PAGES_MAX: usize = 128;

/// Pages to copy that bring the next one in any case: more are not copied in each program's time.
const PAGES_MAX: usize = 768;

/// Pages that had no content at the snapshot; with more of them the worker is replaced.
const NEW_PAGES_MAX: usize = 2048;

/// Pieces of one worker's memory, at most.
const EXTENTS_MAX: usize = 4096;

/// Notes on a worker. They do not lie in the template's heap, of which its workers are born: each would find another one.
pub struct Ledger {
    extents: [Extent; EXTENTS_MAX],
    regions: [Region; REGIONS_MAX],
    /// Watched addresses, each from its start to its end, without anything else between.
    blocks: [[usize; 2]; RANGES_MAX],
}

/// A worker's memory as it was at the snapshot.
pub struct Image {
    page_map: c_int,
    memory: c_int,
    sizes: c_int,
    /// Its address space at the snapshot, pages.
    pub pages: usize,
    fault_descriptor: c_int,
    store: Store,
    /// Where the worker has the store, and so the list.
    pub store_there: usize,
    /// From the first mapping's start to the last one's end.
    span: [usize; 2],
    ledger: *mut Ledger,
    /// How many extents the ledger has, and how many blocks.
    extents: usize,
    blocks: usize,
    /// Steps at the start of the list that are always the same: the copies of what is not watched.
    steps_always: usize,
    runs: u32,
    pages_of_first_run: usize,
}

impl Image {
    /// Takes the snapshot of a stopped worker and protects all its pages.
    pub fn take(
        watch: &Watch,
        ranges: &[Range],
        store: Store,
        ledger: *mut Ledger,
    ) -> Result<Self, c_int> {
        let span = match ranges {
            [first, .., last] => [first.start, last.end],
            _ => return Err(EINVAL),
        };
        let mut image = Self {
            page_map: watch.page_map,
            memory: watch.memory,
            sizes: watch.sizes,
            pages: 0,
            fault_descriptor: watch.fault_descriptor,
            store,
            store_there: watch.store,
            span,
            ledger,
            extents: 0,
            blocks: 0,
            steps_always: 0,
            runs: 0,
            pages_of_first_run: 0,
        };
        image.pages = image.address_space().ok_or(EINVAL)?;
        image.find_pages_with_content(ranges)?;
        image.copy_from_worker().ok_or(EINVAL)?;
        image.find_blocks(ranges);
        image.protect()?;
        Ok(image)
    }

    fn ledger(&self) -> &Ledger {
        // SAFETY: it lives as long as the template, which has one thread and one image at a time.
        unsafe { &*self.ledger }
    }

    fn extents(&self) -> &[Extent] {
        &self.ledger().extents[..self.extents]
    }

    fn blocks(&self) -> &[[usize; 2]] {
        &self.ledger().blocks[..self.blocks]
    }

    /// Whether the worker has another address space than at the snapshot: it mapped what is still there, or its heap ends
    /// elsewhere.
    pub fn has_grown(&self) -> bool {
        self.address_space() != Some(self.pages)
    }

    /// Pages of the worker's address space.
    fn address_space(&self) -> Option<usize> {
        let mut text = [0_u8; 64];
        // SAFETY: the buffer is ours, with its length.
        let read = unsafe { pread(self.sizes, text.as_mut_ptr().cast(), text.len(), 0) };
        let text = text.get(..usize::try_from(read).ok()?)?;
        let number = text.split(|&byte| byte == b' ').next()?;
        std::str::from_utf8(number).ok()?.parse().ok()
    }

    /// All pages of files and of what is not watched, and of the rest those that are there.
    fn find_pages_with_content(&mut self, ranges: &[Range]) -> Result<(), c_int> {
        let mut kept_at = PAGES_AT;
        for range in ranges {
            if !range.is_watched() {
                self.copy_always(range, kept_at)?;
            }
            if range.has_file || !range.is_watched() {
                self.keep(range.start, range.end, &mut kept_at)?;
                continue;
            }
            for nth in 0..self.scan(Scan::of_present(range.start, range.end), 0)? {
                let Region { start, end, .. } = self.ledger().regions[nth];
                self.keep(start, end, &mut kept_at)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, start: usize, end: usize, kept_at: &mut usize) -> Result<(), c_int> {
        // SAFETY: as in `ledger`; no reference to it lives here.
        let extents = unsafe { &mut (*self.ledger).extents };
        let place = extents.get_mut(self.extents).ok_or(EINVAL)?;
        *place = Extent {
            start,
            end,
            kept_at: *kept_at,
        };
        self.extents += 1;
        *kept_at += end - start;
        Ok(())
    }

    fn copy_always(&mut self, range: &Range, kept_at: usize) -> Result<(), c_int> {
        let bytes = range.end - range.start;
        self.write_step(self.steps_always, range.start, kept_at, bytes)
            .ok_or(EINVAL)?;
        self.steps_always += 1;
        Ok(())
    }

    fn find_blocks(&mut self, ranges: &[Range]) {
        // SAFETY: as in `ledger`; no other reference to it lives here.
        let blocks = unsafe { &mut (*self.ledger).blocks };
        for range in ranges.iter().filter(|it| it.is_watched()) {
            if range.follows {
                blocks[self.blocks - 1][1] = range.end;
            } else {
                blocks[self.blocks] = [range.start, range.end];
                self.blocks += 1;
            }
        }
    }

    fn copy_from_worker(&self) -> Option<()> {
        self.extents().iter().try_for_each(|extent| {
            let length = extent.end - extent.start;
            let here = self.store.place(extent.kept_at, length)?;
            self.read(extent.start, here, length)
        })
    }

    /// Reads the worker's memory at `from`. None when it is not all there. By its file, and not by `process_vm_readv`,
    /// which would make the worker's own copy of every page that it still shares with the template.
    fn read(&self, from: usize, to: *mut c_void, length: usize) -> Option<()> {
        let mut done = 0;
        while done < length {
            let at = (from + done) as i64;
            // SAFETY: callers have `length` bytes at `to`.
            let read = unsafe { pread(self.memory, to.byte_add(done), length - done, at) };
            if read <= 0 {
                return None;
            }
            done += read.cast_unsigned();
        }
        Some(())
    }

    /// How many regions a scan names, in the ledger from `first` on. Too many are an error.
    fn scan(&mut self, scan: Scan, first: usize) -> Result<usize, c_int> {
        // SAFETY: as in `ledger`; no other reference to it lives here.
        let regions = unsafe { &mut (*self.ledger).regions };
        scan.run(self.page_map, &mut regions[first..])
    }

    /// Protects every page again.
    pub fn protect(&mut self) -> Result<(), c_int> {
        self.runs = 0;
        self.blocks()
            .iter()
            .try_for_each(|&[start, end]| Scan::of_written(start, end).protect(self.page_map))
    }

    /// Writes the list of what the worker has to copy to be as it was. None when it cannot be used again.
    pub fn plan(&mut self) -> Option<Plan> {
        let mut found = 0;
        for nth in 0..self.blocks {
            let [start, end] = self.blocks()[nth];
            found += self.scan(Scan::of_written(start, end), found).ok()?;
        }
        let regions = &self.ledger().regions[..found];
        let pages: usize = regions
            .iter()
            .map(|it| (it.end - it.start) / PAGE_BYTES)
            .sum();
        let steps = self.list(regions)?;
        if self.runs == 0 {
            self.pages_of_first_run = pages;
        }
        self.runs += 1;
        let pages_max = (self.pages_of_first_run + EXTRA_PAGES_MAX).min(PAGES_MAX);
        let is_due = RUNS_MAX <= self.runs || pages_max < pages;
        Some(Plan { steps, is_due })
    }

    fn list(&self, regions: &[Region]) -> Option<usize> {
        let mut extents = self.extents().iter().peekable();
        let (mut steps, mut new_pages) = (self.steps_always, 0);
        for region in regions {
            let mut at = region.start;
            while at < region.end {
                while extents.next_if(|it| it.end <= at).is_some() {}
                let (kept_at, end) = match extents.peek() {
                    Some(extent) if extent.start <= at => (
                        extent.kept_at + at - extent.start,
                        extent.end.min(region.end),
                    ),
                    next => {
                        let end = next
                            .map_or(region.end, |it| it.start.min(region.end))
                            .min(at + ZERO_BYTES);
                        new_pages += (end - at) / PAGE_BYTES;
                        (ZEROS_AT, end)
                    }
                };
                self.write_step(steps, at, kept_at, end - at)?;
                steps += 1;
                at = end;
            }
        }
        (new_pages <= NEW_PAGES_MAX).then_some(steps)
    }

    /// Writes one step of the list. None when there is no room for it.
    fn write_step(&self, nth: usize, to: usize, kept_at: usize, bytes: usize) -> Option<()> {
        if nth == STEPS_MAX {
            return None;
        }
        let list = self.store.place(0, LIST_BYTES)?.cast::<Step>();
        let step = Step {
            to,
            from: self.store_there + kept_at,
            bytes,
        };
        // SAFETY: the list has room for so many.
        unsafe { list.add(nth).write(step) };
        Some(())
    }

    /// Pages that are not what they were at the snapshot. For tests.
    pub fn differing_pages(&mut self) -> c_int {
        let scan = Scan::of_present(self.span[0], self.span[1]);
        let Ok(found) = self.scan(scan, 0) else {
            return -1;
        };
        let mut differing = 0;
        for extent in self.extents() {
            for at in (extent.start..extent.end).step_by(PAGE_BYTES) {
                differing += c_int::from(!self.is_as(at, extent.kept_at + at - extent.start));
            }
        }
        let mut extents = self.extents().iter().peekable();
        for region in &self.ledger().regions[..found] {
            for at in (region.start..region.end).step_by(PAGE_BYTES) {
                while extents.next_if(|it| it.end <= at).is_some() {}
                if extents.peek().is_none_or(|it| at < it.start) {
                    differing += c_int::from(!self.is_as(at, ZEROS_AT));
                }
            }
        }
        differing
    }

    /// Whether the worker's page at `at` is what is kept at `kept_at`.
    fn is_as(&self, at: usize, kept_at: usize) -> bool {
        let mut page = [0_u8; PAGE_BYTES];
        let Some(kept) = self.store.place(kept_at, PAGE_BYTES) else {
            return false;
        };
        let is_read = self.read(at, page.as_mut_ptr().cast(), PAGE_BYTES);
        // SAFETY: a page of the store.
        let kept = unsafe { std::slice::from_raw_parts(kept.cast::<u8>(), PAGE_BYTES) };
        is_read.is_some() && kept == page
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: the descriptors are ours.
        unsafe {
            host::close(self.page_map);
            host::close(self.memory);
            host::close(self.sizes);
            host::close(self.fault_descriptor);
        }
    }
}

/// What has to be done before the next run.
#[derive(Clone, Copy, Default)]
pub struct Plan {
    /// How many copies.
    pub steps: usize,
    /// Whether all pages are to be protected anew once the copies are made.
    pub is_due: bool,
}
