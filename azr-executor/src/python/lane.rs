//! One lane: the templates that one job at a time runs in, replaced when they are lost.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::SandboxError;
use crate::job::{Job, Scrutiny};
use crate::outcome::Outcome;
use crate::python::greeting::Hello;
use crate::python::group::Group;
use crate::python::keeper::Keeper;
use crate::python::refusal;
use crate::python::request::Run;
use crate::python::template::{Recipe, Template};
use crate::sys::{Processor, Stay};
use crate::value::Equality;

/// How often a run is tried when its template is lost under it. Nothing a program can do loses a template, so a second
/// loss is the host's.
const ATTEMPTS_MAX: usize = 2;

/// Templates of one lane: the first for every run, the second, with another hash seed, for checks.
pub(super) struct Lane {
    index: usize,
    recipes: [Recipe; 2],
    templates: [Option<Template>; 2],
    /// Holds the templates' processes; they are gone before it is.
    group: Option<Group>,
    keeper: Arc<Keeper>,
}

/// Which template.
#[derive(Debug, Clone, Copy)]
enum Seat {
    First = 0,
    Second = 1,
}

impl Lane {
    /// A lane whose templates start when they are needed.
    pub(super) fn new(
        index: usize,
        recipes: [Recipe; 2],
        group: Option<Group>,
        keeper: Arc<Keeper>,
    ) -> Self {
        Self {
            index,
            recipes,
            templates: [None, None],
            group,
            keeper,
        }
    }

    /// Where its programs run.
    pub(super) fn processor(&self) -> Option<Processor> {
        self.recipes[Seat::First as usize].processor
    }

    /// Starts the first template. Gives what it said of itself.
    pub(super) fn open(&mut self) -> io::Result<&Hello> {
        Ok(self.template(Seat::First)?.hello())
    }

    /// Pages of its workers that were not rolled back to what they were.
    pub(super) fn audit(&mut self) -> Result<u32, SandboxError> {
        let mut pages = 0;
        for slot in &mut self.templates {
            if let Some(template) = slot {
                let audited = template.audit().map_err(|source| SandboxError::LaneLost {
                    lane: self.index,
                    source,
                });
                if audited.is_err() {
                    *slot = None;
                }
                pages += audited?;
            }
        }
        Ok(pages)
    }

    /// Runs a job: one outcome for each input. None when each run was to be brief and one was not.
    pub(super) fn run(
        &mut self,
        job: &Job,
        patience: Option<Duration>,
    ) -> Result<Option<Vec<Outcome>>, SandboxError> {
        if let Some(group) = &mut self.group {
            let allowed = group.allow(job.limits.memory_bytes_max);
            allowed.map_err(|source| SandboxError::LaneLost {
                lane: self.index,
                source,
            })?;
        }
        // Caller, template and worker take turns: a turn on one processor is several times cheaper than waking another.
        let _stay = self.processor().and_then(Stay::on);
        let run_input = |input| {
            let once = Run {
                job,
                input,
                calls: 1,
                patience,
            };
            match job.scrutiny {
                Scrutiny::Run => Ok(self.attempt(Seat::First, once)?.map(first)),
                Scrutiny::Check => self.check(once),
            }
        };
        job.inputs.iter().map(run_input).collect()
    }

    /// Two calls in one worker, then one call in an interpreter that was started apart.
    fn check(&mut self, once: Run<'_>) -> Result<Option<Outcome>, SandboxError> {
        let Some(mut calls) = self.attempt(Seat::First, Run { calls: 2, ..once })? else {
            return Ok(None);
        };
        let outcome = calls.swap_remove(0);
        if calls.iter().any(|second| !agree(&outcome, second)) {
            return Ok(Some(Outcome::Nondeterministic));
        }
        if !is_answer(&outcome) {
            return Ok(Some(outcome));
        }
        let Some(elsewhere) = self.attempt(Seat::Second, once)?.map(first) else {
            return Ok(None);
        };
        Ok(Some(match elsewhere {
            other if agree(&outcome, &other) => outcome,
            other if is_answer(&other) => Outcome::Nondeterministic,
            limited => limited,
        }))
    }

    fn attempt(&mut self, seat: Seat, run: Run<'_>) -> Result<Option<Vec<Outcome>>, SandboxError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let result = self.template(seat).and_then(|template| template.run(run));
            let slot = &mut self.templates[seat as usize];
            if result.is_err() || slot.as_ref().is_some_and(Template::is_spent) {
                *slot = None;
            }
            match result {
                Ok(outcomes) => return Ok(outcomes),
                Err(source) if attempts < ATTEMPTS_MAX && !refusal::is_final(&source) => {
                    tracing::warn!(lane = self.index, %source, "a template is lost; a fresh one takes its place");
                }
                Err(source) => {
                    return Err(SandboxError::LaneLost {
                        lane: self.index,
                        source,
                    });
                }
            }
        }
    }

    fn template(&mut self, seat: Seat) -> io::Result<&mut Template> {
        let slot = &mut self.templates[seat as usize];
        if slot.is_none() {
            let recipe = &self.recipes[seat as usize];
            *slot = Some(Template::start(recipe, self.group.as_ref(), &self.keeper)?);
        }
        slot.as_mut()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))
    }
}

/// A template gives at least one outcome for every run.
fn first(mut outcomes: Vec<Outcome>) -> Outcome {
    if outcomes.is_empty() {
        Outcome::Killed { signal: 0 }
    } else {
        outcomes.swap_remove(0)
    }
}

/// Whether the program itself came to an end, rather than a limit or the sandbox.
fn is_answer(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Returned(_) | Outcome::Raised(_))
}

/// Whether two calls gave the same. Of an exception only the class counts: its message may name an address.
fn agree(left: &Outcome, right: &Outcome) -> bool {
    match (left, right) {
        (Outcome::Returned(left), Outcome::Returned(right)) => Equality::Strict.equal(left, right),
        (Outcome::Raised(left), Outcome::Raised(right)) => left.class == right.class,
        (left, right) => left == right,
    }
}
