//! The second wave: answers that rate the new tasks, and answers to tasks drawn from the buffer, all at once.

use azr_executor::SandboxError;
use azr_tasks::{Buffers, Drawn, EntryRecord, Lane, Prompt, Role, Task, Verdict, Workshop};

use super::admit::NewTask;
use super::ask::{Moment, Wave, ask};
use super::{Means, SelfPlay, StepError};
use crate::metrics::{LearnabilityMetrics, mean};
use crate::observer::Phase;
use crate::policy::Request;
use crate::randomness::{Place, Stream};
use crate::report::TaskLine;
use crate::reward::{self, Learnability};
use crate::rollout::{Purpose, Rollout};

/// One prompt to the solver.
#[derive(Debug)]
pub(crate) struct Question {
    pub lane: Lane,
    pub purpose: Purpose,
    /// Position in its lane and purpose.
    pub index: usize,
    pub drawn: Drawn,
    pub prompt: Prompt,
    pub seed: u64,
    /// Answers to the same task have the same number.
    pub group: usize,
}

/// An answer that was judged.
#[derive(Debug)]
pub(crate) struct Answered {
    pub rollout: Rollout,
    pub drawn: Drawn,
    pub group: usize,
    pub verdict: Verdict,
}

impl SelfPlay {
    /// The solver's prompts of a step: `rating_samples` for every new task, then one for every task drawn.
    pub(crate) fn questions(
        &self,
        buffers: &Buffers,
        tasks: &[NewTask],
        step: u64,
    ) -> Vec<Question> {
        let samples = self.config.self_play.rating_samples;
        let mut asked_in_lane = [0; Lane::ALL.len()];
        let mut questions = Vec::with_capacity(tasks.len() * samples);
        for (group, task) in tasks.iter().enumerate() {
            let lane = task.solver();
            let prompt = self.question_prompt(&task.drawn.task);
            let asked = &mut asked_in_lane[lane.kind as usize];
            for index in *asked..*asked + samples {
                let place = self.place(Stream::Rating, step, lane, index);
                questions.push(Question {
                    lane,
                    purpose: Purpose::Rate,
                    index,
                    drawn: task.drawn.clone(),
                    prompt: prompt.clone(),
                    seed: place.seed(),
                    group,
                });
            }
            *asked += samples;
        }
        if self.config.self_play.solver_batch.draws_from_buffer() {
            self.draw_questions(buffers, tasks.len(), step, &mut questions);
        }
        questions
    }

    fn draw_questions(
        &self,
        buffers: &Buffers,
        mut group: usize,
        step: u64,
        questions: &mut Vec<Question>,
    ) {
        let count = self.config.self_play.solver_tasks_per_kind;
        for kind in self.kinds() {
            let lane = Lane {
                role: Role::Solve,
                kind,
            };
            let mut generator = self.place(Stream::SolverTasks, step, lane, 0).generator();
            for (index, drawn) in buffers
                .draw_for_solving(kind, count, step, &mut generator)
                .into_iter()
                .enumerate()
            {
                let prompt = self.question_prompt(&drawn.task);
                let seed = self.place(Stream::Answer, step, lane, index).seed();
                questions.push(Question {
                    lane,
                    purpose: Purpose::Solve,
                    index,
                    drawn,
                    prompt,
                    seed,
                    group,
                });
                group += 1;
            }
        }
    }

    /// Samples every answer and judges it.
    pub(crate) fn solve(
        &self,
        questions: Vec<Question>,
        step: u64,
        means: &mut Means<'_>,
    ) -> Result<Wave<Answered>, StepError> {
        let moment = Moment {
            step,
            phase: Phase::Solve,
        };
        self.answer(
            questions,
            self.config.sampling.temperature,
            moment,
            step.saturating_sub(1),
            means,
        )
    }

