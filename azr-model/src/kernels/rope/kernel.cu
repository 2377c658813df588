// Rotary positions, half-split; the formulas are in mod.rs.
//
// Supported: f32, even head widths, any position whose angle f32 can hold; the angle is rounded to f32 as on the
// processor, then reduced and evaluated in f64.
//
//   kernel         grid    block    shared memory
//   rope_angles    n       64       none
//   rope_turn      n       256      none

// Sine and cosine of x to f64, for |x| below 2^31: x is taken modulo a quarter turn in two parts, then by series.
__device__ __forceinline__ void sine_cosine(double x, double& sine, double& cosine) {
    double quarters = rint(x * 0.63661977236758134308);
    double r = fma(-quarters, 1.57079632679489655800, x);
    r = fma(-quarters, 6.12323399573676603587e-17, r);
    double z = r * r;
    double s = -7.6471637318198164759e-13;
    s = fma(s, z, 1.6059043836821614599e-10);
    s = fma(s, z, -2.5052108385441718775e-8);
    s = fma(s, z, 2.7557319223985890653e-6);
    s = fma(s, z, -1.9841269841269841270e-4);
    s = fma(s, z, 8.3333333333333333333e-3);
    s = fma(s, z, -1.6666666666666666667e-1);
    s = fma(s * z, r, r);
    double c = 4.7794773323873852974e-14;
    c = fma(c, z, -1.1470745597729724714e-11);
    c = fma(c, z, 2.0876756987868098979e-9);
    c = fma(c, z, -2.7557319223985890653e-7);
    c = fma(c, z, 2.4801587301587301587e-5);
    c = fma(c, z, -1.3888888888888888889e-3);
    c = fma(c, z, 4.1666666666666666667e-2);
    c = fma(c, z, -0.5);
    c = fma(c, z, 1.0);
    int turn = int((long long)quarters & 3);
    sine = turn % 2 == 0 ? s : c;
    cosine = turn % 2 == 0 ? c : s;
    if (turn == 2 || turn == 3) sine = -sine;
    if (turn == 1 || turn == 2) cosine = -cosine;
}

// turns [n, 2 half]: cosines of a position in the first half of its row, sines in the second.
extern "C" __global__ void __launch_bounds__(64) rope_angles(
    const unsigned* __restrict__ positions, const float* __restrict__ frequencies, float* __restrict__ turns, unsigned half) {
    float* row = turns + u64(blockIdx.x) * 2 * half;
    float position = float(positions[blockIdx.x]);
    for (unsigned i = threadIdx.x; i < half; i += 64) {
        double sine, cosine;
        sine_cosine(double(position * frequencies[i]), sine, cosine);
        row[i] = float(cosine);
        row[half + i] = float(sine);
    }
}

// Turns the first `heads` heads of each row of x [n, width] in place; `sign` is 1 forward, -1 backward.
extern "C" __global__ void __launch_bounds__(256) rope_turn(
    const float* __restrict__ turns, float* __restrict__ x, unsigned width, unsigned heads, unsigned half, float sign) {
    const float* turn = turns + u64(blockIdx.x) * 2 * half;
    float* row = x + u64(blockIdx.x) * width;
    for (unsigned i = threadIdx.x; i < heads * half; i += 256) {
        unsigned head = i / half, column = i % half;
        float* low = row + head * 2 * half + column;
        float a = low[0], b = low[half], cosine = turn[column], sine = sign * turn[half + column];
        low[0] = a * cosine - b * sine;
        low[half] = b * cosine + a * sine;
    }
}
