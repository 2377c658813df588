//! What memory of a device can hold, and how it lies on the host.

/// A number that a device's memory can hold.
///
/// # Safety
/// It has no padding, and any bits are one.
pub unsafe trait Element: Copy + Default + Send + Sync + 'static {}

// SAFETY: 32 bits without padding, each pattern a number (or no number, which is one too).
unsafe impl Element for f32 {}
// SAFETY: 64 bits, as above.
unsafe impl Element for f64 {}
// SAFETY: 8 bits, as above.
unsafe impl Element for u8 {}
// SAFETY: 16 bits, as above.
unsafe impl Element for u16 {}
// SAFETY: 32 bits, as above.
unsafe impl Element for u32 {}

/// The bytes of some elements, where they lie.
pub(super) fn bytes_of<T: Element>(values: &[T]) -> &[u8] {
    // SAFETY: the bytes are those of the slice, all of them are written because elements have no padding, and any place
    // is aligned for a byte.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// The same, to write.
pub(super) fn bytes_of_mut<T: Element>(values: &mut [T]) -> &mut [u8] {
    // SAFETY: as in `bytes_of`; the slice is borrowed for writing, and whatever bits are written are elements.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_elements_and_may_be_none() {
        let mut values = [1.0f32, -2.5];
        let wanted: Vec<u8> = values.iter().flat_map(|it| it.to_ne_bytes()).collect();
        assert_eq!(bytes_of(&values), wanted);
        bytes_of_mut(&mut values)[4..].copy_from_slice(&7.0f32.to_ne_bytes());
        assert_eq!(values, [1.0, 7.0]);
        assert!(bytes_of::<u16>(&[]).is_empty());
    }
}
