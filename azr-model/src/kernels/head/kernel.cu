// Log-softmax, gather and entropy of rows of logits, and their gradient in place; the formulas are in mod.rs.
//
// The host computes logits for as many rows at once as it has room for, never for all (kernels/matmul gives the
// products), and hands them here. Supported: f32, any n and any vocabulary from 1. A row's sums depend on nothing but
// the row: thread t takes words t, t + 512, ..., threads are merged in one tree, warps in their order.
//
//   kernel                grid    block    shared memory, static
//   head_scores           n       512      3 x 16 floats
//   head_differentiate    n       512      3 x 16 floats

constexpr unsigned THREADS = 512;
constexpr unsigned WARPS = 16;

// Of some words of a row: the largest z, the sum of e^(z - most), and the sum of e^(z - most) (z - most).
struct Sums {
    float most, sum, slope;
};

__device__ __forceinline__ Sums merge(Sums a, Sums b) {
    float most = fmaxf(a.most, b.most);
    float before = a.most - most, after = b.most - most;
    float x = exponential(before), y = exponential(after);
    // A part without words has no weight, and its distance to the largest is no matter.
    float slope = (a.sum == 0.0f ? 0.0f : fmaf(a.sum, before, a.slope) * x) + (b.sum == 0.0f ? 0.0f : fmaf(b.sum, after, b.slope) * y);
    return {most, fmaf(a.sum, x, b.sum * y), slope};
}

// What is known of a row: the largest z, the logarithm of the sum, the entropy. All threads get the same bits.
struct Summary {
    float most, log_sum, entropy;
};

__device__ __forceinline__ Summary summarize(const float* logits, unsigned v, float inverse_temperature, Sums* parts) {
    Sums all = {NO_SCORE, 0.0f, 0.0f};
    float most = NO_SCORE;
    for (unsigned word = threadIdx.x; word < v; word += THREADS) most = fmaxf(most, logits[word] * inverse_temperature);
    all.most = most;
    for (unsigned word = threadIdx.x; word < v; word += THREADS) {
        float below = logits[word] * inverse_temperature - most, weight = exponential(below);
        all.sum += weight;
        all.slope = weight == 0.0f ? all.slope : fmaf(weight, below, all.slope);
    }
#pragma unroll
    for (unsigned by = 16; 0 < by; by /= 2) {
        Sums other = {__shfl_down_sync(FULL_WARP, all.most, by), __shfl_down_sync(FULL_WARP, all.sum, by),
                      __shfl_down_sync(FULL_WARP, all.slope, by)};
        all = merge(all, other);
    }
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = all;
    __syncthreads();
    all = parts[0];
    for (unsigned warp = 1; warp < WARPS; warp++) all = merge(all, parts[warp]);
    float log_sum = logf(all.sum);
    return {all.most, log_sum, log_sum - all.slope / all.sum};
}

// logprobs[n] = ln p[n, targets[n]], entropies[n] in nats; a logit that is no number makes both no numbers.
extern "C" __global__ void __launch_bounds__(THREADS) head_scores(
    const float* __restrict__ logits, const unsigned* __restrict__ targets, float* __restrict__ logprobs,
    float* __restrict__ entropies, unsigned v, float inverse_temperature) {
    __shared__ Sums parts[WARPS];
    const float* row = logits + u64(blockIdx.x) * v;
    Summary it = summarize(row, v, inverse_temperature, parts);
    if (threadIdx.x == 0) {
        logprobs[blockIdx.x] = row[targets[blockIdx.x]] * inverse_temperature - it.most - it.log_sum;
        entropies[blockIdx.x] = it.entropy;
    }
}

// Puts the gradient of the loss in the place of the logits.
extern "C" __global__ void __launch_bounds__(THREADS) head_differentiate(
    float* __restrict__ logits, const unsigned* __restrict__ targets, const float* __restrict__ dlogprobs,
    const float* __restrict__ dentropies, unsigned v, float inverse_temperature) {
    __shared__ Sums parts[WARPS];
    float* row = logits + u64(blockIdx.x) * v;
    Summary it = summarize(row, v, inverse_temperature, parts);
    float by_logprob = dlogprobs[blockIdx.x], by_entropy = dentropies[blockIdx.x];
    unsigned target = targets[blockIdx.x];
    // Each thread writes only words that it alone has read.
    for (unsigned word = threadIdx.x; word < v; word += THREADS) {
        float log_p = row[word] * inverse_temperature - it.most - it.log_sum;
        float slope = -(exponential(log_p) * inverse_temperature) * fmaf(by_entropy, log_p + it.entropy, by_logprob);
        row[word] = word == target ? fmaf(by_logprob, inverse_temperature, slope) : slope;
    }
}
