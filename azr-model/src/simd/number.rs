//! The numbers that a right factor may be stored in, and how a line of sixteen of them becomes f32.
//!
//! Widening is exact, so a product over stored bfloat16 has the bits of one over the same numbers in f32.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256, __m512, _mm256_and_si256, _mm256_castsi256_ps, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_set1_epi32, _mm256_slli_epi32, _mm512_castps_si512, _mm512_castps256_ps512,
    _mm512_castsi512_ps, _mm512_inserti64x4, _mm512_loadu_ps,
};

use super::tile::PANEL;
use crate::half::{bf16_from_f32, f32_from_bf16};

/// A number of a right factor. Any bits are one, and bits that are all zero are zero.
pub(crate) trait Number: Copy + Send + Sync + 'static {
    /// A line in plain Rust.
    ///
    /// # Safety
    /// A line lies at the address.
    unsafe fn portable(at: *const Self) -> [f32; PANEL];

    /// A line in 256-bit vectors.
    ///
    /// # Safety
    /// A line lies at the address, and the processor has AVX2.
    #[cfg(target_arch = "x86_64")]
    unsafe fn avx2(at: *const Self) -> [__m256; 2];

    /// A line in a 512-bit vector.
    ///
    /// # Safety
    /// A line lies at the address, and the processor has AVX-512F.
    #[cfg(target_arch = "x86_64")]
    unsafe fn avx512(at: *const Self) -> __m512;
}

impl Number for f32 {
    #[inline(always)]
    unsafe fn portable(at: *const Self) -> [f32; PANEL] {
        // SAFETY: the caller vouches for the line.
        unsafe { at.cast::<[f32; PANEL]>().read_unaligned() }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn avx2(at: *const Self) -> [__m256; 2] {
        // SAFETY: the caller vouches for the line and the processor.
        unsafe { [_mm256_loadu_ps(at), _mm256_loadu_ps(at.add(PANEL / 2))] }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn avx512(at: *const Self) -> __m512 {
        // SAFETY: the caller vouches for the line and the processor.
        unsafe { _mm512_loadu_ps(at) }
    }
}

/// A bfloat16 of a line: column `j` of the first eight lies at `2 j`, of the last eight at `2 (j - 8) + 1`, so that one
/// vector of the line is the lower halves of its words shifted up, and the other one the upper halves as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Bf16(u16);

impl Bf16 {
    /// The nearest.
    pub(crate) fn round(value: f32) -> Self {
        Self(bf16_from_f32(value))
    }

    /// Where in its line a column lies.
    pub(crate) fn place(column: usize) -> usize {
        2 * (column % (PANEL / 2)) + column / (PANEL / 2)
    }
}

impl Number for Bf16 {
    #[inline(always)]
    unsafe fn portable(at: *const Self) -> [f32; PANEL] {
        // SAFETY: the caller vouches for the line.
        let line = unsafe { at.cast::<[Self; PANEL]>().read_unaligned() };
        std::array::from_fn(|column| f32_from_bf16(line[Self::place(column)].0))
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn avx2(at: *const Self) -> [__m256; 2] {
        // SAFETY: the caller vouches for the line and the processor.
        unsafe {
            let line = _mm256_loadu_si256(at.cast());
            let upper = _mm256_set1_epi32(0xffff_0000_u32.cast_signed());
            let (first, last) = (_mm256_slli_epi32(line, 16), _mm256_and_si256(line, upper));
            [_mm256_castsi256_ps(first), _mm256_castsi256_ps(last)]
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn avx512(at: *const Self) -> __m512 {
        // SAFETY: the caller vouches for the line and the processor; AVX-512F includes AVX2.
        unsafe {
            let line = _mm256_loadu_si256(at.cast());
            let upper = _mm256_set1_epi32(0xffff_0000_u32.cast_signed());
            let first = _mm256_castsi256_ps(_mm256_slli_epi32(line, 16));
            let first = _mm512_castps_si512(_mm512_castps256_ps512(first));
            _mm512_castsi512_ps(_mm512_inserti64x4::<1>(
                first,
                _mm256_and_si256(line, upper),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        half::rounded_to_bf16,
        kernels::contract::numbers,
        simd::{
            Isa,
            tile::{self, Extent, Left, Right, Start, Sums},
        },
    };

    #[test]
    fn a_product_over_stored_bfloat16_has_the_bits_of_one_over_the_rounded_numbers() {
        let sets = match Isa::detect() {
            Isa::Portable => vec![Isa::Portable],
            Isa::Avx2 => vec![Isa::Portable, Isa::Avx2],
            Isa::Avx512 => vec![Isa::Portable, Isa::Avx2, Isa::Avx512],
        };
        for (rows, depth, panels) in [(1, 1, 1), (1, 33, 7), (3, 17, 2), (6, 64, 4), (23, 31, 5)] {
            let (a, b) = (numbers(rows * depth, 1), numbers(depth * panels * PANEL, 2));
            let mut stored = vec![Bf16::round(0.0); b.len()];
            for (line, values) in stored.chunks_mut(PANEL).zip(b.chunks(PANEL)) {
                for (column, value) in values.iter().enumerate() {
                    line[Bf16::place(column)] = Bf16::round(*value);
                }
            }
            let rounded: Vec<f32> = b.iter().map(|it| rounded_to_bf16(*it)).collect();
            let extent = Extent {
                rows,
                depth,
                panels,
            };
            let row = panels * PANEL;
            for isa in &sets {
                let (mut ours, mut truth) =
                    (vec![f32::NAN; rows * row], vec![f32::NAN; rows * row]);
                let left = Left::rows(&a, depth);
                let into = Sums {
                    data: &mut ours,
                    row,
                };
                let right = Right::panels(&stored, depth);
                tile::multiply(*isa, extent, left, right, into, Start::Zero);
                let into = Sums {
                    data: &mut truth,
                    row,
                };
                let right = Right::panels(&rounded, depth);
                tile::multiply(*isa, extent, left, right, into, Start::Zero);
                assert_eq!(ours, truth, "{isa:?} {rows}x{depth}x{panels}");
            }
        }
    }
}
