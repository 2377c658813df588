//! Records: what came of a call, as the supervisor reads it. A value, an exception, or a limit.

use std::ffi::c_char;

use crate::encode::Refusal;
use crate::library::Library;
use crate::python::{self as py, Ref, exact};

const CLASS_CHARACTERS_MAX: isize = 200;
const MESSAGE_CHARACTERS_MAX: isize = 500;

/// Objects of the interpreter that the driver looked up before any program existed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Tools {
    /// `compile`, and the name, the mode and the flags that it is given.
    pub compile: Ref,
    /// `"<program>"`.
    pub file_name: Ref,
    /// `"exec"`.
    pub exec: Ref,
    /// `0`.
    pub zero: Ref,
    /// The module `builtins`.
    pub builtins: Ref,
    /// Gives the name of a type, from the interpreter's own record.
    pub type_name: Ref,
    /// Gives the arguments of an exception, likewise.
    pub exception_arguments: Ref,
    /// A tuple of the interpreter's own classes of exceptions.
    pub exceptions: Ref,
    /// The least integer with too many digits, and its negative.
    pub int_bounds: [Ref; 2],
    /// The modules inside each package, by its name.
    pub submodules: Ref,
    /// Forgets what was to be called at the interpreter's end.
    pub clear_exit_callbacks: Ref,
    /// Types of the standard library whose objects are values.
    pub library: Library,
}

/// Where records are written: never past its end.
pub struct Writer {
    pub(crate) start: *mut u8,
    pub(crate) length: usize,
    capacity: usize,
    pub(crate) tools: Tools,
}

impl Writer {
    /// # Safety
    /// `capacity` bytes at `start` are ours to write, and the interpreter's lock is held as long as this is used.
    pub unsafe fn new(start: *mut u8, capacity: usize, tools: Tools) -> Self {
        Self {
            start,
            length: 0,
            capacity,
            tools,
        }
    }

    /// Bytes written.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The record of a returned value of at most `bytes_max` bytes.
    ///
    /// # Safety
    /// `value` is a valid object.
    pub unsafe fn returned(&mut self, value: Ref, bytes_max: usize) {
        let before = self.length;
        self.put(b"R");
        let mut nodes = 0;
        let end = (self.length + bytes_max).min(self.capacity);
        // SAFETY: as the caller promises.
        let written = unsafe { self.value(value, end, 1, &mut nodes) };
        let Err(refusal) = written else { return };
        self.length = before;
        match refusal {
            Refusal::TooLarge => self.put(b"O"),
            Refusal::Memory => self.put(b"M"),
            Refusal::Words(class, message) => self.raised(class, message),
            // SAFETY: the type of a valid object is one.
            Refusal::Type(kind) => unsafe { self.raised_class(b"UnsupportedType", kind) },
        }
    }

    /// The record of an exception of ours.
    pub fn raised(&mut self, class: &[u8], message: &[u8]) {
        self.put(b"X");
        self.text(class);
        self.text(message);
    }

    /// The record of an exception of ours whose message is the name of a type.
    unsafe fn raised_class(&mut self, class: &[u8], kind: Ref) {
        self.put(b"X");
        self.text(class);
        // SAFETY: as the caller promises.
        unsafe { self.name_of(kind) };
    }

    /// The record of what a program raised: the class by the interpreter's own record of its name, the message only
    /// where it is plain text.
    ///
    /// # Safety
    /// `exception` is a valid exception.
    pub unsafe fn exception(&mut self, exception: Ref) {
        let before = self.length;
        self.put(b"X");
        // SAFETY: calls of the interpreter's own descriptors on a valid exception; results are checked before use.
        let complete = unsafe {
            let arguments = py::PyObject_CallFunctionObjArgs(
                self.tools.exception_arguments,
                exception,
                std::ptr::null_mut::<u8>(),
            );
            self.name_of(py::kind(exception)) && self.message_of(py::kind(exception), arguments)
        };
        if !complete {
            self.length = before;
            self.out_of_memory();
        }
    }

    /// The record of a program without the function that was to be called.
    pub fn not_defined(&mut self, name: &[u8]) {
        self.put(b"X");
        self.text(b"NameError");
        self.put(&(name.len() as u32 + 22).to_le_bytes());
        self.put(b"name '");
        self.put(name);
        self.put(b"' is not defined");
    }

