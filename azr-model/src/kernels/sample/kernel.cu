// One token out of each of some rows of logits, without putting the vocabulary in order; the rules are in mod.rs.
//
// A word weighs e^(z - most), 1 at most. Its mass is that weight as a whole number of 1 / scale, rounded down, so small that
// all masses of a row fit in 63 bits. Sums of whole numbers are the same in any order: what is counted with atomics
// in shared memory here depends on no order of threads, and a running sum has one border between two words.
//
// A filter is one word: the last of the heaviest that are kept. Weights are not negative, so their bits are in the
// order of the weights; the bits of that word are found ten at a time, from the sums of what is kept for each value of
// ten bits. Among words of equal weight its id is found as a drawn one is: the ids are cut into parts, the sums of the
// parts tell the part, and one warp walks that.
//
// Supported: f32, any number of draws, any vocabulary from 1 to 2^30, any filters. What a block does depends on its row and
// on what is asked of it, on nothing else.
//
//   kernel         grid    block    shared memory, static
//   sample_draw    n       512      1024 sums of 8 bytes, and 16 bytes

constexpr unsigned THREADS = 512;
constexpr unsigned WARPS = 16;
constexpr int DIGIT_BITS = 10;
constexpr unsigned BINS = 1u << DIGIT_BITS;
// Numbers of 32 bits that say what is asked; their order is that of `asked` in cuda.rs.
constexpr unsigned ASKED = 7;

// A row, and what makes weights of its logits.
struct Row {
    const float* logits;
    unsigned v;
    // Words of a part; a multiple of 32.
    unsigned span;
    float inverse_temperature, most, scale;
};

struct Shared {
    // Of the values of one digit, or of the parts.
    u64 sums[BINS];
    u64 left;
    unsigned index, word;
};

// Words that the filters have left: those heavier than `key` says, and those as heavy whose id is below `end`; of them
// those that weigh `least`.
struct Kept {
    unsigned key, end;
    float least;
};

// The product is rounded before anything is taken from it, whatever a compiler makes of products and sums, so that the
// likeliest word weighs exactly 1; and there is no -0.
__device__ __forceinline__ float score(const Row& row, unsigned word) {
    return fmaf(row.logits[word], row.inverse_temperature, 0.0f);
}

__device__ __forceinline__ float weight(const Row& row, unsigned word) { return exponential(score(row, word) - row.most); }

__device__ __forceinline__ u64 mass(const Row& row, float weight) { return u64(weight * row.scale); }

__device__ __forceinline__ bool keeps(const Kept& kept, unsigned word, float weight) {
    unsigned key = __float_as_uint(weight);
    return (kept.key < key || (key == kept.key && word < kept.end)) && kept.least <= weight;
}

__device__ __forceinline__ u64 warp_sum(u64 value) {
#pragma unroll
    for (int flip = 16; 0 < flip; flip /= 2) value += __shfl_xor_sync(FULL_WARP, value, flip);
    return value;
}

// The sum over this lane and those below it.
__device__ __forceinline__ u64 running_sum(u64 value) {
    unsigned lane = threadIdx.x % 32;
#pragma unroll
    for (unsigned by = 1; by < 32; by *= 2) {
        u64 other = __shfl_up_sync(FULL_WARP, value, by);
        if (by <= lane) value += other;
    }
    return value;
}

