// RMSNorm of each query and key head in place: y = x r w, r = 1 / sqrt(mean x^2 + eps); the formulas are in mod.rs.
//
// Supported: f32, any number of rows and heads, any width of a head from 1. One warp takes one head of one row, so its sums
// depend on nothing but the head. The sums over rows are taken before the gradient is changed in place.
//
//   kernel                     grid                                   block     shared memory, static
//   head_norm_forward          (n, turned heads / 4, rounded up)      128       none
//   head_norm_backward         (n, turned heads / 4, rounded up)      128       none
//   head_norm_scale_chunks     (2 e / 32, n / 128), rounded up        32 x 8    8 x 33 floats
//   head_norm_scale_add        2 e / 256, rounded up                  256       none

constexpr unsigned HEADS = 4;  // of a block

// Normalizes the first `turned` heads of each row of qkv [n, width]; keeps what was there in raw [n, turned e] and the
// inverse roots in r [n, turned]. The first `queries` heads have the scales w[0..e], the others w[e..2 e].
extern "C" __global__ void __launch_bounds__(128) head_norm_forward(
    const float* __restrict__ w, float* __restrict__ qkv, float* __restrict__ raw, float* __restrict__ r, unsigned width,
    unsigned queries, unsigned turned, unsigned e, float eps) {
    unsigned head = blockIdx.y * HEADS + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (turned <= head) return;
    float* row = qkv + u64(blockIdx.x) * width + head * e;
    float* kept = raw + (u64(blockIdx.x) * turned + head) * e;
    const float* scale = head < queries ? w : w + e;
    float squares = 0.0f;
    for (unsigned i = lane; i < e; i += 32) {
        float x = row[i];
        kept[i] = x;
        squares = fmaf(x, x, squares);
    }
    float root = 1.0f / sqrtf(warp_sum(squares) / float(e) + eps);
    if (lane == 0) r[u64(blockIdx.x) * turned + head] = root;
    // Each lane writes only what it alone has read.
    for (unsigned i = lane; i < e; i += 32) row[i] = row[i] * root * scale[i];
}

// dx = r (dy w - x r^2 mean(dy w x)), in the place of dy.
extern "C" __global__ void __launch_bounds__(128) head_norm_backward(
    const float* __restrict__ w, const float* __restrict__ raw, const float* __restrict__ r, float* __restrict__ dqkv,
    unsigned width, unsigned queries, unsigned turned, unsigned e) {
    unsigned head = blockIdx.y * HEADS + threadIdx.x / 32, lane = threadIdx.x % 32;
    if (turned <= head) return;
    float* row = dqkv + u64(blockIdx.x) * width + head * e;
    const float* x = raw + (u64(blockIdx.x) * turned + head) * e;
    const float* scale = head < queries ? w : w + e;
    float sum = 0.0f;
    for (unsigned i = lane; i < e; i += 32) sum = fmaf(row[i] * scale[i], x[i], sum);
    float root = r[u64(blockIdx.x) * turned + head];
    float pull = root * root * (warp_sum(sum) / float(e));
    for (unsigned i = lane; i < e; i += 32) row[i] = root * fmaf(-pull, x[i], row[i] * scale[i]);
}

// parts[chunk, 2 e] = sum over the rows of the chunk, and over the heads of a scale in their order, of dy x r.
extern "C" __global__ void __launch_bounds__(256) head_norm_scale_chunks(
    const float* __restrict__ dqkv, const float* __restrict__ raw, const float* __restrict__ r, float* __restrict__ parts,
    unsigned n, unsigned width, unsigned queries, unsigned turned, unsigned e) {
    __shared__ float chains[8][33];
    sum_columns(n, 2 * e, parts, chains, [=](unsigned row, unsigned column) {
        bool of_keys = e <= column;
        unsigned i = of_keys ? column - e : column, end = of_keys ? turned : queries;
        float sum = 0.0f;
        for (unsigned head = of_keys ? queries : 0; head < end; head++) {
            u64 at = u64(row) * turned + head;
            sum = fmaf(dqkv[u64(row) * width + head * e + i] * r[at], raw[at * e + i], sum);
        }
        return sum;
    });
}

extern "C" __global__ void __launch_bounds__(256) head_norm_scale_add(
    const float* __restrict__ parts, float* __restrict__ dw, unsigned chunks, unsigned columns) {
    add_chunks(parts, chunks, columns, dw);
}
