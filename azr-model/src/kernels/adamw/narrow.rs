//! AdamW with moments of 16 or 8 bits: widened, updated in f32 as ever, and rounded up or down by a draw.
//!
//! A moment changes by a small share of itself in a step. Rounded to nearest it would stay where it is for ever; rounded up
//! with the probability of what is cut off it is right on average. The draw of a weight depends on the seed, the step and
//! the weight alone, so threads, devices and interruptions change no bit.
//!
//! Eight bits are a plain floating point number times a scale of its block, after Dettmers et al. (arXiv 2110.02861), with
//! other codes: the first moment by the largest of its block is `+-(1 + t / 8) 2^e`, the root of the second `(1 + t / 16)
//! 2^e`, `e` from -14 to 0, and multiples of 2^-17 and 2^-18 below that. A second moment is never rounded to nothing: what
//! is divided by its root would be without bound.

use super::{
    CHUNK, Factors,
    moment::{BLOCK, Narrow},
    update,
};
use crate::{
    half::f32_from_bf16,
    simd::{multiversion, team::Team},
};

/// Bits of the fraction of a first moment of 8 bits.
const FIRST_BITS: u32 = 3;
/// The same of the root of a second moment.
const ROOT_BITS: u32 = 4;
/// The least number whose code has an exponent, 2^-14.
const SMALL: f32 = 1.0 / 16_384.0;
/// A block whose largest element is smaller is zeros.
const SCALED_MIN: f32 = 1e-30;
/// Weights that are numbered from 0 again, with other keys: a GPU numbers them in 32 bits.
pub(super) const PIECE: usize = 1 << 31;

/// What the draws of one step derive from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    /// Of the run.
    pub seed: u64,
    /// The optimizer's step.
    pub step: u64,
}

