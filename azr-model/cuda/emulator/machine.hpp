// What a kernel sees of the emulated machine: the words of CUDA C++ that kernel.cu files use, for a C++ compiler.
// Put before each of them when it is compiled.
//
// The machine itself is machine.cpp. A CUDA thread is a fiber; blocks run one after the other; fibers are switched
// only where threads of a warp or a block meet, in an order drawn from a seed. Float atomics are absent on purpose:
// their sum depends on the order of threads, and training has to be deterministic.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

struct dim3 { unsigned x, y, z; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };

static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

namespace emulator {

// Where a thread stands.
struct Thread {
    dim3 thread, block, block_size, grid_size;
};

// Meetings of a warp.
enum Meeting : int { Shuffle, Vote, Any, All, Sync, Match, Sum, Least, Most, Matrix };

// Meetings of a block.
enum Gathering : int { Plain, Count, And, Or };

extern "C" {
const Thread* azr_thread();
void* azr_dynamic_shared();
// Waits until every lane of `mask` is at the same meeting; `pick` is the lane whose value is asked.
uint64_t azr_meet(int meeting, unsigned mask, uint64_t value, unsigned pick, int line);
// Waits until every thread of the block is at the same line.
int azr_gather(int gathering, int predicate, int line);
[[noreturn]] void azr_trap(const char* what, int line);
}

template <class T>
static inline uint64_t bits_of(T value) {
    static_assert(sizeof(T) <= 8, "a value of a warp has at most 8 bytes");
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    return bits;
}

template <class T>
static inline T value_of(uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof(T));
    return value;
}

static inline unsigned lane() {
    const Thread* it = azr_thread();
    return (it->thread.x + it->block_size.x * (it->thread.y + it->block_size.y * it->thread.z)) % 32;
}

template <class T>
static inline T shuffle(unsigned mask, T value, unsigned pick, int line) {
    return value_of<T>(azr_meet(Shuffle, mask, bits_of(value), pick, line));
}

// How a parameter of a kernel looks to the host: read-only pointer, pointer, unsigned, int, float, 64 bits.
template <class T> struct Code;
template <class T> struct Code<const T*> { static constexpr char value = 'r'; };
template <class T> struct Code<T*> { static constexpr char value = 'w'; };
template <> struct Code<unsigned> { static constexpr char value = 'u'; };
template <> struct Code<int> { static constexpr char value = 'i'; };
template <> struct Code<float> { static constexpr char value = 'f'; };
template <> struct Code<unsigned long long> { static constexpr char value = 'l'; };

template <auto KERNEL> struct Entry;

template <class... A, void (*KERNEL)(A...)>
struct Entry<KERNEL> {
    static const char* codes() {
        static const char text[] = {Code<A>::value..., '\0'};
        return text;
    }

    template <size_t... I>
    static void spread(void** arguments, std::index_sequence<I...>) {
        KERNEL(*static_cast<A*>(arguments[I])...);
    }

    static void run(void** arguments) { spread(arguments, std::make_index_sequence<sizeof...(A)>()); }
};

}  // namespace emulator

// One line for each kernel is appended to its file: what the host looks up.
#define AZR_ENTRY(name)                                                                              \
    extern "C" const char* azr_codes_##name() { return emulator::Entry<&name>::codes(); }            \
    extern "C" void azr_run_##name(void** arguments) { emulator::Entry<&name>::run(arguments); }

#define __global__
#define __device__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__ __restrict
#define __align__(bytes) __attribute__((aligned(bytes)))
// All of a file's lies in one section, so that it can be filled with noise before each block.
#define __shared__ static __attribute__((section("azr_shared")))
#define DYNAMIC_SHARED(type, name) type* const name = static_cast<type*>(emulator::azr_dynamic_shared())

#define threadIdx (emulator::azr_thread()->thread)
#define blockIdx (emulator::azr_thread()->block)
#define blockDim (emulator::azr_thread()->block_size)
#define gridDim (emulator::azr_thread()->grid_size)

#define AZR_LINE int line = __builtin_LINE()

static inline void __syncthreads(AZR_LINE) { emulator::azr_gather(emulator::Plain, 0, line); }
static inline int __syncthreads_count(int it, AZR_LINE) { return emulator::azr_gather(emulator::Count, it, line); }
static inline int __syncthreads_and(int it, AZR_LINE) { return emulator::azr_gather(emulator::And, it, line); }
static inline int __syncthreads_or(int it, AZR_LINE) { return emulator::azr_gather(emulator::Or, it, line); }
static inline void __syncwarp(unsigned mask = ~0u, AZR_LINE) { emulator::azr_meet(emulator::Sync, mask, 0, 0, line); }

