//! File heads and sizes: one page per function, four pages per file, a first line that says what the file is for.

use super::Findings;
use crate::tree::Tree;

/// Longest Rust file, lines.
const FILE_LINES_MAX: usize = 400;
/// Longest function, lines from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Largest file of the repository, bytes: room for the embedded model and nothing larger.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// What may excuse a long function, in test code only: a line above it that begins so, and a reason after it.
const EXCUSE: &str = "// Long because ";

/// Every Rust file begins with `//!` and words.
pub fn heads(tree: &Tree, findings: &mut Findings) {
    for (file, _) in tree.rust() {
        let head = file.text.lines().next().unwrap_or_default();
        if head
            .strip_prefix("//!")
            .is_none_or(|words| words.trim().is_empty())
        {
            findings.add(
                "head",
                &file.path,
                1,
                "begin the file with `//!` and what it is for",
            );
        }
    }
}

/// No file is longer than four pages.
pub fn files(tree: &Tree, findings: &mut Findings) {
    for (file, source) in tree.rust() {
        let lines = source.lines();
        if FILE_LINES_MAX < lines {
            findings.add(
                "size",
                &file.path,
                0,
                format!("{lines} lines; at most {FILE_LINES_MAX}: split it by what it is for"),
            );
        }
    }
}

/// No function is longer than a page.
pub fn functions(tree: &Tree, findings: &mut Findings) {
    for (file, source) in tree.rust() {
        for function in source.functions() {
            let excused = source.is_test(function.line) && has_excuse(&file.text, function.line);
            if FUNCTION_LINES_MAX < function.lines && !excused {
                let message = format!(
                    "`{}` has {} lines; at most {FUNCTION_LINES_MAX}",
                    function.name, function.lines
                );
                findings.add("size", &file.path, function.line, message);
            }
        }
    }
}

/// Nothing fetched or heavy is committed.
pub fn weights(tree: &Tree, findings: &mut Findings) {
    const EMBEDDED: &str = "azr-cli/assets/azr-tiny/";
    for (path, bytes) in &tree.sizes {
        if FILE_BYTES_MAX < *bytes {
            findings.add(
                "size",
                path,
                0,
                format!("{bytes} bytes; at most {FILE_BYTES_MAX}"),
            );
        }
        let is_weights = [".safetensors", ".gguf", ".bin", ".pt"]
            .iter()
            .any(|it| path.ends_with(it));
        if is_weights && !path.starts_with(EMBEDDED) && 1 << 20 < *bytes {
            findings.add(
                "size",
                path,
                0,
                format!("weights belong to {EMBEDDED} or outside the repository"),
            );
        }
    }
}

/// Median, 90th percentile and maximum of files and functions, in words.
pub fn summary(tree: &Tree) -> String {
    let files = tree.rust().map(|(_, source)| source.lines()).collect();
    let functions = tree
        .rust()
        .flat_map(|(_, source)| source.functions())
        .map(|it| it.lines)
        .collect();
    format!(
        "lines per file: {}\nlines per function: {}",
        spread(files),
        spread(functions)
    )
}

fn spread(mut numbers: Vec<usize>) -> String {
    numbers.sort_unstable();
    let Some(last) = numbers.len().checked_sub(1) else {
        return "none".into();
    };
    format!(
        "median {}, p90 {}, max {} of {}",
        numbers[last / 2],
        numbers[last * 9 / 10],
        numbers[last],
        last + 1
    )
}

/// Looks through the comments and attributes directly above the line.
fn has_excuse(text: &str, line: usize) -> bool {
    let above: Vec<&str> = text.lines().take(line - 1).collect();
    above
        .iter()
        .rev()
        .map(|it| it.trim())
        .take_while(|it| it.starts_with("//") || it.starts_with("#["))
        .any(|it| {
            it.strip_prefix(EXCUSE)
                .is_some_and(|reason| !reason.trim().is_empty())
        })
}
