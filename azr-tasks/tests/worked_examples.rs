//! The examples in the prompts are what they ask for: each of them is a valid task of the real sandbox.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use azr_executor::{Python, PythonConfig};
use azr_tasks::{
    AnswerFormat, Grammar, NoveltyFilter, PromptOptions, Prompts, References, Rejection, Standards,
    TaskKind, Validation, Workshop, judge_proposal,
};

#[test]
fn every_worked_example_runs_and_none_can_be_handed_in() {
    let python = Python::start(&PythonConfig::default()).unwrap();
    let standards = Standards::new(Grammar::new(AnswerFormat::Fenced));
    let prompts = Prompts::new(PromptOptions::full(AnswerFormat::Fenced), &standards);
    let workshop = Workshop {
        sandbox: &python,
        standards: &standards,
    };
    let mut programs = BTreeSet::new();
    for form in 0..12 {
        let shown = References {
            form,
            ..References::default()
        };
        let rules = TaskKind::Deduction.rules();
        let text = rules.propose_prompt(&prompts, &shown).user;
        let mut proposal = rules
            .read_proposal(&text, &shown, &standards.grammar)
            .unwrap();
        let novelty = NoveltyFilter::default();
        let copied = judge_proposal(TaskKind::Deduction, &text, &shown, &novelty, &workshop);
        assert_eq!(
            copied.unwrap(),
            Validation::Rejected(Rejection::CopyOfReference)
        );
        proposal.authorship = azr_tasks::Authorship::Given;
        let judged = rules.validate(proposal, &workshop).unwrap();
        let Validation::Accepted(task) = judged else {
            panic!("worked example {form}: {judged:?}")
        };
        programs.insert(task.program);
    }
    assert_eq!(programs.len(), 6);
}
