//! The step: propose, validate, admit, solve, verify, reward, compare, update. Read it from top to bottom.
//!
//! ```text
//! propose    policy ==wire==> [read, check novelty, validate in the sandbox] x workers ==> tasks and rejections
//! admit      tasks enter the buffer, repeats are refused
//! solve      one wave: n rating samples of every new task, and answers to tasks drawn from the buffer
//!            policy ==wire==> [read, verify in the sandbox] x workers ==> verdicts, solve rates
//! reward     verdicts and solve rates -> Vec<Scored>       pure
//! advantage  Vec<Scored> -> Vec<Sample>, lane by lane      pure
//! update     Vec<Sample> -> optimizer
//! ```
//!
//! When anything of ours fails, the step fails: nothing is scored, nothing is trained on, and the caller's last
//! checkpoint is what the run goes on from.

mod admit;
pub(crate) mod ask;
mod batch;
mod propose;
mod solve;

use std::time::Instant;

use azr_executor::{Sandbox, SandboxError};
use azr_tasks::{Buffers, NoveltyFilter, Prompts, Standards, TaskKind, Workshop};

use crate::config::Config;
use crate::metrics::{BufferMetrics, PolicyMetrics, Seconds, StepMetrics, TokenMetrics};
use crate::observer::{Event, Observer, Phase};
use crate::policy::{Policy, PolicyError, UpdatePlan, UpdateReport};
use crate::report::{RolloutRecord, TaskLine};
use crate::rollout::Sample;
use crate::thread::NoThread;
use crate::wire::WireError;

pub(crate) use self::propose::Draws;
pub(crate) use self::solve::Question;

/// What stays the same from step to step.
#[derive(Debug)]
pub struct SelfPlay {
    config: Config,
    prompts: Prompts,
    standards: Standards,
    novelty: NoveltyFilter,
}

/// What a step changes, weights aside.
#[derive(Debug, Clone)]
pub struct State {
    /// Steps that are done.
    pub step: u64,
    /// Tasks that were ever admitted.
    pub admitted_total: u64,
    /// Tasks that are kept.
    pub buffers: Buffers,
}

/// What a step works with. The policy is only ever used by one thread; the sandbox by all workers.
pub struct Means<'a> {
    /// Answers and learns.
    pub policy: &'a mut dyn Policy,
    /// Runs programs.
    pub sandbox: &'a dyn Sandbox,
    /// Is told what happens.
    pub observer: &'a mut dyn Observer,
}

/// What a step leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutput {
    /// Its numbers.
    pub metrics: StepMetrics,
    /// Every response.
    pub rollouts: Vec<RolloutRecord>,
    /// Every task that it added.
    pub tasks: Vec<TaskLine>,
}

