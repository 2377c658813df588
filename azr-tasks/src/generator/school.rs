//! Draws lessons and held-out tasks in any number, each from its own generator, so that a seed gives the same school.

use std::collections::HashSet;

use azr_executor::Sandbox;
use azr_executor::value::Arguments;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use super::lesson::{self, Lesson};
use super::program::{Program, below, draw_input};
use super::trace::{self, WorkError, Worked, to_value};
use crate::kind::{Lane, Role, TaskKind};
use crate::prompt::Prompts;
use crate::task::{Case, Task};

/// A list grown past this is no lesson.
const STATE_ELEMENTS_MAX: usize = 10;
/// An output shorter than this is right by luck too often.
const OUTPUT_ELEMENTS_MIN: usize = 2;

/// After so many programs in a row without a new good one there are no more: short programs are few.
const DRAWN_IN_VAIN_MAX: usize = 10_000;

/// How often programs have 1, 2, 3, … statements: weights, not necessarily of sum 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LengthMix(pub Vec<f64>);

impl LengthMix {
    fn draw(&self, rng: &mut ChaCha8Rng) -> usize {
        1 + draw_weighted(rng, &self.0)
    }

    fn statements_max(&self) -> usize {
        self.0.len()
    }
}

/// What lessons are about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curriculum {
    /// Weight of each lane among the lessons, in the order of [`Lane::ALL`].
    pub lane_weights: [f64; 6],
    /// Statements of a program to be traced forward or backward, or to be proposed.
    pub statements: LengthMix,
    /// Statements of a program to be found from examples.
    pub induction_statements: LengthMix,
    /// Inputs of an induction task; the first half is shown.
    pub induction_inputs: usize,
}

/// Tasks that nothing else may contain: neither a lesson nor a proposal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratedTasks {
    /// They are drawn from this.
    pub seed: u64,
    /// How many of each kind.
    pub tasks_per_kind: usize,
    /// Statements of a deduction or abduction program.
    pub statements: LengthMix,
    /// Statements of an induction program.
    pub induction_statements: LengthMix,
    /// Inputs of an induction task; the first half is shown.
    pub induction_inputs: usize,
}

/// Writes lessons.
#[derive(Debug, Clone)]
pub struct School {
    /// Everything is drawn from this.
    pub seed: u64,
    /// What lessons are about.
    pub curriculum: Curriculum,
    /// How the loop asks.
    pub prompts: Prompts,
    /// Source text of programs that no lesson may contain.
    pub held_out: HashSet<String>,
}

/// A drawn lesson before its programs were run.
struct Draft {
    lane: Lane,
    /// Shown to a proposer.
    reference: Program,
    program: Program,
    inputs: Vec<Vec<u8>>,
}

