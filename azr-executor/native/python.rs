//! The interpreter's C interface, as far as it is used here.
//!
//! Everything is called with the interpreter's lock held, which the one thread of a template never gives up.

use std::ffi::{c_char, c_int, c_long, c_void};

/// An object of the interpreter, as its builds with a global lock lay it out.
#[repr(C)]
pub struct Object {
    references: isize,
    kind: *mut Object,
}

/// A pointer to an object: owned or borrowed, as each function says.
pub type Ref = *mut Object;

unsafe extern "C" {
    pub static PyBool_Type: Object;
    pub static PyBytes_Type: Object;
    pub static PyComplex_Type: Object;
    pub static PyDict_Type: Object;
    pub static PyFloat_Type: Object;
    pub static PyFrozenSet_Type: Object;
    pub static PyList_Type: Object;
    pub static PyLong_Type: Object;
    pub static PyODict_Type: Object;
    pub static PyRange_Type: Object;
    pub static PySet_Type: Object;
    pub static PyTuple_Type: Object;
    pub static PyUnicode_Type: Object;
    pub static mut _Py_EllipsisObject: Object;
    pub static mut _Py_NoneStruct: Object;
    pub static mut _Py_TrueStruct: Object;
    pub static PyExc_MemoryError: Ref;

    pub fn Py_IncRef(object: Ref);
    pub fn PyBool_FromLong(value: c_long) -> Ref;
    pub fn PyBytes_AsStringAndSize(bytes: Ref, data: *mut *mut c_char, length: *mut isize)
    -> c_int;
    pub fn PyBytes_FromStringAndSize(data: *const c_char, length: isize) -> Ref;
    pub fn PyComplex_FromDoubles(real: f64, imaginary: f64) -> Ref;
    pub fn PyComplex_ImagAsDouble(complex: Ref) -> f64;
    pub fn PyComplex_RealAsDouble(complex: Ref) -> f64;
    pub fn PyDict_GetItem(dictionary: Ref, key: Ref) -> Ref;
    pub fn PyDict_New() -> Ref;
    pub fn PyDict_Next(dictionary: Ref, at: *mut isize, key: *mut Ref, value: *mut Ref) -> c_int;
    pub fn PyDict_SetItem(dictionary: Ref, key: Ref, value: Ref) -> c_int;
    pub fn PyDict_SetItemString(dictionary: Ref, key: *const c_char, value: Ref) -> c_int;
    pub fn PyDict_Size(dictionary: Ref) -> isize;
    pub fn PyErr_Clear();
    pub fn PyErr_ExceptionMatches(class: Ref) -> c_int;
    pub fn PyErr_Fetch(class: *mut Ref, value: *mut Ref, traceback: *mut Ref);
    pub fn PyErr_Occurred() -> Ref;
    pub fn PyErr_NormalizeException(class: *mut Ref, value: *mut Ref, traceback: *mut Ref);
    pub fn PyEval_EvalCode(code: Ref, globals: Ref, locals: Ref) -> Ref;
    pub fn PyEval_SetProfile(function: *mut c_void, argument: Ref);
    pub fn PyEval_SetTrace(function: *mut c_void, argument: Ref);
    pub fn PyFloat_AsDouble(float: Ref) -> f64;
    pub fn PyFloat_FromDouble(value: f64) -> Ref;
    pub fn PyFrozenSet_New(elements: Ref) -> Ref;
    pub fn PyGC_Disable() -> c_int;
    pub fn PyGC_Enable() -> c_int;
    pub fn Py_DecRef(object: Ref);
    pub fn PyImport_GetModuleDict() -> Ref;
    pub fn PyIter_Next(iterator: Ref) -> Ref;
    pub fn PyLong_FromSsize_t(value: isize) -> Ref;
    pub fn PyList_GetItem(list: Ref, index: isize) -> Ref;
    pub fn PyList_New(length: isize) -> Ref;
    pub fn PyList_SetItem(list: Ref, index: isize, element: Ref) -> c_int;
    pub fn PyList_Size(list: Ref) -> isize;
    pub fn PyModule_GetDict(module: Ref) -> Ref;
    pub fn PyModule_New(name: *const c_char) -> Ref;
    pub fn PyObject_Call(function: Ref, positional: Ref, keyword: Ref) -> Ref;
    pub fn PyObject_CallFunctionObjArgs(function: Ref, ...) -> Ref;
    pub fn PyObject_GetIter(iterable: Ref) -> Ref;
    pub fn PyObject_RichCompareBool(left: Ref, right: Ref, operation: c_int) -> c_int;
    pub fn PyObject_Size(object: Ref) -> isize;
    pub fn PyObject_Str(object: Ref) -> Ref;
    pub fn PySequence_Tuple(elements: Ref) -> Ref;
    pub fn PySet_New(elements: Ref) -> Ref;
    pub fn PySet_Size(set: Ref) -> isize;
    pub fn PyTuple_GetItem(tuple: Ref, index: isize) -> Ref;
    pub fn PyTuple_New(length: isize) -> Ref;
    pub fn PyTuple_SetItem(tuple: Ref, index: isize, element: Ref) -> c_int;
    pub fn PyTuple_Size(tuple: Ref) -> isize;
    pub fn PyUnicode_AsEncodedString(
        text: Ref,
        encoding: *const c_char,
        errors: *const c_char,
    ) -> Ref;
    pub fn PyUnicode_AsUTF8AndSize(text: Ref, length: *mut isize) -> *const c_char;
    pub fn PyUnicode_FromStringAndSize(data: *const c_char, length: isize) -> Ref;
    pub fn PyUnicode_GetLength(text: Ref) -> isize;
    pub fn PyUnicode_Substring(text: Ref, start: isize, end: isize) -> Ref;
    /// The last parameter came with 3.13; before, it is passed and not looked at, as the calling convention allows.
    pub fn _PyLong_AsByteArray(
        int: Ref,
        bytes: *mut u8,
        length: usize,
        little_endian: c_int,
        signed: c_int,
        with_exceptions: c_int,
    ) -> c_int;
    pub fn _PyLong_FromByteArray(
        bytes: *const u8,
        length: usize,
        little_endian: c_int,
        signed: c_int,
    ) -> Ref;
    pub fn _PyLong_NumBits(int: Ref) -> usize;
}

