//! Memory of a device: buffers that give themselves back, and views of parts of them.

use std::{marker::PhantomData, ops::Range, sync::Arc};

use super::{Argument, DeviceError, Driver, bytes::Element};

/// A piece of memory, given back when the last that holds it is gone.
struct Memory {
    driver: Arc<dyn Driver>,
    address: u64,
    bytes: usize,
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.driver.free(self.address, self.bytes);
    }
}

/// Memory of a device.
pub struct Buffer<T: Element = f32> {
    memory: Arc<Memory>,
    elements: usize,
    of: PhantomData<T>,
}

impl<T: Element> Buffer<T> {
    pub(super) fn new(driver: Arc<dyn Driver>, elements: usize) -> Result<Self, DeviceError> {
        let bytes = elements * size_of::<T>();
        let address = driver.allocate(bytes)?;
        Ok(Self {
            memory: Arc::new(Memory {
                driver,
                address,
                bytes,
            }),
            elements,
            of: PhantomData,
        })
    }

    /// All of it, to read.
    pub(crate) fn view(&self) -> View<'_, T> {
        View {
            memory: &self.memory,
            first: 0,
            elements: self.elements,
            of: PhantomData,
        }
    }

    /// All of it, to write.
    pub(crate) fn view_mut(&mut self) -> ViewMut<'_, T> {
        ViewMut {
            address: self.memory.address,
            elements: self.elements,
            of: PhantomData,
        }
    }
}

/// A part of a buffer, to read.
#[derive(Clone, Copy)]
pub struct View<'a, T: Element = f32> {
    memory: &'a Arc<Memory>,
    first: usize,
    elements: usize,
    of: PhantomData<T>,
}

impl<T: Element> View<'_, T> {
    pub(crate) fn len(&self) -> usize {
        self.elements
    }

    pub(crate) fn address(&self) -> u64 {
        self.memory.address + (self.first * size_of::<T>()) as u64
    }

    /// A part of it.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        assert!(range.end <= self.elements, "a part lies inside its whole");
        Self {
            first: self.first + range.start,
            elements: range.len(),
            ..*self
        }
    }

    /// The same part, for as long as one likes. Whatever is written to the buffer meanwhile is seen through it.
    pub(crate) fn kept(&self) -> Kept<T> {
        Kept {
            memory: Arc::clone(self.memory),
            first: self.first,
            elements: self.elements,
            of: PhantomData,
        }
    }

    pub(crate) fn argument(&self) -> Argument {
        Argument::Read(self.address())
    }
}

/// A part of a buffer that lives as long as this does.
pub(crate) struct Kept<T: Element = f32> {
    memory: Arc<Memory>,
    first: usize,
    elements: usize,
    of: PhantomData<T>,
}

impl<T: Element> Kept<T> {
    /// It, to read.
    pub(crate) fn view(&self) -> View<'_, T> {
        View {
            memory: &self.memory,
            first: self.first,
            elements: self.elements,
            of: PhantomData,
        }
    }
}

/// A part of a buffer, to write.
pub struct ViewMut<'a, T: Element = f32> {
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
            address: self.address + (range.start * size_of::<T>()) as u64,
            elements: range.len(),
            of: PhantomData,
        }
    }

    /// A part of it, for as long as it lives.
    pub(crate) fn into_part(mut self, range: Range<usize>) -> Self {
        let ViewMut {
            address, elements, ..
        } = self.part(range);
        Self {
            address,
            elements,
            of: PhantomData,
        }
    }

    pub(crate) fn argument(&mut self) -> Argument {
        Argument::Write(self.address)
    }
}
