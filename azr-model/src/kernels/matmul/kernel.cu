// Products whose order of summation depends on nothing but the depth, and the gradient of a bias.
//
// These are the exact forms: a row of the result has the same bits in any batch, which no library promises. Supported:
// any sizes from 1; f32 with factors in rows or in columns; on the tensor cores, with f32 sums, bf16 with both in rows,
// and f32 in rows or in columns that is rounded on its way into shared memory.
//
//   kernel              grid                                          block     shared memory, static
//   product             (columns / 64, rows / 64), rounded up         256       2 x 16 x 68 floats
//   product_bf16        (columns / 64, rows / 64), rounded up         128       2 x 64 x 40 bf16
//   product_rounded     (columns / 64, rows / 64), rounded up         128       2 x 64 x 40 bf16
//   bf16_from_f32       n / 256, rounded up                           256       none
//   bias_chunks         (outputs / 32, n / 128), rounded up           32 x 8    8 x 33 floats
//   bias_add            outputs / 256, rounded up                     256       none

constexpr unsigned TILE = 64, DEPTH = 16, PAD = 4;

// What becomes of a sum: stored, stored with a bias of its column or a residual of its place added, or added.
constexpr unsigned STORE = 0, BIAS = 1, RESIDUAL = 2, ACCUMULATE = 3;

// What becomes of the sum of one place.
__device__ __forceinline__ void finish_at(float* y, u64 at, unsigned column, float sum, const float* plus, unsigned finish) {
    if (finish == BIAS) sum += plus[column];
    if (finish == RESIDUAL) sum += plus[at];
    y[at] = finish == ACCUMULATE ? y[at] + sum : sum;
}

// y[m, n] = sum over k of a[m a_row + k a_depth] b[n b_row + k b_depth], one chain in the order of k for each element.
extern "C" __global__ void __launch_bounds__(256) product(
    const float* __restrict__ a, const float* __restrict__ b, const float* __restrict__ plus, float* __restrict__ y,
    unsigned rows, unsigned columns, unsigned depth, unsigned a_row, unsigned a_depth, unsigned b_row, unsigned b_depth,
    unsigned finish) {
    __shared__ float left[DEPTH][TILE + PAD];
    __shared__ float right[DEPTH][TILE + PAD];
    unsigned first_row = blockIdx.y * TILE, first_column = blockIdx.x * TILE;
    unsigned down = threadIdx.x / 16, across = threadIdx.x % 16;
    float sums[4][4] = {};
    for (unsigned first = 0; first < depth; first += DEPTH) {
        // Neighboring threads read neighboring addresses, whichever way a factor lies.
        for (unsigned i = threadIdx.x; i < TILE * DEPTH; i += 256) {
            unsigned row = a_depth == 1 ? i / DEPTH : i % TILE, k = a_depth == 1 ? i % DEPTH : i / TILE;
            bool inside = first_row + row < rows && first + k < depth;
            left[k][row] = inside ? a[u64(first_row + row) * a_row + u64(first + k) * a_depth] : 0.0f;
            row = b_depth == 1 ? i / DEPTH : i % TILE, k = b_depth == 1 ? i % DEPTH : i / TILE;
            inside = first_column + row < columns && first + k < depth;
            right[k][row] = inside ? b[u64(first_column + row) * b_row + u64(first + k) * b_depth] : 0.0f;
        }
        __syncthreads();
#pragma unroll
        for (unsigned k = 0; k < DEPTH; k++) {
            float4 l = *reinterpret_cast<const float4*>(&left[k][down * 4]);
            float4 r = *reinterpret_cast<const float4*>(&right[k][across * 4]);
            float ls[4] = {l.x, l.y, l.z, l.w}, rs[4] = {r.x, r.y, r.z, r.w};
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) sums[i][j] = fmaf(ls[i], rs[j], sums[i][j]);
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) {
            unsigned row = first_row + down * 4 + i, column = first_column + across * 4 + j;
            if (rows <= row || columns <= column) continue;
            finish_at(y, u64(row) * columns + column, column, sums[i][j], plus, finish);
        }
}

// Two neighbors of a row in shared memory, as the tensor cores take them.
__device__ __forceinline__ unsigned pair_at(const bf16* at) { return *reinterpret_cast<const unsigned*>(at); }

// A tile of two factors as the tensor cores take them; rows end in room that keeps banks apart.
constexpr unsigned STEP = 32, WIDTH = STEP + 8;
typedef bf16 Factor[TILE][WIDTH];

// Each of four warps has 32 x 32 of a tile. The depth is walked in steps of sixteen.
__device__ __forceinline__ void multiply_step(float (&sums)[2][4][4], const Factor& left, const Factor& right) {
    unsigned warp = threadIdx.x / 32, group = threadIdx.x % 32 / 4;
    unsigned own_row = warp / 2 * 32, own_column = warp % 2 * 32;
#pragma unroll
    for (unsigned k = threadIdx.x % 4 * 2; k < STEP; k += 16) {
        unsigned a[2][4], b[4][2];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            unsigned row = own_row + i * 16 + group;
            a[i][0] = pair_at(&left[row][k]);
            a[i][1] = pair_at(&left[row + 8][k]);
            a[i][2] = pair_at(&left[row][k + 8]);
            a[i][3] = pair_at(&left[row + 8][k + 8]);
        }
#pragma unroll
        for (int j = 0; j < 4; j++) {
            b[j][0] = pair_at(&right[own_column + j * 8 + group][k]);
            b[j][1] = pair_at(&right[own_column + j * 8 + group][k + 8]);
        }
#pragma unroll
        for (int i = 0; i < 2; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) multiply_tile(sums[i][j], a[i], b[j]);
    }
}

