// AdamW, and the sum of squares that the gradient is clipped by; the formulas are in mod.rs.
//
// Supported: f32 weights, gradients and moments, any length from 1 that fits in 32 bits of four-element groups.
// The sum has one shape for one length: 256 chains a chunk of SQUARES elements, a tree over them, then chunk by chunk.
//
//   kernel            grid                                    block    shared memory, static
//   adamw_step        n / 1024, rounded up                    256      none
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
