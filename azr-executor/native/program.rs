//! One run: reads the request, runs the program, writes a record for each call.

use std::ffi::c_char;

use crate::decode::Reader;
use crate::headroom;
use crate::python::{self as py, Ref, exact};
use crate::record::{Tools, Writer};

/// Bytes of a request before its parts, and of a result before its records.
const REQUEST_HEADER_BYTES: usize = 56;
const RESULT_HEADER_BYTES: usize = 64;

/// Where a result says how many calls are done, and how long its records are.
const CALLS_DONE_AT: usize = 16;
const LENGTH_AT: usize = 20;

const NONCE_BYTES: usize = 16;

/// The memory that a worker shares with the supervisor.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Windows {
    /// Where requests are read.
    pub request: *const u8,
    /// Where results are written.
    pub result: *mut u8,
    /// Its size.
    pub result_bytes: usize,
}

/// The fixed part of a request.
pub struct Request {
    at: *const u8,
    calls: u32,
    output_bytes_max: usize,
    /// Bytes of address space that the program may add.
    pub memory_bytes_max: u64,
    /// Whole seconds of processor time.
    pub cpu_seconds_max: u32,
    lengths: [usize; 4],
}

impl Request {
    /// # Safety
    /// A request as the supervisor writes it lies at `at`.
    pub unsafe fn read(at: *const u8) -> Self {
        // SAFETY: the header has this layout, little-endian and without gaps.
        unsafe {
            let word = |offset: usize| u32::from_le_bytes(at.add(offset).cast::<[u8; 4]>().read());
            let wide = |offset: usize| u64::from_le_bytes(at.add(offset).cast::<[u8; 8]>().read());
            Self {
                at,
                calls: word(16),
                output_bytes_max: wide(20) as usize,
                memory_bytes_max: wide(28),
                cpu_seconds_max: word(36),
                lengths: [40, 44, 48, 52].map(|offset| word(offset) as usize),
            }
        }
    }

    /// Entry, bans, source, arguments.
    unsafe fn parts(&self) -> [&[u8]; 4] {
        let mut offset = REQUEST_HEADER_BYTES;
        self.lengths.map(|length| {
            // SAFETY: the parts follow the header, one after the other.
            let part = unsafe { std::slice::from_raw_parts(self.at.add(offset), length) };
            offset += length;
            part
        })
    }
}

/// Runs the program of `request` and writes the whole result, the nonce last.
///
/// # Safety
/// The windows are valid, the interpreter's lock is held, and nothing of this process is used after the run but what
/// is rolled back: references are never given back, so that no destructor of a program runs.
pub unsafe fn run(request: &Request, windows: &Windows, tools: Tools) {
    let room = windows.result_bytes - RESULT_HEADER_BYTES;
    // SAFETY: as the caller promises; the parts lie in the request, and records are written inside the window.
    unsafe {
        let mut writer = Writer::new(windows.result.add(RESULT_HEADER_BYTES), room, tools);
        let [entry, bans, source, arguments] = request.parts();
        let mut call_arguments = [std::ptr::null_mut(); CALLS_MAX];
        let calls = (request.calls as usize).min(CALLS_MAX);
        for place in &mut call_arguments[..calls] {
            *place = Reader::new(arguments.as_ptr(), &tools.library).value();
        }
        // Arguments that found no memory are null, and each call says so.
        py::PyErr_Clear();
        let namespace = start(source, bans, &mut writer, tools);
        let stopped = writer.length();
        let mut before: Option<Rest> = None;
        for (nth, arguments) in call_arguments[..calls].iter().enumerate() {
            match namespace {
                Some(namespace) => {
                    if let Some(rest) = before.take() {
                        rest.clear_away();
                    }
                    let bytes_max = request.output_bytes_max;
                    before = call(namespace, entry, *arguments, bytes_max, &mut writer);
                }
                None if nth > 0 => writer.repeat(stopped),
                None => {}
            }
            windows
                .result
                .add(CALLS_DONE_AT)
                .write_volatile(nth as u8 + 1);
        }
        let length = (writer.length() as u32).to_le_bytes();
        std::ptr::copy_nonoverlapping(length.as_ptr(), windows.result.add(LENGTH_AT), length.len());
        std::ptr::copy_nonoverlapping(request.at, windows.result, NONCE_BYTES);
    }
}

/// Calls of one run; a check has two.
const CALLS_MAX: usize = 2;

/// The program's namespace after its own text ran, or nothing and the record of what stopped it.
unsafe fn start(source: &[u8], bans: &[u8], writer: &mut Writer, tools: Tools) -> Option<Ref> {
    // SAFETY: as in `run`.
    unsafe {
        let program = py::PyModule_New(c"__main__".as_ptr());
        let text = string(source);
        let ready = !program.is_null()
            && !text.is_null()
            && py::PyDict_SetItemString(
                py::PyImport_GetModuleDict(),
                c"__main__".as_ptr(),
                program,
            ) == 0;
        if !ready {
            writer.out_of_memory();
            return None;
        }
        let namespace = py::PyModule_GetDict(program);
        py::PyDict_SetItemString(namespace, c"__builtins__".as_ptr(), tools.builtins);
        ban(bans, tools);
        let code = py::PyObject_CallFunctionObjArgs(
            tools.compile,
            text,
            tools.file_name,
            tools.exec,
            tools.zero,
            py::truth(),
            std::ptr::null_mut::<u8>(),
        );
        if code.is_null() {
            quiet();
            let [_, exception, _] = raised();
            writer.exception(exception);
            return None;
        }
        let ran = py::PyEval_EvalCode(code, namespace, namespace);
        py::stop_tracing();
        if ran.is_null() {
            failure(writer);
            return None;
        }
        Some(namespace)
    }
}

