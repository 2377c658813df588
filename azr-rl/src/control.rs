//! The random-reward control of an experiment: a step like any other, in which rewards say nothing.
//!
//! The rewards of a lane are dealt out anew among its rollouts, so that the control sees the same rewards, the same
//! spread and the same number of updates as the run it is compared with. Where rollouts are only compared within their
//! task, the rewards of a task stay with the task.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;

use crate::randomness::shuffle;
use crate::rollout::Scored;

/// Deals the rewards of `lane` out anew, within each of `groups`.
#[must_use]
pub fn deal_anew(lane: Vec<Scored>, groups: &[usize], generator: &mut ChaCha8Rng) -> Vec<Scored> {
    assert_eq!(
        lane.len(),
        groups.len(),
        "every rollout of a lane belongs to a group"
    );
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (idx, &group) in groups.iter().enumerate() {
        members.entry(group).or_default().push(idx);
    }
    let mut rewards: Vec<f32> = lane.iter().map(Scored::reward).collect();
    for places in members.values() {
        let mut dealt: Vec<f32> = places.iter().map(|&idx| rewards[idx]).collect();
        shuffle(generator, &mut dealt);
        for (&idx, reward) in places.iter().zip(dealt) {
            rewards[idx] = reward;
        }
    }
    lane.into_iter()
        .zip(rewards)
        .map(|(scored, reward)| scored.with_reward(reward))
        .collect()
}
