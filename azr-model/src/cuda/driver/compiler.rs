//! NVRTC, opened at run time: kernels become machine code for one architecture.

use std::{
    ffi::{CString, c_char},
    fs,
    path::{Path, PathBuf},
};

use cudarc::nvrtc::{
    result::{self, NvrtcError},
    sys,
};
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

use super::{DeviceError, Gpu};
use crate::cuda::Source;

/// The library, and the one that it opens itself.
const NAME: &str = "libnvrtc.so.";
const BUILTINS: &str = "libnvrtc-builtins.so.";
/// The oldest compute capability that the kernels are written for.
const CAPABILITY_MIN: (u32, u32) = (8, 0);

/// NVRTC, loaded.
pub(crate) struct Compiler {
    /// Stay open: cudarc finds NVRTC by its name because it is loaded already, and so does NVRTC its builtins.
    _libraries: Vec<Library>,
}

/// A program of NVRTC.
struct Program(sys::nvrtcProgram);

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: NVRTC made the program, and nothing uses it anymore. An error here leaves memory, no more.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

/// How NVRTC names the architecture of a GPU: with what only Hopper has, where it is one.
pub(super) fn architecture(gpu: &Gpu) -> Result<String, DeviceError> {
    let (major, minor) = gpu.compute_capability;
    if (major, minor) < CAPABILITY_MIN {
        return Err(DeviceError::OldGpu {
            name: gpu.name.clone(),
            major,
            minor,
        });
    }
    let own = if (major, minor) == (9, 0) { "a" } else { "" };
    Ok(format!("sm_{major}{minor}{own}"))
}

impl Compiler {
    /// Opens NVRTC from the first of these directories that holds it, or from where the system looks.
    pub(crate) fn load(directories: &[PathBuf]) -> Result<Self, DeviceError> {
        let mut libraries = Vec::new();
        for directory in directories {
            let (builtins, nvrtc) = (files(directory, BUILTINS), files(directory, NAME));
            // NVRTC comes with its builtins, and looks for them by name when it compiles.
            libraries.extend(builtins.iter().filter_map(|path| open(path)));
            let Some(library) = nvrtc.iter().find_map(|path| open(path)) else {
                continue;
            };
            libraries.push(library);
            break;
        }
        // SAFETY: NVRTC is opened as it always is; its initializers touch nothing of ours.
        if unsafe { sys::is_culib_present() } {
            return Ok(Self {
                _libraries: libraries,
            });
        }
        Err(DeviceError::NoCompiler {
            directories: directories.to_vec(),
        })
    }

    /// Machine code of a source for an architecture (`sm_90a`).
    pub(crate) fn compile(
        &self,
        source: &Source,
        architecture: &str,
    ) -> Result<Vec<u8>, DeviceError> {
        let fail = |log: String| DeviceError::Compile {
            name: source.name,
            log,
        };
        let said = |error: NvrtcError| fail(format!("NVRTC says {error}"));
        let text = CString::new(source.whole()).map_err(|error| fail(error.to_string()))?;
        let program = Program(result::create_program(&text, None).map_err(said)?);
        let options = [
            format!("--gpu-architecture={architecture}"),
            "--std=c++17".to_owned(),
        ];
        // SAFETY: the program was made above and is not destroyed before the end of this function.
        if let Err(error) = unsafe { result::compile_program(program.0, &options) } {
            // SAFETY: as above.
            let log = unsafe { result::get_program_log(program.0) }.map_err(said)?;
            let log = log.iter().map(|it| *it as u8).take_while(|it| *it != 0);
            let log = String::from_utf8_lossy(&log.collect::<Vec<u8>>()).into_owned();
            return Err(fail(format!("{architecture}, {error}\n{log}")));
        }
        let mut bytes = 0;
        // SAFETY: the program is compiled; the size goes to a number of ours.
        let size = unsafe { sys::nvrtcGetCUBINSize(program.0, &raw mut bytes) };
        size.result().map_err(said)?;
        let mut binary = vec![0u8; bytes];
        // SAFETY: the program is compiled, and there is room for as many bytes as it said that it has.
        let copied = unsafe { sys::nvrtcGetCUBIN(program.0, binary.as_mut_ptr().cast::<c_char>()) };
        copied.result().map_err(said)?;
        Ok(binary)
    }
}

/// Files of a directory whose names begin so, in order.
fn files(directory: &Path, name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(name))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

fn open(path: &Path) -> Option<Library> {
    // SAFETY: a library of NVIDIA's compiler, opened as it always is; its initializers touch nothing of ours.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }.ok()
}
