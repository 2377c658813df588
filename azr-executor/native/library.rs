//! Values of the standard library's types: read without running a line of the program, and made of a request's bytes.
//!
//! A program can change the methods of those types that are written in Python, and so none of them is called once it runs:
//! of a `Counter` the storage of a dictionary is read, of a `Fraction` its slots.

use crate::decode::Reader;
use crate::encode::{DEPTH_MAX, NODES_MAX, Refusal, open};
use crate::python::{self as py, Ref, exact};
use crate::record::Writer;

/// Types and descriptors that the driver looked up before any program existed, in its order.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Library {
    counter: Ref,
    default_dict: Ref,
    deque: Ref,
    fraction: Ref,
    /// Or an object that is no type, where decimals are written in Python.
    pub decimal: Ref,
    /// `Decimal.__str__`.
    decimal_text: Ref,
    /// What reads a member of an object, for each.
    default_factory: Ref,
    deque_length_max: Ref,
    range_parts: [Ref; 3],
    fraction_parts: [Ref; 2],
}

const DECIMAL_CHARACTERS_MAX: isize = 4_300;

const TOO_LONG_DECIMAL: &[u8] = b"Decimal with more than 4300 characters";
const NUMBER_IN_KEY: &[u8] = b"OrderedDict with a Decimal or a Fraction in a key";

impl Writer {
    /// # Safety
    /// `item` is exactly a decimal of the interpreter's C code.
    pub(crate) unsafe fn decimal(&mut self, item: Ref, end: usize) -> Result<(), Refusal> {
        // SAFETY: the text of such a decimal is made by C code alone.
        unsafe {
            let text = py::call_with(self.tools.library.decimal_text, item);
            if text.is_null() {
                return Err(failed(item));
            }
            if DECIMAL_CHARACTERS_MAX < py::PyUnicode_GetLength(text) {
                return Err(Refusal::Words(b"UnsupportedType", TOO_LONG_DECIMAL));
            }
            let mut length = 0;
            let data = py::PyUnicode_AsUTF8AndSize(text, &raw mut length);
            if data.is_null() {
                return Err(failed(item));
            }
            self.sized(b'D', data.cast(), length.cast_unsigned(), end)
        }
    }

    /// # Safety
    /// As [`Writer::value`], and `kind` is the type of `item`.
    pub(crate) unsafe fn of_library(
        &mut self,
        item: Ref,
        kind: Ref,
        end: usize,
        depth: usize,
        nodes: &mut usize,
    ) -> Result<(), Refusal> {
        let library = self.tools.library;
        // SAFETY: each function is called for its exact type, and so is each descriptor. What has the storage of a
        // dictionary is read as one.
        unsafe {
            if kind == exact!(PyRange_Type) {
                open(0, depth)?;
                self.fit(b"r", end)?;
                self.integers(item, &library.range_parts, end, depth, nodes)
            } else if kind == library.fraction {
                open(0, depth)?;
                self.fit(b"q", end)?;
                self.integers(item, &library.fraction_parts, end, depth, nodes)
            } else if kind == library.counter {
                let length = py::PyDict_Size(item);
                open(length, depth)?;
                self.head(b'k', length.cast_unsigned(), end)?;
                self.elements(item, b'm', length, end, depth + 1, nodes)
            } else if kind == library.default_dict {
                let factory = py::call_with(library.default_factory, item);
                let tag = factory_tag(factory).ok_or(Refusal::Type(kind))?;
                let length = py::PyDict_Size(item);
                open(length, depth)?;
                self.fit(b"f", end)?;
                self.head(tag, length.cast_unsigned(), end)?;
                self.elements(item, b'm', length, end, depth + 1, nodes)
            } else if kind == library.deque {
                let length = py::PyObject_Size(item);
                open(length, depth)?;
                self.deque_head(item, length.cast_unsigned(), end)?;
                self.elements(item, b'u', length, end, depth + 1, nodes)
            } else if kind == exact!(PyODict_Type) {
                let length = py::PyDict_Size(item);
                open(length, depth)?;
                self.head(b'o', length.cast_unsigned(), end)?;
                self.in_order(item, length, end, depth + 1, nodes)
            } else {
                Err(Refusal::Type(kind))
            }
        }
    }