    /// The first `length` bytes once more.
    pub fn repeat(&mut self, length: usize) {
        // SAFETY: so many bytes were written.
        self.put(unsafe { std::slice::from_raw_parts(self.start, length) });
    }

    /// The record of a program that ran out of memory.
    pub fn out_of_memory(&mut self) {
        self.put(b"M");
    }

    unsafe fn name_of(&mut self, kind: Ref) -> bool {
        // SAFETY: as in `exception`.
        unsafe {
            let name = py::PyObject_CallFunctionObjArgs(
                self.tools.type_name,
                kind,
                std::ptr::null_mut::<u8>(),
            );
            self.start_of(name, CLASS_CHARACTERS_MAX)
        }
    }

    /// What the interpreter would print of one of its own exceptions with plain arguments: an equal one is made, which has
    /// nothing of the program's. Of any other, the first of the first two arguments that is a string.
    unsafe fn message_of(&mut self, class: Ref, arguments: Ref) -> bool {
        // SAFETY: as in `exception`; the class is one of the interpreter's own when it is called.
        unsafe {
            if arguments.is_null() {
                return false;
            }
            if py::kind(arguments) == exact!(PyTuple_Type) {
                if self.is_printed_by_the_interpreter(class, arguments) {
                    let equal = py::PyObject_Call(class, arguments, std::ptr::null_mut());
                    let text = if equal.is_null() {
                        equal
                    } else {
                        py::PyObject_Str(equal)
                    };
                    if !text.is_null() && py::kind(text) == exact!(PyUnicode_Type) {
                        return self.start_of(text, MESSAGE_CHARACTERS_MAX);
                    }
                    py::PyErr_Clear();
                }
                for index in 0..py::PyTuple_Size(arguments).min(2) {
                    let argument = py::PyTuple_GetItem(arguments, index);
                    if py::kind(argument) == exact!(PyUnicode_Type) {
                        return self.start_of(argument, MESSAGE_CHARACTERS_MAX);
                    }
                }
            }
        }
        self.text(b"");
        true
    }

    unsafe fn is_printed_by_the_interpreter(&self, class: Ref, arguments: Ref) -> bool {
        let plain = [
            exact!(PyUnicode_Type),
            exact!(PyBytes_Type),
            exact!(PyLong_Type),
            exact!(PyFloat_Type),
            exact!(PyBool_Type),
        ];
        // SAFETY: as in `exception`; both are exact tuples.
        unsafe {
            let classes = self.tools.exceptions;
            (0..py::PyTuple_Size(classes)).any(|it| py::PyTuple_GetItem(classes, it) == class)
                && (0..py::PyTuple_Size(arguments)).all(|it| {
                    let argument = py::PyTuple_GetItem(arguments, it);
                    argument == py::none() || plain.contains(&py::kind(argument))
                })
        }
    }

    /// The first characters of a string; what is no text is written with escapes.
    unsafe fn start_of(&mut self, text: Ref, characters_max: isize) -> bool {
        // SAFETY: as in `exception`; the error handler that is named is built into the UTF-8 encoder.
        unsafe {
            if text.is_null() {
                return false;
            }
            let start = py::PyUnicode_Substring(text, 0, characters_max);
            if start.is_null() {
                return false;
            }
            let bytes = py::PyUnicode_AsEncodedString(
                start,
                c"utf-8".as_ptr(),
                c"backslashreplace".as_ptr(),
            );
            let (mut data, mut length) = (std::ptr::null_mut::<c_char>(), 0);
            if bytes.is_null()
                || py::PyBytes_AsStringAndSize(bytes, &raw mut data, &raw mut length) != 0
            {
                return false;
            }
            self.text(std::slice::from_raw_parts(
                data.cast(),
                length.cast_unsigned(),
            ));
            true
        }
    }

    fn text(&mut self, bytes: &[u8]) {
        self.put(&(bytes.len() as u32).to_le_bytes());
        self.put(bytes);
    }

    /// Records of exceptions are far smaller than the region; a value's bytes were measured by `fit`.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        if self.capacity < self.length + bytes.len() {
            return;
        }
        // SAFETY: in bounds as just seen, and the region is ours.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.add(self.length), bytes.len());
        }
        self.length += bytes.len();
    }
}
