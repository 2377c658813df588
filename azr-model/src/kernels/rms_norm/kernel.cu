// RMSNorm: y = x r w, r = 1 / sqrt(mean x^2 + eps); the formulas are in mod.rs.
//
// Supported: f32, any n from 1, any d from 1; rows that are no multiple of four or not aligned to 16 bytes take element
// by element what others take by four, and give the same bits. A row's sums depend on nothing but the row.
//
//   kernel                    grid                                   block     shared memory, static
//   rms_norm_forward          n                                      256       8 floats
//   rms_norm_backward         n                                      256       8 floats
//   rms_norm_scale_chunks     (d / 32, n / 128), rounded up          32 x 8    8 x 33 floats
//   rms_norm_scale_add        d / 256, rounded up                    256       none

constexpr unsigned THREADS = 256;
constexpr int WARPS = 8;

extern "C" __global__ void __launch_bounds__(THREADS) rms_norm_forward(
    const float* __restrict__ x, const float* __restrict__ w, float* __restrict__ y, float* __restrict__ r, unsigned d,
    float eps, unsigned whole) {
    __shared__ float parts[WARPS];
    u64 row = u64(blockIdx.x) * d;
    float squares = 0.0f;
    for (unsigned at = threadIdx.x * 4; at < d; at += THREADS * 4) {
        float4 it = load4(x + row, at, d, whole);
        squares = fmaf(it.x, it.x, squares);
        squares = fmaf(it.y, it.y, squares);
        squares = fmaf(it.z, it.z, squares);
        squares = fmaf(it.w, it.w, squares);
    }
    float root = 1.0f / sqrtf(block_sum<WARPS>(squares, parts) / float(d) + eps);
    if (threadIdx.x == 0) r[blockIdx.x] = root;
    for (unsigned at = threadIdx.x * 4; at < d; at += THREADS * 4) {
        float4 it = load4(x + row, at, d, whole), scale = load4(w, at, d, whole);
        it = make_float4(it.x * root * scale.x, it.y * root * scale.y, it.z * root * scale.z, it.w * root * scale.w);
        store4(y + row, at, d, whole, it);
    }
}

// dx += r (dy w - x r^2 mean(dy w x)): adds to the gradient of the residual stream.
extern "C" __global__ void __launch_bounds__(THREADS) rms_norm_backward(
    const float* __restrict__ dy, const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ r,
    float* __restrict__ dx, unsigned d, unsigned whole) {
    __shared__ float parts[WARPS];
    u64 row = u64(blockIdx.x) * d;
    float sum = 0.0f;
    for (unsigned at = threadIdx.x * 4; at < d; at += THREADS * 4) {
        float4 up = load4(dy + row, at, d, whole), it = load4(x + row, at, d, whole), scale = load4(w, at, d, whole);
        sum = fmaf(up.x * scale.x, it.x, sum);
        sum = fmaf(up.y * scale.y, it.y, sum);
        sum = fmaf(up.z * scale.z, it.z, sum);
        sum = fmaf(up.w * scale.w, it.w, sum);
    }
    float root = r[blockIdx.x];
    float pull = root * root * (block_sum<WARPS>(sum, parts) / float(d));
    for (unsigned at = threadIdx.x * 4; at < d; at += THREADS * 4) {
        float4 up = load4(dy + row, at, d, whole), it = load4(x + row, at, d, whole), scale = load4(w, at, d, whole);
        float4 out = load4(dx + row, at, d, whole);
        out.x += root * fmaf(-pull, it.x, up.x * scale.x);
        out.y += root * fmaf(-pull, it.y, up.y * scale.y);
        out.z += root * fmaf(-pull, it.z, up.z * scale.z);
        out.w += root * fmaf(-pull, it.w, up.w * scale.w);
        store4(dx + row, at, d, whole, out);
    }
}

// parts[chunk, d] = sum over the rows of the chunk of dy x r.
extern "C" __global__ void __launch_bounds__(THREADS) rms_norm_scale_chunks(
    const float* __restrict__ dy, const float* __restrict__ x, const float* __restrict__ r, float* __restrict__ parts,
    unsigned n, unsigned d) {
    __shared__ float chains[8][33];
    sum_columns(n, d, parts, chains,
                [=](unsigned row, unsigned column) { return dy[u64(row) * d + column] * r[row] * x[u64(row) * d + column]; });
}

extern "C" __global__ void __launch_bounds__(THREADS) rms_norm_scale_add(
    const float* __restrict__ parts, float* __restrict__ dw, unsigned chunks, unsigned d) {
    add_chunks(parts, chunks, d, dw);
}
