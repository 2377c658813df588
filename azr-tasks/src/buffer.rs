//! The tasks a run has: bounded for each kind, without repeats, the oldest leave first.

mod entry;
mod shelf;

use std::io::{BufRead, Write};

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub use entry::{Entry, EntryRecord, Lineage, Origin, Solves};

use crate::kind::TaskKind;
use crate::novelty::TaskKey;
use crate::references::{Drawn, References};
use crate::task::{RecordError, Rejection, Task, TaskId};
use crate::{draw, ingredients};
use shelf::Shelf;

/// One buffer for each kind. Everything drawn from it depends on its contents and the generator passed in, so a
/// restored buffer draws what the lost one would have drawn.
#[derive(Debug, Clone)]
pub struct Buffers {
    options: BufferOptions,
    shelves: [Shelf; TaskKind::ALL.len()],
}

/// How large the buffers are and how they are drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BufferOptions {
    /// Tasks of one kind (16,384 in the reference).
    pub tasks_max: usize,
    /// Whether seeds leave with age like other tasks.
    pub seeds: SeedPolicy,
    /// Examples shown to a proposer of deduction or abduction (K; 6 in the reference).
    pub examples: usize,
    /// How examples, and programs for induction, are weighted.
    pub weighting: Weighting,
    /// Drawn ingredients shown to a proposer; 0 for none.
    pub ingredients: usize,
    /// How tasks are chosen for the solver.
    pub solver_draw: SolverDraw,
    /// A task is new for the solver while `current step - its step <= recent_steps`.
    pub recent_steps: u64,
}

/// Whether seeds leave with age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeedPolicy {
    /// Seeds stay as long as any other task can leave.
    Keep,
    /// Seeds leave like other tasks.
    Age,
}

/// How examples are weighted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// All the same.
    Uniform,
    /// By `step + 1`. The paper reports that it can collapse (appendix D.3).
    Recent,
}

/// How tasks are chosen for the solver (the reference: `max_new`, `half_new`, `uniform_total`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SolverDraw {
    /// As many new tasks as there are, then any others.
    MaxNew,
    /// New tasks for at most half, then any others.
    HalfNew,
    /// Any tasks.
    Uniform,
}

/// What a buffer holds at the moment, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Summary {
    /// Tasks.
    pub tasks: usize,
    /// Of these, seeds.
    pub seeds: usize,
    /// Different programs.
    pub programs: usize,
    /// Tasks that were attempted at least once.
    pub attempted: usize,
    /// Mean solve rate of the attempted ones; 0 when there are none.
    pub solve_rate_mean: f64,
}

impl Default for BufferOptions {
    fn default() -> Self {
        Self {
            tasks_max: 16_384,
            seeds: SeedPolicy::Keep,
            examples: 6,
            weighting: Weighting::Uniform,
            ingredients: 0,
            solver_draw: SolverDraw::MaxNew,
            recent_steps: 1,
        }
    }
}

impl Buffers {
    /// Empty buffers.
    pub fn new(options: BufferOptions) -> Self {
        Self {
            options,
            shelves: TaskKind::ALL.map(|_| Shelf::default()),
        }
    }

    /// Takes a task in; when the buffer is full, the oldest leaves.
    ///
    /// # Errors
    /// [`Rejection::Duplicate`] when it is there already.
    pub fn admit(&mut self, task: Task, lineage: Lineage) -> Result<TaskId, Rejection> {
        self.insert(Entry::new(task, lineage))
    }

    /// Whether the buffer has this task, or one that differs only in layout, names of local variables or message.
    pub fn has(&self, task: &Task) -> bool {
        self.shelf(task.kind).has(&TaskKey::of(task))
    }

    /// A task that is still there.
    pub fn get(&self, kind: TaskKind, id: &TaskId) -> Option<&Entry> {
        self.shelf(kind).get(id)
    }

    /// How many tasks of a kind there are.
    pub fn len(&self, kind: TaskKind) -> usize {
        self.shelf(kind).len()
    }

    /// Whether there is no task of any kind.
    pub fn is_empty(&self) -> bool {
        self.shelves.iter().all(|shelf| shelf.len() == 0)
    }

    /// The tasks of a kind, oldest first.
    pub fn entries(&self, kind: TaskKind) -> impl Iterator<Item = &Entry> {
        self.shelf(kind).entries()
    }

    /// What a buffer holds.
    pub fn summary(&self, kind: TaskKind) -> Summary {
        self.shelf(kind).summary()
    }

