//! What a task is, who proposes it and when an answer is right.
//!
//! This crate knows roles, kinds, programs, prompts and verdicts. It never knows tensors, tokens, devices or learning.
//! It never evaluates what a model wrote: texts are read as data, programs run behind [`azr_executor::Sandbox`], and
//! values are compared here, so that no program ever meets the answer that is wanted of it.
#![forbid(unsafe_code)]

pub mod buffer;
mod draw;
pub mod generator;
pub mod grammar;
mod ingredients;
mod judge;
pub mod kind;
pub mod novelty;
pub mod prompt;
pub mod proposal;
pub mod references;
pub mod seed;
pub mod task;
mod trial;
pub mod workshop;

pub use buffer::{
    BufferOptions, Buffers, Entry, EntryRecord, Lineage, Origin, SeedPolicy, SolverDraw, Solves,
    Weighting,
};
pub use grammar::{AnswerFormat, Grammar};
pub use judge::judge_proposal;
pub use kind::{Lane, Role, Rules, TaskKind, UnknownName};
pub use novelty::{NoveltyFilter, ProgramKey, TaskKey};
pub use prompt::{Opening, PromptOptions, PromptSet, Prompts};
pub use proposal::{Authorship, Malformed, Proposal};
pub use references::{Drawn, References};
pub use seed::{SeedError, SeedReport, read_seeds};
pub use task::{
    Case, CaseRecord, Oversize, Prompt, RecordError, Rejection, Task, TaskId, TaskRecord,
    Validation, Verdict,
};
pub use workshop::{ENTRY, InductionRules, Sizes, Standards, Workshop};
