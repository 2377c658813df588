// Causal attention with grouped query heads on tensor cores; the formulas are in ../mod.rs.
//
// Supported: head widths from 1 to 128, filled up with zeros to a multiple of 16; any number of heads and sequences;
// pages of 64 keys as in ../kernel.cu, f32. Wider heads are refused by the host. Queries, keys, values and the gradient
// from above are rounded to bf16 on their way into shared memory, probabilities and the gradients of scores before the
// second product; scores, maxima, sums and results are f32. A query walks the keys of its sequence in blocks of 64 from
// the first: how many queries stand in its tile or its batch changes no bit of it. Keys behind it have probability 0
// exactly.
//
//   kernel                     grid                          block    shared memory, dynamic (d = width, filled up)
//   attention_bf16_forward     (tiles of 64 queries, heads)  128      (2 x 64 (d + 8) + d 72) bf16
//   attention_bf16_by_query    (tiles of 64, heads)          128      (2 x 64 (d + 8) + 2 x 32 (d + 8) + d 40) bf16
//   attention_bf16_by_key      (tiles of 64, kv heads)       128      (2 x 64 (d + 8) + 2 x 32 (d + 8) + 2 d 40) bf16, 64 floats

constexpr unsigned THREADS = 128, ROWS = 64, PAGE = 64, STEP = 32, WIDTH_MAX = 128;
// Behind each row of shared memory, which keeps banks apart.
constexpr unsigned PAD = 8;

// Consecutive rows of one sequence: first row, number of rows, position of the first, first entry of the page table
// (or, to walk keys, the length of the sequence).
struct Tile {
    unsigned row, count, start, pages;
};

__device__ __forceinline__ Tile tile_of(const unsigned* tiles) {
    const unsigned* it = tiles + blockIdx.x * 4;
    return {it[0], it[1], it[2], it[3]};
}

// Rounds `count` rows of `e` into `all` rows of `d`, zeros where there is nothing.
__device__ __forceinline__ void fill(bf16* to, const float* from, u64 from_step, unsigned e, unsigned d, unsigned count,
                                     unsigned all) {
    for (unsigned row = threadIdx.x / 16; row < all; row += THREADS / 16)
        for (unsigned column = threadIdx.x % 16; column < d; column += 16)
            to[row * (d + PAD) + column] = row < count && column < e ? narrow(from[row * from_step + column]) : bf16(0);
}

// The same rows as columns: what is summed over rows lies side by side.
__device__ __forceinline__ void fill_across(bf16* to, const float* from, u64 from_step, unsigned e, unsigned d,
                                            unsigned count, unsigned all) {
    for (unsigned row = threadIdx.x / 16; row < all; row += THREADS / 16)
        for (unsigned column = threadIdx.x % 16; column < d; column += 16)
            to[column * (all + PAD) + row] = row < count && column < e ? narrow(from[row * from_step + column]) : bf16(0);
}

__device__ __forceinline__ unsigned pair_at(const bf16* at) { return *reinterpret_cast<const unsigned*>(at); }
__device__ __forceinline__ unsigned pair_of(float low, float high) { return narrow(low) | unsigned(narrow(high)) << 16; }

// Of a lane: its row in an eighth of a tile, and the first of its two columns.
__device__ __forceinline__ unsigned lane_row() { return threadIdx.x % 32 / 4; }
__device__ __forceinline__ unsigned lane_column() { return threadIdx.x % 4 * 2; }
// The first row of a warp's sixteen.
__device__ __forceinline__ unsigned warp_row() { return threadIdx.x / 32 * 16; }

// sums[16, 8 TILES] += left[16, d] right[8 TILES, d]^T, both in rows of shared memory.
template <unsigned TILES>
__device__ __forceinline__ void products(float (&sums)[TILES][4], const bf16* left, const bf16* right, unsigned d) {
    unsigned pitch = d + PAD;
    left += lane_row() * pitch + lane_column();
    right += lane_row() * pitch + lane_column();
    for (unsigned k = 0; k < d; k += 16) {
        unsigned a[4] = {pair_at(left + k), pair_at(left + 8 * pitch + k), pair_at(left + k + 8), pair_at(left + 8 * pitch + k + 8)};
#pragma unroll
        for (unsigned j = 0; j < TILES; j++) {
            unsigned b[2] = {pair_at(right + j * 8 * pitch + k), pair_at(right + j * 8 * pitch + k + 8)};
            multiply_tile(sums[j], a, b);
        }
    }
}

