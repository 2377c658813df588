//! Sampling: requests go in, completions come out as each one is finished.

mod kv_cache;
pub mod request;
mod sample;
mod schedule;
mod stop;
#[cfg(test)]
mod tests;

pub use request::{BatchLimits, Completion, Finish, Request, Sampling, Usage};
pub use schedule::{GenerateError, generate};
pub use stop::{Marker, StopMatch, StopStrings};
