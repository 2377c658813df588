//! The ways in which the reference implementation can be cheated or broken, one test each, against the real sandbox:
//! every attempt has to earn nothing, and nothing outside the sandbox may notice it.
#![allow(clippy::unwrap_used)]

mod answers;
mod fixture;
mod programs;
