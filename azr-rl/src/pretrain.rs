//! Supervised lessons before self-play: makes azr-tiny from generated programs that the sandbox ran.
//!
//! One pass over lessons that are drawn as they are needed: cross-entropy on the response tokens, AdamW with warm-up and
//! linear decay. While a step trains, the lessons of the next one are written. A step depends on the configuration and
//! its number alone, so one that was interrupted ends with the weights of one that was not.
//!
//! ```text
//! config.toml     the pretraining file
//! checkpoints/    the latest one
//! lock            held by the process that has it open
//! ```

pub mod config;
mod error;
mod exam;
mod fresh;

use std::collections::HashSet;
use std::fs::TryLockError;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, io};

use azr_executor::Sandbox;
use azr_model::CpuBackend;
use azr_model::language::Language;
use azr_model::language_model::LanguageModel;
use azr_model::learn::{Sequence, StepOptions, TokenGradients, TokenScores, TrainerOptions};
use azr_tasks::generator::{Lesson, School};
use azr_tasks::{AnswerFormat, Grammar, Opening, PromptOptions, PromptSet, Prompts, Standards};

use crate::checkpoint::Checkpoints;
use crate::checkpoint::disk::LocalDisk;
use crate::learner::student::Student;
use crate::lock::Lock;
use crate::policy::Cause;
use crate::thread::{self, NoThread};
pub use config::{ModelShape, PretrainConfig, PretrainOptimizer};
pub use error::PretrainError;
pub use exam::{Exam, Score};

/// The pretraining file as it was at the start.
const CONFIG: &str = "config.toml";
/// Where checkpoints lie.
const CHECKPOINTS: &str = "checkpoints";
/// Held by the process that has it open.
const LOCK: &str = "lock";

/// What pretraining says while it goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum PretrainEvent {
    /// A step is done.
    Step {
        /// Counted from 1.
        step: u64,
        /// Mean cross-entropy of its response tokens before the step, nats.
        loss: f64,
        /// Norm of the gradient before clipping.
        gradient_norm: f32,
        /// Prompt and response tokens of the step.
        tokens: usize,
    },
    /// Held-out tasks were tried and proposals were sampled.
    Exam {
        /// After this many steps.
        step: u64,
        /// What came out.
        scores: Vec<Score>,
    },
}

/// A pretraining run between two steps.
pub struct Pretraining<'a> {
    config: &'a PretrainConfig,
    _lock: Lock,
    sandbox: &'a dyn Sandbox,
    school: School,
    exam: Exam,
    student: Student,
    checkpoints: Checkpoints<LocalDisk>,
    step: u64,
}

impl<'a> Pretraining<'a> {
    /// Goes on with what was interrupted in `place`, or begins there with a fresh model. Its parent exists.
    ///
    /// # Errors
    /// A value makes no sense, held-out tasks cannot be made, or `place` holds something else or is open elsewhere.
    pub fn open(
        config: &'a PretrainConfig,
        sandbox: &'a dyn Sandbox,
        place: &Path,
    ) -> Result<Self, PretrainError> {
        config.check()?;
        let lock = claim(place, config)?;
        let directory = place.join(CHECKPOINTS);
        let mut checkpoints = Checkpoints::new(directory.clone(), 1, LocalDisk);
        let found = checkpoints.latest().map_err(at(&directory))?;
        let (student, step) = match found.checkpoint {
            None => {
                let student = fresh::model(config)
                    .and_then(|model| {
                        Student::new(CpuBackend::default(), model, TrainerOptions::default())
                    })
                    .map_err(PretrainError::Build)?;
                (student, 0)
            }
            Some(checkpoint) => {
                let path = checkpoint.directory;
                let (backend, options) = (CpuBackend::default(), TrainerOptions::default());
                let student = Student::from_checkpoint(backend, &path, options)
                    .map_err(|source| PretrainError::Checkpoint { path, source })?;
                (student, checkpoint.step)
            }
        };
        let standards = standards(config);
        let prompts = Prompts::new(PROMPTS, &standards);
        let held_out = config.held_out.tasks(sandbox)?;
        let school = School {
            seed: config.seed,
            curriculum: config.curriculum.clone(),
            prompts: prompts.clone(),
            held_out: held_out
                .iter()
                .map(|task| task.program.clone())
                .collect::<HashSet<_>>(),
        };
        Ok(Self {
            config,
            _lock: lock,
            sandbox,
            school,
            exam: Exam::new(held_out, prompts, standards),
            student,
            checkpoints,
            step,
        })
    }

