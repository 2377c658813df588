//! The Absolute Zero step: the only place where tasks and the model meet.
//!
//! Read [`self_play`] first: one step, from prompt to update. [`run`] is what goes around it, and [`policy::Policy`] is the
//! seam to the model. The crate knows no command line, no environment variable, and prints nothing.
#![forbid(unsafe_code)]

pub mod advantage;
pub mod checkpoint;
pub mod config;
pub mod control;
pub mod evaluation;
pub mod learner;
mod lock;
pub mod material;
pub mod metrics;
pub mod observer;
pub mod policy;
pub mod pretrain;
pub mod randomness;
pub mod report;
pub mod reward;
pub mod rollout;
pub mod run;
pub mod seeding;
pub mod self_play;
pub mod thread;
pub mod wire;

#[cfg(test)]
mod scripted;

pub use config::{Config, ConfigError};
pub use material::{Material, MaterialError};
pub use observer::{Event, Observer, Phase};
pub use policy::{Policy, PolicyError};
pub use run::{EndReason, Ending, Origin, Run, RunError};
