//! Reductions of a fixed shape: sixteen lanes, folded by halves.
//!
//! Element `i` goes to lane `i % 16` in order of `i`, then the lanes fold 16 -> 8 -> 4 -> 2 -> 1. The result depends on
//! the values alone, not on threads or vector width. Called from `multiversion!` bodies, so always inlined.

/// Number of lanes.
pub(crate) const LANES: usize = 16;

/// Sum of `f(i-th element)`.
#[inline(always)]
pub(crate) fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += value;
    }
    fold(lanes, |a, b| a + b)
}

/// Sum of products.
#[inline(always)]
pub(crate) fn dot(left: &[f32], right: &[f32]) -> f32 {
    debug_assert_eq!(left.len(), right.len());
    let mut lanes = [0.0f32; LANES];
    let (left_chunks, left_rest) = left.as_chunks::<LANES>();
    let (right_chunks, right_rest) = right.as_chunks::<LANES>();
    for (a, b) in left_chunks.iter().zip(right_chunks) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane = a.mul_add(*b, *lane);
        }
    }
    for ((lane, a), b) in lanes.iter_mut().zip(left_rest).zip(right_rest) {
        *lane = a.mul_add(*b, *lane);
    }
    fold(lanes, |a, b| a + b)
}

/// Largest value; minus infinity of nothing. A NaN may be lost: callers look for it elsewhere.
#[inline(always)]
pub(crate) fn max(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, *value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = larger(*lane, *value);
    }
    fold(lanes, larger)
}

/// One compare and one select, which is one instruction; `f32::max` has to treat NaN.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a < b { b } else { a }
}

#[inline(always)]
fn fold(mut lanes: [f32; LANES], combine: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = LANES / 2;
    while 0 < half {
        for i in 0..half {
            lanes[i] = combine(lanes[i], lanes[i + half]);
        }
        half /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reductions_agree_with_plain_ones_at_every_length() {
        for length in 0..70 {
            let values: Vec<f32> = (0..length).map(|i| ((i * 37) % 19) as f32 - 9.0).collect();
            let plain: f32 = values.iter().sum();
            let squares: f32 = values.iter().map(|v| v * v).sum();
            let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            // Small whole numbers, so every order of addition is exact.
            assert_eq!(
                (sum(&values), dot(&values, &values), max(&values)),
                (plain, squares, largest)
            );
        }
    }
}