impl Draws {
    /// The keys of a piece of the weights.
    pub(super) fn keys(self, piece: usize) -> [u32; 2] {
        let key = scatter(self.seed ^ scatter(self.step ^ scatter(piece as u64)));
        [key as u32, (key >> 32) as u32]
    }
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014), after its increment.
fn scatter(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A bijection of 32 bits without visible bias (`lowbias32` of C. Wellons, 2018).
#[inline(always)]
fn mix(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// 32 bits for weight `at` of a piece: the upper half for its first moment, the lower for its second.
#[inline(always)]
pub(super) fn draw(at: u32, keys: [u32; 2]) -> u32 {
    mix(mix(at ^ keys[0]) ^ keys[1])
}

/// Updates weights and moments, and empties the gradient.
pub(crate) fn step(
    team: &Team,
    weights: &mut [f32],
    gradient: &mut [f32],
    moments: (&mut Narrow<'static>, &mut Narrow<'static>),
    factors: Factors,
    draws: Draws,
) {
    let n = weights.len();
    let parts = weights.chunks_mut(CHUNK).zip(gradient.chunks_mut(CHUNK));
    // Where a chunk begins in its piece, and the keys of that.
    let place = |chunk: usize| {
        let first = chunk * CHUNK;
        ((first % PIECE) as u32, draws.keys(first / PIECE))
    };
    match moments {
        (Narrow::Bf16(first), Narrow::Bf16(second)) => {
            let fits = [first.len(), second.len()] == [n; 2];
            assert!(fits, "moments are as long as the weights");
            let (first, second) = (first.to_mut(), second.to_mut());
            let moments = first.chunks_mut(CHUNK).zip(second.chunks_mut(CHUNK));
            team.each(
                parts.zip(moments).enumerate(),
                |(chunk, ((weights, gradient), (first, second)))| {
                    let (at, keys) = place(chunk);
                    bf16_here(weights, gradient, first, second, factors, at, keys);
                },
            );
        }
        (
            Narrow::Float8 { codes, scales },
            Narrow::Float8 {
                codes: roots,
                scales: root_scales,
            },
        ) => {
            let blocks = n.div_ceil(BLOCK);
            let fits = [codes.len(), roots.len()] == [n; 2];
            let fits = fits && [scales.len(), root_scales.len()] == [blocks; 2];
            assert!(
                fits,
                "moments are as long as the weights, with a scale a block"
            );
            const SCALES: usize = CHUNK / BLOCK;
            let first = codes.to_mut().chunks_mut(CHUNK);
            let first = first.zip(scales.to_mut().chunks_mut(SCALES));
            let second = roots.to_mut().chunks_mut(CHUNK);
            let second = second.zip(root_scales.to_mut().chunks_mut(SCALES));
            team.each(
                parts.zip(first.zip(second)).enumerate(),
                |(chunk, ((weights, gradient), (first, second)))| {
                    let (at, keys) = place(chunk);
                    float8_here(
                        weights, gradient, first.0, first.1, second.0, second.1, factors, at, keys,
                    );
                },
            );
        }
        _ => panic!("both moments are held in one way"),
    }
}

multiversion! {
    fn bf16_here(
        weights: &mut [f32], gradient: &mut [f32], first: &mut [u16], second: &mut [u16], factors: Factors, at: u32,
        keys: [u32; 2],
    ) {
        let all = weights.iter_mut().zip(gradient).zip(first.iter_mut().zip(second));
        for (at, ((w, g), (first, second))) in (at..).zip(all) {
            let (mut m, mut v) = (f32_from_bf16(*first), f32_from_bf16(*second));
            update(w, g, &mut m, &mut v, factors);
            let draw = draw(at, keys);
            *first = narrowed(m, draw >> 16);
            *second = narrowed(v, draw & 0xffff);
        }
    }
}

/// bfloat16: away from zero if what is cut off and 16 bits of noise make one.
#[inline(always)]
fn narrowed(x: f32, noise: u32) -> u16 {
    (x.to_bits().wrapping_add(noise) >> 16) as u16
}

multiversion! {
    fn float8_here(
        weights: &mut [f32], gradient: &mut [f32], first: &mut [u8], first_scales: &mut [f32], roots: &mut [u8],
        root_scales: &mut [f32], factors: Factors, at: u32, keys: [u32; 2],
    ) {
        let given = weights.chunks_mut(BLOCK).zip(gradient.chunks_mut(BLOCK));
        let first = first.chunks_mut(BLOCK).zip(first_scales);
        let roots = roots.chunks_mut(BLOCK).zip(root_scales);
        let blocks = (at..).step_by(BLOCK).zip(given.zip(first.zip(roots)));
        for (at, ((weights, gradient), ((first, first_scale), (roots, root_scale)))) in blocks {
            let (mut m, mut root) = ([0.0f32; BLOCK], [0.0f32; BLOCK]);
            let (mut m_max, mut root_max) = (0.0f32, 0.0f32);
            for i in 0..weights.len() {
                let held = root_of(roots[i], *root_scale);
                let mut v = held * held;
                m[i] = first_of(first[i], *first_scale);
                update(&mut weights[i], &mut gradient[i], &mut m[i], &mut v, factors);
                root[i] = v.sqrt();
                m_max = m_max.max(m[i].abs());
                root_max = root_max.max(root[i]);
            }
            let (m_scale, m_inverse) = scale(m_max, FIRST_BITS);
            let (root_max_scale, root_inverse) = scale(root_max, ROOT_BITS);
            (*first_scale, *root_scale) = (m_scale, root_max_scale);
            for i in 0..weights.len() {
                let draw = draw(at + i as u32, keys);
                let sign = (m[i].to_bits() >> 24) & 0x80;
                first[i] = (sign | encoded(m[i].abs(), m_inverse, draw >> 16, FIRST_BITS)) as u8;
                let code = encoded(root[i], root_inverse, draw & 0xffff, ROOT_BITS);
                let is_something = 0.0 < root[i] && 0.0 < root_inverse;
                roots[i] = code.max(u32::from(is_something)) as u8;
            }
        }
    }
}

/// The largest number of a code: `1.11..1` with so many bits behind the point.
#[inline(always)]
fn top(bits: u32) -> f32 {
    2.0 - 1.0 / (1u32 << bits) as f32
}

/// The scale of a block whose largest element this is, and what its elements are multiplied by.
#[inline(always)]
fn scale(largest: f32, bits: u32) -> (f32, f32) {
    if SCALED_MIN < largest {
        (largest / top(bits), top(bits) / largest)
    } else {
        (0.0, 0.0)
    }
}

/// The code of what is not negative, rounded up if what is cut off and 16 bits of noise make one.
#[inline(always)]
fn encoded(x: f32, inverse: f32, noise: u32, bits: u32) -> u32 {
    let it = (x * inverse).min(top(bits));
    // Between 0 and the least exponent codes are evenly spaced, as numbers between that and its double are.
    let is_small = it < SMALL;
    let it = if is_small { it + SMALL } else { it };
    let code = (it.to_bits() + (noise << (7 - bits))) >> (23 - bits);
    code - ((112 + u32::from(is_small)) << bits)
}

/// What a code without a sign stands for, before its scale.
#[inline(always)]
fn decoded(code: u32, bits: u32) -> f32 {
    if code < 1 << bits {
        code as f32 * (SMALL / (1u32 << bits) as f32)
    } else {
        f32::from_bits((code + (112 << bits)) << (23 - bits))
    }
}

/// A first moment.
#[inline(always)]
pub(super) fn first_of(code: u8, scale: f32) -> f32 {
    let size = decoded(u32::from(code & 0x7f), FIRST_BITS) * scale;
    if code & 0x80 == 0 { size } else { -size }
}

/// The root of a second moment.
#[inline(always)]
pub(super) fn root_of(code: u8, scale: f32) -> f32 {
    decoded(u32::from(code), ROOT_BITS) * scale
}
