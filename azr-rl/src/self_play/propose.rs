//! The first wave: what each proposer is shown, and what became of what it wrote.

use azr_tasks::{Buffers, Lane, Prompt, References, Role, TaskKind, Validation, judge_proposal};

use super::ask::{Moment, Wave, ask};
use super::{Means, SelfPlay, StepError};
use crate::observer::Phase;
use crate::policy::{Policy, Request};
use crate::randomness::{Place, Stream};
use crate::rollout::{Purpose, Rollout};

/// A prompt that is too long is drawn again this often before the step gives up.
const DRAWS_MAX: usize = 32;

/// One prompt to a proposer.
#[derive(Debug)]
pub(crate) struct Assignment {
    lane: Lane,
    /// Position in its lane.
    index: usize,
    references: References,
    prompt: Prompt,
    seed: u64,
}

/// A proposal that was tried out.
#[derive(Debug)]
pub(crate) struct Proposed {
    pub rollout: Rollout,
    pub references: References,
    pub validation: Validation,
}

/// Which draws an assignment is made from: those of a step, or those of a round before the first step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Draws {
    Step,
    Seeding,
}

impl SelfPlay {
    /// Every lane's prompts of a step.
    pub(crate) fn assign(
        &self,
        buffers: &Buffers,
        step: u64,
        policy: &dyn Policy,
    ) -> Result<Vec<Assignment>, StepError> {
        self.assign_with(Draws::Step, buffers, step, policy)
    }

    pub(crate) fn assign_with(
        &self,
        draws: Draws,
        buffers: &Buffers,
        step: u64,
        policy: &dyn Policy,
    ) -> Result<Vec<Assignment>, StepError> {
        let (references, tokens) = match draws {
            Draws::Step => (Stream::References, Stream::Proposal),
            Draws::Seeding => (Stream::SeedingReferences, Stream::SeedingProposal),
        };
        let mut assignments = Vec::new();
        for kind in self.kinds() {
            let lane = Lane {
                role: Role::Propose,
                kind,
            };
            for index in 0..self.config.self_play.proposals_per_kind {
                let place = self.place(references, step, lane, index);
                let (references, prompt) = self.fitting_prompt(kind, buffers, &place, policy)?;
                assignments.push(Assignment {
                    lane,
                    index,
                    references,
                    prompt,
                    seed: self.place(tokens, step, lane, index).seed(),
                });
            }
        }
        Ok(assignments)
    }

    /// References whose prompt fits. Examples are dropped from the end before anything is drawn again.
    fn fitting_prompt(
        &self,
        kind: TaskKind,
        buffers: &Buffers,
        place: &Place,
        policy: &dyn Policy,
    ) -> Result<(References, Prompt), StepError> {
        let tokens_max = self.config.sampling.prompt_tokens_max;
        let rules = kind.rules();
        let mut generator = place.generator();
        let mut shortest = usize::MAX;
        for _ in 0..DRAWS_MAX {
            let mut references = buffers.references(kind, &mut generator);
            loop {
                let prompt = rules.propose_prompt(&self.prompts, &references);
                let tokens = policy.prompt_tokens(&prompt)?;
                if tokens <= tokens_max {
                    return Ok((references, prompt));
                }
                shortest = shortest.min(tokens);
                if references.examples.len() <= rules.examples(0) {
                    break;
                }
                references.examples.pop();
            }
        }
        Err(StepError::PromptTooLong {
            kind,
            tokens: shortest,
            tokens_max,
        })
    }

    /// Samples every proposal and tries it out.
    pub(crate) fn propose(
        &self,
        assignments: Vec<Assignment>,
        step: u64,
        means: &mut Means<'_>,
    ) -> Result<Wave<Proposed>, StepError> {
        self.propose_at(
            Moment {
                step,
                phase: Phase::Propose,
            },
            assignments,
            means,
        )
    }

    pub(crate) fn propose_at(
        &self,
        moment: Moment,
        assignments: Vec<Assignment>,
        means: &mut Means<'_>,
    ) -> Result<Wave<Proposed>, StepError> {
        let sampling = &self.config.sampling;
        let requests: Vec<Request> = assignments
            .iter()
            .map(|it| Request {
                prompt: it.prompt.clone(),
                new_tokens_max: sampling.proposal_tokens_max,
                temperature: sampling.temperature,
                seed: it.seed,
            })
            .collect();
        let workshop = self.workshop(means.sandbox);
        let workers = self.config.sandbox.workers;
        let wave = ask(
            means.policy,
            means.observer,
            workers,
            moment,
            &requests,
            |index, response| {
                let assignment = &assignments[index];
                let text = format!("{}{}", assignment.prompt.prefill, response.text);
                judge_proposal(
                    assignment.lane.kind,
                    &text,
                    &assignment.references,
                    &self.novelty,
                    &workshop,
                )
            },
        )?;
        let policy_step = moment.step.saturating_sub(1);
        Ok(wave.zip(assignments, |_, assignment, judged| Proposed {
            rollout: Rollout {
                lane: assignment.lane,
                purpose: Purpose::Propose,
                index: assignment.index,
                policy_step,
                task: None,
                prompt: assignment.prompt,
                response: judged.response,
            },
            references: assignment.references,
            validation: judged.finding,
        }))
    }
}
