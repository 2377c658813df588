//! Holds chat templates against the texts that transformers renders (`golden/README.md`).
//!
//! `check_templates CASES.json [NAME...]`: prints every text that differs, and what was refused by which name.

use azr_model::chat_template::{ChatTemplate, Conversation, Data, Ending, Message};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;

#[derive(Deserialize)]
struct Golden {
    templates: Vec<String>,
    contexts: Vec<Context>,
    /// Template, context, the text, or the exception that Python raised.
    cases: Vec<(usize, usize, Option<String>, Option<String>)>,
}

#[derive(Deserialize)]
struct Context {
    messages: Vec<Message>,
    tools: Option<Vec<Data>>,
    documents: Option<Vec<Data>>,
    special: BTreeMap<String, String>,
    add_generation_prompt: bool,
}

/// What came of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Equal,
    BothRefuse,
    /// Python renders it.
    Refused,
    Different,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a file of cases")?;
    let golden: Golden = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
    for (template, context, text, exception) in &golden.cases {
        let source = &golden.templates[*template];
        let found = rendered(source, &golden.contexts[*context]);
        let outcome = match (&found, text) {
            (Ok(found), Some(text)) if found == text => Outcome::Equal,
            (Err(_), None) => Outcome::BothRefuse,
            (Err(_), Some(_)) => Outcome::Refused,
            (Ok(_), _) => Outcome::Different,
        };
        *counts.entry(outcome).or_default() += 1;
        if matches!(outcome, Outcome::Refused | Outcome::Different) {
            let head: String = source.chars().take(300).collect();
            println!("{outcome:?} {template}/{context}: {head:?}");
            println!("  expected {:?}", text.as_ref().or(exception.as_ref()));
            println!("  found    {found:?}");
        }
    }
    println!("{counts:?}");
    Ok(match counts.contains_key(&Outcome::Different) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn rendered(source: &str, context: &Context) -> Result<String, String> {
    let conversation = Conversation {
        messages: context.messages.clone(),
        tools: context.tools.clone(),
        documents: context.documents.clone(),
    };
    let ending = match context.add_generation_prompt {
        true => Ending::AssistantTurn,
        false => Ending::LastMessage,
    };
    ChatTemplate::new(source, context.special.clone())
        .render(&conversation, ending)
        .map_err(|error| match error.source() {
            Some(source) => source.to_string(),
            None => error.to_string(),
        })
}
