//! What is said about a step, in words: the same for a terminal and for a log file.

use std::collections::{BTreeMap, VecDeque};

use azr_rl::metrics::{LaneMetrics, StepMetrics};
use azr_tasks::{Role, TaskKind};

use crate::chart::short;

/// Steps that the time left is estimated from.
const RECENT_STEPS_MAX: usize = 8;

/// Estimates the time left from the latest steps.
#[derive(Debug, Default)]
pub struct Clock {
    recent: VecDeque<f64>,
}

impl Clock {
    /// A step took this long.
    pub fn step(&mut self, seconds: f64) {
        self.recent.push_back(seconds);
        if RECENT_STEPS_MAX < self.recent.len() {
            self.recent.pop_front();
        }
    }

    /// In words, how long `steps` more will take; nothing before the first one.
    pub fn left(&self, steps: u64) -> Option<String> {
        if self.recent.is_empty() {
            return None;
        }
        let mean = self.recent.iter().sum::<f64>() / self.recent.len() as f64;
        Some(duration(mean * steps as f64))
    }
}

/// One line for a finished step.
pub fn step_line(metrics: &StepMetrics, steps: u64, clock: &Clock) -> String {
    let left = clock
        .left(steps.saturating_sub(metrics.step))
        .unwrap_or_default();
    format!(
        "step {}/{steps}  valid {}  solved {}  learnable {}  buffer {}  {} tok/s  {:.1} s  {left} left",
        metrics.step,
        lane(metrics, Role::Propose, |it| it.valid_rate),
        lane(metrics, Role::Solve, |it| it.solve_rate),
        by_kind(&metrics.learnability, |it| it.mean),
        metrics.buffer.tasks.values().sum::<usize>(),
        short(metrics.tokens.generated_per_second),
        metrics.seconds.total,
    )
}

/// Reward, validity and solve rate of one role's lanes.
pub fn role_line(metrics: &StepMetrics, role: Role) -> String {
    let rate = if role == Role::Propose {
        format!("valid {}", lane(metrics, role, |it| it.valid_rate))
    } else {
        format!("solved {}", lane(metrics, role, |it| it.solve_rate))
    };
    format!(
        "{:<8} reward {}   {rate}",
        role.name(),
        lane(metrics, role, |it| it.reward_mean)
    )
}

/// What the buffer holds and what this step's tasks can teach.
pub fn buffer_line(metrics: &StepMetrics) -> String {
    format!(
        "buffer   {} tasks   +{} new   learnability {}",
        by_kind(&metrics.buffer.tasks, |it| Some(*it as f64)),
        metrics.buffer.admitted,
        by_kind(&metrics.learnability, |it| it.mean)
    )
}

/// Loss, gradient, entropy and how far sampler and learner are apart.
pub fn policy_line(metrics: &StepMetrics) -> String {
    let policy = &metrics.policy;
    let short_or_none = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), short);
    format!(
        "update   loss {}   gradient {}   entropy {}   sampler-learner {}   {} tok/s",
        short_or_none(policy.loss),
        short_or_none(policy.grad_norm),
        short_or_none(policy.entropy),
        short_or_none(policy.kl_sampler_learner),
        short(metrics.tokens.trained_per_second)
    )
}

/// Says so when a step learned nothing, and why.
pub fn nothing_learned(metrics: &StepMetrics) -> Option<String> {
    let words = || {
        format!(
            "step {} learned nothing: {}",
            metrics.step,
            why(&metrics.lanes)
        )
    };
    (metrics.tokens.trained == 0).then(words)
}

fn why(lanes: &BTreeMap<Role, BTreeMap<TaskKind, LaneMetrics>>) -> String {
    let all_cut = |role: Role| {
        let lanes = lanes.get(&role);
        let mut rates = lanes
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter_map(|it| it.truncated_rate);
        rates
            .next()
            .is_some_and(|first| rates.chain([first]).all(|it| it == 1.0))
    };
    let limits = [
        (Role::Propose, "proposals", "sampling.proposal_tokens_max"),
        (Role::Solve, "answers", "sampling.answer_tokens_max"),
    ];
    let cut: Vec<String> = limits
        .iter()
        .filter(|(role, ..)| all_cut(*role))
        .map(|(_, responses, limit)| format!("all {responses} were cut at {limit}; raise it"))
        .collect();
    if cut.is_empty() {
        "no response was better or worse than its baseline".to_owned()
    } else {
        cut.join(", ")
    }
}

/// Minutes and seconds, or hours and minutes.
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {:02} s", seconds % 60),
        _ => format!("{hours} h {minutes:02} min"),
    }
}

fn lane(metrics: &StepMetrics, role: Role, value: impl Fn(&LaneMetrics) -> Option<f64>) -> String {
    metrics
        .lanes
        .get(&role)
        .map_or_else(String::new, |kinds| by_kind(kinds, value))
}

/// `ded 0.91 abd 0.5 ind -`
fn by_kind<T>(kinds: &BTreeMap<TaskKind, T>, value: impl Fn(&T) -> Option<f64>) -> String {
    let cell = |(kind, it): (&TaskKind, &T)| {
        let name: String = kind.name().chars().take(3).collect();
        format!(
            "{name} {}",
            value(it).map_or_else(|| "-".to_string(), |it| short((it * 1e3).round() / 1e3))
        )
    };
    kinds.iter().map(cell).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        assert_eq!(
            [0.4, 59.6, 61.0, 3_700.0].map(duration),
            ["0 s", "1 min 00 s", "1 min 01 s", "1 h 01 min"]
        );
    }

    #[test]
    fn a_step_that_learned_nothing_says_why() {
        let cut = LaneMetrics {
            truncated_rate: Some(1.0),
            ..LaneMetrics::default()
        };
        let whole = LaneMetrics {
            truncated_rate: Some(0.5),
            ..LaneMetrics::default()
        };
        let lanes = |it| BTreeMap::from([(TaskKind::Deduction, it)]);
        let both = BTreeMap::from([(Role::Propose, lanes(whole)), (Role::Solve, lanes(cut))]);
        assert_eq!(
            why(&both),
            "all answers were cut at sampling.answer_tokens_max; raise it"
        );
        let answered = BTreeMap::from([(Role::Solve, lanes(whole))]);
        assert!(why(&answered).ends_with("than its baseline"));
    }

    #[test]
    fn the_time_left_follows_the_latest_steps() {
        let mut clock = Clock::default();
        assert_eq!(clock.left(3), None);
        clock.step(1_000.0);
        for _ in 0..RECENT_STEPS_MAX {
            clock.step(2.0);
        }
        assert_eq!(clock.left(5).unwrap(), "10 s");
    }
}
