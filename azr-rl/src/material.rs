//! What a run starts with besides its policy: seeds for its buffer, and held-out tasks. Gathered once, when the run is
//! started, and kept in its directory.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use azr_executor::Sandbox;
use azr_tasks::generator::WorkError;
use azr_tasks::{NoveltyFilter, SeedError, Standards, Task, TaskKind, Workshop, read_seeds};

use crate::config::{Config, HeldOut, SeedFiles, SeedSource};

/// Seeds and held-out tasks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Material {
    /// The first tasks of the buffer. None of them has a held-out program.
    pub seeds: Vec<Task>,
    /// Tasks that are tried and never trained on.
    pub held_out: Vec<Task>,
}

impl Material {
    /// What `config` asks for. Rows of seed files that are no tasks are left out; see [`azr_tasks::read_seeds`].
    ///
    /// # Errors
    /// [`MaterialError`], never because of what a program did.
    pub fn gather(config: &Config, sandbox: &dyn Sandbox) -> Result<Self, MaterialError> {
        let standards = config.standards.standards(config.grammar, &config.sandbox);
        let gatherer = Gatherer {
            config,
            sandbox,
            standards,
        };
        let held_out = gatherer.held_out()?;
        let novelty = NoveltyFilter::holding_out(held_out.iter().map(|task| task.program.as_str()));
        let seeds = gatherer.seeds(&novelty)?;
        let bare = config.self_play.kinds.iter().find(|&&kind| {
            let sources = kind.rules().example_sources();
            !seeds.iter().any(|task| sources.contains(&task.kind))
        });
        match bare {
            Some(&kind) => Err(MaterialError::NoSeeds { kind }),
            None => Ok(Self { seeds, held_out }),
        }
    }
}

struct Gatherer<'a> {
    config: &'a Config,
    sandbox: &'a dyn Sandbox,
    standards: Standards,
}

impl Gatherer<'_> {
    fn held_out(&self) -> Result<Vec<Task>, MaterialError> {
        let tasks = match &self.config.evaluation.held_out {
            HeldOut::None => Vec::new(),
            HeldOut::Generated(it) => it.tasks(self.sandbox)?,
            HeldOut::Files(files) => self.files(files, &NoveltyFilter::default())?,
        };
        Ok(tasks
            .into_iter()
            .filter(|task| self.config.self_play.kinds.contains(&task.kind))
            .collect())
    }

    fn seeds(&self, novelty: &NoveltyFilter) -> Result<Vec<Task>, MaterialError> {
        let tasks = match &self.config.seeding.source {
            SeedSource::Identity => TaskKind::ALL
                .iter()
                .map(|kind| kind.rules().identity())
                .collect(),
            SeedSource::Generated(it) => it.tasks(self.sandbox)?,
            SeedSource::Files(files) => self.files(files, novelty)?,
        };
        Ok(tasks
            .into_iter()
            .filter(|task| !novelty.holds_out(&task.program))
            .collect())
    }

    fn files(
        &self,
        files: &SeedFiles,
        novelty: &NoveltyFilter,
    ) -> Result<Vec<Task>, MaterialError> {
        let workshop = Workshop {
            sandbox: self.sandbox,
            standards: &self.standards,
        };
        let mut tasks = Vec::new();
        for (kind, path) in [
            (TaskKind::Deduction, &files.triplets),
            (TaskKind::Abduction, &files.triplets),
            (TaskKind::Induction, &files.induction),
        ] {
            let file = File::open(path).map_err(|source| MaterialError::Open {
                path: path.clone(),
                source,
            })?;
            let report = read_seeds(kind, &mut BufReader::new(file), novelty, &workshop).map_err(
                |source| MaterialError::Seeds {
                    path: path.clone(),
                    source,
                },
            )?;
            let left_out = report.rows - report.tasks.len();
            tracing::info!(%kind, path = %path.display(), tasks = report.tasks.len(), left_out, "seed file read");
            if report.tasks.is_empty() {
                return Err(MaterialError::NoTasks {
                    path: path.clone(),
                    kind,
                    rows: report.rows,
                });
            }
            tasks.extend(report.tasks.into_iter().take(files.tasks_per_kind_max));
        }
        Ok(tasks)
    }
}

/// A run cannot be given what it is to start with.
#[derive(Debug, thiserror::Error)]
pub enum MaterialError {
    /// A seed file cannot be opened.
    #[error("the seed file {} cannot be opened ({source}); correct its path in the run file", path.display())]
    Open {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A seed file cannot be read to its end.
    #[error("the seed file {} cannot be used", path.display())]
    Seeds {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: SeedError,
    },
    /// A seed file has no task.
    #[error("none of the {rows} rows of {} is a task of {kind}; give a seed file of the published code", path.display())]
    NoTasks {
        /// Which file.
        path: PathBuf,
        /// Of which kind.
        kind: TaskKind,
        /// Rows read.
        rows: usize,
    },
    /// Tasks could not be generated.
    #[error("tasks cannot be generated")]
    Generate {
        /// Why.
        #[from]
        source: WorkError,
    },
    /// A kind would have nothing to show its proposer.
    #[error("there are no seeds that a proposer of {kind} could be shown; change `seeding.source`")]
    NoSeeds {
        /// Which kind.
        kind: TaskKind,
    },
}
