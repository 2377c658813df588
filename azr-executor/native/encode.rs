//! Writes what a program gave as typed bytes, without running a line of the program.
//!
//! Types are compared by identity and read by the interpreter's own functions: no method, no attribute and no comparison
//! of a program's object is ever asked for. The format is that of the crate's `encoding` module. The driver's Python
//! encoder is the slow truth beside this one; the contract of a sandbox holds them together.

use std::ffi::c_char;

use crate::python::{self as py, LESS, Ref, exact};
use crate::record::Writer;

/// Values in one result, nested ones included.
pub const NODES_MAX: usize = 100_000;

/// Levels of nesting.
pub const DEPTH_MAX: usize = 96;

/// An integer of at most so many bits certainly has no more decimal digits than CPython prints.
const INT_BITS_SURE: usize = 14_284;

const TOO_LONG_INT: &[u8] = b"Exceeds the limit (4300 digits) for integer string conversion";

/// Why a value is not written.
pub enum Refusal {
    /// Larger than the limit.
    TooLarge,
    /// No memory was left.
    Memory,
    /// Of a type that is no literal.
    Type(Ref),
    /// Something else that is said in words.
    Words(&'static [u8], &'static [u8]),
}

/// Whether so many parts may be written, inside so many others.
pub fn open(length: isize, depth: usize) -> Result<(), Refusal> {
    if NODES_MAX < length.cast_unsigned() {
        return Err(Refusal::TooLarge);
    }
    if DEPTH_MAX < depth {
        return Err(Refusal::Words(
            b"UnsupportedType",
            b"a value nested deeper than 96 levels",
        ));
    }
    Ok(())
}

impl Writer {
    /// Writes a value that ends before `end`.
    ///
    /// # Safety
    /// `item` is a valid object, and the interpreter's lock is held.
    pub(crate) unsafe fn value(
        &mut self,
        item: Ref,
        end: usize,
        depth: usize,
        nodes: &mut usize,
    ) -> Result<(), Refusal> {
        *nodes += 1;
        if NODES_MAX < *nodes || end < self.length {
            return Err(Refusal::TooLarge);
        }
        // SAFETY: `item` is a valid object, and each function is called for its exact type.
        unsafe {
            let kind = py::kind(item);
            if kind == exact!(PyLong_Type) {
                self.int(item, end)
            } else if kind == exact!(PyUnicode_Type) {
                self.string(item, end)
            } else if kind == exact!(PyBool_Type) {
                let tag: &[u8] = if item == py::truth() { b"T" } else { b"F" };
                self.fit(tag, end)
            } else if item == py::none() {
                self.fit(b"N", end)
            } else if kind == exact!(PyFloat_Type) {
                self.fit(b"d", end)?;
                self.fit(&py::PyFloat_AsDouble(item).to_le_bytes(), end)
            } else if kind == exact!(PyBytes_Type) {
                let (mut data, mut length) = (std::ptr::null_mut::<c_char>(), 0);
                py::PyBytes_AsStringAndSize(item, &raw mut data, &raw mut length);
                self.sized(b'b', data.cast(), length.cast_unsigned(), end)
            } else if kind == exact!(PyComplex_Type) {
                self.fit(b"c", end)?;
                self.fit(&py::PyComplex_RealAsDouble(item).to_le_bytes(), end)?;
                self.fit(&py::PyComplex_ImagAsDouble(item).to_le_bytes(), end)
            } else if item == py::ellipsis() {
                self.fit(b"E", end)
            } else if kind == self.tools.library.decimal {
                self.decimal(item, end)
            } else {
                self.container(item, kind, end, depth, nodes)
            }
        }
    }

    unsafe fn int(&mut self, item: Ref, end: usize) -> Result<(), Refusal> {
        // SAFETY: `item` is exactly an integer, and so are the bounds: comparing them runs no code of a program.
        unsafe {
            let bits = py::_PyLong_NumBits(item);
            if INT_BITS_SURE < bits {
                let [most, least] = self.tools.int_bounds;
                let below = py::PyObject_RichCompareBool(item, most, LESS);
                let above = py::PyObject_RichCompareBool(least, item, LESS);
                if below != 1 || above != 1 {
                    return Err(Refusal::Words(b"ValueError", TOO_LONG_INT));
                }
            }
            let size = bits / 8 + 1;
            self.head(b'i', size, end)?;
            if end < self.length + size {
                return Err(Refusal::TooLarge);
            }
            let place = self.start.add(self.length);
            if py::_PyLong_AsByteArray(item, place, size, 1, 1, 1) != 0 {
                return Err(Refusal::Memory);
            }
            self.length += size;
            Ok(())
        }
    }