__device__ __forceinline__ void finish_tile(const float (&sums)[2][4][4], const float* plus, float* y, unsigned rows,
                                            unsigned columns, unsigned finish) {
    unsigned warp = threadIdx.x / 32, group = threadIdx.x % 32 / 4, pair = threadIdx.x % 4 * 2;
    unsigned first_row = blockIdx.y * TILE + warp / 2 * 32, first_column = blockIdx.x * TILE + warp % 2 * 32;
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
#pragma unroll
            for (int r = 0; r < 4; r++) {
                unsigned row = first_row + i * 16 + group + r / 2 * 8, column = first_column + j * 8 + pair + r % 2;
                if (rows <= row || columns <= column) continue;
                finish_at(y, u64(row) * columns + column, column, sums[i][j][r], plus, finish);
            }
}

// y[m, n] = sum over k of x[m, k] w[n, k], zeros behind the end of the depth.
extern "C" __global__ void __launch_bounds__(128) product_bf16(
    const bf16* __restrict__ x, const bf16* __restrict__ w, const float* __restrict__ plus, float* __restrict__ y,
    unsigned rows, unsigned columns, unsigned depth, unsigned finish) {
    __shared__ __align__(16) Factor left;
    __shared__ __align__(16) Factor right;
    unsigned first_row = blockIdx.y * TILE, first_column = blockIdx.x * TILE;
    float sums[2][4][4] = {};
    for (unsigned first = 0; first < depth; first += STEP) {
        for (unsigned i = threadIdx.x; i < TILE * STEP; i += 128) {
            unsigned row = i / STEP, k = i % STEP;
            bool inside = first_row + row < rows && first + k < depth;
            left[row][k] = inside ? x[u64(first_row + row) * depth + first + k] : bf16(0);
            inside = first_column + row < columns && first + k < depth;
            right[row][k] = inside ? w[u64(first_column + row) * depth + first + k] : bf16(0);
        }
        __syncthreads();
        multiply_step(sums, left, right);
        __syncthreads();
    }
    finish_tile(sums, plus, y, rows, columns, finish);
}

// Rounds a tile of a factor; neighboring threads read neighboring addresses, whichever way it lies.
__device__ __forceinline__ void round_tile(Factor& to, const float* from, unsigned first_row, unsigned rows, unsigned first,
                                           unsigned depth, unsigned row_step, unsigned depth_step) {
    for (unsigned i = threadIdx.x; i < TILE * STEP; i += 128) {
        unsigned row = depth_step == 1 ? i / STEP : i % TILE, k = depth_step == 1 ? i % STEP : i / TILE;
        bool inside = first_row + row < rows && first + k < depth;
        to[row][k] = inside ? narrow(from[u64(first_row + row) * row_step + u64(first + k) * depth_step]) : bf16(0);
    }
}

// As `product`, with factors rounded to bf16.
extern "C" __global__ void __launch_bounds__(128) product_rounded(
    const float* __restrict__ a, const float* __restrict__ b, const float* __restrict__ plus, float* __restrict__ y,
    unsigned rows, unsigned columns, unsigned depth, unsigned a_row, unsigned a_depth, unsigned b_row, unsigned b_depth,
    unsigned finish) {
    __shared__ __align__(16) Factor left;
    __shared__ __align__(16) Factor right;
    float sums[2][4][4] = {};
    for (unsigned first = 0; first < depth; first += STEP) {
        round_tile(left, a, blockIdx.y * TILE, rows, first, depth, a_row, a_depth);
        round_tile(right, b, blockIdx.x * TILE, columns, first, depth, b_row, b_depth);
        __syncthreads();
        multiply_step(sums, left, right);
        __syncthreads();
    }
    finish_tile(sums, plus, y, rows, columns, finish);
}

extern "C" __global__ void __launch_bounds__(256) bf16_from_f32(
    const float* __restrict__ from, bf16* __restrict__ to, unsigned n) {
    unsigned at = blockIdx.x * 256 + threadIdx.x;
    if (at < n) to[at] = narrow(from[at]);
}

extern "C" __global__ void __launch_bounds__(256) bias_chunks(
    const float* __restrict__ dy, float* __restrict__ parts, unsigned n, unsigned outputs) {
    __shared__ float chains[8][33];
    sum_columns(n, outputs, parts, chains, [=](unsigned row, unsigned column) { return dy[u64(row) * outputs + column]; });
}

extern "C" __global__ void __launch_bounds__(256) bias_add(
    const float* __restrict__ parts, float* __restrict__ db, unsigned chunks, unsigned outputs) {
    add_chunks(parts, chunks, outputs, db);
}
