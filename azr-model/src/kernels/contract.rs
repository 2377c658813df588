//! The one check that every kernel passes: its result and each gradient match the slow truth.

/// Numbers between -1 and 1 that repeat for one seed and are nowhere uniform.
pub(crate) fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    })
    .take(count)
    .collect()
}

/// The same numbers, wider.
pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

/// Fails unless every element is finite and within `tolerance` of the truth, relative to the largest truth, and the
/// truth itself is not all zero (a gradient that is missing on both sides would pass otherwise).
pub(crate) fn check(what: &str, fast: &[f32], truth: &[f64], tolerance: f64) {
    assert_eq!(fast.len(), truth.len(), "{what}: length");
    let scale = truth
        .iter()
        .fold(0.0f64, |largest, value| largest.max(value.abs()));
    assert!(
        truth.is_empty() || 0.0 < scale,
        "{what}: the truth is all zero, so nothing is tested"
    );
    for (index, (fast, truth)) in fast.iter().zip(truth).enumerate() {
        let error = (f64::from(*fast) - truth).abs();
        assert!(
            error <= tolerance * scale,
            "{what}[{index}]: {fast} instead of {truth} (scale {scale:e})"
        );
    }
}

/// Derivative of `loss` by each input, by central differences in f64: for truths whose own gradient is in doubt.
pub(crate) fn differences(inputs: &[f64], loss: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    (0..inputs.len())
        .map(|index| slope(inputs, index, &loss))
        .collect()
}

/// Derivative of `loss` by one input.
pub(crate) fn slope(inputs: &[f64], index: usize, loss: &impl Fn(&[f64]) -> f64) -> f64 {
    const STEP: f64 = 1e-5;
    let mut moved = inputs.to_vec();
    moved[index] = inputs[index] + STEP;
    let above = loss(&moved);
    moved[index] = inputs[index] - STEP;
    let below = loss(&moved);
    (above - below) / (2.0 * STEP)
}
