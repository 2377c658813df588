// Causal attention with grouped query heads over packed sequences and pages; the formulas are in mod.rs.
//
// Supported: f32, head widths from 1 to 128, any number of heads and sequences, pages of 64 keys. Wider heads are
// refused by the host. A page holds, for each key/value head, 64 rows of keys, then 64 rows of values, and nothing else
// of it is read. A query walks the keys of its sequence in blocks of 64 from the first: how many queries stand in its
// tile or its batch changes no bit of it. Keys behind it are zeros to the tile and have probability 0 exactly.
//
//   kernel                grid                          block    shared memory, dynamic (e = head width)
//   attention_store       n                             256      none
//   attention_forward     (tiles of 16 queries, heads)  128      (16 e + 64 (e + 1) + 16 x 64) floats
//   attention_delta       (n, heads)                    32       none
//   attention_by_query    (tiles of 16, heads)          128      (2 x 16 e + 2 x 32 (e + 1) + 16 x 33) floats
//   attention_by_key      (tiles of 32, kv heads)       128      (2 x 16 e + 2 x 32 (e + 1) + 2 x 16 x 33) floats

constexpr unsigned THREADS = 128, QUERIES = 16, PAGE = 64, KEYS = 32, WIDTH_MAX = 128;
// Threads of one query, and of one key in the kernel that walks queries.
constexpr unsigned LANES = THREADS / QUERIES, KEY_LANES = THREADS / KEYS;

// Consecutive rows of one sequence: first row, number of rows, position of the first, first entry of the page table.
struct Tile {
    unsigned row, count, start, pages;
};

__device__ __forceinline__ Tile tile_of(const unsigned* tiles) {
    const unsigned* it = tiles + blockIdx.x * 4;
    return {it[0], it[1], it[2], it[3]};
}

// First element of a key/value head of the page that holds position `block * PAGE` of a sequence.
__device__ __forceinline__ u64 page_head(const unsigned* table, unsigned first, unsigned block, unsigned layer,
                                         unsigned layers, unsigned kv_heads, unsigned kv_head, unsigned page_head_elements) {
    return ((u64(table[first + block]) * layers + layer) * kv_heads + kv_head) * page_head_elements;
}

// Copies `count` rows of `e` from global to shared memory, zeros behind them up to `all` rows.
__device__ __forceinline__ void fill(float* to, unsigned to_step, const float* from, u64 from_step, unsigned e,
                                     unsigned count, unsigned all) {
    for (unsigned i = threadIdx.x; i < all * e; i += THREADS) {
        unsigned row = i / e, column = i % e;
        to[row * to_step + column] = row < count ? from[row * from_step + column] : 0.0f;
    }
}

__device__ __forceinline__ float dot(const float* a, const float* b, unsigned e) {
    float sum = 0.0f;
    for (unsigned i = 0; i < e; i++) sum = fmaf(a[i], b[i], sum);
    return sum;
}

// Maximum and sum over the eight threads of a query, each with the same bits.
__device__ __forceinline__ float lanes_max(float it) {
#pragma unroll
    for (int flip = 4; 0 < flip; flip /= 2) it = fmaxf(it, __shfl_xor_sync(FULL_WARP, it, flip));
    return it;
}
__device__ __forceinline__ float lanes_sum(float it) {
#pragma unroll
    for (int flip = 4; 0 < flip; flip /= 2) it += __shfl_xor_sync(FULL_WARP, it, flip);
    return it;
}

