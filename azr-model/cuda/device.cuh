// What all kernels share; stands before each kernel.cu when it is compiled, so that no file includes another.
// Compiled by nvcc, by NVRTC, and by a C++ compiler behind the emulator's machine.hpp.

typedef unsigned long long u64;

#ifdef __CUDACC__
#define DYNAMIC_SHARED(type, name) extern __shared__ __align__(16) type name[]
#endif

constexpr unsigned FULL_WARP = 0xffffffffu;
constexpr float NO_SCORE = -3.0e38f;  // below every score, and finite: differences with it are never NaN

// e^x, the same bits as on the processor (kernels/exp): 0 below -87, infinite above 88.
__device__ __forceinline__ float exponential(float x) {
    const float round = 12582912.0f;
    float shifted = fmaf(x, 1.44269504088896340736f, round);
    float n = shifted - round;
    float r = fmaf(n, -0.693359375f, x);
    r = fmaf(n, 2.1219444e-4f, r);
    float p = 1.9875691e-4f;
    p = fmaf(p, r, 1.3982e-3f);
    p = fmaf(p, r, 8.333452e-3f);
    p = fmaf(p, r, 4.1665796e-2f);
    p = fmaf(p, r, 1.6666665e-1f);
    p = fmaf(p, r, 0.5f);
    float value = fmaf(p, r * r, r) + 1.0f;
    unsigned power = __float_as_uint(shifted) - __float_as_uint(round) + 127u;
    float scaled = value * __uint_as_float(power << 23);
    scaled = 88.0f < x ? __uint_as_float(0x7f800000u) : scaled;
    return x < -87.0f ? 0.0f : scaled;
}

// bf16 as its bits; narrowing rounds to nearest, ties to even, and keeps what is no number.
typedef unsigned short bf16;

__device__ __forceinline__ bf16 narrow(float x) {
    unsigned bits = __float_as_uint(x);
    if (0x7f800000u < (bits & 0x7fffffffu)) return bf16(bits >> 16 | 0x40u);
    return bf16((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

// d += a b on the tensor cores: 16 x 8 x 16, bf16 factors in pairs, f32 sums, over the lanes of a whole warp.
__device__ __forceinline__ void multiply_tile(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#ifdef __CUDACC__
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    azr_matrix(d, a, b);
#endif
}

// Sum over the lanes of a warp in one tree; every lane gets the same bits, because each step adds the same two numbers.
__device__ __forceinline__ float warp_sum(float value) {
#pragma unroll
    for (int flip = 16; 0 < flip; flip /= 2) value += __shfl_xor_sync(FULL_WARP, value, flip);
    return value;
}

__device__ __forceinline__ double warp_sum(double value) {
#pragma unroll
    for (int flip = 16; 0 < flip; flip /= 2) value += __shfl_xor_sync(FULL_WARP, value, flip);
    return value;
}

__device__ __forceinline__ float warp_max(float value) {
#pragma unroll
    for (int flip = 16; 0 < flip; flip /= 2) value = fmaxf(value, __shfl_xor_sync(FULL_WARP, value, flip));
    return value;
}

// Sum over a block of WARPS warps, in the order of the warps; `parts` is shared memory of WARPS numbers that nothing
// else uses. Every thread gets the same bits.
template <int WARPS>
__device__ __forceinline__ float block_sum(float value, float* parts) {
    value = warp_sum(value);
    __syncthreads();
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    float sum = parts[0];
#pragma unroll
    for (int warp = 1; warp < WARPS; warp++) sum += parts[warp];
    return sum;
}

// Elements `at` to `at + 4` of a row of `width`; zeros behind its end. `whole` says that rows are multiples of four and
// aligned to 16 bytes; what is added in which order is the same either way.
__device__ __forceinline__ float4 load4(const float* row, unsigned at, unsigned width, bool whole) {
    if (whole) return *reinterpret_cast<const float4*>(row + at);
    float4 it = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    if (at < width) it.x = row[at];
    if (at + 1 < width) it.y = row[at + 1];
    if (at + 2 < width) it.z = row[at + 2];
    if (at + 3 < width) it.w = row[at + 3];
    return it;
}

__device__ __forceinline__ void store4(float* row, unsigned at, unsigned width, bool whole, float4 it) {
    if (whole) {
        *reinterpret_cast<float4*>(row + at) = it;
        return;
    }
    if (at < width) row[at] = it.x;
    if (at + 1 < width) row[at + 1] = it.y;
    if (at + 2 < width) row[at + 2] = it.z;
    if (at + 3 < width) row[at + 3] = it.w;
}

// Sums over rows, for gradients of what all rows share. A block of 32 x 8 threads takes 32 columns of one chunk of
// COLUMN_ROWS rows and adds `term(row, column)` in the order of the rows, eight chains of them, then the chains in
// order; chunk sums go to `parts [chunks, width]`, and `add_chunks` adds them in order.
constexpr unsigned COLUMN_ROWS = 128;

template <class Term>
__device__ __forceinline__ void sum_columns(unsigned rows, unsigned width, float* parts, float (*chains)[33], Term term) {
    unsigned column = blockIdx.x * 32 + threadIdx.x, first = blockIdx.y * COLUMN_ROWS;
    unsigned end = min(rows, first + COLUMN_ROWS);
    float sum = 0.0f;
    if (column < width)
        for (unsigned row = first + threadIdx.y; row < end; row += 8) sum += term(row, column);
    chains[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y == 0 && column < width) {
#pragma unroll
        for (int chain = 1; chain < 8; chain++) sum += chains[chain][threadIdx.x];
        parts[u64(blockIdx.y) * width + column] = sum;
    }
}

// `out[column] += sum over chunks`; one thread a column.
__device__ __forceinline__ void add_chunks(const float* parts, unsigned chunks, unsigned width, float* out) {
    unsigned column = blockIdx.x * blockDim.x + threadIdx.x;
    if (width <= column) return;
    float sum = 0.0f;
    for (unsigned chunk = 0; chunk < chunks; chunk++) sum += parts[u64(chunk) * width + column];
    out[column] += sum;
}
