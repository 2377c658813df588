//! How a run ended.

use crate::evaluation::Evaluation;

/// How a call of [`super::Run::drive`] ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// Why.
    pub reason: EndReason,
    /// Steps that are done.
    pub step: u64,
    /// Held-out tasks before the first step, when there are any.
    pub first: Option<Evaluation>,
    /// Held-out tasks at the latest evaluation.
    pub last: Option<Evaluation>,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// All steps are done.
    Completed,
    /// It was asked to stop; it is saved and can be resumed.
    Stopped,
}