// Whole numbers in the order of the numbers whose bits they are made of.
__device__ __forceinline__ unsigned ordered(float x) {
    unsigned bits = __float_as_uint(x);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ float number(unsigned ordered) {
    return __uint_as_float(ordered >> 31 ? ordered & 0x7fffffffu : ~ordered);
}

// The largest score and the lowest id that has it; `most` is minus infinity if a score is infinite or no number.
struct Likeliest {
    float most;
    unsigned word;
};

__device__ __forceinline__ Likeliest likeliest(const Row& row, Shared& shared) {
    const float infinity = __uint_as_float(0x7f800000u);
    u64 best = 0;
    int broken = 0;
    for (unsigned word = threadIdx.x; word < row.v; word += THREADS) {
        float z = score(row, word);
        broken |= !(z < infinity);
        u64 found = u64(ordered(z)) << 32 | ~word;
        best = best < found ? found : best;
    }
#pragma unroll
    for (int flip = 16; 0 < flip; flip /= 2) {
        u64 other = __shfl_xor_sync(FULL_WARP, best, flip);
        best = best < other ? other : best;
    }
    if (threadIdx.x % 32 == 0) shared.sums[threadIdx.x / 32] = best;
    broken = __syncthreads_or(broken);
    for (unsigned warp = 0; warp < WARPS; warp++) best = best < shared.sums[warp] ? shared.sums[warp] : best;
    return {broken ? -infinity : number(unsigned(best >> 32)), ~unsigned(best)};
}

// Where the running sum of `sums` reaches `needed`, 1 at least and their sum at most: `shared.index` says at which, and
// `shared.left` how much of `needed` those before it leave.
__device__ __forceinline__ void find(u64 needed, Shared& shared) {
    constexpr unsigned OWN = BINS / 32;
    if (threadIdx.x < 32) {
        unsigned index = threadIdx.x * OWN;
        u64 own = 0;
        for (unsigned i = 0; i < OWN; i++) own += shared.sums[index + i];
        u64 until = running_sum(own), before = until - own;
        if (before < needed && needed <= until) {
            u64 left = needed - before;
            while (shared.sums[index] < left) left -= shared.sums[index++];
            shared.index = index;
            shared.left = left;
        }
    }
    __syncthreads();
}

// The sum of a measure over the words of each part.
template <class Measure>
__device__ __forceinline__ void spread(const Row& row, Shared& shared, Measure measure) {
    // Whoever reads what is there is done.
    __syncthreads();
    for (unsigned part = threadIdx.x / 32; part < BINS; part += WARPS) {
        unsigned first = part * row.span, end = min(row.v, first + row.span);
        u64 sum = 0;
        for (unsigned word = first + threadIdx.x % 32; word < end; word += 32) sum += measure(word);
        // The last parts of a small vocabulary hold no words.
        if (first < end) sum = warp_sum(sum);
        if (threadIdx.x % 32 == 0) shared.sums[part] = sum;
    }
    __syncthreads();
}

// The measure of all words, from its sums over the parts.
__device__ __forceinline__ u64 total(const Shared& shared) {
    u64 sum = 0;
    for (unsigned part = threadIdx.x % 32; part < BINS; part += 32) sum += shared.sums[part];
    return warp_sum(sum);
}

// The word at which the running sum of a measure over the ids reaches `needed`, from its sums over the parts.
template <class Measure>
__device__ __forceinline__ unsigned reach(const Row& row, u64 needed, Shared& shared, Measure measure) {
    find(needed, shared);
    if (threadIdx.x < 32) {
        u64 left = shared.left;
        for (unsigned at = shared.index * row.span; at < row.v; at += 32) {
            unsigned word = at + threadIdx.x;
            u64 until = running_sum(word < row.v ? measure(word) : 0);
            unsigned reached = __ballot_sync(FULL_WARP, left <= until);
            if (reached != 0) {
                if (threadIdx.x == 0) shared.word = at + unsigned(__ffs(int(reached))) - 1;
                break;
            }
            left -= __shfl_sync(FULL_WARP, until, 31);
        }
    }
    __syncthreads();
    return shared.word;
}

// The fewest of the heaviest words, the lower id first among equals, whose measure reaches `needed`, 1 at least and the
// measure of all words at most.
template <class Measure>
__device__ __forceinline__ Kept heaviest(const Row& row, u64 needed, Shared& shared, Measure measure) {
    unsigned key = 0;
    // Whoever reads what is there is done.
    __syncthreads();
    for (int shift = 2 * DIGIT_BITS; 0 <= shift; shift -= DIGIT_BITS) {
        for (unsigned bin = threadIdx.x; bin < BINS; bin += THREADS) shared.sums[bin] = 0;
        __syncthreads();
        for (unsigned word = threadIdx.x; word < row.v; word += THREADS) {
            float heavy = weight(row, word);
            unsigned bits = __float_as_uint(heavy) >> shift, digit = bits % BINS;
            // The largest digit stands first.
            if (bits - digit == key >> shift) atomicAdd(&shared.sums[BINS - 1 - digit], measure(heavy));
        }
        __syncthreads();
        find(needed, shared);
        key |= (BINS - 1 - shared.index) << shift;
        needed = shared.left;
    }
    // Of those that weigh as much as the last one, so many are needed still.
    u64 each = measure(__uint_as_float(key)), equals = (needed + each - 1) / each;
    auto equal = [&](unsigned word) { return u64(__float_as_uint(weight(row, word)) == key); };
    spread(row, shared, equal);
    return {key, reach(row, equals, shared, equal) + 1, 0.0f};
}

// tokens[n]: what is drawn; logprobs[n]: ln of the probability that temperature and filters leave it, 0 where the likeliest
// was asked. If a score is infinite or no number, or all are minus infinity: some word, and no number.
extern "C" __global__ void __launch_bounds__(THREADS) sample_draw(
    const float* __restrict__ logits, const unsigned* __restrict__ asked, unsigned* __restrict__ tokens,
    float* __restrict__ logprobs, unsigned v, unsigned span, float scale) {
    __shared__ Shared shared;
    asked += u64(blockIdx.x) * ASKED;
    float inverse_temperature = __uint_as_float(asked[1]), top_p = __uint_as_float(asked[3]);
    unsigned top_k = asked[2];
    bool greedy = inverse_temperature == 0.0f;
    Row row = {logits + u64(asked[0]) * v, v, span, greedy ? 1.0f : inverse_temperature, 0.0f, scale};
    Likeliest first = likeliest(row, shared);
    bool finite = first.most != -__uint_as_float(0x7f800000u);
    if (greedy || !finite) {
        if (threadIdx.x == 0) {
            tokens[blockIdx.x] = first.word;
            logprobs[blockIdx.x] = finite ? 0.0f : __uint_as_float(0x7fc00000u);
        }
        return;
    }
    row.most = first.most;
    Kept kept = {0, v, 0.0f};
    auto left = [&](unsigned word) {
        float heavy = weight(row, word);
        return keeps(kept, word, heavy) ? mass(row, heavy) : 0;
    };
    if (0 < top_k && top_k < v) kept = heaviest(row, top_k, shared, [](float) { return u64(1); });
    if (top_p < 1.0f) {
        spread(row, shared, left);
        u64 all = total(shared), needed = u64(ceil(double(top_p) * double(all)));
        needed = needed < 1 ? 1 : all < needed ? all : needed;
        kept = heaviest(row, needed, shared, [&](float heavy) { return mass(row, heavy); });
    }
    kept.least = __uint_as_float(asked[4]);
    spread(row, shared, left);
    u64 all = total(shared);
    // The first so many of all decide for no word below: the one whose running sum is above them.
    u64 unit = u64(asked[5]) << 32 | asked[6];
    unsigned word = reach(row, __umul64hi(unit, all) + 1, shared, left);
    if (threadIdx.x == 0) {
        tokens[blockIdx.x] = word;
        logprobs[blockIdx.x] = score(row, word) - row.most - logf(float(all) / scale);
    }
}
