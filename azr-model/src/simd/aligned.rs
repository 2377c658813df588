//! Memory of zeros: plain, and such that begins at a cache line.

use std::{
    alloc::{Layout, alloc_zeroed},
    collections::TryReserveError,
    marker::PhantomData,
};

use super::number::Number;

/// Bytes of one cache line.
const LINE_BYTES: usize = 64;

/// So many zeros. The system gives a large piece its pages when they are first written, so what a run never uses (the
/// moments of an optimizer that takes no step, the room for batches that never come) takes no memory.
///
/// # Errors
/// The system has no memory left.
pub(crate) fn zeros(elements: usize) -> Result<Vec<f32>, TryReserveError> {
    if let Ok(layout) = Layout::array::<f32>(elements)
        && 0 < layout.size()
    {
        // SAFETY: the layout has a size.
        let first = unsafe { alloc_zeroed(layout) };
        if !first.is_null() {
            // SAFETY: the global allocator gave the memory for the layout of a vector of this capacity, and all its
            // elements are zero.
            return Ok(unsafe { Vec::from_raw_parts(first.cast(), elements, elements) });
        }
    }
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(elements)?;
    zeros.resize(elements, 0.0);
    Ok(zeros)
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE_BYTES]);

/// A fixed number of numbers, the first at a multiple of 64 bytes.
pub(crate) struct Aligned<T> {
    lines: Vec<Line>,
    elements: usize,
    numbers: PhantomData<T>,
}

impl<T: Number> Aligned<T> {
    /// All zeros.
    ///
    /// # Errors
    /// The system has no memory left.
    pub(crate) fn zeros(elements: usize) -> Result<Self, TryReserveError> {
        let count = elements.div_ceil(LINE_BYTES / size_of::<T>());
        let mut lines = Vec::new();
        lines.try_reserve_exact(count)?;
        lines.resize(count, Line([0; LINE_BYTES]));
        Ok(Self {
            lines,
            elements,
            numbers: PhantomData,
        })
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        // SAFETY: the lines hold at least `elements` numbers without padding, any bits are a number, and a line begins at
        // a multiple of the alignment of every kind of number.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.elements) }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`, and the vector is borrowed for writing.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.elements) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_zero_can_be_written_and_end_in_an_error() {
        for elements in [0, 1, 1_000, 1 << 20] {
            let mut memory = zeros(elements).unwrap();
            assert_eq!(memory, vec![0.0; elements]);
            memory.push(1.0);
            assert_eq!(memory.last(), Some(&1.0));
        }
        assert!(zeros(usize::MAX / 2).is_err());
        assert!(zeros(1 << 50).is_err());
    }

    #[test]
    fn begins_at_a_cache_line_and_holds_what_was_written() {
        let mut memory = Aligned::<f32>::zeros(37).unwrap();
        assert_eq!(memory.as_slice(), &[0.0; 37]);
        assert_eq!(memory.as_slice().as_ptr() as usize % 64, 0);
        memory.as_mut_slice()[36] = 2.0;
        assert_eq!(memory.as_slice()[36], 2.0);
    }
}
