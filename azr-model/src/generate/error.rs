//! Why sampling stopped, and requests that are refused before it begins.

use thiserror::Error;

use super::request::{Request, Sampling};
use crate::{
    backend::{Backend, BackendError},
    tokenizer::TokenizerError,
    transformer::{InputError, Transformer},
};

/// Why sampling stopped.
#[derive(Debug, Error)]
pub enum GenerateError {
    /// The model cannot read a prompt, or not so far.
    #[error("request {request} cannot be sampled")]
    Input {
        /// Its index.
        request: usize,
        /// Why.
        source: InputError,
    },
    /// A sampling parameter makes no sense.
    #[error("request {request} has {name} {value}; {allowed}")]
    Sampling {
        /// Its index.
        request: usize,
        /// The parameter.
        name: &'static str,
        /// What it was.
        value: f32,
        /// What it may be.
        allowed: &'static str,
    },
    /// The logits are no numbers.
    #[error(
        "request {request}, new token {token}: the logits are not finite; the weights may be damaged"
    )]
    NotFinite {
        /// Its index.
        request: usize,
        /// Which of its new tokens.
        token: usize,
    },
    /// The text of a response cannot be read, so no stop string is found in it.
    #[error("request {request}: what was sampled cannot be searched for stop strings")]
    Text {
        /// Its index.
        request: usize,
        /// Why.
        source: TokenizerError,
    },
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Refuses a request that cannot be sampled.
pub(super) fn check<B: Backend>(
    transformer: &Transformer<B>,
    index: usize,
    request: &Request,
) -> Result<(), GenerateError> {
    transformer
        .check_tokens(&request.prompt, request.new_tokens_max)
        .map_err(|source| GenerateError::Input {
            request: index,
            source,
        })?;
    let sampling = &request.sampling;
    let refuse = |name, value, allowed| {
        Err(GenerateError::Sampling {
            request: index,
            name,
            value,
            allowed,
        })
    };
    let temperature = sampling.temperature;
    let divides = temperature.is_finite() && Sampling::TEMPERATURE_MIN <= temperature;
    if temperature != 0.0 && !divides {
        return refuse(
            "temperature",
            temperature,
            "it must be 0 (greedy) or at least 0.0001",
        );
    }
    if !(0.0 < sampling.top_p && sampling.top_p <= 1.0) {
        return refuse(
            "top_p",
            sampling.top_p,
            "it must be greater than 0 and at most 1",
        );
    }
    if !(0.0 <= sampling.min_p && sampling.min_p <= 1.0) {
        return refuse("min_p", sampling.min_p, "it must be between 0 and 1");
    }
    Ok(())
}