/// What a call leaves behind when its record is written.
struct Rest {
    /// What it returned, or the exception with its class and traceback.
    objects: [Ref; 3],
    /// Whether garbage was collected.
    was_collecting: bool,
}

impl Rest {
    /// The program goes on as if there had been no record: what the call left takes no memory from the next one, and all
    /// is as the program had it.
    unsafe fn clear_away(self) {
        // SAFETY: the interpreter's lock is held, and nobody else has these references. Destructors of the program run
        // here as they would between two calls.
        unsafe {
            headroom::keep();
            for object in self.objects {
                py::Py_DecRef(object);
            }
            py::PyErr_Clear();
            if self.was_collecting {
                py::PyGC_Enable();
            }
        }
    }
}

/// One call of the entry function, as a record. None when it was not called.
unsafe fn call(
    namespace: Ref,
    entry: &[u8],
    arguments: Ref,
    bytes_max: usize,
    writer: &mut Writer,
) -> Option<Rest> {
    // SAFETY: as in `run`; the arguments are a tuple of a list and a dictionary.
    unsafe {
        let name = string(entry);
        if arguments.is_null() || name.is_null() {
            writer.out_of_memory();
            return None;
        }
        let function = py::PyDict_GetItem(namespace, name);
        if function.is_null() {
            writer.not_defined(entry);
            return None;
        }
        let positional = py::PySequence_Tuple(py::PyTuple_GetItem(arguments, 0));
        let keyword = py::PyTuple_GetItem(arguments, 1);
        if positional.is_null() {
            writer.out_of_memory();
            return None;
        }
        let value = py::PyObject_Call(function, positional, keyword);
        py::stop_tracing();
        if value.is_null() {
            return Some(failure(writer));
        }
        let was_collecting = quiet();
        writer.returned(value, bytes_max);
        let nothing = std::ptr::null_mut();
        Some(Rest {
            objects: [value, nothing, nothing],
            was_collecting,
        })
    }
}

/// Nothing of the program runs from here on, and what it left of its memory is not too little for a record. Gives whether
/// garbage was collected.
unsafe fn quiet() -> bool {
    // SAFETY: one thread, and the interpreter's lock is held.
    unsafe {
        headroom::give();
        py::PyGC_Disable() != 0
    }
}

/// What a program raised, as a record.
unsafe fn failure(writer: &mut Writer) -> Rest {
    // SAFETY: as in `run`; an exception is set.
    unsafe {
        let was_collecting = quiet();
        let [class, exception, traceback] = raised();
        if exception.is_null() || py::kind(exception) == py::PyExc_MemoryError {
            writer.out_of_memory();
        } else {
            writer.exception(exception);
        }
        Rest {
            objects: [class, exception, traceback],
            was_collecting,
        }
    }
}

/// The exception that is set, taken: its class, itself, its traceback. What it holds stays as it is.
unsafe fn raised() -> [Ref; 3] {
    let (mut class, mut value, mut traceback) = (
        std::ptr::null_mut(),
        std::ptr::null_mut(),
        std::ptr::null_mut(),
    );
    // SAFETY: three places for references.
    unsafe {
        py::PyErr_Fetch(&raw mut class, &raw mut value, &raw mut traceback);
        py::PyErr_NormalizeException(&raw mut class, &raw mut value, &raw mut traceback);
    }
    [class, value, traceback]
}

/// Makes modules unimportable. A policy, not a wall: the walls are the layers around the process.
unsafe fn ban(names: &[u8], tools: Tools) {
    // SAFETY: as in `run`.
    unsafe {
        let modules = py::PyImport_GetModuleDict();
        let forbid = |module: Ref| {
            if !module.is_null() {
                py::PyDict_SetItem(modules, module, py::none());
            }
        };
        for name in names
            .split(|&byte| byte == b'\n')
            .filter(|it| !it.is_empty())
        {
            let module = string(name);
            forbid(module);
            forbid(string(&[b"_", name].concat()));
            let inside = py::PyDict_GetItem(tools.submodules, module);
            if !inside.is_null() && py::kind(inside) == exact!(PyList_Type) {
                for index in 0..py::PyList_Size(inside) {
                    forbid(py::PyList_GetItem(inside, index));
                }
            }
        }
    }
}

unsafe fn string(bytes: &[u8]) -> Ref {
    // SAFETY: pointer and length are those of a slice.
    unsafe {
        py::PyUnicode_FromStringAndSize(bytes.as_ptr().cast::<c_char>(), bytes.len().cast_signed())
    }
}
