//! What a verdict is worth. Pure functions of a verdict or a solve rate and a table of constants.
//!
//! Solver (arXiv 2505.03335, Eq. 6 with the indicator of Eq. 5):
//!
//! | verdict | key | published value |
//! |---|---|---|
//! | correct | `reward.solver_correct` | 1 |
//! | read, and wrong | `reward.solver_incorrect` | -0.5 |
//! | not read | `reward.solver_malformed` | -1 |
//!
//! Proposer, where `p` is the share of rating samples that solved the task:
//!
//! | proposal | value |
//! |---|---|
//! | not read | `reward.proposer_malformed`, published -1 |
//! | read, and not a task | `reward.proposer_invalid`, published -1 |
//! | a task already known, or a copy of what the prompt showed | `reward.proposer_duplicate` |
//! | a task with learnability `r(p)` above 0 | `r(p)` |
//! | a task with learnability 0 | 0 with `paper_zero` (Eq. 4), -0.5 with `reference_minus_half` (published code) |
//!
//! Search Self-Play (arXiv 2510.18821) reports that even a small penalty for invalid proposals can drive a proposer into
//! a spiral, so every penalty can be set to 0.

use azr_tasks::Verdict;
use serde::{Deserialize, Serialize};

/// What an answer is worth to the solver.
#[must_use]
pub fn solver(verdict: Verdict, table: &RewardTable) -> f32 {
    match verdict {
        Verdict::Correct => table.solver_correct,
        Verdict::Incorrect => table.solver_incorrect,
        Verdict::Malformed => table.solver_malformed,
    }
}

/// What a proposal is worth to the proposer.
#[must_use]
pub fn proposer(proposal: Proposal, table: &RewardTable) -> f32 {
    match proposal {
        Proposal::Malformed => table.proposer_malformed,
        Proposal::Invalid => table.proposer_invalid,
        Proposal::Duplicate => table.proposer_duplicate,
        Proposal::Task { solve_rate } => {
            let learnability = learnability(table.learnability, solve_rate);
            if 0.0 < learnability {
                learnability as f32
            } else {
                zero(table.zero_learnability)
            }
        }
    }
}

/// How much a task that is solved at rate `p` in 0..=1 can teach: 0 at the least, 1 at the most.
#[must_use]
pub fn learnability(shape: Learnability, p: f64) -> f64 {
    assert!(
        (0.0..=1.0).contains(&p),
        "a solve rate lies between 0 and 1, not {p}"
    );
    match shape {
        Learnability::OneMinus => {
            if 0.0 < p {
                1.0 - p
            } else {
                0.0
            }
        }
        Learnability::Inverse => 1.0 - p,
        Learnability::Parabola => 4.0 * p * (1.0 - p),
    }
}

fn zero(rule: ZeroLearnability) -> f32 {
    match rule {
        ZeroLearnability::PaperZero => 0.0,
        ZeroLearnability::ReferenceMinusHalf => -0.5,
    }
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Proposal {
    /// The parts asked for could not be read.
    Malformed,
    /// Read, and not a task.
    Invalid,
    /// A task that is already known, or a copy of what the prompt showed.
    Duplicate,
    /// A new task.
    Task {
        /// Share of the rating samples that solved it.
        solve_rate: f64,
    },
}

/// Where rewards come from, and the constants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardTable {
    /// Verdicts, or the random control of an experiment.
    pub signal: Signal,
    /// A right answer.
    pub solver_correct: f32,
    /// An answer that was read and is wrong.
    pub solver_incorrect: f32,
    /// An answer that could not be read.
    pub solver_malformed: f32,
    /// From solve rate to learnability.
    pub learnability: Learnability,
    /// What a task of learnability 0 is worth.
    pub zero_learnability: ZeroLearnability,
    /// A proposal that was read and is not a task.
    pub proposer_invalid: f32,
    /// A proposal that could not be read.
    pub proposer_malformed: f32,
    /// A task that is already known, or a copy of what the prompt showed.
    pub proposer_duplicate: f32,
}

