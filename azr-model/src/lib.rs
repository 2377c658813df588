//! A decoder-only transformer: loads, samples, scores, learns.
//!
//! This crate knows tokens, tensors, weights and devices. It never knows Python, tasks, rewards or the step.

pub mod chat_template;
pub mod config;
#[cfg(test)]
mod fixture;
pub mod generate;
mod kernels;
pub mod language;
pub mod language_model;
pub mod learn;
pub mod parameters;
mod simd;
pub mod tokenizer;
pub mod weights;

pub use config::{Architecture, ConfigError, Dimensions, ModelConfig};
pub use language_model::{LanguageModel, ModelSource};
pub use parameters::{Entry, Layout, Parameters, Role};
