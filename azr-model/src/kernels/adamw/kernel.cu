// AdamW, and the sum of squares that the gradient is clipped by; the formulas are in mod.rs.
//
// Supported: f32 weights and gradients, moments in f32, bf16 or 8 bits, any length from 1 to 2^31.
// The sum has one shape for one length: 256 chains a chunk of SQUARES elements, a tree over them, then chunk by chunk.
//
//   kernel            grid                                    block    shared memory, static
//   adamw_step        n / 1024, rounded up                    256      none
//   adamw_step_bf16   n / 1024, rounded up                    256      none
//   adamw_step_float8 n / 2048, rounded up                    256      none
//   squares_chunks    n / 16384, rounded up                   256      8 doubles
//   squares_total     1                                       32       none

constexpr unsigned SQUARES = 16384;

__device__ __forceinline__ void update(float& w, float& g, float& m, float& v, float gradient_scale, float keep,
                                       float beta1, float beta2, float rate, float second_scale, float eps) {
    float scaled = g * gradient_scale;
    m = fmaf(beta1, m, (1.0f - beta1) * scaled);
    v = fmaf(beta2, v, (1.0f - beta2) * (scaled * scaled));
    w = keep * w - rate * (m / fmaf(sqrtf(v), second_scale, eps));
    g = 0.0f;
}

// Updates weights and moments and empties the gradient.
extern "C" __global__ void __launch_bounds__(256) adamw_step(
    float* __restrict__ weights, float* __restrict__ gradient, float* __restrict__ first, float* __restrict__ second,
    unsigned n, float gradient_scale, float keep, float beta1, float beta2, float rate, float second_scale, float eps,
    unsigned aligned) {
    unsigned at = (blockIdx.x * 256 + threadIdx.x) * 4;
    if (n <= at) return;
    bool whole = aligned && at + 4 <= n;
    float4 w = load4(weights, at, n, whole), g = load4(gradient, at, n, whole);
    float4 m = load4(first, at, n, whole), v = load4(second, at, n, whole);
    update(w.x, g.x, m.x, v.x, gradient_scale, keep, beta1, beta2, rate, second_scale, eps);
    update(w.y, g.y, m.y, v.y, gradient_scale, keep, beta1, beta2, rate, second_scale, eps);
    update(w.z, g.z, m.z, v.z, gradient_scale, keep, beta1, beta2, rate, second_scale, eps);
    update(w.w, g.w, m.w, v.w, gradient_scale, keep, beta1, beta2, rate, second_scale, eps);
    store4(weights, at, n, whole, w);
    store4(gradient, at, n, whole, g);
    store4(first, at, n, whole, m);
    store4(second, at, n, whole, v);
}

// Moments that are held in 16 or 8 bits, with the codes and the draws of narrow.rs and the same bits.

