//! A run from its first step to its last, and everything it keeps on the disk.
//!
//! A run directory holds all that the run needs to go on: the resolved configuration, its seeds and held-out tasks, the
//! journals and the checkpoints. After a checkpoint the journals may be ahead of it; a resume cuts them back to where the
//! checkpoint was made and does those steps again, with the same result. The library holds a lock on the directory
//! while a run is open, so that no two processes write to it.

pub mod directory;
mod ending;
mod error;
mod journal;
mod saved;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use azr_executor::Sandbox;
use azr_tasks::Task;

use crate::checkpoint::disk::LocalDisk;
use crate::checkpoint::{Checkpoints, SaveError};
use crate::config::{Change, Config};
use crate::evaluation::{Evaluation, Evaluator};
use crate::lock::Lock;
use crate::material::Material;
use crate::observer::{Event, Observer, Phase};
use crate::policy::{Policy, PolicyError};
use crate::self_play::{Means, SelfPlay, State, StepOutput};

use self::directory::RunDirectory;
use self::journal::Journals;

pub use self::directory::read_config;
pub use self::ending::{EndReason, Ending};
pub use self::error::RunError;
pub use self::journal::JournalError;
pub use self::saved::StateError;

/// An open run.
pub struct Run {
    directory: RunDirectory,
    _lock: Lock,
    config: Config,
    fingerprint: String,
    play: SelfPlay,
    evaluator: Evaluator,
    seeds: Vec<Task>,
    policy: Box<dyn Policy>,
    sandbox: Arc<dyn Sandbox>,
    checkpoints: Checkpoints<LocalDisk>,
    progress: Option<Progress>,
    resumed_from: Option<u64>,
    damaged: Vec<(PathBuf, String)>,
    changes: Vec<Change>,
}

