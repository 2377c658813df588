//! From verdicts to the batch that is trained on: rewards, then advantages, lane by lane. Pure, but for the random-reward
//! control, which draws from a generator of its own.

use std::collections::BTreeMap;

use azr_tasks::{Lane, Role, TaskKind, Verdict};

use super::SelfPlay;
use super::admit::{Fate, NewTask, Sifted};
use super::solve::Answered;
use crate::advantage::{self, Estimator, Scales};
use crate::config::Proposer;
use crate::control;
use crate::metrics::LaneMetrics;
use crate::randomness::Stream;
use crate::report::RolloutRecord;
use crate::reward::{self, Proposal, Signal};
use crate::rollout::{Judgement, Purpose, Sample, Scored};

/// The judged rollouts of one lane, apart by whether they are trained on.
#[derive(Debug)]
pub(crate) struct Rewarded {
    lane: Lane,
    trainable: Vec<Scored>,
    /// For each trainable rollout, the prompt that it answers.
    groups: Vec<usize>,
    others: Vec<Scored>,
}

/// What is trained on, and what is only recorded.
#[derive(Debug)]
pub(crate) struct Batch {
    lanes: Vec<Lane>,
    pub samples: Vec<Sample>,
    others: Vec<Scored>,
}

impl SelfPlay {
    /// Rewards every rollout.
    pub(crate) fn reward(
        &self,
        proposals: Vec<Sifted>,
        answers: Vec<Answered>,
        ratings: &[f64],
    ) -> Vec<Rewarded> {
        let table = &self.config.reward;
        let mut lanes: Vec<Rewarded> = self.lanes().map(Rewarded::empty).collect();
        for (group, Sifted { rollout, fate }) in proposals.into_iter().enumerate() {
            let proposal = match &fate {
                Fate::Task(number) => Proposal::Task {
                    solve_rate: ratings[*number],
                },
                Fate::Refused { proposal, .. } => *proposal,
            };
            let scored = Scored::new(rollout, fate.judgement(), reward::proposer(proposal, table));
            let trained = self.config.self_play.proposer == Proposer::Trained;
            Rewarded::put(&mut lanes, scored, trained.then_some(group));
        }
        for Answered {
            rollout,
            group,
            verdict,
            ..
        } in answers
        {
            let trained = rollout.purpose == Purpose::Solve
                || self.config.self_play.solver_batch.trains_ratings();
            let scored = Scored::new(rollout, judgement(verdict), reward::solver(verdict, table));
            Rewarded::put(&mut lanes, scored, trained.then_some(group));
        }
        lanes
    }

    /// Compares every trainable rollout with its lane or its task.
    pub(crate) fn compare(&self, rewarded: Vec<Rewarded>, step: u64) -> Batch {
        let mut batch = Batch {
            lanes: Vec::new(),
            samples: Vec::new(),
            others: Vec::new(),
        };
        for Rewarded {
            lane,
            trainable,
            groups,
            others,
        } in rewarded
        {
            let (estimator, scales) = self.estimator(lane.role);
            let trainable = match self.config.reward.signal {
                Signal::Verdicts => trainable,
                Signal::Random => {
                    let mut generator = self.place(Stream::Control, step, lane, 0).generator();
                    let whole_lane = vec![0; trainable.len()];
                    let within = if estimator.compares_within_task() {
                        &groups
                    } else {
                        &whole_lane
                    };
                    control::deal_anew(trainable, within, &mut generator)
                }
            };
            batch
                .samples
                .extend(advantage::samples(estimator, scales, trainable, &groups));
            batch.others.extend(others);
            batch.lanes.push(lane);
        }
        batch
    }

    fn estimator(&self, role: Role) -> (Estimator, Scales) {
        let it = &self.config.advantage;
        match role {
            Role::Propose => (
                it.proposer,
                Scales {
                    lane: it.proposer_scale,
                    negative: it.negative_scale,
                },
            ),
            Role::Solve => (
                it.solver,
                Scales {
                    lane: 1.0,
                    negative: it.negative_scale,
                },
            ),
        }
    }

    /// The lanes of the run: proposers first.
    fn lanes(&self) -> impl Iterator<Item = Lane> + '_ {
        Role::ALL
            .into_iter()
            .flat_map(|role| self.kinds().map(move |kind| Lane { role, kind }))
    }
}

impl Rewarded {
    fn empty(lane: Lane) -> Self {
        Self {
            lane,
            trainable: Vec::new(),
            groups: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Puts a rollout where it belongs; `group` is given when it is trained on.
    fn put(lanes: &mut [Self], scored: Scored, group: Option<usize>) {
        let lane = scored.rollout().lane;
        let Some(rewarded) = lanes.iter_mut().find(|it| it.lane == lane) else {
            unreachable!("a rollout of {lane}, which is no lane of this run");
        };
        match group {
            Some(group) => {
                rewarded.trainable.push(scored);
                rewarded.groups.push(group);
            }
            None => rewarded.others.push(scored),
        }
    }
}

impl Batch {
    /// Every rollout of the step with its advantage, where it has one.
    fn rollouts(&self) -> impl Iterator<Item = (&Scored, Option<f32>)> {
        let trained = self
            .samples
            .iter()
            .map(|it| (it.scored(), Some(it.advantage())));
        trained.chain(self.others.iter().map(|it| (it, None)))
    }
}

fn judgement(verdict: Verdict) -> Judgement {
    let name = match verdict {
        Verdict::Correct => "correct",
        Verdict::Incorrect => "incorrect",
        Verdict::Malformed => "malformed",
    };
    Judgement {
        verdict: name,
        detail: String::new(),
        well_formed: verdict != Verdict::Malformed,
        good: verdict == Verdict::Correct,
    }
}

/// The numbers of every lane.
pub(crate) fn lane_metrics(
    batch: &Batch,
    tasks: &[NewTask],
    ratings: &[f64],
) -> BTreeMap<Role, BTreeMap<TaskKind, LaneMetrics>> {
    let mut metrics: BTreeMap<Role, BTreeMap<TaskKind, LaneMetrics>> = BTreeMap::new();
    for &lane in &batch.lanes {
        let mine: Vec<(&Scored, Option<f32>)> = batch
            .rollouts()
            .filter(|(scored, _)| scored.rollout().lane == lane)
            .collect();
        let trained = mine
            .iter()
            .filter(|(_, advantage)| advantage.is_some())
            .count();
        let scored: Vec<&Scored> = mine.into_iter().map(|(scored, _)| scored).collect();
        let of_kind = tasks
            .iter()
            .zip(ratings)
            .filter(|(task, _)| task.drawn.task.kind == lane.kind);
        let solve_rates: Vec<f64> = of_kind.map(|(_, &rate)| rate).collect();
        let of_lane = LaneMetrics::of(lane.role, &scored, &solve_rates, trained);
        metrics
            .entry(lane.role)
            .or_default()
            .insert(lane.kind, of_lane);
    }
    metrics
}

/// The records of all rollouts: lane by lane, in the order they were asked.
pub(crate) fn records(batch: &Batch, step: u64) -> Vec<RolloutRecord> {
    let mut records: Vec<RolloutRecord> = batch
        .rollouts()
        .map(|(scored, advantage)| RolloutRecord::new(step, scored, advantage))
        .collect();
    records.sort_by_key(|it| (it.lane, it.purpose.clone(), it.index));
    records
}
