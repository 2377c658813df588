//! Sampling: requests go in, completions come out as each one is finished.

mod active;
mod admission;
mod error;
mod kv_cache;
pub mod request;
pub(crate) mod schedule;
mod stop;
#[cfg(test)]
mod tests;

pub use error::GenerateError;
pub use request::{BatchLimits, Completion, Finish, Request, Sampling, Usage};
pub use schedule::generate;
pub use stop::{Marker, StopMatch, StopStrings};
