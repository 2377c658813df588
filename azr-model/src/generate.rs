//! Sampling: requests go in, completions come out as each one is finished.

pub mod request;

pub use request::{BatchLimits, Completion, Finish, Request, Sampling};
