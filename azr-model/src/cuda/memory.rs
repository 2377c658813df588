//! Memory of a device: buffers that give themselves back, and views of parts of them.

use std::{marker::PhantomData, ops::Range, sync::Arc};

use super::{Argument, DeviceError, Driver};

/// What memory of a device can hold.
pub(crate) trait Element: Copy + Send + Sync + 'static {
    /// Size of one.
    const BYTES: usize;
    /// As it lies in memory.
    fn bytes(self) -> Vec<u8>;
    /// From [`Self::BYTES`] bytes.
    fn from_bytes(bytes: &[u8]) -> Self;
}

macro_rules! element {
    ($($kind:ty),*) => {$(
        impl Element for $kind {
            const BYTES: usize = size_of::<$kind>();
            fn bytes(self) -> Vec<u8> {
                self.to_ne_bytes().to_vec()
            }
            fn from_bytes(bytes: &[u8]) -> Self {
                let mut own = [0; size_of::<$kind>()];
                own.copy_from_slice(bytes);
                Self::from_ne_bytes(own)
            }
        }
    )*};
}

element!(f32, f64, u16, u32);

/// Memory of a device.
pub(crate) struct Buffer<T: Element = f32> {
    driver: Arc<dyn Driver>,
    address: u64,
    elements: usize,
    holds: PhantomData<T>,
}

impl<T: Element> Buffer<T> {
    pub(super) fn new(driver: Arc<dyn Driver>, elements: usize) -> Result<Self, DeviceError> {
        let address = driver.allocate(elements * T::BYTES)?;
        Ok(Self {
            driver,
            address,
            elements,
            holds: PhantomData,
        })
    }

    /// All of it, to read.
    pub(crate) fn view(&self) -> View<'_, T> {
        View {
            address: self.address,
            elements: self.elements,
            of: PhantomData,
        }
    }

    /// All of it, to write.
    pub(crate) fn view_mut(&mut self) -> ViewMut<'_, T> {
        ViewMut {
            address: self.address,
            elements: self.elements,
            of: PhantomData,
        }
    }
}

impl<T: Element> Drop for Buffer<T> {
    fn drop(&mut self) {
        self.driver.free(self.address, self.elements * T::BYTES);
    }
}

/// A part of a buffer, to read.
#[derive(Clone, Copy)]
pub(crate) struct View<'a, T: Element = f32> {
    address: u64,
    elements: usize,
    of: PhantomData<&'a T>,
}

impl<T: Element> View<'_, T> {
    pub(crate) fn len(&self) -> usize {
        self.elements
    }

    pub(crate) fn address(&self) -> u64 {
        self.address
    }

    /// A part of it.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        assert!(range.end <= self.elements, "a part lies inside its whole");
        Self {
            address: self.address + (range.start * T::BYTES) as u64,
            elements: range.len(),
            of: PhantomData,
        }
    }

    pub(crate) fn argument(&self) -> Argument {
        Argument::Read(self.address)
    }
}

/// A part of a buffer, to write.
pub(crate) struct ViewMut<'a, T: Element = f32> {
    address: u64,
    elements: usize,
    of: PhantomData<&'a mut T>,
}

impl<T: Element> ViewMut<'_, T> {
    pub(crate) fn len(&self) -> usize {
        self.elements
    }

    pub(crate) fn address(&self) -> u64 {
        self.address
    }

    /// A part of it, for a shorter time.
    pub(crate) fn part(&mut self, range: Range<usize>) -> ViewMut<'_, T> {
        assert!(range.end <= self.elements, "a part lies inside its whole");
        ViewMut {
            address: self.address + (range.start * T::BYTES) as u64,
            elements: range.len(),
            of: PhantomData,
        }
    }

    pub(crate) fn argument(&mut self) -> Argument {
        Argument::Write(self.address)
    }
}
