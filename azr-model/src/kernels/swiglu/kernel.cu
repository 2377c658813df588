// The gated layer: y = silu(gate) up; the formulas are in mod.rs.
//
// Supported: f32, any n and f from 1; rows that are no multiple of four or not aligned take element by element what
// others take by four, and give the same bits.
//
//   kernel             grid                             block    shared memory
//   swiglu_forward     (n, f / 1024 rounded up)         256      none
//   swiglu_backward    (n, f / 1024 rounded up)         256      none

__device__ __forceinline__ float gated(float gate, float up) { return gate / (1.0f + exponential(-gate)) * up; }

__device__ __forceinline__ void gradient(float gate, float up, float dy, float& dgate, float& dup) {
    float s = 1.0f / (1.0f + exponential(-gate));
    dup = dy * (gate * s);
    dgate = dy * up * (s * fmaf(gate, 1.0f - s, 1.0f));
}

extern "C" __global__ void __launch_bounds__(256) swiglu_forward(
    const float* __restrict__ gate_up, float* __restrict__ y, unsigned f, unsigned whole) {
    const float* row = gate_up + u64(blockIdx.x) * 2 * f;
    unsigned at = (blockIdx.y * 256 + threadIdx.x) * 4;
    if (f <= at) return;
    float4 gate = load4(row, at, f, whole), up = load4(row + f, at, f, whole);
    float4 out = make_float4(gated(gate.x, up.x), gated(gate.y, up.y), gated(gate.z, up.z), gated(gate.w, up.w));
    store4(y + u64(blockIdx.x) * f, at, f, whole, out);
}

extern "C" __global__ void __launch_bounds__(256) swiglu_backward(
    const float* __restrict__ gate_up, const float* __restrict__ dy, float* __restrict__ dgate_up, unsigned f, unsigned whole) {
    const float* row = gate_up + u64(blockIdx.x) * 2 * f;
    float* out = dgate_up + u64(blockIdx.x) * 2 * f;
    unsigned at = (blockIdx.y * 256 + threadIdx.x) * 4;
    if (f <= at) return;
    float4 gate = load4(row, at, f, whole), up = load4(row + f, at, f, whole);
    float4 above = load4(dy + u64(blockIdx.x) * f, at, f, whole), dgate, dup;
    gradient(gate.x, up.x, above.x, dgate.x, dup.x);
    gradient(gate.y, up.y, above.y, dgate.y, dup.y);
    gradient(gate.z, up.z, above.z, dgate.z, dup.z);
    gradient(gate.w, up.w, above.w, dgate.w, dup.w);
    store4(out, at, f, whole, dgate);
    store4(out + f, at, f, whole, dup);
}
