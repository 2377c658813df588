//! TRR++: the baseline of a rollout is its lane, one of role times kind (arXiv 2505.03335, Eq. 8).
//!
//! ```text
//! A_j = (R_j - mu) / sqrt(sigma^2 + 1e-8)
//! mu = sum_j w_j R_j / W      sigma^2 = sum_j w_j (R_j - mu)^2 / (W - 1)      W = sum_j w_j
//! ```
//!
//! The reference whitens the returns of all response tokens together, so a rollout weighs as much as it is long
//! (`w_j` = its tokens). The paper's formula counts sequences (`w_j` = 1).

use super::{AdvantageEstimator, Outcome};

/// Keeps the division finite. A lane whose rewards differ at all has a far larger spread.
const VARIANCE_FLOOR: f64 = 1e-8;

/// Compares a rollout with its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskRelative {
    /// What counts as one observation.
    pub weighting: Weighting,
}

/// What counts as one observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighting {
    /// Each response token.
    Tokens,
    /// Each response.
    Sequences,
}

impl AdvantageEstimator for TaskRelative {
    fn advantages(&self, lane: &[Outcome]) -> Vec<f64> {
        let weights: Vec<f64> = lane
            .iter()
            .map(|it| match self.weighting {
                Weighting::Tokens => it.tokens as f64,
                Weighting::Sequences => 1.0,
            })
            .collect();
        whiten(
            &lane.iter().map(|it| it.reward).collect::<Vec<_>>(),
            &weights,
        )
    }
}

/// `(r - mu) / sigma` under weights that count observations; all 0 where there is no spread to speak of.
pub(super) fn whiten(rewards: &[f64], weights: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    // Equal rewards are tested as such: their computed variance may be a rounding error instead of 0.
    let constant = rewards.windows(2).all(|pair| pair[0] == pair[1]);
    if constant || total <= 1.0 {
        return vec![0.0; rewards.len()];
    }
    let mean = rewards.iter().zip(weights).map(|(r, w)| r * w).sum::<f64>() / total;
    let variance = rewards
        .iter()
        .zip(weights)
        .map(|(r, w)| w * (r - mean).powi(2))
        .sum::<f64>()
        / (total - 1.0);
    let spread = (variance + VARIANCE_FLOOR).sqrt();
    rewards.iter().map(|r| (r - mean) / spread).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outcomes() -> impl Strategy<Value = Vec<Outcome>> {
        proptest::collection::vec((-1.0..1.0f64, 1..500usize), 1..40).prop_map(|lane| {
            lane.into_iter()
                .map(|(reward, tokens)| Outcome {
                    reward,
                    tokens,
                    group: 0,
                })
                .collect()
        })
    }

    fn weigh(weighting: Weighting, it: &Outcome) -> f64 {
        match weighting {
            Weighting::Tokens => it.tokens as f64,
            Weighting::Sequences => 1.0,
        }
    }

    #[test]
    fn two_rollouts_of_unequal_length_are_whitened_over_tokens() {
        // Three tokens of reward 1 and one of reward 0: mean 3/4, sum of squares 3/4, variance 1/4 over three.
        let lane = [
            Outcome {
                reward: 1.0,
                tokens: 3,
                group: 0,
            },
            Outcome {
                reward: 0.0,
                tokens: 1,
                group: 0,
            },
        ];
        let advantages = TaskRelative {
            weighting: Weighting::Tokens,
        }
        .advantages(&lane);
        assert!((advantages[0] - 0.25 / 0.5).abs() < 1e-6, "{advantages:?}");
        assert!((advantages[1] + 0.75 / 0.5).abs() < 1e-6, "{advantages:?}");
    }

    #[test]
    fn the_paper_counts_sequences_whatever_their_length() {
        let lane = [
            Outcome {
                reward: 1.0,
                tokens: 300,
                group: 0,
            },
            Outcome {
                reward: 0.0,
                tokens: 1,
                group: 0,
            },
        ];
        let advantages = TaskRelative {
            weighting: Weighting::Sequences,
        }
        .advantages(&lane);
        assert!(
            (advantages[0] - 0.5f64.sqrt()).abs() < 1e-6,
            "{advantages:?}"
        );
        assert!(
            (advantages[0] + advantages[1]).abs() < 1e-12,
            "{advantages:?}"
        );
    }

    proptest! {
        #[test]
        fn the_weighted_mean_of_a_lane_is_zero_and_its_spread_at_most_one(lane in outcomes()) {
            for weighting in [Weighting::Tokens, Weighting::Sequences] {
                let advantages = TaskRelative { weighting }.advantages(&lane);
                let total: f64 = lane.iter().map(|it| weigh(weighting, it)).sum();
                let mean = lane.iter().zip(&advantages).map(|(it, a)| weigh(weighting, it) * a).sum::<f64>() / total;
                prop_assert!(mean.abs() < 1e-9, "{weighting:?}: mean {mean}");
                let squares: f64 = lane.iter().zip(&advantages).map(|(it, a)| weigh(weighting, it) * a * a).sum();
                prop_assert!(squares <= total.max(1.0) - 1.0 + 1e-9, "{weighting:?}: squares {squares} of {total}");
            }
        }

        #[test]
        fn constant_rewards_give_exactly_zero(reward in -1.0..1.0f64, lengths in proptest::collection::vec(1..500usize, 0..40)) {
            let lane: Vec<Outcome> = lengths.iter().map(|&tokens| Outcome { reward, tokens, group: 0 }).collect();
            for weighting in [Weighting::Tokens, Weighting::Sequences] {
                let advantages = TaskRelative { weighting }.advantages(&lane);
                prop_assert_eq!(advantages, vec![0.0; lane.len()]);
            }
        }

        #[test]
        fn shifting_every_reward_changes_nothing(lane in outcomes(), shift in -3.0..3.0f64) {
            let moved: Vec<Outcome> = lane.iter().map(|it| Outcome { reward: it.reward + shift, ..*it }).collect();
            let estimator = TaskRelative { weighting: Weighting::Tokens };
            for (a, b) in estimator.advantages(&lane).iter().zip(estimator.advantages(&moved)) {
                prop_assert!((a - b).abs() < 1e-6, "{a} became {b}");
            }
        }
    }
}
