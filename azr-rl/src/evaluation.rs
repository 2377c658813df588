//! Held-out tasks: the only curve that shows learning. The solve rate on a run's own tasks rises just as well when the
//! tasks become easier.
//!
//! Every task is tried several times at temperature 1, with the same seeds at every evaluation. A change is the mean over
//! tasks of the difference from the start, task by task, and its standard error is over tasks.

use std::collections::BTreeMap;

use azr_tasks::{Drawn, Lane, Role, Task, TaskKind, Verdict};
use serde::{Deserialize, Serialize};

use crate::observer::Phase;
use crate::randomness::Stream;
use crate::rollout::Purpose;
use crate::self_play::ask::Moment;
use crate::self_play::{Means, Question, SelfPlay, StepError};

/// What one evaluation counted: a line of `evaluations.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// After which step; 0 before the first.
    pub step: u64,
    /// Counts by kind.
    pub kinds: BTreeMap<TaskKind, KindCounts>,
}

/// Counts of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KindCounts {
    /// Answers to each task.
    pub samples_per_task: u32,
    /// Right answers to each task, in the order of the held-out file.
    pub correct: Vec<u32>,
    /// Answers that could be read, over all tasks.
    pub well_formed: u32,
}

/// One kind at one evaluation, beside the start of the run. Rates are shares of all answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KindResult {
    /// Tasks.
    pub tasks: usize,
    /// Answers to each.
    pub samples_per_task: u32,
    /// Share that is right.
    pub solve_rate: f64,
    /// Its standard error over tasks.
    pub solve_rate_se: f64,
    /// Share that could be read.
    pub format_rate: f64,
    /// Solve rate before the first step.
    pub start: f64,
    /// Solve rate above the start.
    pub change: f64,
    /// Standard error of the change: differences are paired by task.
    pub change_se: f64,
}

/// Held-out tasks and how they are tried.
#[derive(Debug, Clone)]
pub struct Evaluator {
    tasks: Vec<Drawn>,
    samples_per_task: usize,
}

impl Evaluator {
    /// Tries each of `tasks` this often.
    #[must_use]
    pub fn new(tasks: Vec<Task>, samples_per_task: usize) -> Self {
        Self {
            tasks: tasks.into_iter().map(Drawn::from).collect(),
            samples_per_task,
        }
    }

    /// Whether there is anything to try.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Tries every task.
    ///
    /// # Errors
    /// Whatever the policy or the sandbox failed at.
    pub fn evaluate(
        &self,
        play: &SelfPlay,
        step: u64,
        means: &mut Means<'_>,
    ) -> Result<Evaluation, StepError> {
        let questions = self.questions(play);
        let moment = Moment {
            step,
            phase: Phase::Evaluate,
        };
        let answers = play.answer(questions, 1.0, moment, step, means)?;
        let mut kinds: BTreeMap<TaskKind, KindCounts> = BTreeMap::new();
        for of_task in answers.items.chunks(self.samples_per_task) {
            let Some(first) = of_task.first() else {
                continue;
            };
            let counts = kinds.entry(first.drawn.task.kind).or_default();
            let count = |wanted: fn(Verdict) -> bool| {
                of_task.iter().filter(|it| wanted(it.verdict)).count() as u32
            };
            counts.samples_per_task = of_task.len() as u32;
            counts.correct.push(count(|it| it == Verdict::Correct));
            counts.well_formed += count(|it| it != Verdict::Malformed);
        }
        Ok(Evaluation { step, kinds })
    }

