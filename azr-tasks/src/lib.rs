//! What a task is, who proposes it and when an answer is right.
//!
//! This crate knows roles, kinds, programs, prompts and verdicts. It never knows tensors, tokens, devices or learning.
#![forbid(unsafe_code)]

pub mod kind;
pub mod task;

pub use kind::{Lane, Role, TaskKind};
pub use task::{Case, Prompt, Rejection, Task, Validation, Verdict};