__device__ __forceinline__ unsigned mix(unsigned x) {
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

// The upper half is for the first moment, the lower for the second.
__device__ __forceinline__ unsigned draw(unsigned at, unsigned key, unsigned other_key) {
    return mix(mix(at ^ key) ^ other_key);
}

__device__ __forceinline__ float widened(bf16 it) { return __uint_as_float(unsigned(it) << 16); }

__device__ __forceinline__ bf16 narrowed(float x, unsigned noise) { return bf16((__float_as_uint(x) + noise) >> 16); }

// Four numbers a thread, 256 apart.
extern "C" __global__ void __launch_bounds__(256) adamw_step_bf16(
    float* __restrict__ weights, float* __restrict__ gradient, bf16* __restrict__ first, bf16* __restrict__ second,
    unsigned n, float gradient_scale, float keep, float beta1, float beta2, float rate, float second_scale, float eps,
    unsigned key, unsigned other_key) {
#pragma unroll
    for (unsigned i = 0; i < 4; i++) {
        unsigned at = blockIdx.x * 1024 + i * 256 + threadIdx.x;
        if (n <= at) return;
        float w = weights[at], g = gradient[at], m = widened(first[at]), v = widened(second[at]);
        update(w, g, m, v, gradient_scale, keep, beta1, beta2, rate, second_scale, eps);
        unsigned bits = draw(at, key, other_key);
        weights[at] = w;
        gradient[at] = g;
        first[at] = narrowed(m, bits >> 16);
        second[at] = narrowed(v, bits & 0xffffu);
    }
}

constexpr float SMALL = 1.0f / 16384.0f;
constexpr float SCALED_MIN = 1e-30f;

template <unsigned BITS>
__device__ __forceinline__ float top() { return 2.0f - 1.0f / float(1u << BITS); }

// No product here meets an addition that it could be fused with: the least of two numbers stands between them.
template <unsigned BITS>
__device__ __forceinline__ unsigned encoded(float x, float inverse, unsigned noise) {
    float it = fminf(x * inverse, top<BITS>());
    unsigned small = it < SMALL;
    it = small ? it + SMALL : it;
    unsigned code = (__float_as_uint(it) + (noise << (7 - BITS))) >> (23 - BITS);
    return code - ((112u + small) << BITS);
}

template <unsigned BITS>
__device__ __forceinline__ float decoded(unsigned code) {
    if (code < 1u << BITS) return float(code) * (SMALL / float(1u << BITS));
    return __uint_as_float((code + (112u << BITS)) << (23 - BITS));
}

// A warp takes 256 numbers, which share their scales: eight a lane, 32 apart.
extern "C" __global__ void __launch_bounds__(256) adamw_step_float8(
    float* __restrict__ weights, float* __restrict__ gradient, unsigned char* __restrict__ first,
    float* __restrict__ first_scales, unsigned char* __restrict__ roots, float* __restrict__ root_scales, unsigned n,
    float gradient_scale, float keep, float beta1, float beta2, float rate, float second_scale, float eps,
    unsigned key, unsigned other_key) {
    unsigned block = blockIdx.x * 8 + threadIdx.x / 32, from = block * 256 + threadIdx.x % 32;
    if (n <= block * 256) return;
    float first_scale = first_scales[block], root_scale = root_scales[block];
    float m[8], root[8], m_max = 0.0f, root_max = 0.0f;
#pragma unroll
    for (unsigned i = 0; i < 8; i++) {
        unsigned at = from + i * 32;
        m[i] = root[i] = 0.0f;
        if (at < n) {
            unsigned code = first[at];
            float w = weights[at], g = gradient[at], held = decoded<4>(roots[at]) * root_scale, v = held * held;
            m[i] = decoded<3>(code & 0x7fu) * first_scale;
            m[i] = code & 0x80u ? -m[i] : m[i];
            update(w, g, m[i], v, gradient_scale, keep, beta1, beta2, rate, second_scale, eps);
            weights[at] = w;
            gradient[at] = g;
            root[i] = sqrtf(v);
        }
        m_max = fmaxf(m_max, fabsf(m[i]));
        root_max = fmaxf(root_max, root[i]);
    }
    m_max = warp_max(m_max);
    root_max = warp_max(root_max);
    float m_inverse = SCALED_MIN < m_max ? top<3>() / m_max : 0.0f;
    float root_inverse = SCALED_MIN < root_max ? top<4>() / root_max : 0.0f;
#pragma unroll
    for (unsigned i = 0; i < 8; i++) {
        unsigned at = from + i * 32;
        if (n <= at) break;
        unsigned bits = draw(at, key, other_key), sign = __float_as_uint(m[i]) >> 24 & 0x80u;
        first[at] = (unsigned char)(sign | encoded<3>(fabsf(m[i]), m_inverse, bits >> 16));
        unsigned something = 0.0f < root[i] && 0.0f < root_inverse;
        roots[at] = (unsigned char)(max(encoded<4>(root[i], root_inverse, bits & 0xffffu), something));
    }
    if (threadIdx.x % 32 == 0) {
        first_scales[block] = SCALED_MIN < m_max ? m_max / top<3>() : 0.0f;
        root_scales[block] = SCALED_MIN < root_max ? root_max / top<4>() : 0.0f;
    }
}

extern "C" __global__ void __launch_bounds__(256) squares_chunks(
    const float* __restrict__ values, double* __restrict__ sums, unsigned n) {
    __shared__ double parts[8];
    unsigned first = blockIdx.x * SQUARES, end = min(n, first + SQUARES);
    float sum = 0.0f;
    for (unsigned at = first + threadIdx.x; at < end; at += 256) sum = fmaf(values[at], values[at], sum);
    double wide = warp_sum(double(sum));
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = wide;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int warp = 1; warp < 8; warp++) wide += parts[warp];
        sums[blockIdx.x] = wide;
    }
}

// total = sum of sums, in 32 chains and a tree.
extern "C" __global__ void __launch_bounds__(32) squares_total(
    const double* __restrict__ sums, double* __restrict__ total, unsigned chunks) {
    double sum = 0.0;
    for (unsigned at = threadIdx.x; at < chunks; at += 32) sum += sums[at];
    sum = warp_sum(sum);
    if (threadIdx.x == 0) *total = sum;
}
