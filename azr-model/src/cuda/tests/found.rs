//! Every kind of mistake that the emulated machine has to find, each made once, and warp meetings that are right.

use super::{
    super::{Argument, Buffer, Launch, Source, emulator::Compiler},
    emulated,
};

const MISTAKES: Source = Source {
    name: "mistakes",
    text: r#"
extern "C" __global__ void __launch_bounds__(64) reads_behind(const float* from, float* to, unsigned n) {
    to[threadIdx.x] = from[threadIdx.x + n];
}
extern "C" __global__ void __launch_bounds__(64) writes_before(const float* from, float* to, unsigned n) {
    to[int(threadIdx.x) - int(n)] = from[0];
}
extern "C" __global__ void __launch_bounds__(64) leaves_before_the_barrier(const float* from, float* to, unsigned n) {
    if (threadIdx.x == n) return;
    __syncthreads();
    to[threadIdx.x] = from[threadIdx.x];
}
extern "C" __global__ void __launch_bounds__(64) parts_at_the_barrier(const float* from, float* to, unsigned n) {
    if (threadIdx.x < n) __syncthreads();
    else
        __syncthreads();
    to[threadIdx.x] = from[threadIdx.x];
}
extern "C" __global__ void __launch_bounds__(64) misses_the_warp(const float* from, float* to, unsigned n) {
    float value = from[threadIdx.x];
    if (threadIdx.x != n) value += __shfl_xor_sync(FULL_WARP, value, 1);
    to[threadIdx.x] = value;
}
extern "C" __global__ void __launch_bounds__(64) forgets_the_barrier(const float* from, float* to, unsigned n) {
    __shared__ float row[64];
    row[threadIdx.x] = from[threadIdx.x];
    to[threadIdx.x] = row[(threadIdx.x + n) % 64];
}
extern "C" __global__ void __launch_bounds__(64) reads_a_vector_askew(const float* from, float* to, unsigned n) {
    float4 it = *reinterpret_cast<const float4*>(from + n);
    to[threadIdx.x] = it.x;
}
extern "C" __global__ void __launch_bounds__(64) leaves_its_array(const float* from, float* to, unsigned n) {
    __shared__ float row[64];
    row[threadIdx.x + n] = from[0];
    __syncthreads();
    to[threadIdx.x] = row[0];
}
extern "C" __global__ void __launch_bounds__(64) leaves_its_shared_memory(const float* from, float* to, unsigned n) {
    DYNAMIC_SHARED(float, row);
    row[threadIdx.x + n] = from[0];
    to[threadIdx.x] = 0.0f;
}
extern "C" __global__ void __launch_bounds__(64) lets_the_last_win(const float* from, float* to, unsigned n) {
    to[n] = from[threadIdx.x];
}
extern "C" __global__ void __launch_bounds__(64) makes_none(const float* from, float* to, unsigned n) {
    __shared__ float row[64];
    DYNAMIC_SHARED(float, other);
    row[threadIdx.x] = from[threadIdx.x];
    __syncthreads();
    other[threadIdx.x] = row[(threadIdx.x + n) % 64];
    __syncthreads();
    unsigned lane = threadIdx.x % 32;
    bool right = __shfl_up_sync(FULL_WARP, lane, 3) == (lane < 3 ? lane : lane - 3);
    right = right && __shfl_down_sync(FULL_WARP, lane, 5) == (31 < lane + 5 ? lane : lane + 5);
    right = right && __shfl_xor_sync(FULL_WARP, lane, 6) == (lane ^ 6);
    right = right && __shfl_sync(FULL_WARP, lane, 2, 8) == lane / 8 * 8 + 2;
    right = right && __ballot_sync(FULL_WARP, lane % 2) == 0xaaaaaaaau;
    right = right && __any_sync(FULL_WARP, lane == 7) && !__all_sync(FULL_WARP, lane == 7);
    right = right && __match_any_sync(FULL_WARP, lane / 16) == (lane < 16 ? 0xffffu : 0xffff0000u);
    right = right && __reduce_add_sync(FULL_WARP, lane) == 496 && __reduce_max_sync(FULL_WARP, lane) == 31;
    right = right && __syncthreads_count(threadIdx.x < 10) == 10;
    if (lane < 4) right = right && __reduce_min_sync(0xfu, lane + 1) == 1;
    to[threadIdx.x] = right ? other[threadIdx.x] : -1.0f;
}
"#,
};