    /// Steps that are done.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Takes every step that is left, or saves and stops between two steps once `stop` is set.
    ///
    /// # Errors
    /// Whatever the sandbox, the model or the disk failed at.
    pub fn run(
        &mut self,
        stop: &AtomicBool,
        notice: &mut dyn FnMut(&PretrainEvent),
    ) -> Result<(), PretrainError> {
        let mut lessons =
            self.school
                .lessons(self.sandbox, self.step, self.config.lessons_per_step)?;
        let mut stops = stop.load(Ordering::Relaxed);
        while self.step < self.config.steps && !stops {
            let (school, sandbox, next) = (self.school.clone(), self.sandbox, self.step + 1);
            let wanted = self.config.lessons_per_step;
            let (following, event) = std::thread::scope(|scope| {
                let writer = thread::start(scope, move || school.lessons(sandbox, next, wanted))?;
                let event = self.learn(&lessons);
                Ok::<_, NoThread>((writer.join(), event))
            })?;
            notice(&event?);
            lessons = match following {
                Ok(lessons) => lessons?,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            let is_last = self.step == self.config.steps;
            // Asked once a step: what stops is saved.
            stops = stop.load(Ordering::Relaxed);
            if self.step.is_multiple_of(self.config.checkpoint_every_steps) || is_last || stops {
                let student = &self.student;
                self.checkpoints
                    .save(self.step, |directory, _| student.save(directory))?;
            }
            if self.step.is_multiple_of(self.config.report_every_steps) || is_last {
                let scores = self.exam().map_err(|source| PretrainError::Model {
                    step: self.step,
                    source,
                })?;
                notice(&PretrainEvent::Exam {
                    step: self.step,
                    scores,
                });
            }
        }
        Ok(())
    }

    /// The model as it is now.
    ///
    /// # Errors
    /// The device failed before.
    pub fn model(&self) -> Result<LanguageModel, PretrainError> {
        let build = |cause: Cause| PretrainError::Build(cause);
        let transformer = self.student.trainer.transformer();
        let parameters = transformer.to_parameters().map_err(|it| build(it.into()))?;
        LanguageModel::from_parts(parameters, self.student.language.clone(), "azr pretrain")
            .map_err(|it| build(it.into()))
    }

    fn exam(&self) -> Result<Vec<Score>, Cause> {
        let Student {
            trainer, language, ..
        } = &self.student;
        self.exam.sit(trainer.transformer(), language, self.sandbox)
    }

    /// One optimizer step on `lessons`.
    fn learn(&mut self, lessons: &[Lesson]) -> Result<PretrainEvent, PretrainError> {
        let step = self.step;
        let failed = |source: Cause| PretrainError::Model { step, source };
        let sequences = lessons
            .iter()
            .map(|it| sequence(&self.student.language, it))
            .collect::<Result<Vec<_>, _>>();
        let sequences = sequences.map_err(failed)?;
        let response_tokens: usize = sequences
            .iter()
            .map(|it| it.tokens.len() - it.prompt_len)
            .sum();
        let weight = -1.0 / response_tokens as f32;
        let mut loss = 0.0;
        let mut weigh = |_: usize, scores: &TokenScores| {
            loss -= scores
                .logprobs
                .iter()
                .map(|&logprob| f64::from(logprob))
                .sum::<f64>();
            let n = scores.logprobs.len();
            TokenGradients {
                logprob: vec![weight; n],
                entropy: vec![0.0; n],
            }
        };
        self.student
            .trainer
            .accumulate(&sequences, 1.0, &mut weigh)
            .map_err(|it| failed(it.into()))?;
        let options = self.step_options();
        let report = self
            .student
            .trainer
            .step(&options)
            .map_err(|it| failed(it.into()))?;
        self.step += 1;
        Ok(PretrainEvent::Step {
            step: self.step,
            loss: loss / response_tokens as f64,
            gradient_norm: report.gradient_norm,
            tokens: sequences.iter().map(|it| it.tokens.len()).sum(),
        })
    }

    fn step_options(&self) -> StepOptions {
        let optimizer = &self.config.optimizer;
        StepOptions {
            lr: self.config.learning_rate(self.step),
            beta1: optimizer.beta1,
            beta2: optimizer.beta2,
            eps: optimizer.epsilon,
            weight_decay: optimizer.weight_decay,
            gradient_norm_max: optimizer.gradient_norm_max,
        }
    }
}

/// Makes `place` that of `config` and of this process, unless it is that of another file or process.
fn claim(place: &Path, config: &PretrainConfig) -> Result<Lock, PretrainError> {
    let checkpoints = place.join(CHECKPOINTS);
    fs::create_dir_all(&checkpoints).map_err(at(&checkpoints))?;
    let path = place.join(LOCK);
    let lock = Lock::take(&path).map_err(|error| match error {
        TryLockError::WouldBlock => PretrainError::Locked {
            place: place.to_path_buf(),
        },
        TryLockError::Error(source) => at(&path)(source),
    })?;
    let path = place.join(CONFIG);
    match fs::read_to_string(&path) {
        Ok(text) if toml::from_str::<PretrainConfig>(&text).is_ok_and(|it| it == *config) => {
            Ok(lock)
        }
        Ok(_) => Err(PretrainError::OtherFile {
            place: place.to_path_buf(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = toml::to_string(config).map_err(|it| PretrainError::Build(it.into()))?;
            let aside = place.join(format!(".{CONFIG}"));
            fs::write(&aside, text)
                .and_then(|()| fs::rename(&aside, &path))
                .map_err(at(&path))?;
            Ok(lock)
        }
        Err(error) => Err(at(&path)(error)),
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> PretrainError + use<> {
    let path = path.to_path_buf();
    move |source| PretrainError::Disk {
        path: path.clone(),
        source,
    }
}

/// azr-tiny is asked in bare blocks.
const PROMPTS: PromptOptions = PromptOptions {
    set: PromptSet::Compact,
    propose_opening: Opening::Free,
    solve_opening: Opening::Free,
};

fn standards(config: &PretrainConfig) -> Standards {
    let mut standards = Standards::new(Grammar::new(AnswerFormat::Fenced));
    standards.induction.inputs = config.curriculum.induction_inputs;
    standards.induction.inputs_valid_min = config.curriculum.induction_inputs;
    standards
}

fn sequence(language: &Language, lesson: &Lesson) -> Result<Sequence, Cause> {
    let mut tokens =
        language.encode_completion(&format!("{}{}", lesson.prompt.user, lesson.prompt.prefill))?;
    let prompt_len = tokens.len();
    tokens.extend(language.tokenizer().encode(&lesson.response)?);
    tokens.extend(language.stop_tokens().first());
    Ok(Sequence { tokens, prompt_len })
}