// sums[16, d] += weights[16, 8 TILES] right[8 TILES, d]: the weights as `products` left them, the right factor in columns.
template <unsigned TILES>
__device__ __forceinline__ void mix(float (&sums)[WIDTH_MAX / 8][4], const float (&weights)[TILES][4], const bf16* right,
                                    unsigned d) {
    constexpr unsigned PITCH = TILES * 8 + PAD;
    right += lane_row() * PITCH + lane_column();
#pragma unroll
    for (unsigned k = 0; k < TILES / 2; k++) {
        const float(&low)[4] = weights[2 * k];
        const float(&high)[4] = weights[2 * k + 1];
        unsigned a[4] = {pair_of(low[0], low[1]), pair_of(low[2], low[3]), pair_of(high[0], high[1]), pair_of(high[2], high[3])};
#pragma unroll
        for (unsigned j = 0; j < WIDTH_MAX / 8; j++) {
            if (d <= j * 8) continue;
            unsigned b[2] = {pair_at(right + j * 8 * PITCH + k * 16), pair_at(right + j * 8 * PITCH + k * 16 + 8)};
            multiply_tile(sums[j], a, b);
        }
    }
}

// Over the four lanes of a row, each with the same bits.
__device__ __forceinline__ float row_max(float it) {
    it = fmaxf(it, __shfl_xor_sync(FULL_WARP, it, 2));
    return fmaxf(it, __shfl_xor_sync(FULL_WARP, it, 1));
}
__device__ __forceinline__ float row_sum(float it) {
    it += __shfl_xor_sync(FULL_WARP, it, 2);
    return it + __shfl_xor_sync(FULL_WARP, it, 1);
}

