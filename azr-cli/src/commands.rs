//! One module for each command. Each has `Options` (its flags, with an example in the help) and
//! `run(&Options, &Surroundings) -> anyhow::Result<Ended>`.

pub mod bench;
pub mod doctor;
pub mod exec;
pub mod export;
pub mod generate;
pub mod inspect;
pub mod logprobs;
pub mod pretrain;
pub mod train;
