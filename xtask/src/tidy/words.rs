//! Words that say something is unfinished, or that name one machine.

use super::Findings;
use crate::tree::Tree;

/// Marks of unfinished work. Written in two parts so that this file does not find itself.
const UNFINISHED: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("to", "do!("),
    concat!("#[ig", "nore"),
];

/// Paths that exist on one machine only.
const MACHINE: [&str; 5] = [
    concat!("/wo", "rk/"),
    concat!("/ho", "me/user"),
    concat!("/ro", "ot/.c"),
    concat!("/Us", "ers/"),
    concat!("C:\\Us", "ers"),
];

/// Fails on both.
pub fn forbidden(tree: &Tree, findings: &mut Findings) {
    for file in &tree.files {
        for (index, line) in file.text.lines().enumerate() {
            for word in UNFINISHED {
                if line.contains(word) {
                    findings.add(
                        "word",
                        &file.path,
                        index + 1,
                        format!("`{word}`: finish it or leave it out"),
                    );
                }
            }
            for word in MACHINE {
                if line
                    .match_indices(word)
                    .any(|(at, _)| begins_a_path(line, at))
                {
                    findings.add(
                        "word",
                        &file.path,
                        index + 1,
                        format!("`{word}` exists on one machine only"),
                    );
                }
            }
        }
    }
}

/// `framework/` is a word, not a path.
fn begins_a_path(line: &str, at: usize) -> bool {
    let before = line[..at].chars().next_back();
    before.is_none_or(|it| !it.is_alphanumeric() && it != '.' && it != '_' && it != '-')
}
