//! Makes objects of a request's argument bytes, which the supervisor wrote.

use std::ffi::c_char;

use crate::library::Library;
use crate::python::{self as py, Ref};

/// Reads from the front of bytes that the supervisor wrote.
pub struct Reader<'tools> {
    at: *const u8,
    pub(crate) library: &'tools Library,
}

impl<'tools> Reader<'tools> {
    /// # Safety
    /// Complete encoded values lie there.
    pub unsafe fn new(at: *const u8, library: &'tools Library) -> Self {
        Self { at, library }
    }

    /// The next value, owned; null with an exception set when there is no memory.
    ///
    /// # Safety
    /// As [`Reader::new`], and the interpreter's lock is held.
    pub unsafe fn value(&mut self) -> Ref {
        // SAFETY: the bytes are complete values, so every length read here is one of them; references are owned until
        // the function that takes them over.
        unsafe {
            let tag = self.byte();
            match tag {
                b'N' => {
                    py::Py_IncRef(py::none());
                    py::none()
                }
                b'T' | b'F' => py::PyBool_FromLong(i64::from(tag == b'T')),
                b'd' => py::PyFloat_FromDouble(self.double()),
                b'c' => {
                    let (real, imaginary) = (self.double(), self.double());
                    py::PyComplex_FromDoubles(real, imaginary)
                }
                b'E' | b'r' | b'q' | b'f' | b'w' => self.of_library(tag),
                _ => {
                    let length = self.length();
                    self.sized(tag, length)
                }
            }
        }
    }

    unsafe fn sized(&mut self, tag: u8, length: usize) -> Ref {
        // SAFETY: as in `value`.
        unsafe {
            match tag {
                b'i' => py::_PyLong_FromByteArray(self.take(length), length, 1, 1),
                b's' => py::PyUnicode_FromStringAndSize(
                    self.take(length).cast::<c_char>(),
                    length.cast_signed(),
                ),
                b'b' => py::PyBytes_FromStringAndSize(
                    self.take(length).cast::<c_char>(),
                    length.cast_signed(),
                ),
                b'm' => self.dictionary(length),
                b'l' => self.list(length),
                b't' => self.tuple(length),
                b'k' | b'o' | b'u' | b'D' => self.sized_of_library(tag, length),
                _ => {
                    let elements = self.list(length);
                    if elements.is_null() {
                        return elements;
                    }
                    if tag == b'e' {
                        py::PySet_New(elements)
                    } else {
                        py::PyFrozenSet_New(elements)
                    }
                }
            }
        }
    }

    pub(crate) unsafe fn list(&mut self, length: usize) -> Ref {
        // SAFETY: as in `value`; setting an item takes its reference over.
        unsafe {
            let list = py::PyList_New(length.cast_signed());
            for index in 0..length {
                let element = self.value();
                if list.is_null() || element.is_null() {
                    return std::ptr::null_mut();
                }
                py::PyList_SetItem(list, index.cast_signed(), element);
            }
            list
        }
    }

    unsafe fn tuple(&mut self, length: usize) -> Ref {
        // SAFETY: as in `list`.
        unsafe {
            let tuple = py::PyTuple_New(length.cast_signed());
            for index in 0..length {
                let element = self.value();
                if tuple.is_null() || element.is_null() {
                    return std::ptr::null_mut();
                }
                py::PyTuple_SetItem(tuple, index.cast_signed(), element);
            }
            tuple
        }
    }

    pub(crate) unsafe fn dictionary(&mut self, length: usize) -> Ref {
        // SAFETY: as in `value`; the dictionary takes references of its own, and ours are kept, which costs nothing in a
        // process that is rolled back or gone after the run.
        unsafe {
            let dictionary = py::PyDict_New();
            for _ in 0..length {
                let (key, value) = (self.value(), self.value());
                if dictionary.is_null()
                    || key.is_null()
                    || value.is_null()
                    || py::PyDict_SetItem(dictionary, key, value) != 0
                {
                    return std::ptr::null_mut();
                }
            }
            dictionary
        }
    }

    pub(crate) unsafe fn byte(&mut self) -> u8 {
        // SAFETY: as in `value`.
        unsafe { *self.take(1) }
    }

    pub(crate) unsafe fn length(&mut self) -> usize {
        // SAFETY: as in `value`.
        unsafe { u32::from_le_bytes(self.take(4).cast::<[u8; 4]>().read()) as usize }
    }

    unsafe fn double(&mut self) -> f64 {
        // SAFETY: as in `value`.
        unsafe { f64::from_le_bytes(self.take(8).cast::<[u8; 8]>().read()) }
    }

    pub(crate) unsafe fn take(&mut self, length: usize) -> *const u8 {
        let at = self.at;
        // SAFETY: as in `value`.
        self.at = unsafe { at.add(length) };
        at
    }
}