impl School {
    /// `n` lessons of batch number `batch`.
    ///
    /// # Errors
    /// [`WorkError`] when the sandbox does not run the drawn programs.
    pub fn lessons(
        &self,
        sandbox: &dyn Sandbox,
        batch: u64,
        n: usize,
    ) -> Result<Vec<Lesson>, WorkError> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(batch + 1);
        let mut lessons = Vec::with_capacity(n);
        let mut drawn_in_vain = 0;
        while lessons.len() < n {
            let missing = n - lessons.len();
            let n_drawn = missing + missing / 4 + 4;
            let drawn = (0..n_drawn).map(|_| self.draft(&mut rng));
            let drafts = drawn.filter(|it| !self.holds_out(it)).collect();
            let found = self.complete(sandbox, drafts)?;
            drawn_in_vain = if found.is_empty() {
                drawn_in_vain + n_drawn
            } else {
                0
            };
            if DRAWN_IN_VAIN_MAX < drawn_in_vain {
                let drawn = drawn_in_vain;
                return Err(WorkError::NoLesson { drawn });
            }
            lessons.extend(found);
        }
        lessons.truncate(n);
        Ok(lessons)
    }

    fn draft(&self, rng: &mut ChaCha8Rng) -> Draft {
        let curriculum = &self.curriculum;
        let lane = Lane::ALL[draw_weighted(rng, &curriculum.lane_weights)];
        let (mix, n_inputs) = if lane.kind == TaskKind::Induction {
            (
                &curriculum.induction_statements,
                curriculum.induction_inputs,
            )
        } else {
            (&curriculum.statements, 1)
        };
        let n_statements = mix.draw(rng);
        let reference = Program::draw(rng, n_statements);
        let writes_program = lane.role == Role::Propose && lane.kind != TaskKind::Induction;
        let program = if writes_program {
            self.proposed(rng, &reference)
        } else {
            reference.clone()
        };
        Draft {
            lane,
            reference,
            program,
            inputs: (0..n_inputs).map(|_| draw_input(rng)).collect(),
        }
    }

    fn holds_out(&self, draft: &Draft) -> bool {
        [&draft.program, &draft.reference]
            .iter()
            .any(|it| self.held_out.contains(&it.to_string()))
    }

    /// A proposal is an edit of its reference as often as it is new; never a copy.
    fn proposed(&self, rng: &mut ChaCha8Rng, reference: &Program) -> Program {
        let statements = &self.curriculum.statements;
        loop {
            let program = match below(rng, 2) {
                0 => reference.edited(rng, statements.statements_max()),
                _ => {
                    let n_statements = statements.draw(rng);
                    Program::draw(rng, n_statements)
                }
            };
            if program != *reference {
                return program;
            }
        }
    }

    fn complete(
        &self,
        sandbox: &dyn Sandbox,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Lesson>, WorkError> {
        let pairs = drafts.iter().flat_map(|draft| {
            draft
                .inputs
                .iter()
                .map(|input| (draft.program.clone(), input.clone()))
        });
        let mut worked = trace::work(sandbox, pairs.collect())?.into_iter();
        let mut lessons = Vec::new();
        for draft in drafts {
            let cases: Vec<Worked> = worked.by_ref().take(draft.inputs.len()).collect();
            if teaches(&cases) {
                lessons.push(lesson::write(
                    &self.prompts,
                    draft.lane,
                    &draft.reference,
                    &cases,
                ));
            }
        }
        Ok(lessons)
    }
}

impl GeneratedTasks {
    /// The tasks of every kind, each of another program, in the order of [`TaskKind::ALL`].
    ///
    /// # Errors
    /// [`WorkError`] when the sandbox does not run the drawn programs.
    pub fn tasks(&self, sandbox: &dyn Sandbox) -> Result<Vec<Task>, WorkError> {
        let mut tasks = Vec::with_capacity(self.tasks_per_kind * TaskKind::ALL.len());
        for kind in TaskKind::ALL {
            tasks.extend(self.tasks_of(sandbox, kind)?);
        }
        Ok(tasks)
    }

    fn tasks_of(&self, sandbox: &dyn Sandbox, kind: TaskKind) -> Result<Vec<Task>, WorkError> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(kind as u64);
        let induction = kind == TaskKind::Induction;
        let mix = if induction {
            &self.induction_statements
        } else {
            &self.statements
        };
        let n_inputs = if induction { self.induction_inputs } else { 1 };
        let mut seen = HashSet::new();
        let mut tasks = Vec::with_capacity(self.tasks_per_kind);
        let mut drawn_in_vain = 0;
        while tasks.len() < self.tasks_per_kind {
            let found = tasks.len();
            let mut pairs = Vec::with_capacity(self.tasks_per_kind * n_inputs);
            for _ in 0..self.tasks_per_kind {
                let n_statements = mix.draw(&mut rng);
                let program = Program::draw(&mut rng, n_statements);
                pairs.extend((0..n_inputs).map(|_| (program.clone(), draw_input(&mut rng))));
            }
            let worked = trace::work(sandbox, pairs)?;
            let good = worked.chunks(n_inputs).filter(|cases| teaches(cases));
            let new = good.filter(|cases| seen.insert(cases[0].program.clone()));
            tasks.extend(new.map(|cases| task(kind, cases)));
            drawn_in_vain += self.tasks_per_kind;
            if found < tasks.len() {
                drawn_in_vain = 0;
            }
            if DRAWN_IN_VAIN_MAX < drawn_in_vain {
                let wanted = self.tasks_per_kind;
                return Err(WorkError::TooFew {
                    kind,
                    found,
                    wanted,
                });
            }
        }
        tasks.truncate(self.tasks_per_kind);
        Ok(tasks)
    }
}

