// Products whose order of summation depends on nothing but the depth, and the gradient of a bias.
//
// These are the exact forms: a row of the result has the same bits in any batch, which no library promises. Supported:
// any sizes from 1; f32 with factors in rows or in columns, bf16 with both in rows and f32 sums on the tensor cores.
//
//   kernel              grid                                          block     shared memory, static
//   product             (columns / 64, rows / 64), rounded up         256       2 x 16 x 68 floats
//   product_bf16        (columns / 64, rows / 64), rounded up         128       2 x 64 x 40 bf16
//   bf16_from_f32       n / 256, rounded up                           256       none
//   bias_chunks         (outputs / 32, n / 128), rounded up           32 x 8    8 x 33 floats
//   bias_add            outputs / 256, rounded up                     256       none

constexpr unsigned TILE = 64, DEPTH = 16, PAD = 4;

// What becomes of a sum: stored, stored with a bias of its column or a residual of its place added, or added.
constexpr unsigned STORE = 0, BIAS = 1, RESIDUAL = 2, ACCUMULATE = 3;

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
            u64 at = u64(row) * columns + column;
            float sum = sums[i][j];
            if (finish == BIAS) sum += plus[column];
            if (finish == RESIDUAL) sum += plus[at];
            y[at] = finish == ACCUMULATE ? y[at] + sum : sum;
        }
}

// Two neighbors of a row in shared memory, as the tensor cores take them.
__device__ __forceinline__ unsigned pair_at(const bf16* at) { return *reinterpret_cast<const unsigned*>(at); }

// y[m, n] = sum over k of x[m, k] w[n, k]; each of four warps has 32 x 32 of the tile. The depth is walked in steps of
// sixteen, zeros behind its end.
extern "C" __global__ void __launch_bounds__(128) product_bf16(
    const bf16* __restrict__ x, const bf16* __restrict__ w, const float* __restrict__ plus, float* __restrict__ y,
    unsigned rows, unsigned columns, unsigned depth, unsigned finish) {
    constexpr unsigned STEP = 32, WIDTH = STEP + 8;  // rows of shared memory end in room that keeps banks apart
    __shared__ __align__(16) bf16 left[TILE][WIDTH];
    __shared__ __align__(16) bf16 right[TILE][WIDTH];
    unsigned first_row = blockIdx.y * TILE, first_column = blockIdx.x * TILE;
    unsigned warp = threadIdx.x / 32, group = threadIdx.x % 32 / 4, pair = threadIdx.x % 4 * 2;
    unsigned own_row = warp / 2 * 32, own_column = warp % 2 * 32;
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
#pragma unroll
        for (unsigned k = pair; k < STEP; k += 16) {
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
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
#pragma unroll
            for (int r = 0; r < 4; r++) {
                unsigned row = first_row + own_row + i * 16 + group + r / 2 * 8;
                unsigned column = first_column + own_column + j * 8 + pair + r % 2;
                if (rows <= row || columns <= column) continue;
                u64 at = u64(row) * columns + column;
                float sum = sums[i][j][r];
                if (finish == BIAS) sum += plus[column];
                if (finish == RESIDUAL) sum += plus[at];
                y[at] = sum;
            }
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
