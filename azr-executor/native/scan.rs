//! `PAGEMAP_SCAN`: which pages of a process are there, and which were written since they were last protected.
//!
//! Asking for the written ones is cheap in one form only: for nothing else, in a range where everything is registered to be
//! watched. There a page that does not exist counts as written too, unless it was protected.

use std::ffi::c_int;

use crate::host::{self, EINVAL, Need};

const PAGEMAP_SCAN: u64 = 0xc060_6610;
const PROTECT_MATCHING: u64 = 1;
const PROTECTABLE: u64 = 1;
const WRITTEN: u64 = 2;
const PRESENT: u64 = 8;
const SWAPPED: u64 = 16;

/// `struct page_region`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Region {
    /// Its first address.
    pub start: usize,
    /// The first address behind it.
    pub end: usize,
    categories: u64,
}

/// `struct pm_scan_arg`.
#[repr(C)]
pub struct Scan {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    regions: *mut Region,
    regions_length: u64,
    pages_max: u64,
    category_inverted: u64,
    category_mask: u64,
    category_any_of: u64,
    returned: u64,
}

impl Scan {
    /// For pages that exist, in watched ranges; others are passed over.
    pub fn of_present(start: usize, end: usize) -> Self {
        Self {
            category_mask: PROTECTABLE,
            category_any_of: PRESENT | SWAPPED,
            returned: PRESENT,
            ..Self::of_written(start, end)
        }
    }

    /// For pages that were written, where everything is watched.
    pub fn of_written(start: usize, end: usize) -> Self {
        Self {
            size: size_of::<Self>() as u64,
            flags: 0,
            start: start as u64,
            end: end as u64,
            walk_end: 0,
            regions: std::ptr::null_mut(),
            regions_length: 0,
            pages_max: 0,
            category_inverted: 0,
            category_mask: WRITTEN,
            category_any_of: 0,
            returned: WRITTEN,
        }
    }

    /// Names regions: how many. Too many are an error. `page_map` is the `/proc/self/pagemap` of whom it asks about.
    pub fn run(mut self, page_map: c_int, regions: &mut [Region]) -> Result<usize, c_int> {
        if regions.is_empty() {
            return Err(EINVAL);
        }
        self.regions = regions.as_mut_ptr();
        self.regions_length = regions.len() as u64;
        let found = host::control(page_map, PAGEMAP_SCAN, (&raw mut self).cast())
            .map_err(|error| Need::Scan.with(error))?;
        if self.walk_end < self.end {
            return Err(EINVAL);
        }
        Ok(found.cast_unsigned() as usize)
    }

    /// Protects all pages again, and those that do not exist beside one that does.
    pub fn protect(mut self, page_map: c_int) -> Result<(), c_int> {
        self.flags = PROTECT_MATCHING;
        host::control(page_map, PAGEMAP_SCAN, (&raw mut self).cast()).map(drop)
    }
}
