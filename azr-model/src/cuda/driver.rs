//! A GPU behind the seam: NVIDIA's driver, opened at run time, one stream, memory from the driver's own pool.
//!
//! Everything is enqueued on one stream, so a piece of memory that is given back may be handed out again at once: whoever
//! gets it comes later in the stream. Small copies to the device go through pinned memory and wait for nothing; reading
//! back waits for the stream.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cudarc::driver::{
    CudaContext, CudaFunction, CudaModule, CudaStream, LaunchConfig, PinnedHostSlice,
    PushKernelArg, result, sys,
};
use cudarc::nvrtc::Ptx;

use super::{Argument, DeviceError, Driver, Launch, Source};
pub(super) use compiler::Compiler;

mod compiler;
mod present;

pub use present::Gpu;
pub(crate) use present::gpus;

/// Pinned memory that copies to the device go through.
const PINNED_BYTES: usize = 1 << 20;
/// Dynamic shared memory that a kernel may have without being told that it has more.
const SHARED_BYTES: usize = 48 << 10;

/// Which GPU, and where to look for NVRTC besides the places where the system looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GpuOptions {
    /// Its number, counted from 0 as the driver does.
    pub index: usize,
    /// Directories that may hold `libnvrtc.so.*`.
    pub library_directories: Vec<PathBuf>,
}

/// Fails unless NVRTC can be loaded.
pub(crate) fn compiler(library_directories: &[PathBuf]) -> Result<(), DeviceError> {
    Compiler::load(library_directories).map(|_| ())
}

/// One GPU.
pub(super) struct CudaDriver {
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    pool: Pool,
    compiler: Compiler,
    /// As NVRTC names it.
    architecture: String,
    modules: Mutex<HashMap<&'static str, Arc<CudaModule>>>,
    /// By source and name.
    kernels: Mutex<HashMap<(&'static str, &'static str), Kernel>>,
    pinned: Mutex<Pinned>,
}

/// The driver's pool of memory of one device.
struct Pool(sys::CUmemoryPool);

// SAFETY: the handle of a pool may be used from any thread; the driver locks it.
unsafe impl Send for Pool {}
// SAFETY: as above.
unsafe impl Sync for Pool {}

/// A kernel and the dynamic shared memory that it has been told it may have.
struct Kernel {
    function: CudaFunction,
    shared_bytes_max: usize,
}

/// Pinned memory; what lies before `used` may still be read by the device.
struct Pinned {
    memory: PinnedHostSlice<u8>,
    used: usize,
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts the name of a call before what the driver says of it.
fn said(call: &'static str) -> impl Fn(result::DriverError) -> DeviceError {
    move |error| DeviceError::Call {
        call,
        cause: words(&error),
        remedy: remedy(error.0),
    }
}

fn words(error: &result::DriverError) -> String {
    let text = error.error_string().ok();
    let text = text.map_or("no text".into(), |it| it.to_string_lossy());
    format!("{:?}, {text}", error.0)
}

fn remedy(code: sys::CUresult) -> &'static str {
    use sys::CUresult::*;
    match code {
        CUDA_ERROR_NO_DEVICE => {
            "nvidia-smi must list one, and CUDA_VISIBLE_DEVICES must not hide it"
        }
        CUDA_ERROR_INVALID_DEVICE => "choose one of those that azr doctor lists",
        CUDA_ERROR_STUB_LIBRARY => "take the toolkit's stubs out of the search path of libraries",
        CUDA_ERROR_SYSTEM_DRIVER_MISMATCH | CUDA_ERROR_SYSTEM_NOT_READY => {
            "restart the machine; the driver and its parts do not fit"
        }
        CUDA_ERROR_OUT_OF_MEMORY => {
            "end what else uses the GPU, or choose a smaller model or batch"
        }
        CUDA_ERROR_NO_BINARY_FOR_GPU
        | CUDA_ERROR_INVALID_IMAGE
        | CUDA_ERROR_UNSUPPORTED_PTX_VERSION => {
            "use an NVRTC that is no newer than the driver: 13.0 for drivers of the 580 series"
        }
        _ => "nothing on this GPU is right anymore; start again, or compute on the CPU",
    }
}