/// Where rewards come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// From what the executor found.
    Verdicts,
    /// The same rewards, dealt out anew at random: same values, no information. A control.
    Random,
}

/// From solve rate `p` to learnability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learnability {
    /// `1 - p`, and 0 at `p = 0`: an unsolved task may be unsolvable (Eq. 4).
    OneMinus,
    /// `1 - p`, 1 at `p = 0` too.
    Inverse,
    /// `4 p (1 - p)`, highest at one half.
    Parabola,
}

/// What a task of learnability 0 is worth. The paper and its published code differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZeroLearnability {
    /// 0, as Eq. 4 has it.
    PaperZero,
    /// -0.5, as the published code has it.
    ReferenceMinusHalf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn published() -> RewardTable {
        RewardTable {
            signal: Signal::Verdicts,
            solver_correct: 1.0,
            solver_incorrect: -0.5,
            solver_malformed: -1.0,
            learnability: Learnability::OneMinus,
            zero_learnability: ZeroLearnability::ReferenceMinusHalf,
            proposer_invalid: -1.0,
            proposer_malformed: -1.0,
            proposer_duplicate: -0.5,
        }
    }

    #[test]
    fn the_solver_table_is_the_published_one() {
        let table = published();
        let rewards =
            [Verdict::Correct, Verdict::Incorrect, Verdict::Malformed].map(|it| solver(it, &table));
        assert_eq!(rewards, [1.0, -0.5, -1.0]);
    }

    #[test]
    fn the_proposer_earns_one_minus_the_solve_rate_over_eight_samples() {
        let table = published();
        let rewards: Vec<f32> = (0..=8)
            .map(|n| {
                proposer(
                    Proposal::Task {
                        solve_rate: f64::from(n) / 8.0,
                    },
                    &table,
                )
            })
            .collect();
        assert_eq!(
            rewards,
            [-0.5, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, -0.5]
        );
    }

    #[test]
    fn the_paper_gives_zero_where_its_code_takes_half() {
        let table = RewardTable {
            zero_learnability: ZeroLearnability::PaperZero,
            ..published()
        };
        assert_eq!(proposer(Proposal::Task { solve_rate: 0.0 }, &table), 0.0);
        assert_eq!(proposer(Proposal::Task { solve_rate: 1.0 }, &table), 0.0);
    }

    #[test]
    fn what_is_not_a_new_task_earns_its_constant() {
        let table = RewardTable {
            proposer_invalid: -0.25,
            proposer_malformed: -1.0,
            proposer_duplicate: 0.0,
            ..published()
        };
        let rewards = [Proposal::Invalid, Proposal::Malformed, Proposal::Duplicate]
            .map(|it| proposer(it, &table));
        assert_eq!(rewards, [-0.25, -1.0, 0.0]);
    }

    #[test]
    fn the_shapes_differ_where_they_should() {
        assert_eq!(learnability(Learnability::OneMinus, 0.0), 0.0);
        assert_eq!(learnability(Learnability::Inverse, 0.0), 1.0);
        assert_eq!(learnability(Learnability::Parabola, 0.5), 1.0);
        assert_eq!(learnability(Learnability::Parabola, 1.0), 0.0);
    }

    proptest! {
        #[test]
        fn learnability_stays_between_zero_and_one(p in 0.0..=1.0f64) {
            for shape in [Learnability::OneMinus, Learnability::Inverse, Learnability::Parabola] {
                let r = learnability(shape, p);
                prop_assert!((0.0..=1.0).contains(&r), "{shape:?} at {p} gives {r}");
            }
        }

        #[test]
        fn an_easier_task_never_earns_more_once_it_is_solvable(p in 0.001..=1.0f64, more in 0.0..=1.0f64) {
            let easier = p + (1.0 - p) * more;
            for shape in [Learnability::OneMinus, Learnability::Inverse] {
                prop_assert!(learnability(shape, easier) <= learnability(shape, p));
            }
        }
    }
}
