//! Wide arithmetic: the only place of this crate that holds `unsafe` code.
//!
//! Everything handed out is safe. Results do not depend on the instruction set: products are chains of fused
//! multiply-adds in a stated order, reductions have a fixed shape, and no operation is reassociated.

pub(crate) mod aligned;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod lanes;
pub(crate) mod matrix;
pub(crate) mod number;
pub(crate) mod panels;
mod portable;
pub(crate) mod product;
pub(crate) mod team;
pub(crate) mod tile;

/// Instruction sets that the kernels know, found at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Plain Rust, whatever the compiler makes of it.
    Portable,
    /// 256-bit vectors with fused multiply-add.
    Avx2,
    /// 512-bit vectors.
    Avx512,
}

impl Isa {
    /// The widest set of this processor. The answer is cached by the standard library.
    #[inline]
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 && is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if avx2 {
                return Self::Avx2;
            }
        }
        Self::Portable
    }
}

/// Compiles a function twice, for AVX2 with FMA and for the baseline, and picks at run time.
///
/// The body is plain safe Rust; both forms give the same bits because every fused operation is written as `mul_add`.
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn body($($arg: $ty),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn wide($($arg: $ty),*) $(-> $ret)? {
                    body($($arg),*)
                }
                if $crate::simd::Isa::detect() != $crate::simd::Isa::Portable {
                    // SAFETY: every other instruction set of `Isa` includes AVX2 and FMA, and detection saw them.
                    return unsafe { wide($($arg),*) };
                }
            }
            body($($arg),*)
        }
    };
}
pub(crate) use multiversion;