impl CudaDriver {
    pub(super) fn open(options: &GpuOptions) -> Result<Self, DeviceError> {
        let gpu = present::gpu(options.index)?;
        let architecture = compiler::architecture(&gpu)?;
        let compiler = Compiler::load(&options.library_directories)?;
        let context = CudaContext::new(options.index).map_err(said("cuDevicePrimaryCtxRetain"))?;
        let stream = context.new_stream().map_err(said("cuStreamCreate"))?;
        // SAFETY: the device is that of the context, which was made.
        let pool = unsafe { result::device::get_default_mem_pool(context.cu_device()) };
        let pool = Pool(pool.map_err(said("cuDeviceGetDefaultMemPool"))?);
        // Without this, memory goes back to the system whenever the stream is waited for.
        let mut keep_bytes = u64::MAX;
        // SAFETY: the attribute is 64 bits wide, as what is pointed to is.
        let kept = unsafe {
            result::mem_pool::set_attribute(
                pool.0,
                sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD,
                (&raw mut keep_bytes).cast(),
            )
        };
        kept.map_err(said("cuMemPoolSetAttribute"))?;
        // SAFETY: what it holds is written before it is read.
        let memory = unsafe { context.alloc_pinned(PINNED_BYTES) };
        let memory = memory.map_err(said("cuMemHostAlloc"))?;
        Ok(Self {
            context,
            stream,
            pool,
            compiler,
            architecture,
            modules: Mutex::default(),
            kernels: Mutex::default(),
            pinned: Mutex::new(Pinned { memory, used: 0 }),
        })
    }

    /// Makes the context that of this thread.
    fn bind(&self) -> Result<(), DeviceError> {
        self.context
            .bind_to_thread()
            .map_err(said("cuCtxSetCurrent"))
    }

    fn wait(&self) -> Result<(), DeviceError> {
        self.stream
            .synchronize()
            .map_err(said("cuStreamSynchronize"))
    }

    /// The module of a source, compiled and loaded once.
    fn module(&self, source: &Source) -> Result<Arc<CudaModule>, DeviceError> {
        let mut modules = lock(&self.modules);
        if let Some(known) = modules.get(source.name) {
            return Ok(Arc::clone(known));
        }
        let binary = self.compiler.compile(source, &self.architecture)?;
        let module = self.context.load_module(Ptx::from_binary(binary));
        let module = module.map_err(said("cuModuleLoadData"))?;
        modules.insert(source.name, Arc::clone(&module));
        Ok(module)
    }

    /// The kernel of a launch, with as much shared memory as that asks for.
    fn kernel(&self, source: &Source, launch: &Launch<'_>) -> Result<CudaFunction, DeviceError> {
        let mut kernels = lock(&self.kernels);
        let key = (source.name, launch.kernel);
        if let Some(known) = kernels.get(&key)
            && launch.dynamic_shared_bytes <= known.shared_bytes_max
        {
            return Ok(known.function.clone());
        }
        let function = self.module(source)?.load_function(launch.kernel);
        let function = function.map_err(said("cuModuleGetFunction"))?;
        let shared_bytes_max = launch.dynamic_shared_bytes.max(SHARED_BYTES);
        if SHARED_BYTES < shared_bytes_max {
            let attribute =
                sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            let told = function.set_attribute(attribute, shared_bytes_max as i32);
            told.map_err(said("cuFuncSetAttribute"))?;
        }
        let kernel = Kernel {
            function: function.clone(),
            shared_bytes_max,
        };
        kernels.insert(key, kernel);
        Ok(function)
    }

    fn take(&self, bytes: usize) -> Result<u64, result::DriverError> {
        // SAFETY: the stream lives as long as this; who gets the memory knows that nothing is in it.
        unsafe { result::malloc_async(self.stream.cu_stream(), bytes) }
    }
}

