//! One module for each command. Each has `Options` (its flags, with an example in the help) and
//! `run(&Options, &Surroundings) -> anyhow::Result<Ended>`.

pub mod doctor;
pub mod inspect;