/// Where the weights of a run come from when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'a> {
    /// `model.source` of the configuration: nothing was saved yet.
    Source(&'a str),
    /// A directory that [`Policy::save`] wrote.
    Checkpoint(&'a Path),
}

/// What changes from step to step.
struct Progress {
    state: State,
    journals: Journals,
    first: Option<Evaluation>,
    last: Option<Evaluation>,
    saved_step: Option<u64>,
}

impl Run {
    /// Begins a run in `directory`, which must not exist yet or be empty.
    ///
    /// # Errors
    /// [`RunError::Exists`], or whatever keeps the directory from being written. Nothing is left behind then.
    pub fn start(
        config: Config,
        directory: &Path,
        policy: Box<dyn Policy>,
        sandbox: Arc<dyn Sandbox>,
        material: Material,
    ) -> Result<Self, RunError> {
        let fingerprint = policy.fingerprint();
        let directory = RunDirectory::create(directory, &config, &fingerprint, &material)?;
        let lock = directory.lock()?;
        Ok(Self::open(
            directory,
            lock,
            config,
            fingerprint,
            material,
            policy,
            sandbox,
        ))
    }

    /// Goes on with the run in `directory`, from its latest good checkpoint or, without any, from the start. `open` gives
    /// the policy.
    ///
    /// # Errors
    /// When there is no run, another process has it open, every checkpoint is damaged, or the policy is not the one that
    /// the run was started with.
    pub fn resume(
        directory: &Path,
        sandbox: Arc<dyn Sandbox>,
        open: impl FnOnce(&Config, Origin<'_>) -> Result<Box<dyn Policy>, PolicyError>,
    ) -> Result<Self, RunError> {
        let directory = RunDirectory::existing(directory)?;
        let lock = directory.lock()?;
        let (config, fingerprint, material) = directory.read()?;
        let mut checkpoints =
            Checkpoints::new(directory.checkpoints(), config.checkpoint.keep, LocalDisk);
        let found = checkpoints.latest().map_err(|source| RunError::Directory {
            path: directory.checkpoints(),
            source,
        })?;
        let damaged: Vec<_> = found
            .damaged
            .iter()
            .map(|(path, damage)| (path.clone(), damage.to_string()))
            .collect();
        let policy = match (&found.checkpoint, damaged.first()) {
            (Some(checkpoint), _) => open(&config, Origin::Checkpoint(&checkpoint.directory))?,
            (None, Some((path, damage))) => {
                return Err(RunError::AllDamaged {
                    path: path.clone(),
                    damage: damage.clone(),
                });
            }
            (None, None) => {
                let policy = open(&config, Origin::Source(&config.model.source))?;
                if policy.fingerprint() != fingerprint {
                    return Err(RunError::OtherModel {
                        directory: directory.root().to_path_buf(),
                        source_name: config.model.source,
                    });
                }
                policy
            }
        };
        let mut run = Self::open(
            directory,
            lock,
            config,
            fingerprint,
            material,
            policy,
            sandbox,
        );
        run.damaged = damaged;
        if let Some(checkpoint) = found.checkpoint {
            run.restore(&checkpoint)?;
        }
        Ok(run)
    }

    fn open(
        directory: RunDirectory,
        lock: Lock,
        config: Config,
        fingerprint: String,
        material: Material,
        policy: Box<dyn Policy>,
        sandbox: Arc<dyn Sandbox>,
    ) -> Self {
        let play = SelfPlay::new(
            config.clone(),
            material.held_out.iter().map(|task| task.program.as_str()),
        );
        let checkpoints =
            Checkpoints::new(directory.checkpoints(), config.checkpoint.keep, LocalDisk);
        let evaluator = Evaluator::new(material.held_out, config.evaluation.samples_per_task);
        Self {
            directory,
            _lock: lock,
            config,
            fingerprint,
            play,
            evaluator,
            seeds: material.seeds,
            policy,
            sandbox,
            checkpoints,
            progress: None,
            resumed_from: None,
            damaged: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// The run's configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where the run is kept.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.root()
    }

    /// The checkpoint that the run goes on from, if it does.
    #[must_use]
    pub fn resumed_from(&self) -> Option<u64> {
        self.resumed_from
    }

    /// Does the steps that are left. `stop` is looked at between steps: the step in hand is finished and saved.
    ///
    /// # Errors
    /// Whatever went wrong; the last checkpoint is untouched and the run can be resumed from it.
    pub fn drive(
        &mut self,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<Ending, RunError> {
        let mut progress = match self.progress.take() {
            Some(progress) => progress,
            None => self.begin(observer)?,
        };
        self.announce(&progress, observer);
        let reason = loop {
            if self.config.steps <= progress.state.step {
                break EndReason::Completed;
            }
            if stop.load(Ordering::Relaxed) {
                break EndReason::Stopped;
            }
            self.step(&mut progress, observer)?;
            if self.is_due(progress.state.step, self.config.checkpoint.every_steps) {
                self.save(&mut progress, observer)?;
            }
        };
        if progress.saved_step != Some(progress.state.step) {
            self.save(&mut progress, observer)?;
        }
        let ending = Ending {
            reason,
            step: progress.state.step,
            first: progress.first.clone(),
            last: progress.last.clone(),
        };
        self.progress = Some(progress);
        Ok(ending)
    }

    fn announce(&mut self, progress: &Progress, observer: &mut dyn Observer) {
        for (directory, damage) in self.damaged.drain(..) {
            observer.notice(&Event::CheckpointSkipped {
                directory: &directory,
                damage: &damage,
            });
        }
        for change in self.changes.drain(..) {
            observer.notice(&Event::ConfigChanged(&change));
        }
        let (step, steps) = (progress.state.step, self.config.steps);
        observer.notice(&Event::Opened {
            directory: self.directory.root(),
            step,
            steps,
        });
    }

    /// All that comes before the first step: seeds, seeding rounds, the first evaluation.
    fn begin(&mut self, observer: &mut dyn Observer) -> Result<Progress, RunError> {
        let mut journals = Journals::begin(&self.directory)?;
        let mut means = Means {
            policy: &mut *self.policy,
            sandbox: &*self.sandbox,
            observer,
        };
        let (state, lines) = self
            .play
            .seed(std::mem::take(&mut self.seeds), &mut means)?;
        for line in &lines {
            journals.tasks.append(line)?;
        }
        let mut progress = Progress {
            state,
            journals,
            first: None,
            last: None,
            saved_step: None,
        };
        if !self.evaluator.is_empty() {
            self.evaluate(&mut progress, observer)?;
        }
        Ok(progress)
    }

    fn step(
        &mut self,
        progress: &mut Progress,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let mut means = Means {
            policy: &mut *self.policy,
            sandbox: &*self.sandbox,
            observer,
        };
        let mut output = self.play.step(&mut progress.state, &mut means)?;
        let step = progress.state.step;
        if !self.evaluator.is_empty() && self.is_due(step, self.config.evaluation.every_steps) {
            let started = Instant::now();
            self.evaluate(progress, observer)?;
            output.metrics.seconds.evaluate = started.elapsed().as_secs_f64();
            if let (Some(first), Some(last)) = (&progress.first, &progress.last) {
                output.metrics.eval = Some(last.since(first));
            }
        }
        self.record(progress, &output)?;
        observer.notice(&Event::Step(&output.metrics));
        Ok(())
    }

    fn record(&self, progress: &mut Progress, output: &StepOutput) -> Result<(), RunError> {
        journal::write_rollouts(
            &self.directory.rollouts(output.metrics.step),
            &output.rollouts,
        )?;
        for task in &output.tasks {
            progress.journals.tasks.append(task)?;
        }
        progress.journals.metrics.append(&output.metrics)?;
        Ok(())
    }

    fn evaluate(
        &mut self,
        progress: &mut Progress,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let step = progress.state.step;
        let mut means = Means {
            policy: &mut *self.policy,
            sandbox: &*self.sandbox,
            observer,
        };
        let evaluation = self.evaluator.evaluate(&self.play, step, &mut means)?;
        progress.journals.evaluations.append(&evaluation)?;
        observer.notice(&Event::Evaluated {
            step,
            evaluation: &evaluation,
        });
        progress.first.get_or_insert_with(|| evaluation.clone());
        progress.last = Some(evaluation);
        Ok(())
    }

    fn save(
        &mut self,
        progress: &mut Progress,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let step = progress.state.step;
        observer.notice(&Event::Phase {
            step,
            phase: Phase::Save,
            items: 1,
        });
        progress.journals.sync()?;
        let checkpoint = self
            .write_checkpoint(progress)
            .map_err(|error| match error {
                SaveError::Content(error) => error,
                SaveError::Disk { path, source } => RunError::Save { path, source },
            })?;
        progress.saved_step = Some(step);
        observer.notice(&Event::Saved {
            step,
            directory: &checkpoint.directory,
        });
        Ok(())
    }

    /// `every` steps have passed, or all of them.
    fn is_due(&self, step: u64, every: u64) -> bool {
        step == self.config.steps || (0 < every && step.is_multiple_of(every))
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("directory", &self.directory)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
