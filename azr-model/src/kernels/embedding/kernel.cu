// Token vectors and picked rows: x[i] = table[indices[i]], and back in the order of i.
//
// Supported: f32, any sizes from 1; every index is below the rows of the table (the host has checked). No atomics: the
// host sorts the places of each row of the table once a batch, and one block adds them up in order.
//
//   kernel                grid                                 block    shared memory
//   embedding_forward     n                                    256      none
//   embedding_backward    (different rows, d / 1024 rounded)   256      none

extern "C" __global__ void __launch_bounds__(256) embedding_forward(
    const float* __restrict__ table, const unsigned* __restrict__ indices, float* __restrict__ x, unsigned d, unsigned whole) {
    const float* from = table + u64(indices[blockIdx.x]) * d;
    float* to = x + u64(blockIdx.x) * d;
    for (unsigned at = threadIdx.x * 4; at < d; at += 1024) store4(to, at, d, whole, load4(from, at, d, whole));
}

// dtable[row[g]] += sum of dx[places[i]] for i from starts[g] to starts[g + 1].
extern "C" __global__ void __launch_bounds__(256) embedding_backward(
    const float* __restrict__ dx, const unsigned* __restrict__ rows, const unsigned* __restrict__ starts,
    const unsigned* __restrict__ places, float* __restrict__ dtable, unsigned d, unsigned whole) {
    unsigned at = (blockIdx.y * 256 + threadIdx.x) * 4;
    if (d <= at) return;
    float* out = dtable + u64(rows[blockIdx.x]) * d;
    float4 sum = load4(out, at, d, whole);
    for (unsigned i = starts[blockIdx.x]; i < starts[blockIdx.x + 1]; i++) {
        float4 it = load4(dx + u64(places[i]) * d, at, d, whole);
        sum.x += it.x;
        sum.y += it.y;
        sum.z += it.z;
        sum.w += it.w;
    }
    store4(out, at, d, whole, sum);
}
