//! How exactly weights are held: in a file, and in the products that read them.

use serde::{Deserialize, Serialize};

/// A kind of floating point number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit, exactly as trained.
    #[default]
    F32,
    /// bfloat16, rounded to nearest even: half the size.
    Bf16,
}

impl Precision {
    /// The name of the type in PyTorch.
    pub fn torch_name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::Bf16 => "bfloat16",
        }
    }

    /// Size of one number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }
}
