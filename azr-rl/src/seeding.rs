//! The tasks that a run begins with: given ones, then rounds of proposing without any update.

use azr_tasks::{Buffers, EntryRecord, Lineage, Task};

use crate::observer::Phase;
use crate::report::TaskLine;
use crate::self_play::ask::Moment;
use crate::self_play::{Draws, Means, SelfPlay, State, StepError};

impl SelfPlay {
    /// Fills empty buffers with `seeds`, then proposes until every kind has `seeding.tasks_per_kind_enough` tasks or
    /// `seeding.rounds_max` rounds are over. Seeds that repeat each other, or whose prompt is too long, are left out.
    ///
    /// # Errors
    /// Whatever the policy or the sandbox failed at.
    pub fn seed(
        &self,
        seeds: Vec<Task>,
        means: &mut Means<'_>,
    ) -> Result<(State, Vec<TaskLine>), StepError> {
        let mut buffers = Buffers::new(self.config().buffer);
        for task in seeds {
            // Whether it entered or not is of no consequence: nobody is rewarded for a seed.
            let _ = self.enter(&mut buffers, task, Lineage::seed(), &*means.policy)?;
        }
        for round in 0..self.config().seeding.rounds_max {
            let enough = self.config().seeding.tasks_per_kind_enough;
            if self.kinds().all(|kind| enough <= buffers.len(kind)) {
                break;
            }
            let assignments =
                self.assign_with(Draws::Seeding, &buffers, round as u64, &*means.policy)?;
            let moment = Moment {
                step: 0,
                phase: Phase::Seed,
            };
            let proposals = self.propose_at(moment, assignments, means)?;
            self.admit(&mut buffers, proposals.items, 0, &*means.policy)?;
        }
        let lines: Vec<TaskLine> = azr_tasks::TaskKind::ALL
            .into_iter()
            .flat_map(|kind| buffers.entries(kind))
            .map(|entry| TaskLine {
                entry: EntryRecord::from(entry),
                proposal: None,
                solve_rate: None,
                learnability: None,
            })
            .collect();
        Ok((
            State {
                step: 0,
                admitted_total: lines.len() as u64,
                buffers,
            },
            lines,
        ))
    }
}