/// A task made of worked cases of one program.
#[must_use]
pub fn task(kind: TaskKind, cases: &[Worked]) -> Task {
    let case = |worked: &Worked| Case {
        input: Arguments {
            positional: vec![to_value(&worked.input)],
            keyword: Vec::new(),
        },
        output: to_value(worked.output()),
    };
    Task {
        kind,
        program: cases[0].program.to_string(),
        cases: cases.iter().map(case).collect(),
        shown: if kind == TaskKind::Induction {
            cases.len() / 2
        } else {
            0
        },
        message: String::new(),
    }
}

fn teaches(cases: &[Worked]) -> bool {
    cases.iter().all(|worked| {
        worked
            .states
            .iter()
            .all(|state| state.len() <= STATE_ELEMENTS_MAX)
            && OUTPUT_ELEMENTS_MIN <= worked.output().len()
    })
}

fn draw_weighted(rng: &mut ChaCha8Rng, weights: &[f64]) -> usize {
    let total: f64 = weights.iter().sum();
    let mut point = below(rng, 1 << 30) as f64 / f64::from(1 << 30) * total;
    for (idx, weight) in weights.iter().enumerate() {
        if point < *weight {
            return idx;
        }
        point -= weight;
    }
    weights.len() - 1
}

#[cfg(test)]
mod tests {
    use azr_executor::testing::FakeSandbox;
    use azr_executor::{Job, Outcome, Value};

    use super::*;
    use crate::{AnswerFormat, Grammar, PromptOptions, Standards};

    /// Says of every program that its one statement gives `state`.
    fn always(state: &'static [u8]) -> FakeSandbox {
        FakeSandbox::new(|_: &Job, input: &Arguments| {
            let Some(Value::List(inputs)) = input.positional.first() else {
                return Outcome::Returned(Value::None);
            };
            let trace = Value::List(vec![to_value(state)]);
            Outcome::Returned(Value::List(vec![trace; inputs.len()]))
        })
    }

    fn held_out(tasks_per_kind: usize) -> GeneratedTasks {
        GeneratedTasks {
            seed: 1,
            tasks_per_kind,
            statements: LengthMix(vec![1.0]),
            induction_statements: LengthMix(vec![1.0]),
            induction_inputs: 2,
        }
    }

    #[test]
    fn when_no_program_teaches_anything_the_search_for_a_lesson_ends() {
        let standards = Standards::new(Grammar::new(AnswerFormat::Fenced));
        let school = School {
            seed: 1,
            curriculum: Curriculum {
                lane_weights: [1.0; 6],
                statements: LengthMix(vec![1.0]),
                induction_statements: LengthMix(vec![1.0]),
                induction_inputs: 2,
            },
            prompts: Prompts::new(PromptOptions::compact(), &standards),
            held_out: HashSet::new(),
        };
        assert_eq!(school.lessons(&always(&[1, 2]), 0, 50).unwrap().len(), 50);
        let error = school.lessons(&always(&[1]), 0, 50).unwrap_err();
        assert!(matches!(error, WorkError::NoLesson { .. }), "{error:?}");
    }

    #[test]
    fn more_tasks_than_there_are_programs_is_an_error_and_no_endless_search() {
        assert_eq!(held_out(20).tasks(&always(&[1, 2])).unwrap().len(), 60);
        let error = held_out(5_000).tasks(&always(&[1, 2])).unwrap_err();
        assert!(
            matches!(error, WorkError::TooFew { found, wanted: 5_000, .. } if 100 < found),
            "{error:?}"
        );
    }
}
