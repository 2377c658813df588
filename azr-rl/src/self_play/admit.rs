//! Between the waves: valid proposals enter the buffer, in the order of their lanes, and repeats are refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use azr_tasks::{Buffers, Drawn, Lane, Lineage, Rejection, Role, Task, Validation};

use super::propose::Proposed;
use super::{SelfPlay, StepError};
use crate::policy::Policy;
use crate::reward::Proposal;
use crate::rollout::{Judgement, Rollout};

/// What stands after admission.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// Every proposal, in order.
    pub proposals: Vec<Sifted>,
    /// The new tasks, in order.
    pub tasks: Vec<NewTask>,
    /// Reason, then how many proposals it refused.
    pub rejections: BTreeMap<String, usize>,
}

/// A proposal, and whether it became a task.
#[derive(Debug)]
pub(crate) struct Sifted {
    pub rollout: Rollout,
    pub fate: Fate,
}

/// What became of a proposal.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It is the new task of this number.
    Task(usize),
    /// It is none.
    Refused {
        /// For the reward.
        proposal: Proposal,
        /// In one word.
        reason: &'static str,
        /// In more words.
        detail: String,
    },
}

/// A task that the step added.
#[derive(Debug, Clone)]
pub(crate) struct NewTask {
    /// The task and its identity.
    pub drawn: Drawn,
    /// Position of its proposal in the proposer's lane.
    pub proposal: usize,
}

impl NewTask {
    /// Who answers it.
    pub(crate) fn solver(&self) -> Lane {
        Lane {
            role: Role::Solve,
            kind: self.drawn.task.kind,
        }
    }
}

impl SelfPlay {
    /// Lets valid, new proposals into the buffer.
    pub(crate) fn admit(
        &self,
        buffers: &mut Buffers,
        proposals: Vec<Proposed>,
        step: u64,
        policy: &dyn Policy,
    ) -> Result<Admitted, StepError> {
        let mut admitted = Admitted {
            proposals: Vec::with_capacity(proposals.len()),
            tasks: Vec::new(),
            rejections: BTreeMap::new(),
        };
        for Proposed {
            mut rollout,
            references,
            validation,
        } in proposals
        {
            let entered = match validation {
                Validation::Accepted(task) => self.enter(
                    buffers,
                    task,
                    Lineage::proposed(step, references.parents()),
                    policy,
                )?,
                Validation::Rejected(rejection) => Err(refused(&rejection)),
            };
            let fate = match entered {
                Ok(drawn) => {
                    rollout.task = Some(drawn.id.to_string());
                    admitted.tasks.push(NewTask {
                        drawn,
                        proposal: rollout.index,
                    });
                    Fate::Task(admitted.tasks.len() - 1)
                }
                Err(refused) => {
                    *admitted
                        .rejections
                        .entry(refused.reason.to_owned())
                        .or_default() += 1;
                    Fate::Refused {
                        proposal: refused.proposal,
                        reason: refused.reason,
                        detail: refused.detail,
                    }
                }
            };
            admitted.proposals.push(Sifted { rollout, fate });
        }
        Ok(admitted)
    }

    /// Puts one task into the buffer, unless it is there already or nobody could be asked it.
    pub(crate) fn enter(
        &self,
        buffers: &mut Buffers,
        task: Task,
        lineage: Lineage,
        policy: &dyn Policy,
    ) -> Result<Result<Drawn, Refused>, StepError> {
        let kind = task.kind;
        let tokens = policy.prompt_tokens(&kind.rules().solve_prompt(&self.prompts, &task))?;
        if self.config.sampling.prompt_tokens_max < tokens {
            let detail = format!("prompt_too_long: {tokens} tokens");
            return Ok(Err(Refused {
                proposal: Proposal::Invalid,
                reason: "prompt_too_long",
                detail,
            }));
        }
        let shared = Arc::new(task.clone());
        Ok(match buffers.admit(task, lineage) {
            Ok(id) => Ok(Drawn { id, task: shared }),
            Err(rejection) => Err(refused(&rejection)),
        })
    }
}

/// Why something did not enter the buffer.
#[derive(Debug)]
pub(crate) struct Refused {
    proposal: Proposal,
    reason: &'static str,
    detail: String,
}

fn refused(rejection: &Rejection) -> Refused {
    let proposal = match rejection {
        Rejection::Malformed(_) => Proposal::Malformed,
        Rejection::Duplicate | Rejection::CopyOfReference => Proposal::Duplicate,
        _ => Proposal::Invalid,
    };
    Refused {
        proposal,
        reason: rejection.reason(),
        detail: rejection.to_string(),
    }
}

impl Fate {
    /// What the record says about it.
    pub(crate) fn judgement(&self) -> Judgement {
        match self {
            Self::Task(_) => Judgement {
                verdict: "accepted",
                detail: String::new(),
                well_formed: true,
                good: true,
            },
            Self::Refused {
                proposal,
                reason,
                detail,
            } => Judgement {
                verdict: reason,
                detail: detail.clone(),
                well_formed: *proposal != Proposal::Malformed,
                good: false,
            },
        }
    }
}