    /// Material for one proposal of `kind`. Deduction and abduction: up to K examples of the same kind, without repeats.
    /// Induction: one program out of the deduction and abduction buffers together.
    pub fn references(&self, kind: TaskKind, rng: &mut ChaCha8Rng) -> References {
        let sources = kind.rules().example_sources();
        let wanted = kind.rules().examples(self.options.examples);
        let pool: Vec<&Entry> = sources
            .iter()
            .flat_map(|&source| self.entries(source))
            .collect();
        let picked = match self.options.weighting {
            Weighting::Uniform => draw::distinct(wanted, pool.len(), rng),
            Weighting::Recent => {
                let weights: Vec<u64> = pool.iter().map(|entry| entry.lineage.step + 1).collect();
                draw::weighted_distinct(wanted, &weights, rng)
            }
        };
        References {
            examples: picked
                .into_iter()
                .map(|index| pool[index].drawn())
                .collect(),
            form: draw::below(FORMS, rng) as usize,
            ingredients: ingredients::draw(self.options.ingredients, rng),
        }
    }

    /// Up to `count` different tasks for the solver at `step`; fewer when the buffer has fewer.
    pub fn draw_for_solving(
        &self,
        kind: TaskKind,
        count: usize,
        step: u64,
        rng: &mut ChaCha8Rng,
    ) -> Vec<Drawn> {
        let entries: Vec<&Entry> = self.entries(kind).collect();
        let is_new =
            |entry: &Entry| step.saturating_sub(entry.lineage.step) <= self.options.recent_steps;
        let new: Vec<usize> = (0..entries.len())
            .filter(|&at| is_new(entries[at]))
            .collect();
        let wanted_new = match self.options.solver_draw {
            SolverDraw::MaxNew => count,
            SolverDraw::HalfNew => count / 2,
            SolverDraw::Uniform => 0,
        };
        let mut chosen: Vec<usize> = draw::distinct(wanted_new, new.len(), rng)
            .into_iter()
            .map(|at| new[at])
            .collect();
        let mut taken = vec![Taken::No; entries.len()];
        chosen.iter().for_each(|&at| taken[at] = Taken::Yes);
        let rest: Vec<usize> = (0..entries.len())
            .filter(|&at| taken[at] == Taken::No)
            .collect();
        let missing = count - chosen.len();
        chosen.extend(
            draw::distinct(missing, rest.len(), rng)
                .into_iter()
                .map(|at| rest[at]),
        );
        chosen.into_iter().map(|at| entries[at].drawn()).collect()
    }

    /// Adds the verdicts of `attempts` answers to the running solve rate of a task, if it is still there.
    pub fn record_solves(&mut self, kind: TaskKind, id: &TaskId, correct: u64, attempts: u64) {
        if let Some(entry) = self.shelves[kind as usize].get_mut(id) {
            entry.solves.correct += correct;
            entry.solves.attempts += attempts;
        }
    }

    /// Writes one line of JSON for each task: kinds in order, oldest first.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_jsonl(&self, writer: &mut dyn Write) -> std::io::Result<()> {
        for entry in self.shelves.iter().flat_map(Shelf::entries) {
            serde_json::to_writer(&mut *writer, &EntryRecord::from(entry))?;
            writer.write_all(b"\n")?;
        }
        Ok(())
    }

    /// The buffers that [`Buffers::write_jsonl`] wrote.
    ///
    /// # Errors
    /// [`RecordError`] names the line.
    pub fn read_jsonl(
        options: BufferOptions,
        reader: &mut dyn BufRead,
    ) -> Result<Self, RecordError> {
        let mut buffers = Self::new(options);
        for (at, line) in reader.lines().enumerate() {
            let number = at + 1;
            let line = line.map_err(|source| RecordError::Io {
                line: number,
                source,
            })?;
            if line.trim().is_empty() {
                continue;
            }
            let record: EntryRecord =
                serde_json::from_str(&line).map_err(|source| RecordError::Json {
                    line: number,
                    source,
                })?;
            let repeated = buffers.insert(record.into_entry(number)?).is_err();
            if repeated {
                return Err(RecordError::Repeated { line: number });
            }
        }
        Ok(buffers)
    }

    fn insert(&mut self, entry: Entry) -> Result<TaskId, Rejection> {
        let id = entry.id.clone();
        let shelf = &mut self.shelves[entry.task.kind as usize];
        if shelf.has(&entry.key) {
            return Err(Rejection::Duplicate);
        }
        shelf.push(entry);
        while self.options.tasks_max.max(1) < shelf.len() {
            shelf.remove_oldest(self.options.seeds);
        }
        Ok(id)
    }

    fn shelf(&self, kind: TaskKind) -> &Shelf {
        &self.shelves[kind as usize]
    }
}

/// Number of forms to choose from; a multiple of every small number of worked examples.
const FORMS: u64 = 5_040;

/// Whether a task was chosen already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Yes,
    No,
}

#[cfg(test)]
mod tests;
