//! Plants each fault in a small clean tree and sees it caught; then reads the real tree.

mod homes;
mod text;

use std::fs;
use std::path::Path;

use super::check;
use crate::tree::Tree;

/// A file to write: path and text.
type Planted<'a> = (&'a str, &'a str);

const CLEAN: [Planted<'static>; 12] = [
    (
        "Cargo.toml",
        "[workspace]\n[workspace.package]\nversion = \"1.2.3\"\n",
    ),
    ("CHANGELOG.md", "# Changelog\n\n## 1.2.3\n"),
    (
        "azr-executor/Cargo.toml",
        "[package]\nname = \"azr-executor\"\n",
    ),
    ("azr-executor/src/lib.rs", "//! Runs.\n"),
    (
        "azr-tasks/Cargo.toml",
        "[package]\nname = \"azr-tasks\"\n[dependencies]\nazr-executor.workspace = true\n",
    ),
    (
        "azr-tasks/src/lib.rs",
        "//! Tasks.\n#![forbid(unsafe_code)]\n",
    ),
    (
        "azr-tasks/src/kind.rs",
        "//! Kinds.\nfn rules(kind: TaskKind) -> u8 { match kind { TaskKind::Deduction => 1, _ => 2 } }\n",
    ),
    (
        "azr-rl/src/lib.rs",
        "//! The step.\n#![forbid(unsafe_code)]\n",
    ),
    ("azr-model/src/lib.rs", "//! The model.\n"),
    ("azr-model/src/kernels/norm/mod.rs", "//! Norm.\n"),
    ("azr-model/src/kernels/norm/reference.rs", "//! Slow.\n"),
    ("azr-model/src/kernels/norm/tests.rs", "//! Both.\n"),
];

/// The names of the rules broken by the clean tree with `planted` written over it.
fn broken(planted: &[Planted]) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in CLEAN.iter().chain(planted) {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    check(&Tree::read(root.path()).unwrap())
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// Exactly one finding, of this rule, that says this.
fn caught(planted: &[Planted], rule: &str, words: &str) {
    let found = broken(planted);
    assert_eq!(found.len(), 1, "{planted:?} gave {found:#?}");
    assert!(
        found[0].contains(&format!("[{rule}]")) && found[0].contains(words),
        "{rule}, {words}: {found:#?}"
    );
}

fn manifest(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\n{rest}\n")
}

#[test]
fn a_clean_tree_breaks_no_rule() {
    assert_eq!(broken(&[]), Vec::<String>::new());
}

#[test]
fn this_repository_breaks_no_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let found: Vec<String> = check(&Tree::read(root).unwrap())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_tolerance_that_the_document_does_not_have_or_has_otherwise_is_caught() {
    let path = "azr-model/src/kernels/norm/tests.rs";
    let code = (path, "//! Both.\nconst SUM_ERROR_MAX: f64 = 1e-5;\n");
    let told = |value: &str| format!("| `{path}` `SUM_ERROR_MAX` | `{value}` | rounding |\n");
    caught(&[code], "numbers", "`SUM_ERROR_MAX`");
    caught(
        &[code, ("docs/numerics.md", &told("1e-6"))],
        "numbers",
        "`1e-5`",
    );
    assert!(broken(&[code, ("docs/numerics.md", &told("1e-5"))]).is_empty());
    let script = ("golden/check.py", "AZR_NATS = 1e-3\n");
    caught(&[script], "numbers", "`AZR_NATS`");
}

#[test]
fn an_edge_against_the_arrows_is_caught_in_every_section() {
    let sections = [
        "[dependencies]",
        "[dev-dependencies]",
        "[build-dependencies]",
        "[target.'cfg(unix)'.dependencies]",
    ];
    for section in sections {
        let text = manifest(
            "azr-tasks",
            &format!("{section}\nazr-model.workspace = true"),
        );
        caught(
            &[("azr-tasks/Cargo.toml", &text)],
            "graph",
            "must not know `azr-model`",
        );
    }
}

#[test]
fn a_renamed_edge_is_caught() {
    let text = manifest(
        "azr-executor",
        "[dependencies]\ninnocent = { package = \"azr-tasks\", workspace = true }",
    );
    caught(
        &[("azr-executor/Cargo.toml", &text)],
        "graph",
        "must not know `azr-tasks`",
    );
}

#[test]
fn xtask_depends_on_none_of_ours() {
    let text = manifest("xtask", "[dependencies]\nazr-executor.workspace = true");
    caught(
        &[("xtask/Cargo.toml", &text)],
        "graph",
        "`xtask` must not know",
    );
}

#[test]
fn a_package_outside_the_picture_is_caught() {
    caught(
        &[("azr-core/Cargo.toml", &manifest("azr-core", ""))],
        "graph",
        "not in the picture",
    );
}

#[test]
fn anyhow_in_a_library_is_caught_in_manifest_and_source() {
    let text = manifest("azr-tasks", "[dependencies]\nanyhow.workspace = true");
    caught(
        &[("azr-tasks/Cargo.toml", &text)],
        "foreign",
        "must not use `anyhow`",
    );
    caught(
        &[(
            "azr-tasks/src/lib.rs",
            "//! T.\n#![forbid(unsafe_code)]\nfn a() -> anyhow::Result<()> {}\n",
        )],
        "library",
        "anyhow",
    );
}

#[test]
fn a_version_of_its_own_is_caught() {
    let text = manifest("azr-tasks", "[dependencies]\nserde = \"1\"");
    caught(
        &[("azr-tasks/Cargo.toml", &text)],
        "foreign",
        "workspace = true",
    );
}

#[test]
fn an_async_runtime_is_caught() {
    let text = manifest("azr-rl", "[dependencies]\ntokio.workspace = true");
    caught(
        &[("azr-rl/Cargo.toml", &text)],
        "foreign",
        "threads and bounded wires",
    );
}