    unsafe fn string(&mut self, item: Ref, end: usize) -> Result<(), Refusal> {
        // SAFETY: `item` is exactly a string.
        unsafe {
            if end < self.length + py::PyUnicode_GetLength(item).cast_unsigned() {
                return Err(Refusal::TooLarge);
            }
            let mut length = 0;
            let data = py::PyUnicode_AsUTF8AndSize(item, &raw mut length);
            if data.is_null() {
                let is_memory = py::PyErr_ExceptionMatches(py::PyExc_MemoryError) == 1;
                py::PyErr_Clear();
                return Err(if is_memory {
                    Refusal::Memory
                } else {
                    Refusal::Words(b"UnsupportedType", b"str with a lone surrogate")
                });
            }
            self.sized(b's', data.cast(), length.cast_unsigned(), end)
        }
    }

    unsafe fn container(
        &mut self,
        item: Ref,
        kind: Ref,
        end: usize,
        depth: usize,
        nodes: &mut usize,
    ) -> Result<(), Refusal> {
        // SAFETY: each function is called for its exact type.
        let (tag, length) = unsafe {
            if kind == exact!(PyList_Type) {
                (b'l', py::PyList_Size(item))
            } else if kind == exact!(PyTuple_Type) {
                (b't', py::PyTuple_Size(item))
            } else if kind == exact!(PyDict_Type) {
                (b'm', py::PyDict_Size(item))
            } else if kind == exact!(PySet_Type) {
                (b'e', py::PySet_Size(item))
            } else if kind == exact!(PyFrozenSet_Type) {
                (b'z', py::PySet_Size(item))
            } else {
                return self.of_library(item, kind, end, depth, nodes);
            }
        };
        open(length, depth)?;
        self.head(tag, length.cast_unsigned(), end)?;
        // SAFETY: `item` has the type of the tag.
        unsafe { self.elements(item, tag, length, end, depth + 1, nodes) }
    }

    /// The elements of a list, a tuple or a set, or the keys and values of a dictionary, also one of a type that is made
    /// of it: in its storage, whatever a program did to its type.
    pub(crate) unsafe fn elements(
        &mut self,
        item: Ref,
        tag: u8,
        length: isize,
        end: usize,
        depth: usize,
        nodes: &mut usize,
    ) -> Result<(), Refusal> {
        // SAFETY: each function is called for its exact type. Nothing runs between these calls that could change the container: collection is off.
        unsafe {
            match tag {
                b'l' => {
                    for index in 0..length {
                        self.value(py::PyList_GetItem(item, index), end, depth, nodes)?;
                    }
                }
                b't' => {
                    for index in 0..length {
                        self.value(py::PyTuple_GetItem(item, index), end, depth, nodes)?;
                    }
                }
                b'm' => {
                    let (mut at, mut key, mut value) =
                        (0, std::ptr::null_mut(), std::ptr::null_mut());
                    while py::PyDict_Next(item, &raw mut at, &raw mut key, &raw mut value) != 0 {
                        self.value(key, end, depth, nodes)?;
                        self.value(value, end, depth, nodes)?;
                    }
                }
                // Sets and deques.
                _ => {
                    let iterator = py::PyObject_GetIter(item);
                    if iterator.is_null() {
                        return Err(Refusal::Memory);
                    }
                    for _ in 0..length {
                        let element = py::PyIter_Next(iterator);
                        if element.is_null() {
                            return Err(Refusal::Memory);
                        }
                        self.value(element, end, depth, nodes)?;
                    }
                }
            }
        }
        Ok(())
    }

    pub(crate) fn head(&mut self, tag: u8, length: usize, end: usize) -> Result<(), Refusal> {
        let length = u32::try_from(length).map_err(|_| Refusal::TooLarge)?;
        self.fit(&[tag], end)?;
        self.fit(&length.to_le_bytes(), end)
    }

    pub(crate) unsafe fn sized(
        &mut self,
        tag: u8,
        data: *const u8,
        length: usize,
        end: usize,
    ) -> Result<(), Refusal> {
        self.head(tag, length, end)?;
        // SAFETY: the caller took pointer and length from the object.
        let bytes = unsafe { std::slice::from_raw_parts(data, length) };
        self.fit(bytes, end)
    }

    pub(crate) fn fit(&mut self, bytes: &[u8], end: usize) -> Result<(), Refusal> {
        if end < self.length + bytes.len() {
            return Err(Refusal::TooLarge);
        }
        self.put(bytes);
        Ok(())
    }
}
