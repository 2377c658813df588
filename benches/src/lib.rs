//! Nothing but a place for the benchmarks of `benches/`: one criterion file per hot path.
#![forbid(unsafe_code)]
