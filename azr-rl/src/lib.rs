//! The Absolute Zero step: the only place where tasks and the model meet.
//!
//! Read [`self_play`] first: one step, from prompt to update. [`run`] is what goes around it, and [`policy::Policy`] is the
//! seam to the model. The crate knows no command line, no environment variable, and prints nothing.
#![forbid(unsafe_code)]

pub mod policy;
pub mod rollout;
pub mod reward;
pub mod advantage;
pub mod control;
pub mod learner;
pub mod wire;
pub mod self_play;
pub mod seeding;
pub mod evaluation;
pub mod config;
pub mod observer;
pub mod metrics;
pub mod report;
pub mod randomness;
pub mod checkpoint;
pub mod run;

pub use config::{Config, ConfigError};
pub use observer::{Event, Observer, Phase};
pub use policy::{Policy, PolicyError};
pub use run::{Ending, EndReason, Material, Origin, Run, RunError};