    /// Samples and judges answers at some moment of the run.
    pub(crate) fn answer(
        &self,
        questions: Vec<Question>,
        temperature: f32,
        moment: Moment,
        policy_step: u64,
        means: &mut Means<'_>,
    ) -> Result<Wave<Answered>, StepError> {
        let requests: Vec<Request> = questions
            .iter()
            .map(|it| Request {
                prompt: it.prompt.clone(),
                new_tokens_max: self.config.sampling.answer_tokens_max,
                temperature,
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
                let question = &questions[index];
                verify(
                    &question.drawn.task,
                    &question.prompt,
                    &response.text,
                    &workshop,
                )
            },
        )?;
        Ok(wave.zip(questions, |_, question, judged| Answered {
            rollout: Rollout {
                lane: question.lane,
                purpose: question.purpose,
                index: question.index,
                policy_step,
                task: Some(question.drawn.id.to_string()),
                prompt: question.prompt,
                response: judged.response,
            },
            drawn: question.drawn,
            group: question.group,
            verdict: judged.finding,
        }))
    }

    /// What the solver is asked.
    pub(crate) fn question_prompt(&self, task: &Task) -> Prompt {
        task.kind.rules().solve_prompt(&self.prompts, task)
    }

    /// A place in this run.
    pub(crate) fn place(&self, stream: Stream, step: u64, lane: Lane, index: usize) -> Place {
        Place {
            run_seed: self.config.seed,
            stream,
            step,
            lane,
            index: index as u64,
        }
    }

    /// How much the new tasks of each kind can teach.
    pub(crate) fn learnability(
        &self,
        tasks: &[NewTask],
        ratings: &[f64],
    ) -> std::collections::BTreeMap<azr_tasks::TaskKind, LearnabilityMetrics> {
        let of_kind = |kind| {
            let rated = tasks
                .iter()
                .zip(ratings)
                .filter(|(task, _)| task.drawn.task.kind == kind);
            let values: Vec<f64> = rated
                .map(|(_, &rate)| reward::learnability(self.config.reward.learnability, rate))
                .collect();
            LearnabilityMetrics {
                tasks: values.len(),
                mean: mean(values.iter().copied()),
                learnable_rate: mean(values.iter().map(|&it| if 0.0 < it { 1.0 } else { 0.0 })),
            }
        };
        self.kinds().map(|kind| (kind, of_kind(kind))).collect()
    }
}

fn verify(
    task: &Task,
    prompt: &Prompt,
    response: &str,
    workshop: &Workshop<'_>,
) -> Result<Verdict, SandboxError> {
    let text = format!("{}{response}", prompt.prefill);
    task.kind.rules().verify(task, &text, workshop)
}

/// The solve rate of every new task, in order: the share of its rating samples that is right.
pub(crate) fn rate(tasks: &[NewTask], answers: &[Answered]) -> Vec<f64> {
    let mut counts = vec![(0_u32, 0_u32); tasks.len()];
    for answer in answers
        .iter()
        .filter(|it| it.rollout.purpose == Purpose::Rate)
    {
        let (correct, asked) = &mut counts[answer.group];
        *correct += u32::from(answer.verdict == Verdict::Correct);
        *asked += 1;
    }
    counts
        .into_iter()
        .map(|(correct, asked)| f64::from(correct) / f64::from(asked.max(1)))
        .collect()
}

/// Adds the verdicts to what the buffer knows of its tasks.
pub(crate) fn remember(buffers: &mut Buffers, answers: &[Answered]) {
    for answer in answers {
        let correct = u64::from(answer.verdict == Verdict::Correct);
        buffers.record_solves(answer.drawn.task.kind, &answer.drawn.id, correct, 1);
    }
}

/// The records of the new tasks.
pub(crate) fn task_lines(
    buffers: &Buffers,
    tasks: &[NewTask],
    ratings: &[f64],
    shape: Learnability,
) -> Vec<TaskLine> {
    let line = |(task, &solve_rate): (&NewTask, &f64)| {
        let entry = buffers.get(task.drawn.task.kind, &task.drawn.id)?;
        Some(TaskLine {
            entry: EntryRecord::from(entry),
            proposal: Some(task.proposal),
            solve_rate: Some(solve_rate),
            learnability: Some(reward::learnability(shape, solve_rate)),
        })
    };
    tasks.iter().zip(ratings).filter_map(line).collect()
}