    /// The same prompts and seeds every time.
    fn questions(&self, play: &SelfPlay) -> Vec<Question> {
        let mut questions = Vec::with_capacity(self.tasks.len() * self.samples_per_task);
        for (group, drawn) in self.tasks.iter().enumerate() {
            let lane = Lane {
                role: Role::Solve,
                kind: drawn.task.kind,
            };
            let prompt = play.question_prompt(&drawn.task);
            for sample in 0..self.samples_per_task {
                let index = group * self.samples_per_task + sample;
                let seed = play.place(Stream::Evaluation, 0, lane, index).seed();
                let (drawn, prompt) = (drawn.clone(), prompt.clone());
                questions.push(Question {
                    lane,
                    purpose: Purpose::Solve,
                    index,
                    drawn,
                    prompt,
                    seed,
                    group,
                });
            }
        }
        questions
    }
}

impl Evaluation {
    /// This evaluation beside the one at the start of the run.
    #[must_use]
    pub fn since(&self, start: &Evaluation) -> BTreeMap<TaskKind, KindResult> {
        let result = |(kind, counts): (&TaskKind, &KindCounts)| {
            let before = start.kinds.get(kind).unwrap_or(counts);
            (*kind, counts.since(before))
        };
        self.kinds.iter().map(result).collect()
    }
}

impl KindCounts {
    fn rates(&self) -> Vec<f64> {
        self.correct
            .iter()
            .map(|&it| f64::from(it) / f64::from(self.samples_per_task.max(1)))
            .collect()
    }

    fn since(&self, start: &KindCounts) -> KindResult {
        let (now, before) = (self.rates(), start.rates());
        let differences: Vec<f64> = now
            .iter()
            .zip(&before)
            .map(|(now, before)| now - before)
            .collect();
        let (solve_rate, solve_rate_se) = mean_and_error(&now);
        let (change, change_se) = mean_and_error(&differences);
        let answers = self.correct.len() as f64 * f64::from(self.samples_per_task.max(1));
        KindResult {
            tasks: self.correct.len(),
            samples_per_task: self.samples_per_task,
            solve_rate,
            solve_rate_se,
            format_rate: f64::from(self.well_formed) / answers.max(1.0),
            start: mean_and_error(&before).0,
            change,
            change_se,
        }
    }
}

/// Mean and standard error of the mean; an error of 0 where there are too few values to tell.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let mean = values.iter().sum::<f64>() / count;
    if values.len() < 2 {
        return (mean, 0.0);
    }
    let variance = values.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(step: u64, correct: &[u32]) -> Evaluation {
        let counts = KindCounts {
            samples_per_task: 4,
            correct: correct.to_vec(),
            well_formed: 12,
        };
        Evaluation {
            step,
            kinds: BTreeMap::from([(TaskKind::Abduction, counts)]),
        }
    }

    #[test]
    fn a_change_is_paired_by_task() {
        // Hard and easy tasks differ far more than anything changes: unpaired, the error would drown the change.
        let (start, now) = (evaluation(0, &[0, 1, 3, 3]), evaluation(9, &[1, 2, 4, 4]));
        let result = now.since(&start)[&TaskKind::Abduction];
        assert_eq!((result.tasks, result.samples_per_task), (4, 4));
        assert!((result.start - 7.0 / 16.0).abs() < 1e-12);
        assert!((result.solve_rate - 11.0 / 16.0).abs() < 1e-12);
        assert!((result.change - 0.25).abs() < 1e-12);
        assert!(
            result.change_se.abs() < 1e-12,
            "every task gained the same: {}",
            result.change_se
        );
        assert!(
            0.15 < result.solve_rate_se,
            "tasks differ: {}",
            result.solve_rate_se
        );
        assert!((result.format_rate - 0.75).abs() < 1e-12);
    }

    #[test]
    fn the_standard_error_is_that_of_the_mean_over_tasks() {
        let (mean, error) = mean_and_error(&[0.0, 1.0, 0.0, 1.0]);
        assert_eq!(mean, 0.5);
        assert!((error - (1.0_f64 / 3.0 / 4.0).sqrt()).abs() < 1e-12);
        assert_eq!(mean_and_error(&[]), (0.0, 0.0));
        assert_eq!(mean_and_error(&[0.3]), (0.3, 0.0));
    }
}
