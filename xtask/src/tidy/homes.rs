//! Single homes: what may exist in one place only, and what may not exist in a library at all.

use super::Findings;
use crate::rust::Source;
use crate::tree::{File, Tree};

const LIBRARIES: [&str; 4] = ["azr-executor/", "azr-tasks/", "azr-model/", "azr-rl/"];
const WIRE: &str = "azr-rl/src/wire.rs";
const KIND: &str = "azr-tasks/src/kind.rs";
const KINDS: [&str; 3] = ["Deduction", "Abduction", "Induction"];

/// Files (or directories, ending in `/`) that may hold `unsafe`.
const UNSAFE_HOMES: [&str; 10] = [
    "azr-executor/native/",
    "azr-executor/src/sys.rs",
    "azr-executor/src/sys/",
    "azr-model/src/cuda/bytes.rs",
    "azr-model/src/cuda/driver.rs",
    "azr-model/src/cuda/driver/",
    "azr-model/src/cuda/emulator.rs",
    "azr-model/src/cuda/emulator/",
    "azr-model/src/simd.rs",
    "azr-model/src/simd/",
];

/// Crate roots that must forbid it.
const FORBIDDEN_UNSAFE: [&str; 5] = [
    "azr-tasks/src/lib.rs",
    "azr-rl/src/lib.rs",
    "azr-cli/src/main.rs",
    "benches/src/lib.rs",
    "xtask/src/main.rs",
];

/// A module is named after the nouns it holds.
pub fn module_names(tree: &Tree, findings: &mut Findings) {
    const NAMELESS: [&str; 8] = [
        "utils", "util", "common", "helpers", "helper", "misc", "core", "types",
    ];
    for (file, source) in tree.rust() {
        let stem = file.path.strip_suffix(".rs").unwrap_or(&file.path);
        if stem.split('/').any(|part| NAMELESS.contains(&part)) {
            findings.add(
                "name",
                &file.path,
                0,
                "name the module after the nouns it holds",
            );
        }
        for at in source.words("mod") {
            let name = source.code[at + 3..]
                .trim_start()
                .split(|it: char| !it.is_alphanumeric() && it != '_')
                .next();
            if name.is_some_and(|it| NAMELESS.contains(&it)) {
                findings.add(
                    "name",
                    &file.path,
                    source.line(at),
                    "name the module after the nouns it holds",
                );
            }
        }
    }
}

/// Channels occur in one file, and every one is bounded.
pub fn channels(tree: &Tree, findings: &mut Findings) {
    for (file, source) in tree.rust() {
        if file.path != WIRE {
            for word in ["crossbeam_channel", "mpsc", "sync_channel"] {
                each(source, word, |line| {
                    findings.add(
                        "wire",
                        &file.path,
                        line,
                        format!("channels live in {WIRE} and nowhere else"),
                    );
                });
            }
        }
        each(source, "unbounded", |line| {
            findings.add(
                "wire",
                &file.path,
                line,
                "every queue has a bound, and the bound a name",
            )
        });
    }
}

/// One `match` on the kind of a task hands out its rules; nothing else asks.
pub fn kind_matches(tree: &Tree, findings: &mut Findings) {
    let mut at_home = 0;
    for (file, source) in tree.rust() {
        for (at, patterns) in source.patterns() {
            let line = source.line(at);
            let on_kind = patterns.iter().any(|pattern| names_a_kind(pattern));
            if !on_kind || source.is_test(line) {
                continue;
            }
            let is_home = file.path == KIND;
            at_home += usize::from(is_home);
            if !is_home || 1 < at_home {
                findings.add(
                    "kind",
                    &file.path,
                    line,
                    format!("the only match on TaskKind is in {KIND}; ask its rules instead"),
                );
            }
        }
    }
    if at_home == 0
        && tree
            .rust()
            .any(|(file, _)| file.path.starts_with("azr-tasks/src/kind/"))
    {
        findings.add("kind", KIND, 0, "the one match on TaskKind is missing");
    }
}

/// No text is compared with the name of a kind or a role.
pub fn kind_strings(tree: &Tree, findings: &mut Findings) {
    let names = [
        "deduction",
        "abduction",
        "induction",
        "propose",
        "solve",
        "gen_",
        "pred_",
    ];
    for (file, source) in tree.rust() {
        if file.path.starts_with("xtask/") {
            continue;
        }
        for (index, line) in file.text.lines().enumerate() {
            let compares = names.iter().any(|name| {
                line.contains(&format!("== \"{name}\""))
                    || line.contains(&format!("\"{name}\" =>"))
                    || line.contains(&format!("starts_with(\"{name}"))
            });
            if compares && !source.is_test(index + 1) {
                findings.add(
                    "kind",
                    &file.path,
                    index + 1,
                    "compare kinds and roles as values, not as text",
                );
            }
        }
    }
}

