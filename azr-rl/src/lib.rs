//! The Absolute Zero step: the only place where tasks and the model meet.
#![forbid(unsafe_code)]
