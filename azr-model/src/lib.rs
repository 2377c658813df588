//! A decoder-only transformer: loads, samples, scores, learns.
//!
//! This crate knows tokens, tensors, weights and devices. It never knows Python, tasks, rewards or the step.
