//! Sixteen-bit floating point numbers as f32 and back.

/// An IEEE 754 half, exactly.
pub(crate) fn f32_from_f16(bits: u16) -> f32 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f32::from(bits & 0x3ff);
    match exponent {
        0 => sign * fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

/// A bfloat16, exactly: the upper half of an f32.
#[inline(always)]
pub(crate) fn f32_from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The nearest bfloat16, ties to even. Values that are not numbers stay so.
pub(crate) fn bf16_from_f32(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    let round = 0x7fff + (bits >> 16 & 1);
    (bits.wrapping_add(round) >> 16) as u16
}

/// The nearest number that a bfloat16 can be.
#[cfg(test)]
pub(crate) fn rounded_to_bf16(value: f32) -> f32 {
    f32_from_bf16(bf16_from_f32(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Tensor};

    /// candle's conversions are the reference.
    fn by_candle(values: &[f32], through: DType) -> Vec<f32> {
        let tensor = Tensor::new(values, &Device::Cpu)
            .unwrap()
            .to_dtype(through)
            .unwrap();
        tensor.to_dtype(DType::F32).unwrap().to_vec1().unwrap()
    }

    #[test]
    fn every_half_is_a_fixed_point_of_the_reference() {
        let values: Vec<f32> = (0..=u16::MAX).map(f32_from_f16).collect();
        let reference = by_candle(&values, DType::F16);
        for (bits, (ours, theirs)) in (0..=u16::MAX).zip(values.iter().zip(&reference)) {
            let same = ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan();
            assert!(same, "{bits:#x}: {ours} {theirs}");
        }
        assert_eq!(f32_from_f16(0x3c00), 1.0);
        assert_eq!(f32_from_f16(0xc000), -2.0);
        assert_eq!(f32_from_f16(0x7bff), 65504.0);
        assert_eq!(f32_from_f16(0x0001), 5.960_464_5e-8);
    }

    #[test]
    fn rounding_to_bfloat16_is_that_of_the_reference() {
        let spread = |i: u32| f32::from_bits(i.wrapping_mul(2_654_435_761));
        let values: Vec<f32> = (0..200_000)
            .map(spread)
            .filter(|value| !value.is_nan())
            .collect();
        let reference = by_candle(&values, DType::BF16);
        for (value, theirs) in values.iter().zip(&reference) {
            assert_eq!(
                f32_from_bf16(bf16_from_f32(*value)).to_bits(),
                theirs.to_bits(),
                "{value}"
            );
        }
        assert!(f32_from_bf16(bf16_from_f32(f32::NAN)).is_nan());
    }
}
