//! The rules of the house, read from the tree: each rule that matters is a check here, not a habit.

mod errors;
mod graph;
mod homes;
mod kernels;
mod numbers;
mod release;
mod size;
mod words;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use crate::tree::Tree;

/// One broken rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path from the top of the tree.
    pub path: String,
    /// Line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// The rule's name.
    pub rule: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// Finds what breaks one rule or a family of them.
type Rule = fn(&Tree, &mut Findings);

const RULES: [Rule; 19] = [
    graph::edges,
    graph::foreign_crates,
    size::heads,
    size::files,
    size::functions,
    size::weights,
    homes::module_names,
    homes::channels,
    homes::kind_matches,
    homes::kind_strings,
    homes::unsafe_code,
    homes::candle,
    homes::printing_and_environment,
    homes::one_printer,
    kernels::complete,
    numbers::tolerances,
    errors::no_text_only_variants,
    words::forbidden,
    release::changelog,
];

/// What was found so far.
#[derive(Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Adds one.
    pub fn add(&mut self, rule: &'static str, path: &str, line: usize, message: impl Into<String>) {
        self.0.push(Finding {
            path: path.to_string(),
            line,
            rule,
            message: message.into(),
        });
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: [{}] {}",
            self.path, self.line, self.rule, self.message
        )
    }
}

/// Applies every rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Findings::default();
    for rule in RULES {
        rule(tree, &mut findings);
    }
    findings.0.sort();
    findings.0.dedup();
    findings.0
}

/// Checks the tree at `root` and prints what is wrong, then the sizes of files and functions.
pub fn print(root: &Path) -> anyhow::Result<ExitCode> {
    let tree =
        Tree::read(root).with_context(|| format!("cannot read the tree at {}", root.display()))?;
    let findings = check(&tree);
    for finding in &findings {
        println!("{finding}");
    }
    println!("{}", size::summary(&tree));
    println!(
        "tidy: {} files read, {} rules broken",
        tree.files.len(),
        findings.len()
    );
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests;
