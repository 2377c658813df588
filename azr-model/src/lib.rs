//! A decoder-only transformer: loads, samples, scores, learns.
//!
//! This crate knows tokens, tensors, weights and devices. It never knows Python, tasks, rewards or the step.

pub mod backend;
pub mod chat_template;
pub mod config;
mod cuda;
#[cfg(test)]
mod fixture;
pub mod generate;
mod guard;
mod half;
mod jinja;
mod kernels;
pub mod language;
pub mod language_model;
pub mod learn;
pub mod memory;
pub mod parameters;
mod pool;
pub mod precision;
pub mod score;
mod simd;
pub mod tokenizer;
pub mod transformer;
pub mod weights;

pub use backend::{BackendError, CpuBackend};
pub use config::{Architecture, ConfigError, Dimensions, ModelConfig, RopeScaling};
pub use guard::Panicked;
pub use language_model::{LanguageModel, ModelSource};
pub use parameters::{Entry, Layout, Parameters, Role};
pub use precision::Precision;
pub use simd::Isa;
pub use transformer::{InputError, Transformer};
