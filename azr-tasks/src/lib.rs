//! What a task is, who proposes it and when an answer is right.
//!
//! This crate knows roles, kinds, programs, prompts and verdicts. It never knows tensors, tokens, devices or learning.
//! It never evaluates what a model wrote: texts are read as data, programs run behind [`azr_executor::Sandbox`], and
//! values are compared here, so that no program ever meets the answer that is wanted of it.
//!
//! ```
//! use azr_executor::testing::FakeSandbox;
//! use azr_executor::{Outcome, Value};
//! use azr_tasks::{
//!     AnswerFormat, Grammar, NoveltyFilter, PromptOptions, Prompts, References, Standards, TaskKind, Validation,
//!     Verdict, Workshop, judge_proposal,
//! };
//!
//! // A sandbox in which every program returns 42; real ones run Python.
//! let sandbox = FakeSandbox::new(|_, _| Outcome::Returned(Value::from(42)));
//! let standards = Standards::new(Grammar::new(AnswerFormat::Fenced));
//! let workshop = Workshop { sandbox: &sandbox, standards: &standards };
//!
//! // What a proposer wrote becomes a task, or is refused for a reason.
//! let response = "```python\ndef f(x):\n    return 2 * x\n```\n```input\n21\n```";
//! let (shown, novelty) = (References::default(), NoveltyFilter::default());
//! let judged = judge_proposal(TaskKind::Deduction, response, &shown, &novelty, &workshop)?;
//! let Validation::Accepted(task) = judged else { panic!("refused") };
//! assert_eq!(task.cases[0].output, Value::from(42));
//!
//! // The solver is asked for the output; its answer is read as data and compared.
//! let rules = task.kind.rules();
//! let prompts = Prompts::new(PromptOptions::full(AnswerFormat::Fenced), &standards);
//! assert!(rules.solve_prompt(&prompts, &task).user.contains("```input\n21\n```"));
//! assert_eq!(rules.verify(&task, "```output\n42\n```", &workshop)?, Verdict::Correct);
//! assert_eq!(rules.verify(&task, "```output\n40 + 2\n```", &workshop)?, Verdict::Incorrect);
//! # Ok::<(), azr_executor::SandboxError>(())
//! ```
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