impl Driver for CudaDriver {
    fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
        self.bind()?;
        // The driver refuses a piece without a byte.
        let least = bytes.max(1);
        let full = sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY;
        match self.take(least) {
            Err(error) if error.0 == full => {
                // What was given back is in pieces of other sizes; the system makes one of them.
                self.wait()?;
                // SAFETY: the pool is that of the device, which lives as long as the context.
                let trimmed = unsafe { result::mem_pool::trim_to(self.pool.0, 0) };
                trimmed.map_err(said("cuMemPoolTrimTo"))?;
                self.take(least).map_err(|error| match error.0 {
                    code if code == full => DeviceError::Allocate { bytes },
                    _ => said("cuMemAllocAsync")(error),
                })
            }
            other => other.map_err(said("cuMemAllocAsync")),
        }
    }

    fn free(&self, address: u64, _bytes: usize) {
        self.context.record_err(self.context.bind_to_thread());
        // SAFETY: a buffer gives back what it was given by this stream, once.
        let freed = unsafe { result::free_async(address, self.stream.cu_stream()) };
        self.context.record_err(freed);
    }

    fn write(&self, from: &[u8], to: u64) -> Result<(), DeviceError> {
        const CALL: &str = "cuMemcpyHtoDAsync";
        self.bind()?;
        if PINNED_BYTES < from.len() {
            // SAFETY: the caller's view holds as many bytes; the host's are borrowed until the stream was waited for.
            let copied = unsafe { result::memcpy_htod_async(to, from, self.stream.cu_stream()) };
            copied.map_err(said(CALL))?;
            return self.wait();
        }
        let mut pinned = lock(&self.pinned);
        if PINNED_BYTES < pinned.used + from.len() {
            self.wait()?;
            pinned.used = 0;
        }
        let place = pinned.used..pinned.used + from.len();
        // The next place begins at a multiple of 16 bytes.
        pinned.used = place.end.next_multiple_of(16).min(PINNED_BYTES);
        let memory = pinned
            .memory
            .as_mut_slice()
            .map_err(said("cuEventSynchronize"))?;
        let staged = &mut memory[place];
        staged.copy_from_slice(from);
        // SAFETY: the caller's view holds as many bytes; the pinned ones are not touched before the stream was waited for.
        let copied = unsafe { result::memcpy_htod_async(to, staged, self.stream.cu_stream()) };
        copied.map_err(said(CALL))
    }

    fn read(&self, from: u64, to: &mut [u8]) -> Result<(), DeviceError> {
        self.bind()?;
        // SAFETY: the caller's view holds as many bytes; the host's are borrowed until the stream was waited for.
        let copied = unsafe { result::memcpy_dtoh_async(to, from, self.stream.cu_stream()) };
        // Waits in any case: a copy that was begun may not outlive the borrow.
        let waited = self.wait();
        copied.map_err(said("cuMemcpyDtoHAsync"))?;
        waited
    }

    fn clear(&self, at: u64, bytes: usize) -> Result<(), DeviceError> {
        self.bind()?;
        // SAFETY: the caller's view holds as many bytes, and zeros are any element.
        let cleared = unsafe { result::memset_d8_async(at, 0, bytes, self.stream.cu_stream()) };
        cleared.map_err(said("cuMemsetD8Async"))
    }

    fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<(), DeviceError> {
        self.bind()?;
        // SAFETY: the caller's views hold as many bytes and do not overlap.
        let copied = unsafe { result::memcpy_dtod_async(to, from, bytes, self.stream.cu_stream()) };
        copied.map_err(said("cuMemcpyDtoDAsync"))
    }

    fn launch(&self, source: &Source, launch: &Launch<'_>) -> Result<(), DeviceError> {
        self.bind()?;
        let function = self.kernel(source, launch)?;
        let mut arguments = self.stream.launch_builder(&function);
        for argument in launch.arguments {
            match argument {
                Argument::Read(address) | Argument::Write(address) => arguments.arg(address),
                Argument::Size(size) => arguments.arg(size),
                Argument::Number(number) => arguments.arg(number),
            };
        }
        let [x, y, z] = launch.grid.map(|blocks| blocks as u32);
        let configuration = LaunchConfig {
            grid_dim: (x, y, z),
            block_dim: launch.block.into(),
            shared_mem_bytes: launch.dynamic_shared_bytes as u32,
        };
        // SAFETY: the tests compare the arguments of every launch form with the parameters of its kernel, kind by kind;
        // the launch forms check every size, so that a kernel stays inside the views it is given; what those point to is
        // given back on this stream, after the kernel.
        let launched = unsafe { arguments.launch(configuration) };
        launched.map(|_| ()).map_err(|error| DeviceError::Launch {
            kernel: launch.kernel,
            grid: launch.grid,
            block: launch.block,
            cause: format!("{}; {}", words(&error), remedy(error.0)),
        })
    }
}

impl Drop for CudaDriver {
    fn drop(&mut self) {
        // Pinned memory may not go before the copies that read it.
        self.context.record_err(self.stream.synchronize());
    }
}