/// Runs one kernel with 64 threads; what it wrote, or what the machine says.
fn run(kernel: &'static str, n: u32, dynamic_shared_bytes: usize) -> Result<Vec<f32>, String> {
    let device = emulated();
    let values: Vec<f32> = (0..64).map(|it| it as f32).collect();
    let from = device.upload(&values).unwrap();
    let mut to: Buffer = device.upload(&[0.0; 64]).unwrap();
    let arguments = [
        from.view().argument(),
        to.view_mut().argument(),
        Argument::Size(n),
    ];
    let launch = Launch {
        kernel,
        grid: [1, 1, 1],
        block: [64, 1, 1],
        dynamic_shared_bytes,
        arguments: &arguments,
    };
    let done = device.launch(&MISTAKES, launch);
    done.map_err(|error| error.to_string())?;
    Ok(device.download(to.view()).unwrap())
}

#[test]
fn every_kind_of_mistake_is_found() {
    for (kernel, n, message) in [
        ("reads_behind", 64, "outside of a buffer"),
        ("reads_behind", 1, "outside of a buffer"),
        ("reads_behind", 1 << 21, "outside of a buffer"),
        ("writes_before", 1 << 12, "outside of a buffer"),
        ("writes_before", 1, "outside of a buffer"),
        ("writes_before", 1 << 21, "outside of a buffer"),
        (
            "leaves_before_the_barrier",
            40,
            "thread (40, 0, 0) of block (0, 0, 0) has left",
        ),
        ("parts_at_the_barrier", 40, "divergent barrier"),
        ("misses_the_warp", 40, "deadlock"),
        ("forgets_the_barrier", 1, "order of threads"),
        ("reads_a_vector_askew", 1, "misaligned"),
        ("leaves_its_array", 1, "known size"),
        ("leaves_its_shared_memory", 1, "outside of a buffer"),
        ("lets_the_last_win", 0, "order of threads"),
    ] {
        let error = run(kernel, n, 256).expect_err(kernel);
        assert!(error.contains(message), "{kernel}: {error}");
    }
}

#[test]
fn a_sound_kernel_runs_and_warp_meetings_give_what_the_device_gives() {
    let wanted: Vec<f32> = (0..64).map(|it| ((it + 9) % 64) as f32).collect();
    assert_eq!(run("makes_none", 9, 256), Ok(wanted));
}

#[test]
fn a_launch_that_a_device_would_refuse_is_refused() {
    let error = run("makes_none", 0, 1 << 20).expect_err("so much shared memory");
    assert!(error.contains("shared memory"), "{error}");
    let device = emulated();
    let launch = Launch {
        kernel: "makes_none",
        grid: [1, 1, 1],
        block: [64, 1, 1],
        dynamic_shared_bytes: 0,
        arguments: &[Argument::Size(1)],
    };
    let error = device
        .launch(&MISTAKES, launch)
        .expect_err("missing arguments");
    assert!(
        error.to_string().contains("its parameters are rwu"),
        "{error}"
    );
}

#[test]
fn what_is_compiled_once_is_found_again_and_only_for_the_same_text() {
    let place = tempfile::tempdir().unwrap();
    let made = |text: &str| {
        let compiler = Compiler::new(place.path()).unwrap();
        let library = compiler.library(&["-shared", "-x", "c++"], text).unwrap();
        let there = std::fs::read_dir(place.path()).unwrap().count();
        let time = library.metadata().unwrap().modified().unwrap();
        (library, time, there)
    };
    let first = made("int one() { return 1; }");
    assert_eq!(made("int one() { return 1; }"), first);
    let (other, _, there) = made("int one() { return 2; }");
    assert_ne!(other, first.0);
    assert_eq!(there, 2, "nothing but the two libraries is left");
    let refused = Compiler::new(place.path()).unwrap();
    let refused = refused.library(&["-shared", "-x", "c++"], "int one(");
    assert!(refused.unwrap_err().contains("error"), "g++ says why");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 2);
}
