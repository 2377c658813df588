//! How exactly weights are held, as flags say it.

use clap::ValueEnum;

/// A kind of number that weights are rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// 32 bits: exactly what was trained
    F32,
    /// 16 bits with the range of f32: half the memory, and 8 binary digits
    Bf16,
}

impl From<Precision> for azr_model::Precision {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::Bf16 => Self::Bf16,
        }
    }
}
