//! Memory that begins at a cache line.

use std::collections::TryReserveError;

/// Floats in one cache line.
const LINE: usize = 16;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// A fixed number of floats, the first at a multiple of 64 bytes.
pub(crate) struct Aligned {
    lines: Vec<Line>,
    elements: usize,
}

impl Aligned {
    /// All zeros.
    ///
    /// # Errors
    /// The system has no memory left.
    pub(crate) fn zeros(elements: usize) -> Result<Self, TryReserveError> {
        let count = elements.div_ceil(LINE);
        let mut lines = Vec::new();
        lines.try_reserve_exact(count)?;
        lines.resize(count, Line([0.0; LINE]));
        Ok(Self { lines, elements })
    }

    pub(crate) fn as_slice(&self) -> &[f32] {
        // SAFETY: `Line` is `repr(C)` around floats without padding, and there are at least `elements` of them.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.elements) }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as in `as_slice`, and the vector is borrowed for writing.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.elements) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_at_a_cache_line_and_holds_what_was_written() {
        let mut memory = Aligned::zeros(37).unwrap();
        assert_eq!(memory.as_slice(), &[0.0; 37]);
        assert_eq!(memory.as_slice().as_ptr() as usize % 64, 0);
        memory.as_mut_slice()[36] = 2.0;
        assert_eq!(memory.as_slice()[36], 2.0);
    }
}
