//! Scaled rotary positions in a GGUF file.
//!
//! Linear scaling is a number of the metadata. That of Llama 3 is not: llama.cpp's converter writes what it does to each
//! frequency as the tensor `rope_freqs.weight` and leaves out the numbers that this follows from. Files that azr writes
//! have them as text under a key of our own. For other files, those of all published models are tried; either way they
//! must give the factors of the tensor.

use super::GgufError;
use super::header::{Header, Value};
use super::metadata::Keys;
use super::tensors::FREQUENCIES;
use crate::config::RopeScaling;
use crate::kernels::rope::frequencies;

/// The scaling as JSON, as `rope_scaling` of a Hugging Face configuration.
pub(super) const SCALING_KEY: &str = "azr.rope_scaling";
/// Factors are f32 of f64 arithmetic, or of f32.
const FACTOR_ERROR_MAX: f64 = 1e-4;

/// The scaling of a file whose `rope_freqs.weight`, if there is one, is `factors`.
pub(super) fn scaling(
    keys: &Keys<'_>,
    factors: Option<&[f32]>,
    theta: f32,
    head_dim: usize,
) -> Result<RopeScaling, GgufError> {
    let linear = match keys.float("rope.scaling.factor")? {
        Some(factor) => Some(factor),
        None => keys.float("rope.scale_linear")?,
    };
    let linear = linear.filter(|factor| *factor != 0.0 && *factor != 1.0);
    // llama.cpp takes a factor without a type for a linear one.
    let linear = match (keys.text("rope.scaling.type")?, linear) {
        (Some("none"), _) | (None | Some("linear"), None) => RopeScaling::Unscaled,
        (None | Some("linear"), Some(factor)) => RopeScaling::Linear { factor },
        (Some(kind), _) => return Err(unsupported(keys.key("rope.scaling.type"), kind)),
    };
    let Some(factors) = factors else {
        return Ok(linear);
    };
    if linear != RopeScaling::Unscaled {
        let value = "beside a linear scaling";
        return Err(unsupported(FREQUENCIES.to_owned(), value));
    }
    let said = said(keys.header)?;
    let candidate = said.unwrap_or_else(|| published(factors));
    if factors.len() == head_dim / 2
        && factors_of(&candidate, theta, head_dim)
            .zip(factors)
            .all(|(a, b)| (a / f64::from(*b) - 1.0).abs() <= FACTOR_ERROR_MAX)
    {
        return Ok(candidate);
    }
    Err(unsupported(
        FREQUENCIES.to_owned(),
        "not what the scaling of Llama 3 gives",
    ))
}

/// By how much each frequency is divided.
pub(super) fn factors_of(
    scaling: &RopeScaling,
    theta: f32,
    head_dim: usize,
) -> impl Iterator<Item = f64> {
    let plain = frequencies(theta, head_dim, &RopeScaling::Unscaled);
    let scaling = *scaling;
    plain
        .into_iter()
        .map(f64::from)
        .map(move |frequency| frequency / scaling.scaled(frequency))
}

/// Llama 3.1, 3.2 and 3.3 differ in their factor alone, which their slowest wave has whole.
fn published(factors: &[f32]) -> RopeScaling {
    RopeScaling::Llama3 {
        factor: factors.last().copied().map_or(1.0, f64::from),
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position_embeddings: 8192,
    }
}

fn said(header: &Header) -> Result<Option<RopeScaling>, GgufError> {
    let Some(value) = header.metadata.get(SCALING_KEY) else {
        return Ok(None);
    };
    let parsed = match value {
        Value::Text(json) => serde_json::from_str(json).ok(),
        _ => None,
    };
    parsed.map(Some).ok_or_else(|| GgufError::BadValue {
        key: SCALING_KEY.to_owned(),
        expected: "a rotary scaling as JSON",
    })
}

fn unsupported(key: String, value: &str) -> GgufError {
    GgufError::Unsupported {
        key,
        value: value.to_owned(),
        remedy: "choose a model with plain, linear or Llama 3 rotary positions",
    }
}
