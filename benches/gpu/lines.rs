//! One line of raw output for each kernel: what it did, and how long that took.

use azr_model::Precision;
use serde::{Deserialize, Serialize};

/// What a kernel does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Its name, which PyTorch's peer knows too.
    pub kernel: String,
    /// How products hold their weights.
    pub dtype: String,
    /// Its sizes, from which the peer makes the same.
    pub shape: Vec<usize>,
}

impl About {
    /// A kernel that knows f32 only.
    pub fn new<const N: usize>(kernel: &str, shape: [usize; N]) -> Self {
        Self {
            kernel: kernel.to_owned(),
            dtype: "f32".to_owned(),
            shape: shape.to_vec(),
        }
    }

    /// A kernel whose products hold their weights like this.
    pub fn of<const N: usize>(kernel: &str, precision: Precision, shape: [usize; N]) -> Self {
        let dtype = match precision {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
        };
        Self {
            dtype: dtype.to_owned(),
            ..Self::new(kernel, shape)
        }
    }
}

/// A kernel, timed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    #[serde(flatten)]
    pub about: About,
    /// Multiplications and additions that it needs at least.
    pub flops: usize,
    /// Bytes that have to be read and written at least.
    pub bytes: usize,
    /// Median of one call.
    pub seconds: f64,
}

/// The same by a peer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Peer {
    /// Its name and version.
    pub peer: String,
    #[serde(flatten)]
    pub about: About,
    /// The numbers it computes in, which may be others.
    pub computed_in: String,
    pub seconds: f64,
}