/// `operation` of a rich comparison.
pub const LESS: c_int = 0;

/// The type of an object, borrowed.
///
/// # Safety
/// `object` is a valid object.
pub unsafe fn kind(object: Ref) -> Ref {
    // SAFETY: as the caller promises; every object begins with these two words.
    unsafe { (*object).kind }
}

/// Ends what a program set to watch itself, so that none of it runs in what follows.
///
/// # Safety
/// The interpreter's lock is held.
pub unsafe fn stop_tracing() {
    // SAFETY: no function and no argument are given.
    unsafe {
        PyEval_SetTrace(std::ptr::null_mut(), std::ptr::null_mut());
        PyEval_SetProfile(std::ptr::null_mut(), std::ptr::null_mut());
    }
}

/// `None`, borrowed.
pub fn none() -> Ref {
    &raw mut _Py_NoneStruct
}

/// `Ellipsis`, borrowed.
pub fn ellipsis() -> Ref {
    &raw mut _Py_EllipsisObject
}

/// `True`, borrowed.
pub fn truth() -> Ref {
    &raw mut _Py_TrueStruct
}

/// What a function with one argument gives; null with an exception set when it fails.
///
/// # Safety
/// Both are valid objects, and the interpreter's lock is held.
pub unsafe fn call_with(function: Ref, argument: Ref) -> Ref {
    // SAFETY: as the caller promises; a null ends the arguments.
    unsafe { PyObject_CallFunctionObjArgs(function, argument, std::ptr::null_mut::<u8>()) }
}

/// A type of the interpreter, to be compared with [`kind`].
macro_rules! exact {
    ($name:ident) => {
        (&raw const $crate::python::$name).cast_mut()
    };
}
pub(crate) use exact;
