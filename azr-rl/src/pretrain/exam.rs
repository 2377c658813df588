//! How far a pretrained model is: held-out solve rates by kind and number of statements, and the share of its proposals
//! that are tasks. One sample each at temperature 1: a progress report, not a measurement.

use std::collections::BTreeMap;

use azr_executor::Sandbox;
use azr_model::generate::{BatchLimits, Request, Sampling, StopStrings, generate};
use azr_model::language::Language;
use azr_model::tokenizer::SpecialTokens;
use azr_model::transformer::Transformer;
use azr_tasks::{
    Drawn, Lane, Prompt, Prompts, References, Role, Standards, Task, TaskKind, Validation, Verdict,
    Workshop,
};

use crate::policy::Cause;

/// Tokens of an answer at most.
const NEW_TOKENS_MAX: usize = 128;

/// Questions that the model has not seen, and how answers are judged.
pub struct Exam {
    tasks: Vec<Drawn>,
    prompts: Prompts,
    standards: Standards,
}

/// How many answers of one sort are right.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Solved, or proposed.
    pub lane: Lane,
    /// Statements of the program; 0 for proposals.
    pub statements: usize,
    /// Right answers, or proposals that are tasks.
    pub right: usize,
    /// Answers.
    pub of: usize,
}

impl Exam {
    pub(super) fn new(tasks: Vec<Task>, prompts: Prompts, standards: Standards) -> Self {
        Self {
            tasks: tasks.into_iter().map(Drawn::from).collect(),
            prompts,
            standards,
        }
    }

    pub(super) fn sit(
        &self,
        transformer: &Transformer,
        language: &Language,
        sandbox: &dyn Sandbox,
    ) -> Result<Vec<Score>, Cause> {
        let workshop = Workshop {
            sandbox,
            standards: &self.standards,
        };
        let mut scores: BTreeMap<(Lane, usize), Score> = BTreeMap::new();
        for role in Role::ALL {
            let prompts: Vec<Prompt> = self
                .tasks
                .iter()
                .map(|drawn| self.prompt(role, drawn))
                .collect();
            let answers = answers(transformer, language, &prompts)?;
            for ((drawn, prompt), answer) in self.tasks.iter().zip(&prompts).zip(answers) {
                let lane = Lane {
                    role,
                    kind: drawn.task.kind,
                };
                let text = format!("{}{answer}", prompt.prefill);
                let right = self.is_right(lane, drawn, &text, &workshop)?;
                let statements = if role == Role::Solve {
                    drawn.task.program.lines().count() - 2
                } else {
                    0
                };
                let score = scores.entry((lane, statements)).or_insert(Score {
                    lane,
                    statements,
                    right: 0,
                    of: 0,
                });
                score.right += usize::from(right);
                score.of += 1;
            }
        }
        Ok(scores.into_values().collect())
    }

    fn prompt(&self, role: Role, drawn: &Drawn) -> Prompt {
        let rules = drawn.task.kind.rules();
        match role {
            Role::Solve => rules.solve_prompt(&self.prompts, &drawn.task),
            Role::Propose => rules.propose_prompt(&self.prompts, &references(drawn)),
        }
    }

    fn is_right(
        &self,
        lane: Lane,
        drawn: &Drawn,
        text: &str,
        workshop: &Workshop<'_>,
    ) -> Result<bool, Cause> {
        let rules = lane.kind.rules();
        if lane.role == Role::Solve {
            return Ok(rules.verify(&drawn.task, text, workshop)? == Verdict::Correct);
        }
        let Ok(proposal) = rules.read_proposal(text, &references(drawn), &self.standards.grammar)
        else {
            return Ok(false);
        };
        let new = lane.kind == TaskKind::Induction || proposal.program != drawn.task.program;
        Ok(new && matches!(rules.validate(proposal, workshop)?, Validation::Accepted(_)))
    }
}

fn references(drawn: &Drawn) -> References {
    References {
        examples: vec![drawn.clone()],
        ..References::default()
    }
}

fn answers(
    transformer: &Transformer,
    language: &Language,
    prompts: &[Prompt],
) -> Result<Vec<String>, Cause> {
    let mut requests = Vec::with_capacity(prompts.len());
    for (idx, prompt) in prompts.iter().enumerate() {
        requests.push(Request {
            prompt: language.encode_completion(&format!("{}{}", prompt.user, prompt.prefill))?,
            new_tokens_max: NEW_TOKENS_MAX,
            sampling: Sampling::at_temperature(1.0),
            seed: idx as u64,
            stop_tokens: language.stop_tokens().clone(),
            stop_strings: StopStrings::default(),
        });
    }
    let mut tokens = vec![Vec::new(); prompts.len()];
    generate(
        transformer,
        &requests,
        &BatchLimits::default(),
        &mut |idx, completion| tokens[idx] = completion.tokens,
    )?;
    tokens
        .iter()
        .map(|it| Ok(language.decode(it, SpecialTokens::Skip)?))
        .collect()
}
