//! Compares an answer with the other answers to the same task, as group-relative methods do.
//!
//! With the spread this is GRPO's advantage (arXiv 2402.03300); without it Dr. GRPO's (arXiv 2503.20783), which does not
//! weigh up tasks that nearly all or nearly no answers solve.

use std::collections::BTreeMap;

use super::task_relative::whiten;
use super::{AdvantageEstimator, Outcome};

/// Compares a rollout with its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerTask {
    /// What the difference is divided by.
    pub scale: Scale,
}

/// What the difference from the group's mean is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// The group's spread.
    Spread,
    /// Nothing.
    None,
}

impl AdvantageEstimator for PerTask {
    fn advantages(&self, lane: &[Outcome]) -> Vec<f64> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (idx, outcome) in lane.iter().enumerate() {
            groups.entry(outcome.group).or_default().push(idx);
        }
        let mut advantages = vec![0.0; lane.len()];
        for members in groups.values() {
            let rewards: Vec<f64> = members.iter().map(|&idx| lane[idx].reward).collect();
            for (&idx, advantage) in members.iter().zip(self.within(&rewards)) {
                advantages[idx] = advantage;
            }
        }
        advantages
    }
}

impl PerTask {
    fn within(self, rewards: &[f64]) -> Vec<f64> {
        match self.scale {
            Scale::Spread => whiten(rewards, &vec![1.0; rewards.len()]),
            Scale::None => {
                let mean = rewards.iter().sum::<f64>() / rewards.len() as f64;
                let constant = rewards.windows(2).all(|pair| pair[0] == pair[1]);
                rewards
                    .iter()
                    .map(|r| if constant { 0.0 } else { r - mean })
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outcome(group: usize, reward: f64) -> Outcome {
        Outcome {
            reward,
            tokens: 7,
            group,
        }
    }

    #[test]
    fn a_group_that_all_or_none_solved_teaches_nothing() {
        let lane = [
            outcome(0, 1.0),
            outcome(1, -0.5),
            outcome(0, 1.0),
            outcome(1, -0.5),
        ];
        for scale in [Scale::Spread, Scale::None] {
            assert_eq!(PerTask { scale }.advantages(&lane), [0.0; 4]);
        }
    }

    #[test]
    fn groups_do_not_see_each_other() {
        let lane = [
            outcome(0, 1.0),
            outcome(1, 1.0),
            outcome(0, 0.0),
            outcome(1, 1.0),
        ];
        let advantages = PerTask { scale: Scale::None }.advantages(&lane);
        assert_eq!(advantages, [0.5, 0.0, -0.5, 0.0]);
    }

    proptest! {
        #[test]
        fn every_group_has_mean_zero(lane in proptest::collection::vec((0..5usize, -1.0..1.0f64), 1..60)) {
            let lane: Vec<Outcome> = lane.into_iter().map(|(group, reward)| outcome(group, reward)).collect();
            for scale in [Scale::Spread, Scale::None] {
                let advantages = PerTask { scale }.advantages(&lane);
                for group in 0..5 {
                    let sum: f64 =
                        lane.iter().zip(&advantages).filter(|(it, _)| it.group == group).map(|(_, a)| a).sum();
                    prop_assert!(sum.abs() < 1e-9, "{scale:?}, group {group}: {sum}");
                }
            }
        }
    }
}