    /// The parts of a number, each exactly an integer: a program can put anything into the slots of a fraction.
    unsafe fn integers(
        &mut self,
        item: Ref,
        getters: &[Ref],
        end: usize,
        depth: usize,
        nodes: &mut usize,
    ) -> Result<(), Refusal> {
        // SAFETY: as in `of_library`.
        unsafe {
            for getter in getters {
                let part = py::call_with(*getter, item);
                if part.is_null() {
                    return Err(failed(item));
                }
                if py::kind(part) != exact!(PyLong_Type) {
                    return Err(Refusal::Type(py::kind(item)));
                }
                self.value(part, end, depth + 1, nodes)?;
            }
        }
        Ok(())
    }

    unsafe fn deque_head(&mut self, item: Ref, length: usize, end: usize) -> Result<(), Refusal> {
        // SAFETY: as in `of_library`; a greatest length is none or an integer that fits a signed word.
        unsafe {
            let length_max = py::call_with(self.tools.library.deque_length_max, item);
            if length_max.is_null() {
                return Err(failed(item));
            }
            if length_max == py::none() {
                return self.head(b'u', length, end);
            }
            let mut bytes = [0; 8];
            if py::_PyLong_AsByteArray(length_max, bytes.as_mut_ptr(), bytes.len(), 1, 0, 1) != 0 {
                return Err(failed(item));
            }
            self.fit(b"w", end)?;
            self.fit(&bytes, end)?;
            let length = u32::try_from(length).map_err(|_| Refusal::TooLarge)?;
            self.fit(&length.to_le_bytes(), end)
        }
    }

    /// Keys and values in the order of an `OrderedDict`, which is only found by hashing its keys.
    unsafe fn in_order(
        &mut self,
        item: Ref,
        length: isize,
        end: usize,
        depth: usize,
        nodes: &mut usize,
    ) -> Result<(), Refusal> {
        // SAFETY: as in `of_library`; once the keys are checked, hashing and comparing them runs C code alone.
        unsafe {
            let (mut at, mut key, mut value) = (0, std::ptr::null_mut(), std::ptr::null_mut());
            let mut visited = 0;
            while py::PyDict_Next(item, &raw mut at, &raw mut key, &raw mut value) != 0 {
                self.check_key(key, 1, &mut visited)?;
            }
            let iterator = py::PyObject_GetIter(item);
            if iterator.is_null() {
                return Err(failed(item));
            }
            for _ in 0..length {
                let key = py::PyIter_Next(iterator);
                if key.is_null() {
                    return Err(failed(item));
                }
                let value = py::PyDict_GetItem(item, key);
                if value.is_null() {
                    return Err(failed(item));
                }
                self.value(key, end, depth, nodes)?;
                self.value(value, end, depth, nodes)?;
            }
            // One more than there are, or an error: a program went behind its back.
            if !py::PyIter_Next(iterator).is_null() || !py::PyErr_Occurred().is_null() {
                return Err(failed(item));
            }
        }
        Ok(())
    }

    /// Whether the interpreter hashes and compares a key by C code alone, which no program can change.
    unsafe fn check_key(&self, key: Ref, depth: usize, visited: &mut usize) -> Result<(), Refusal> {
        *visited += 1;
        if NODES_MAX < *visited {
            return Err(Refusal::TooLarge);
        }
        let plain = [
            exact!(PyLong_Type),
            exact!(PyUnicode_Type),
            exact!(PyBool_Type),
            exact!(PyFloat_Type),
            exact!(PyBytes_Type),
            exact!(PyComplex_Type),
            exact!(PyRange_Type),
        ];
        // SAFETY: each function is called for its exact type.
        unsafe {
            let kind = py::kind(key);
            let is_plain = plain.contains(&kind) || key == py::none() || key == py::ellipsis();
            let is_tuple = kind == exact!(PyTuple_Type);
            if is_plain {
                return Ok(());
            }
            if kind == self.tools.library.decimal || kind == self.tools.library.fraction {
                return Err(Refusal::Words(b"UnsupportedType", NUMBER_IN_KEY));
            }
            if !is_tuple && kind != exact!(PyFrozenSet_Type) {
                return Err(Refusal::Type(kind));
            }
            if DEPTH_MAX < depth {
                return open(0, depth);
            }
            if is_tuple {
                for index in 0..py::PyTuple_Size(key) {
                    self.check_key(py::PyTuple_GetItem(key, index), depth + 1, visited)?;
                }
                return Ok(());
            }
            let iterator = py::PyObject_GetIter(key);
            for _ in 0..py::PySet_Size(key) {
                if iterator.is_null() {
                    return Err(Refusal::Memory);
                }
                self.check_key(py::PyIter_Next(iterator), depth + 1, visited)?;
            }
        }
        Ok(())
    }
}