impl SelfPlay {
    /// Self-play by `config` that never lets one of the held-out programs become a task.
    pub fn new<'p>(config: Config, held_out_programs: impl IntoIterator<Item = &'p str>) -> Self {
        let standards = config.standards.standards(config.grammar, &config.sandbox);
        let prompts = Prompts::new(config.prompts, &standards);
        Self {
            prompts,
            standards,
            novelty: NoveltyFilter::holding_out(held_out_programs),
            config,
        }
    }

    /// One step. On error `state` may have changed and is of no further use.
    ///
    /// # Errors
    /// Whatever the policy or the sandbox failed at. What a program did is never an error.
    pub fn step(&self, state: &mut State, means: &mut Means<'_>) -> Result<StepOutput, StepError> {
        let started = Instant::now();
        let step = state.step + 1;

        let assignments = self.assign(&state.buffers, step, &*means.policy)?;
        let proposals = self.propose(assignments, step, means)?;
        let proposing = proposals.effort;
        let admitted = self.admit(&mut state.buffers, proposals.items, step, &*means.policy)?;
        state.admitted_total += admitted.tasks.len() as u64;

        let questions = self.questions(&state.buffers, &admitted.tasks, step);
        let answers = self.solve(questions, step, means)?;
        let solving = answers.effort;
        let ratings = solve::rate(&admitted.tasks, &answers.items);
        solve::remember(&mut state.buffers, &answers.items);

        let rewarded = self.reward(admitted.proposals, answers.items, &ratings);
        let batch = self.compare(rewarded, step);
        let learning = self.update(&batch.samples, step, means)?;

        state.step = step;
        let seconds = Seconds {
            propose: proposing.seconds,
            solve: solving.seconds,
            verify: proposing.worker_seconds + solving.worker_seconds,
            wait: proposing.wait_seconds + solving.wait_seconds,
            update: learning.seconds,
            evaluate: 0.0,
            total: started.elapsed().as_secs_f64(),
        };
        let generated = proposing.tokens + solving.tokens;
        let learned = batch::lane_metrics(&batch, &admitted.tasks, &ratings);
        Ok(StepOutput {
            metrics: StepMetrics {
                step,
                sandbox: means.sandbox.standing(),
                seconds,
                lanes: learned,
                learnability: self.learnability(&admitted.tasks, &ratings),
                buffer: self.buffer_metrics(state, admitted.tasks.len()),
                rejections: admitted.rejections,
                policy: PolicyMetrics::new(
                    &learning.report,
                    self.config.optimizer.learning_rate_at(step),
                ),
                tokens: TokenMetrics {
                    generated,
                    trained: learning.report.tokens_trained,
                    generated_per_second: per_second(generated, seconds.propose + seconds.solve),
                    trained_per_second: per_second(learning.report.tokens_trained, seconds.update),
                },
                eval: None,
            },
            rollouts: batch::records(&batch, step),
            tasks: solve::task_lines(
                &state.buffers,
                &admitted.tasks,
                &ratings,
                self.config.reward.learnability,
            ),
        })
    }

    /// The optimizer steps over everything that is trainable.
    fn update(
        &self,
        samples: &[Sample],
        step: u64,
        means: &mut Means<'_>,
    ) -> Result<Learning, StepError> {
        let started = Instant::now();
        means.observer.notice(&Event::Phase {
            step,
            phase: Phase::Update,
            items: samples.len(),
        });
        let teaches = |it: &Sample| it.advantage() != 0.0;
        let has_bonus = 0.0 < self.config.loss.entropy_coefficient && !samples.is_empty();
        let report = if has_bonus || samples.iter().any(teaches) {
            means.policy.update(samples, &self.plan(step))?
        } else {
            UpdateReport::default()
        };
        Ok(Learning {
            report,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    fn plan(&self, step: u64) -> UpdatePlan {
        let it = &self.config.optimizer;
        UpdatePlan {
            learning_rate: it.learning_rate_at(step),
            beta1: it.beta1,
            beta2: it.beta2,
            epsilon: it.epsilon,
            weight_decay: it.weight_decay,
            gradient_norm_max: it.gradient_norm_max,
            updates: it.updates_per_step,
            temperature: self.config.sampling.temperature,
            loss: self.config.loss,
        }
    }

    fn buffer_metrics(&self, state: &State, admitted: usize) -> BufferMetrics {
        let tasks = self
            .kinds()
            .map(|kind| (kind, state.buffers.len(kind)))
            .collect();
        BufferMetrics {
            tasks,
            admitted,
            admitted_total: state.admitted_total,
        }
    }

    /// The run's configuration.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The kinds of the run, in the order of its file.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = TaskKind> + '_ {
        self.config.self_play.kinds.iter().copied()
    }

    fn workshop<'a>(&'a self, sandbox: &'a dyn Sandbox) -> Workshop<'a> {
        Workshop {
            sandbox,
            standards: &self.standards,
        }
    }
}

struct Learning {
    report: UpdateReport,
    seconds: f64,
}

fn per_second(count: usize, seconds: f64) -> f64 {
    if 0.0 < seconds {
        count as f64 / seconds
    } else {
        0.0
    }
}

/// A step failed. Nothing of it was trained on.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The policy failed.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The sandbox failed. Never a statement about a program, and never a reward.
    #[error("the sandbox failed, so the step was given up and nothing of it was trained on")]
    Sandbox(#[from] SandboxError),
    /// The policy answered other requests than those it was given.
    #[error("the policy did not answer what it was asked: {defect}")]
    Unanswered {
        /// In what way.
        defect: WireError<std::convert::Infallible>,
    },
    /// No prompt fits.
    #[error(
        "no prompt for {kind} fits: {tokens} tokens, {tokens_max} allowed; raise `sampling.prompt_tokens_max` or lower `buffer.examples`"
    )]
    PromptTooLong {
        /// For which kind.
        kind: TaskKind,
        /// The shortest one that was tried.
        tokens: usize,
        /// `sampling.prompt_tokens_max`.
        tokens_max: usize,
    },
    /// The system gives no thread to work on.
    #[error(transparent)]
    Thread(#[from] NoThread),
}

#[cfg(test)]
mod tests;
