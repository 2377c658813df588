//! Sampling: requests go in, completions come out as each one is finished.

mod kv_cache;
pub mod request;
mod sample;
mod schedule;
#[cfg(test)]
mod tests;

pub use request::{BatchLimits, Completion, Finish, Request, Sampling};
pub use schedule::{GenerateError, generate};
