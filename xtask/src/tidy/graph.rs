//! Who may know whom: the edges between our crates, and which foreign crates may appear where.

use toml::{Table, Value};

use super::Findings;
use crate::tree::{File, Tree};

/// Every package and those of ours it may name. An edge may follow the arrows of docs/architecture.md over more than
/// one crate (`azr-rl` names the `Sandbox` seam of `azr-executor`), never against them.
const EDGES: [(&str, &[&str]); 8] = [
    ("azr-executor", &[]),
    ("azr-model", &[]),
    ("azr-tasks", &["azr-executor"]),
    ("azr-rl", &["azr-tasks", "azr-executor", "azr-model"]),
    (
        "azr-cli",
        &["azr-rl", "azr-tasks", "azr-executor", "azr-model"],
    ),
    (
        "azr-benches",
        &["azr-rl", "azr-tasks", "azr-executor", "azr-model"],
    ),
    ("azr-fuzz", &["azr-executor", "azr-model"]),
    ("xtask", &[]),
];

/// Foreign crates that belong to some packages only, and why.
const HOMES: [(&str, &[&str], &str); 12] = [
    (
        "anyhow",
        &["azr-cli", "azr-benches", "xtask"],
        "a library has one error enum per failure domain",
    ),
    ("clap", &["azr-cli"], "only the command line knows flags"),
    ("indicatif", &["azr-cli"], "only the command line prints"),
    (
        "tracing-subscriber",
        &["azr-cli"],
        "only the command line decides where logs go",
    ),
    ("candle-core", &["azr-model"], "tensors belong to the model"),
    ("safetensors", &["azr-model"], "weights belong to the model"),
    ("tokenizers", &["azr-model"], "tokens belong to the model"),
    ("hf-hub", &["azr-model"], "weights belong to the model"),
    (
        "crossbeam-channel",
        &["azr-rl"],
        "channels live in azr-rl/src/wire.rs",
    ),
    (
        "ruff_python_parser",
        &["azr-executor"],
        "Python is read by the executor",
    ),
    (
        "ruff_python_ast",
        &["azr-executor"],
        "Python is read by the executor",
    ),
    (
        "criterion",
        &["azr-benches"],
        "hot paths are timed in benches",
    ),
];

/// Crates with a runtime of their own. The producer is a device and the workers are processes: threads, not async.
const REFUSED: [&str; 5] = ["tokio", "async-std", "smol", "futures", "crossbeam"];

/// Fails on an edge between our crates that the picture does not have, and on a package that it does not know.
pub fn edges(tree: &Tree, findings: &mut Findings) {
    for (file, manifest) in manifests(tree, findings) {
        let Some(name) = package_name(&manifest) else {
            continue;
        };
        let Some((_, allowed)) = EDGES.iter().find(|(it, _)| *it == name) else {
            findings.add(
                "graph",
                &file.path,
                0,
                format!("package `{name}` is not in the picture; see docs/architecture.md"),
            );
            continue;
        };
        for dependency in dependencies(&manifest) {
            let ours = EDGES.iter().any(|(it, _)| *it == dependency.package);
            if ours && !allowed.contains(&dependency.package.as_str()) {
                let message = format!(
                    "`{name}` must not know `{}` ({})",
                    dependency.package, dependency.section
                );
                findings.add("graph", &file.path, 0, message);
            }
        }
    }
}

/// Fails on a foreign crate outside its home, and on a version written anywhere but in the workspace.
pub fn foreign_crates(tree: &Tree, findings: &mut Findings) {
    for (file, manifest) in manifests(tree, &mut Findings::default()) {
        let Some(name) = package_name(&manifest) else {
            continue;
        };
        for dependency in dependencies(&manifest) {
            let package = dependency.package.as_str();
            if let Some((_, homes, why)) = HOMES.iter().find(|(it, _, _)| *it == package)
                && !homes.contains(&name)
                && dependency.section != "dev-dependencies"
            {
                findings.add(
                    "foreign",
                    &file.path,
                    0,
                    format!("`{name}` must not use `{package}`: {why}"),
                );
            }
            if REFUSED.contains(&package) {
                findings.add(
                    "foreign",
                    &file.path,
                    0,
                    format!("`{package}` has no home here: threads and bounded wires, not async"),
                );
            }
            if !dependency.from_workspace {
                let message = format!(
                    "write the version of `{package}` in the workspace and `{package}.workspace = true` here"
                );
                findings.add("foreign", &file.path, 0, message);
            }
        }
    }
}

struct Dependency {
    package: String,
    section: &'static str,
    from_workspace: bool,
}

fn manifests<'a>(tree: &'a Tree, findings: &mut Findings) -> Vec<(&'a File, Table)> {
    let mut manifests = Vec::new();
    for file in tree
        .files
        .iter()
        .filter(|it| it.path == "Cargo.toml" || it.path.ends_with("/Cargo.toml"))
    {
        match file.text.parse::<Table>() {
            Ok(manifest) => manifests.push((file, manifest)),
            Err(error) => findings.add("graph", &file.path, 0, format!("not TOML: {error}")),
        }
    }
    manifests
}

fn package_name(manifest: &Table) -> Option<&str> {
    manifest.get("package")?.get("name")?.as_str()
}

fn dependencies(manifest: &Table) -> Vec<Dependency> {
    const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(|it| it.values());
    let tables = std::iter::once(manifest).chain(targets.filter_map(Value::as_table));
    let mut found = Vec::new();
    for table in tables {
        for section in SECTIONS {
            for (key, value) in table
                .get(section)
                .and_then(Value::as_table)
                .into_iter()
                .flatten()
            {
                let package = value
                    .get("package")
                    .and_then(Value::as_str)
                    .unwrap_or(key)
                    .to_string();
                let from_workspace = value.get("workspace").and_then(Value::as_bool) == Some(true);
                found.push(Dependency {
                    package,
                    section,
                    from_workspace,
                });
            }
        }
    }
    found
}
