//! The real binary, from the outside: what a person types, what comes back, and the exit code.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

#[path = "binary/chats.rs"]
mod chats;
#[path = "binary/devices.rs"]
mod devices;
#[path = "binary/exec.rs"]
mod exec;
#[path = "binary/exports.rs"]
mod exports;
#[path = "binary/models.rs"]
mod models;
#[path = "binary/places.rs"]
mod places;
#[path = "binary/plans.rs"]
mod plans;
#[path = "binary/pretraining.rs"]
mod pretraining;
#[path = "binary/requests.rs"]
mod requests;
#[path = "binary/run_place.rs"]
mod run_place;
#[path = "binary/runner.rs"]
mod runner;
#[path = "binary/tiny_model.rs"]
mod tiny_model;
#[path = "binary/training.rs"]
mod training;
