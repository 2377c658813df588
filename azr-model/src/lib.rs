//! A decoder-only transformer: loads, samples, scores, learns.
//!
//! This crate knows tokens, tensors, weights and devices. It never knows Python, tasks, rewards or the step.

pub mod config;
pub mod generate;
pub mod learn;
pub mod parameters;

pub use config::{Architecture, ConfigError, Dimensions, ModelConfig};
pub use parameters::{Entry, Layout, Parameters, Role};