static inline unsigned __ballot_sync(unsigned mask, int it, AZR_LINE) {
    return static_cast<unsigned>(emulator::azr_meet(emulator::Vote, mask, it != 0, 0, line));
}
static inline int __any_sync(unsigned mask, int it, AZR_LINE) {
    return static_cast<int>(emulator::azr_meet(emulator::Any, mask, it != 0, 0, line));
}
static inline int __all_sync(unsigned mask, int it, AZR_LINE) {
    return static_cast<int>(emulator::azr_meet(emulator::All, mask, it != 0, 0, line));
}
static inline unsigned __match_any_sync(unsigned mask, unsigned it, AZR_LINE) {
    return static_cast<unsigned>(emulator::azr_meet(emulator::Match, mask, it, 0, line));
}
static inline unsigned __reduce_add_sync(unsigned mask, unsigned it, AZR_LINE) {
    return static_cast<unsigned>(emulator::azr_meet(emulator::Sum, mask, it, 0, line));
}
static inline unsigned __reduce_min_sync(unsigned mask, unsigned it, AZR_LINE) {
    return static_cast<unsigned>(emulator::azr_meet(emulator::Least, mask, it, 0, line));
}
static inline unsigned __reduce_max_sync(unsigned mask, unsigned it, AZR_LINE) {
    return static_cast<unsigned>(emulator::azr_meet(emulator::Most, mask, it, 0, line));
}

// `width` divides a warp into parts, as on the device; a lane outside the part gives the lane's own value.
template <class T>
static inline T __shfl_sync(unsigned mask, T it, int from, int width = 32, AZR_LINE) {
    unsigned first = emulator::lane() & ~unsigned(width - 1);
    return emulator::shuffle(mask, it, first + (unsigned(from) & unsigned(width - 1)), line);
}
template <class T>
static inline T __shfl_xor_sync(unsigned mask, T it, int flip, int width = 32, AZR_LINE) {
    unsigned lane = emulator::lane(), other = lane ^ unsigned(flip);
    bool inside = other < (lane & ~unsigned(width - 1)) + unsigned(width);
    return emulator::shuffle(mask, it, inside ? other : lane, line);
}
template <class T>
static inline T __shfl_down_sync(unsigned mask, T it, unsigned by, int width = 32, AZR_LINE) {
    unsigned lane = emulator::lane(), other = lane + by;
    bool inside = other < (lane & ~unsigned(width - 1)) + unsigned(width);
    return emulator::shuffle(mask, it, inside ? other : lane, line);
}
template <class T>
static inline T __shfl_up_sync(unsigned mask, T it, unsigned by, int width = 32, AZR_LINE) {
    unsigned lane = emulator::lane(), first = lane & ~unsigned(width - 1);
    return emulator::shuffle(mask, it, first + by <= lane ? lane - by : lane, line);
}

// Fibers are switched only where threads meet, so a plain update is atomic. Whole numbers only.
template <class T> static inline T azr_swap(T* at, T next) {
    T before = *at;
    *at = next;
    return before;
}
static inline unsigned atomicAdd(unsigned* at, unsigned it) { return azr_swap(at, *at + it); }
static inline int atomicAdd(int* at, int it) { return azr_swap(at, int(unsigned(*at) + unsigned(it))); }
static inline unsigned long long atomicAdd(unsigned long long* at, unsigned long long it) { return azr_swap(at, *at + it); }
static inline unsigned atomicMax(unsigned* at, unsigned it) { return azr_swap(at, *at < it ? it : *at); }
static inline unsigned atomicMin(unsigned* at, unsigned it) { return azr_swap(at, it < *at ? it : *at); }
static inline unsigned atomicOr(unsigned* at, unsigned it) { return azr_swap(at, *at | it); }
static inline unsigned atomicExch(unsigned* at, unsigned it) { return azr_swap(at, it); }
static inline unsigned atomicCAS(unsigned* at, unsigned was, unsigned it) { return azr_swap(at, *at == was ? it : *at); }
static inline void __threadfence() {}
static inline void __threadfence_block() {}

template <class T> static inline T __ldg(const T* at) { return *at; }
static inline unsigned __float_as_uint(float it) { return emulator::value_of<unsigned>(emulator::bits_of(it)); }
static inline float __uint_as_float(unsigned it) { return emulator::value_of<float>(emulator::bits_of(it)); }
static inline float rsqrtf(float it) { return 1.0f / std::sqrt(it); }
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return static_cast<unsigned long long>((static_cast<unsigned __int128>(a) * b) >> 64);
}
static inline int __popc(unsigned it) { return __builtin_popcount(it); }
static inline int __ffs(int it) { return __builtin_ffs(it); }
static inline int __clz(int it) { return it == 0 ? 32 : __builtin_clz(unsigned(it)); }
static inline unsigned min(unsigned a, unsigned b) { return b < a ? b : a; }
static inline unsigned max(unsigned a, unsigned b) { return a < b ? b : a; }
static inline int min(int a, int b) { return b < a ? b : a; }
static inline int max(int a, int b) { return a < b ? b : a; }

// d += a b for one tile of 16 x 8 x 16: bf16 factors in pairs, f32 sums, laid out over the lanes as PTX ISA says for
// mma.m16n8k16. All products of an element are summed in f64 and rounded once: the hardware's own order is not told.
static inline void azr_matrix(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], AZR_LINE) {
    struct Part { float* d; const unsigned* a; const unsigned* b; } part = {d, a, b};
    emulator::azr_meet(emulator::Matrix, ~0u, emulator::bits_of(&part), 0, line);
}

// The ends of the section of static shared memory, where the linker made one.
extern "C" {
extern unsigned char __start_azr_shared[] __attribute__((weak, visibility("hidden")));
extern unsigned char __stop_azr_shared[] __attribute__((weak, visibility("hidden")));
unsigned char* azr_static_shared(size_t* bytes) {
    *bytes = size_t(__stop_azr_shared - __start_azr_shared);
    return __start_azr_shared;
}
}