// Writes the keys and values of each row to its page; `places [n, 2]` has the page and the slot of each row.
extern "C" __global__ void __launch_bounds__(256) attention_store(
    const float* __restrict__ qkv, const unsigned* __restrict__ places, float* __restrict__ cache, unsigned width,
    unsigned query_width, unsigned kv_heads, unsigned e, unsigned layer, unsigned layers, unsigned page_head_elements) {
    const float* keys = qkv + u64(blockIdx.x) * width + query_width;
    const float* values = keys + kv_heads * e;
    u64 page = (u64(places[blockIdx.x * 2]) * layers + layer) * kv_heads * page_head_elements;
    unsigned slot = places[blockIdx.x * 2 + 1];
    for (unsigned i = threadIdx.x; i < kv_heads * e; i += 256) {
        float* to = cache + page + u64(i / e) * page_head_elements + slot * e + i % e;
        to[0] = keys[i];
        to[PAGE * e] = values[i];
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_forward(
    const float* __restrict__ qkv, const unsigned* __restrict__ tiles, const unsigned* __restrict__ table,
    const float* __restrict__ cache, float* __restrict__ out, float* __restrict__ lse, unsigned width, unsigned heads,
    unsigned kv_heads, unsigned e, unsigned layer, unsigned layers, unsigned page_head_elements, float scale) {
    DYNAMIC_SHARED(float, shared);
    float* queries = shared;
    float* rows = queries + QUERIES * e;  // keys of a block, then its values
    float* weights = rows + PAGE * (e + 1);
    Tile tile = tile_of(tiles);
    unsigned head = blockIdx.y, query = threadIdx.x / LANES, lane = threadIdx.x % LANES;
    unsigned position = tile.start + query, end = tile.start + tile.count;
    fill(queries, e, qkv + u64(tile.row) * width + head * e, width, e, tile.count, QUERIES);
    float most = NO_SCORE, sum = 0.0f, mixed[WIDTH_MAX / LANES] = {};
    for (unsigned first = 0, block = 0; first < end; first += PAGE, block++) {
        const float* page = cache + page_head(table, tile.pages, block, layer, layers, kv_heads, head / (heads / kv_heads), page_head_elements);
        unsigned count = min(PAGE, end - first);
        __syncthreads();
        fill(rows, e + 1, page, e, e, count, PAGE);
        __syncthreads();
        float scores[PAGE / LANES], highest = most;
#pragma unroll
        for (unsigned i = 0; i < PAGE / LANES; i++) {
            unsigned key = lane + i * LANES;
            float score = dot(queries + query * e, rows + key * (e + 1), e) * scale;
            scores[i] = first + key <= position ? score : NO_SCORE;
            highest = fmaxf(highest, scores[i]);
        }
        highest = lanes_max(highest);
        float part = 0.0f, kept = exponential(most - highest);
#pragma unroll
        for (unsigned i = 0; i < PAGE / LANES; i++) {
            unsigned key = lane + i * LANES;
            // Exactly 0 for a key behind the query, because every query sees the first key of its sequence.
            float weight = exponential(scores[i] - highest);
            part += weight;
            weights[query * PAGE + key] = weight;
        }
        sum = fmaf(sum, kept, lanes_sum(part));
        most = highest;
        __syncthreads();
        fill(rows, e + 1, page + PAGE * e, e, e, count, PAGE);
        __syncthreads();
#pragma unroll
        for (unsigned i = 0; i < WIDTH_MAX / LANES; i++) {
            unsigned column = lane + i * LANES;
            if (e <= column) continue;
            float value = mixed[i] * kept;
            for (unsigned key = 0; key < count; key++)
                value = fmaf(weights[query * PAGE + key], rows[key * (e + 1) + column], value);
            mixed[i] = value;
        }
    }
    if (tile.count <= query) return;
    u64 row = tile.row + query;
    if (lane == 0) lse[row * heads + head] = most + logf(sum);
#pragma unroll
    for (unsigned i = 0; i < WIDTH_MAX / LANES; i++) {
        unsigned column = lane + i * LANES;
        if (column < e) out[(row * heads + head) * e + column] = mixed[i] / sum;
    }
}

// delta[row, head] = dout . out, which is the mean of the gradients by the probabilities.
extern "C" __global__ void __launch_bounds__(32) attention_delta(
    const float* __restrict__ out, const float* __restrict__ dout, float* __restrict__ delta, unsigned heads, unsigned e) {
    u64 at = u64(blockIdx.x) * heads + blockIdx.y;
    float sum = 0.0f;
    for (unsigned i = threadIdx.x; i < e; i += 32) sum = fmaf(out[at * e + i], dout[at * e + i], sum);
    sum = warp_sum(sum);
    if (threadIdx.x == 0) delta[at] = sum;
}

// The gradient by the queries, for sequences that begin in this batch: keys and values are those of `qkv`.
extern "C" __global__ void __launch_bounds__(THREADS, 4) attention_by_query(
    const float* __restrict__ qkv, const float* __restrict__ lse, const float* __restrict__ delta,
    const float* __restrict__ dout, const unsigned* __restrict__ tiles, float* __restrict__ dqkv, unsigned width,
    unsigned heads, unsigned kv_heads, unsigned e, float scale) {
    DYNAMIC_SHARED(float, shared);
    float* queries = shared;
    float* above = queries + QUERIES * e;
    float* keys = above + QUERIES * e;
    float* values = keys + KEYS * (e + 1);
    float* slopes = values + KEYS * (e + 1);  // [QUERIES, KEYS + 1]
    Tile tile = tile_of(tiles);
    unsigned head = blockIdx.y, kv_head = head / (heads / kv_heads), query = threadIdx.x / LANES, lane = threadIdx.x % LANES;
    unsigned position = tile.start + query, end = tile.start + tile.count;
    const float* sequence = qkv + u64(tile.row - tile.start) * width;
    fill(queries, e, qkv + u64(tile.row) * width + head * e, width, e, tile.count, QUERIES);
    fill(above, e, dout + (u64(tile.row) * heads + head) * e, u64(heads) * e, e, tile.count, QUERIES);
    u64 at = u64(tile.row + min(query, tile.count - 1)) * heads + head;
    float log_sum = lse[at], mean = delta[at], gradient[WIDTH_MAX / LANES] = {};
    for (unsigned first = 0; first < end; first += KEYS) {
        const float* row = sequence + u64(first) * width + (heads + kv_head) * e;
        unsigned count = min(KEYS, end - first);
        __syncthreads();
        fill(keys, e + 1, row, width, e, count, KEYS);
        fill(values, e + 1, row + kv_heads * e, width, e, count, KEYS);
        __syncthreads();
#pragma unroll
        for (unsigned i = 0; i < KEYS / LANES; i++) {
            unsigned key = lane + i * LANES;
            float score = dot(queries + query * e, keys + key * (e + 1), e) * scale;
            float weight = first + key <= position ? exponential(score - log_sum) : 0.0f;
            float slope = dot(above + query * e, values + key * (e + 1), e);
            slopes[query * (KEYS + 1) + key] = weight * (slope - mean) * scale;
        }
        __syncthreads();
#pragma unroll
        for (unsigned i = 0; i < WIDTH_MAX / LANES; i++) {
            unsigned column = lane + i * LANES;
            if (e <= column) continue;
            for (unsigned key = 0; key < count; key++)
                gradient[i] = fmaf(slopes[query * (KEYS + 1) + key], keys[key * (e + 1) + column], gradient[i]);
        }
    }
    if (tile.count <= query) return;
#pragma unroll
    for (unsigned i = 0; i < WIDTH_MAX / LANES; i++) {
        unsigned column = lane + i * LANES;
        if (column < e) dqkv[u64(tile.row + query) * width + head * e + column] = gradient[i];
    }
}

// The gradients by the keys and values: each key adds up its queries in the order of heads, then of positions.
// A tile's last number is the end of its sequence, counted in positions.
extern "C" __global__ void __launch_bounds__(THREADS) attention_by_key(
    const float* __restrict__ qkv, const float* __restrict__ lse, const float* __restrict__ delta,
    const float* __restrict__ dout, const unsigned* __restrict__ tiles, float* __restrict__ dqkv, unsigned width,
    unsigned heads, unsigned kv_heads, unsigned e, float scale) {
    DYNAMIC_SHARED(float, shared);
    float* queries = shared;
    float* above = queries + QUERIES * e;
    float* keys = above + QUERIES * e;
    float* values = keys + KEYS * (e + 1);
    float* weights = values + KEYS * (e + 1);  // [QUERIES, KEYS + 1], both
    float* slopes = weights + QUERIES * (KEYS + 1);
    Tile tile = tile_of(tiles);
    unsigned kv_head = blockIdx.y, group = heads / kv_heads, end = tile.pages;
    unsigned query = threadIdx.x / LANES, lane = threadIdx.x % LANES;
    unsigned own_key = threadIdx.x / KEY_LANES, own_lane = threadIdx.x % KEY_LANES;
    u64 sequence = tile.row - tile.start;
    const float* row = qkv + u64(tile.row) * width + (heads + kv_head) * e;
    fill(keys, e + 1, row, width, e, tile.count, KEYS);
    fill(values, e + 1, row + kv_heads * e, width, e, tile.count, KEYS);
    float by_key[WIDTH_MAX / KEY_LANES] = {}, by_value[WIDTH_MAX / KEY_LANES] = {};
    for (unsigned head = kv_head * group; head < (kv_head + 1) * group; head++) {
        for (unsigned first = tile.start; first < end; first += QUERIES) {
            unsigned count = min(QUERIES, end - first);
            __syncthreads();
            fill(queries, e, qkv + (sequence + first) * width + head * e, width, e, count, QUERIES);
            fill(above, e, dout + ((sequence + first) * heads + head) * e, u64(heads) * e, e, count, QUERIES);
            __syncthreads();
            u64 at = (sequence + first + min(query, count - 1)) * heads + head;
            float log_sum = lse[at], mean = delta[at];
#pragma unroll
            for (unsigned i = 0; i < KEYS / LANES; i++) {
                unsigned key = lane + i * LANES;
                float score = dot(queries + query * e, keys + key * (e + 1), e) * scale;
                // Rows behind the end of the tile or the sequence get numbers that nobody reads.
                float weight = tile.start + key <= first + query ? exponential(score - log_sum) : 0.0f;
                float slope = dot(above + query * e, values + key * (e + 1), e);
                weights[query * (KEYS + 1) + key] = weight;
                slopes[query * (KEYS + 1) + key] = weight * (slope - mean) * scale;
            }
            __syncthreads();
#pragma unroll
            for (unsigned i = 0; i < WIDTH_MAX / KEY_LANES; i++) {
                unsigned column = own_lane + i * KEY_LANES;
                if (e <= column) continue;
                for (unsigned it = 0; it < count; it++) {
                    by_key[i] = fmaf(slopes[it * (KEYS + 1) + own_key], queries[it * e + column], by_key[i]);
                    by_value[i] = fmaf(weights[it * (KEYS + 1) + own_key], above[it * e + column], by_value[i]);
                }
            }
        }
    }
    if (tile.count <= own_key) return;
    float* out = dqkv + u64(tile.row + own_key) * width + (heads + kv_head) * e;
#pragma unroll
    for (unsigned i = 0; i < WIDTH_MAX / KEY_LANES; i++) {
        unsigned column = own_lane + i * KEY_LANES;
        if (e <= column) continue;
        out[column] = by_key[i];
        out[kv_heads * e + column] = by_value[i];
    }
}
