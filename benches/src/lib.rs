//! What the benchmarks share: numbers to compute with, checks against plain f64, and rates in FLOP/s and B/s.
#![forbid(unsafe_code)]

pub mod numbers;
pub mod rates;