/// What an exception of the interpreter's own code means, which is cleared: no memory, or an object that is not what its
/// type promises.
unsafe fn failed(item: Ref) -> Refusal {
    // SAFETY: the interpreter's lock is held, and `item` is a valid object.
    unsafe {
        let is_memory = !py::PyErr_Occurred().is_null()
            && py::PyErr_ExceptionMatches(py::PyExc_MemoryError) == 1;
        py::PyErr_Clear();
        if is_memory {
            Refusal::Memory
        } else {
            Refusal::Type(py::kind(item))
        }
    }
}

/// Factories by their tags.
fn factories() -> [(u8, Ref); 9] {
    [
        (b'N', py::none()),
        (b'F', exact!(PyBool_Type)),
        (b'm', exact!(PyDict_Type)),
        (b'd', exact!(PyFloat_Type)),
        (b'i', exact!(PyLong_Type)),
        (b'l', exact!(PyList_Type)),
        (b'e', exact!(PySet_Type)),
        (b's', exact!(PyUnicode_Type)),
        (b't', exact!(PyTuple_Type)),
    ]
}

fn factory_tag(factory: Ref) -> Option<u8> {
    let mut factories = factories().into_iter();
    factories.find_map(|(tag, it)| (it == factory).then_some(tag))
}

impl Reader<'_> {
    /// What has no length behind its tag, or something before it.
    ///
    /// # Safety
    /// As [`Reader::value`].
    pub(crate) unsafe fn of_library(&mut self, tag: u8) -> Ref {
        let library = self.library;
        // SAFETY: as in `value`; nothing that is null is handed on, for a null ends the arguments.
        unsafe {
            match tag {
                b'E' => {
                    py::Py_IncRef(py::ellipsis());
                    py::ellipsis()
                }
                b'r' => {
                    let (start, stop, step) = (self.value(), self.value(), self.value());
                    call(exact!(PyRange_Type), [start, stop, step])
                }
                b'q' => {
                    let (numerator, denominator) = (self.value(), self.value());
                    call(library.fraction, [numerator, denominator])
                }
                b'f' => {
                    let tag = self.byte();
                    let mut factories = factories().into_iter();
                    let factory =
                        factories.find_map(|(it, factory)| (it == tag).then_some(factory));
                    let length = self.length();
                    let items = self.dictionary(length);
                    call(library.default_dict, [factory.unwrap_or(py::none()), items])
                }
                _ => {
                    let length_max = self.take(8).cast::<[u8; 8]>().read();
                    let length_max = py::PyLong_FromSsize_t(isize::from_le_bytes(length_max));
                    let length = self.length();
                    let elements = self.list(length);
                    call(library.deque, [elements, length_max])
                }
            }
        }
    }

    /// What has a length behind its tag.
    ///
    /// # Safety
    /// As [`Reader::value`].
    pub(crate) unsafe fn sized_of_library(&mut self, tag: u8, length: usize) -> Ref {
        let library = self.library;
        // SAFETY: as in `of_library`.
        unsafe {
            match tag {
                b'k' => call(library.counter, [self.dictionary(length)]),
                b'o' => call(exact!(PyODict_Type), [self.dictionary(length)]),
                b'u' => call(library.deque, [self.list(length)]),
                _ => {
                    let text = self.take(length).cast();
                    let text = py::PyUnicode_FromStringAndSize(text, length.cast_signed());
                    call(library.decimal, [text])
                }
            }
        }
    }
}

/// What a type makes of arguments; null where one of them is.
unsafe fn call<const COUNT: usize>(kind: Ref, arguments: [Ref; COUNT]) -> Ref {
    // SAFETY: all are valid objects that are not null; the tuple takes their references over.
    unsafe {
        let tuple = py::PyTuple_New(COUNT.cast_signed());
        if tuple.is_null() || arguments.iter().any(|it| it.is_null()) {
            return std::ptr::null_mut();
        }
        for (index, argument) in arguments.into_iter().enumerate() {
            py::Py_IncRef(argument);
            py::PyTuple_SetItem(tuple, index.cast_signed(), argument);
        }
        py::PyObject_Call(kind, tuple, std::ptr::null_mut())
    }
}
