//! Numbers to compute with, and the check that a result is what plain arithmetic in f64 gives.

/// Numbers between -1 and 1 that repeat for one seed and are nowhere uniform.
pub fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    })
    .take(count)
    .collect()
}

/// Some places of so many: the first, the last, and a few between.
pub fn some(count: usize) -> impl Iterator<Item = usize> {
    (0..5).map(move |it| it * (count - 1) / 4)
}

/// Fails unless a number is what it should be, but for a share of `scale`, the size of what it is a sum of.
///
/// # Panics
/// It is not.
pub fn check(what: &str, found: f32, truth: f64, scale: f64) {
    /// Sums of a few thousand roundings of 6e-8 each, random in sign, and a margin.
    const SHARE: f64 = 2e-5;
    let error = (f64::from(found) - truth).abs();
    assert!(
        error <= SHARE * scale.max(truth.abs()),
        "{what}: {found} instead of {truth}"
    );
}

/// Sum of products in f64, and the sum of their sizes.
pub fn dot(pairs: impl Iterator<Item = (f32, f32)>) -> (f64, f64) {
    pairs.fold((0.0, 0.0), |(sum, size), (a, b)| {
        let product = f64::from(a) * f64::from(b);
        (sum + product, size + product.abs())
    })
}

/// The nearest bfloat16.
pub fn rounded(value: f32) -> f32 {
    let bits = value.to_bits();
    f32::from_bits((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff_0000)
}