// Writes the warp's rows below `count`, each times its factor.
__device__ __forceinline__ void store(float* to, u64 step, const float (&rows)[WIDTH_MAX / 8][4], const float (&factor)[2],
                                      unsigned count, unsigned e) {
#pragma unroll
    for (unsigned j = 0; j < WIDTH_MAX / 8; j++)
#pragma unroll
        for (unsigned i = 0; i < 4; i++) {
            unsigned row = warp_row() + lane_row() + i / 2 * 8, column = j * 8 + lane_column() + i % 2;
            if (row < count && column < e) to[row * step + column] = rows[j][i] * factor[i / 2];
        }
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_bf16_forward(
    const float* __restrict__ qkv, const unsigned* __restrict__ tiles, const unsigned* __restrict__ table,
    const float* __restrict__ cache, float* __restrict__ out, float* __restrict__ lse, unsigned width, unsigned heads,
    unsigned kv_heads, unsigned e, unsigned layer, unsigned layers, unsigned page_head_elements, float scale) {
    DYNAMIC_SHARED(bf16, shared);
    unsigned d = (e + 15) / 16 * 16, head = blockIdx.y, kv_head = head / (heads / kv_heads);
    bf16* queries = shared;
    bf16* keys = queries + ROWS * (d + PAD);
    bf16* values = keys + PAGE * (d + PAD);  // in columns
    Tile tile = tile_of(tiles);
    unsigned end = tile.start + tile.count, own = warp_row() + lane_row();
    fill(queries, qkv + u64(tile.row) * width + head * e, width, e, d, tile.count, ROWS);
    float most[2] = {NO_SCORE, NO_SCORE}, sum[2] = {}, mixed[WIDTH_MAX / 8][4] = {};
    for (unsigned first = 0; first < end; first += PAGE) {
        u64 page = u64(table[tile.pages + first / PAGE]) * layers + layer;
        const float* at = cache + (page * kv_heads + kv_head) * page_head_elements;
        unsigned count = min(PAGE, end - first);
        __syncthreads();
        fill(keys, at, e, e, d, count, PAGE);
        fill_across(values, at + PAGE * e, e, e, d, count, PAGE);
        __syncthreads();
        float scores[PAGE / 8][4] = {}, highest[2] = {most[0], most[1]}, kept[2], part[2] = {};
        products(scores, queries + warp_row() * (d + PAD), keys, d);
#pragma unroll
        for (unsigned j = 0; j < PAGE / 8; j++)
#pragma unroll
            for (unsigned i = 0; i < 4; i++) {
                unsigned key = first + j * 8 + lane_column() + i % 2, position = tile.start + own + i / 2 * 8;
                scores[j][i] = key <= position ? scores[j][i] * scale : NO_SCORE;
                highest[i / 2] = fmaxf(highest[i / 2], scores[j][i]);
            }
#pragma unroll
        for (unsigned half = 0; half < 2; half++) {
            highest[half] = row_max(highest[half]);
            kept[half] = exponential(most[half] - highest[half]);
            most[half] = highest[half];
        }
#pragma unroll
        for (unsigned j = 0; j < PAGE / 8; j++)
#pragma unroll
            for (unsigned i = 0; i < 4; i++) {
                // Exactly 0 for a key behind the query, because every query sees the first key of its sequence.
                scores[j][i] = exponential(scores[j][i] - most[i / 2]);
                part[i / 2] += scores[j][i];
            }
#pragma unroll
        for (unsigned half = 0; half < 2; half++) sum[half] = fmaf(sum[half], kept[half], row_sum(part[half]));
#pragma unroll
        for (unsigned j = 0; j < WIDTH_MAX / 8; j++)
#pragma unroll
            for (unsigned i = 0; i < 4; i++) mixed[j][i] *= kept[i / 2];
        mix(mixed, scores, values, d);
    }
    float factor[2] = {1.0f / sum[0], 1.0f / sum[1]};
    store(out + (u64(tile.row) * heads + head) * e, u64(heads) * e, mixed, factor, tile.count, e);
#pragma unroll
    for (unsigned half = 0; half < 2; half++) {
        unsigned row = own + half * 8;
        if (lane_column() == 0 && row < tile.count) lse[u64(tile.row + row) * heads + head] = most[half] + logf(sum[half]);
    }
}

// The gradient by the queries, for sequences that begin in this batch: keys and values are those of `qkv`.
extern "C" __global__ void __launch_bounds__(THREADS) attention_bf16_by_query(
    const float* __restrict__ qkv, const float* __restrict__ lse, const float* __restrict__ delta,
    const float* __restrict__ dout, const unsigned* __restrict__ tiles, float* __restrict__ dqkv, unsigned width,
    unsigned heads, unsigned kv_heads, unsigned e, float scale) {
    DYNAMIC_SHARED(bf16, shared);
    unsigned d = (e + 15) / 16 * 16, head = blockIdx.y, kv_head = head / (heads / kv_heads);
    bf16* queries = shared;
    bf16* above = queries + ROWS * (d + PAD);
    bf16* keys = above + ROWS * (d + PAD);
    bf16* values = keys + STEP * (d + PAD);
    bf16* keys_across = values + STEP * (d + PAD);
    Tile tile = tile_of(tiles);
    unsigned end = tile.start + tile.count, own = warp_row() + lane_row();
    const float* sequence = qkv + u64(tile.row - tile.start) * width;
    fill(queries, qkv + u64(tile.row) * width + head * e, width, e, d, tile.count, ROWS);
    fill(above, dout + (u64(tile.row) * heads + head) * e, u64(heads) * e, e, d, tile.count, ROWS);
    float log_sum[2], mean[2], gradient[WIDTH_MAX / 8][4] = {};
#pragma unroll
    for (unsigned half = 0; half < 2; half++) {
        u64 at = u64(tile.row + min(own + half * 8, tile.count - 1)) * heads + head;
        log_sum[half] = lse[at], mean[half] = delta[at];
    }
    for (unsigned first = 0; first < end; first += STEP) {
        const float* row = sequence + u64(first) * width + (heads + kv_head) * e;
        unsigned count = min(STEP, end - first);
        __syncthreads();
        fill(keys, row, width, e, d, count, STEP);
        fill_across(keys_across, row, width, e, d, count, STEP);
        fill(values, row + kv_heads * e, width, e, d, count, STEP);
        __syncthreads();
        float scores[STEP / 8][4] = {}, slopes[STEP / 8][4] = {};
        products(scores, queries + warp_row() * (d + PAD), keys, d);
        products(slopes, above + warp_row() * (d + PAD), values, d);
#pragma unroll
        for (unsigned j = 0; j < STEP / 8; j++)
#pragma unroll
            for (unsigned i = 0; i < 4; i++) {
                unsigned key = first + j * 8 + lane_column() + i % 2, position = tile.start + own + i / 2 * 8;
                float weight = key <= position ? exponential(fmaf(scores[j][i], scale, -log_sum[i / 2])) : 0.0f;
                slopes[j][i] = weight * (slopes[j][i] - mean[i / 2]) * scale;
            }
        mix(gradient, slopes, keys_across, d);
    }
    float factor[2] = {1.0f, 1.0f};
    store(dqkv + u64(tile.row) * width + head * e, width, gradient, factor, tile.count, e);
}

// The gradients by the keys and values: each key adds up its queries in the order of heads, then of positions.
// A tile's last number is the end of its sequence, counted in positions.
extern "C" __global__ void __launch_bounds__(THREADS) attention_bf16_by_key(
    const float* __restrict__ qkv, const float* __restrict__ lse, const float* __restrict__ delta,
    const float* __restrict__ dout, const unsigned* __restrict__ tiles, float* __restrict__ dqkv, unsigned width,
    unsigned heads, unsigned kv_heads, unsigned e, float scale) {
    DYNAMIC_SHARED(bf16, shared);
    unsigned d = (e + 15) / 16 * 16, kv_head = blockIdx.y, group = heads / kv_heads;
    bf16* keys = shared;
    bf16* values = keys + ROWS * (d + PAD);
    bf16* queries = values + ROWS * (d + PAD);
    bf16* above = queries + STEP * (d + PAD);
    bf16* queries_across = above + STEP * (d + PAD);
    bf16* above_across = queries_across + d * (STEP + PAD);
    float* log_sums = reinterpret_cast<float*>(above_across + d * (STEP + PAD));
    float* means = log_sums + STEP;
    Tile tile = tile_of(tiles);
    unsigned end = tile.pages, own = tile.start + warp_row() + lane_row();
    u64 sequence = tile.row - tile.start;
    const float* row = qkv + u64(tile.row) * width + (heads + kv_head) * e;
    fill(keys, row, width, e, d, tile.count, ROWS);
    fill(values, row + kv_heads * e, width, e, d, tile.count, ROWS);
    float by_key[WIDTH_MAX / 8][4] = {}, by_value[WIDTH_MAX / 8][4] = {};
    for (unsigned head = kv_head * group; head < (kv_head + 1) * group; head++) {
        for (unsigned first = tile.start; first < end; first += STEP) {
            const float* query = qkv + (sequence + first) * width + head * e;
            const float* gradient = dout + ((sequence + first) * heads + head) * e;
            unsigned count = min(STEP, end - first);
            __syncthreads();
            fill(queries, query, width, e, d, count, STEP);
            fill_across(queries_across, query, width, e, d, count, STEP);
            fill(above, gradient, u64(heads) * e, e, d, count, STEP);
            fill_across(above_across, gradient, u64(heads) * e, e, d, count, STEP);
            if (threadIdx.x < STEP) {
                u64 at = (sequence + first + min(threadIdx.x, count - 1)) * heads + head;
                log_sums[threadIdx.x] = lse[at], means[threadIdx.x] = delta[at];
            }
            __syncthreads();
            float scores[STEP / 8][4] = {}, slopes[STEP / 8][4] = {};
            products(scores, keys + warp_row() * (d + PAD), queries, d);
            products(slopes, values + warp_row() * (d + PAD), above, d);
#pragma unroll
            for (unsigned j = 0; j < STEP / 8; j++)
#pragma unroll
                for (unsigned i = 0; i < 4; i++) {
                    unsigned it = j * 8 + lane_column() + i % 2, key = own + i / 2 * 8;
                    bool sees = key <= first + it && it < count;
                    float weight = sees ? exponential(fmaf(scores[j][i], scale, -log_sums[it])) : 0.0f;
                    scores[j][i] = weight;
                    slopes[j][i] = weight * (slopes[j][i] - means[it]) * scale;
                }
            mix(by_value, scores, above_across, d);
            mix(by_key, slopes, queries_across, d);
        }
    }
    float factor[2] = {1.0f, 1.0f};
    float* out = dqkv + u64(tile.row) * width + (heads + kv_head) * e;
    store(out, width, by_key, factor, tile.count, e);
    store(out + kv_heads * e, width, by_value, factor, tile.count, e);
}
