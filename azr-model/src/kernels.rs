//! The operations of the transformer, each with its formula, its slow truth and the test that holds them together.
//!
//! Shape letters: `n` packed tokens of a micro-batch, `d` hidden width, `f` width of the gated layer, `h` query heads,
//! `g` key/value heads, `e` width of a head, `v` vocabulary. Matrices are row-major.

pub(crate) mod adamw;
pub(crate) mod attention;
#[cfg(test)]
pub(crate) mod contract;
pub(crate) mod embedding;
pub(crate) mod exp;
pub(crate) mod head;
pub(crate) mod head_norm;
pub(crate) mod matmul;
pub(crate) mod rms_norm;
pub(crate) mod rope;
pub(crate) mod rows;
pub(crate) mod sample;
pub(crate) mod scratch;
pub(crate) mod swiglu;