/// `unsafe` lives in the listed files; the other roots forbid it.
pub fn unsafe_code(tree: &Tree, findings: &mut Findings) {
    for (file, source) in tree.rust() {
        if UNSAFE_HOMES.iter().any(|home| is_below(&file.path, home)) {
            continue;
        }
        each(source, "unsafe", |line| {
            findings.add(
                "unsafe",
                &file.path,
                line,
                format!("unsafe lives in {} only", UNSAFE_HOMES.join(", ")),
            );
        });
    }
    for root in FORBIDDEN_UNSAFE {
        if tree
            .file(root)
            .is_some_and(|file| !file.text.contains("#![forbid(unsafe_code)]"))
        {
            findings.add(
                "unsafe",
                root,
                0,
                "this crate root must say `#![forbid(unsafe_code)]`",
            );
        }
    }
}

/// candle is an internal of the model; its operations without a backward pass stay out altogether.
pub fn candle(tree: &Tree, findings: &mut Findings) {
    for (file, source) in tree.rust() {
        if !file.path.starts_with("azr-model/") {
            each(source, "candle_core", |line| {
                findings.add(
                    "candle",
                    &file.path,
                    line,
                    "candle is an internal of azr-model",
                )
            });
        }
        for word in ["apply_op1_no_bwd", "apply_op2_no_bwd", "apply_op3_no_bwd"] {
            let samples = file.path.starts_with("azr-model/src/generate");
            each(source, word, |line| {
                if !samples {
                    findings.add("candle", &file.path, line, "loses gradients without a word");
                }
            });
        }
    }
}

/// A library prints nothing, reads no environment and uses no `anyhow`.
pub fn printing_and_environment(tree: &Tree, findings: &mut Findings) {
    const REFUSED: [(&str, &str); 11] = [
        (
            "println!",
            "libraries return values and emit tracing events; the command line prints",
        ),
        (
            "eprintln!",
            "libraries return values and emit tracing events; the command line prints",
        ),
        (
            "print!",
            "libraries return values and emit tracing events; the command line prints",
        ),
        (
            "eprint!",
            "libraries return values and emit tracing events; the command line prints",
        ),
        (
            "env::var",
            "libraries are told, they do not read the environment",
        ),
        (
            "env::var_os",
            "libraries are told, they do not read the environment",
        ),
        (
            "env::vars",
            "libraries are told, they do not read the environment",
        ),
        ("env::args", "libraries are told, they do not read flags"),
        ("anyhow", "a library has one error enum per failure domain"),
        ("static mut", "nothing global is mutable"),
        ("thread_local!", "nothing global is mutable"),
    ];
    for (file, source) in tree.rust().filter(|(file, _)| is_library(file)) {
        for (word, why) in REFUSED {
            each(source, word, |line| {
                if !source.is_test(line) {
                    findings.add("library", &file.path, line, format!("`{word}`: {why}"));
                }
            });
        }
    }
}

/// The command line prints in one file, so that nothing reaches a terminal unescaped or a closed pipe in a panic.
pub fn one_printer(tree: &Tree, findings: &mut Findings) {
    const PRINTER: &str = "azr-cli/src/sink.rs";
    for (file, source) in tree
        .rust()
        .filter(|(file, _)| file.path.starts_with("azr-cli/src/") && file.path != PRINTER)
    {
        for word in ["println!", "eprintln!", "print!", "eprint!"] {
            each(source, word, |line| {
                findings.add(
                    "printer",
                    &file.path,
                    line,
                    format!("print through {PRINTER}"),
                )
            });
        }
    }
}

fn is_library(file: &File) -> bool {
    LIBRARIES
        .iter()
        .any(|library| file.path.starts_with(&format!("{library}src/")))
}

fn is_below(path: &str, home: &str) -> bool {
    path == home || (home.ends_with('/') && path.starts_with(home))
}

fn names_a_kind(pattern: &str) -> bool {
    let mut words = pattern.split(|it: char| !it.is_alphanumeric() && it != '_');
    words.any(|word| KINDS.contains(&word))
}

fn each(source: &Source, word: &str, mut report: impl FnMut(usize)) {
    for at in source.words(word) {
        report(source.line(at));
    }
}
