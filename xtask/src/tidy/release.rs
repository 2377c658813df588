//! The changelog speaks of the version that the workspace has.

use toml::Table;

use super::Findings;
use crate::tree::Tree;

const CHANGELOG: &str = "CHANGELOG.md";

/// Fails when `CHANGELOG.md` has no heading for the workspace's version.
pub fn changelog(tree: &Tree, findings: &mut Findings) {
    let Some(manifest) = tree
        .file("Cargo.toml")
        .and_then(|it| it.text.parse::<Table>().ok())
    else {
        return;
    };
    let version = manifest
        .get("workspace")
        .and_then(|it| it.get("package"))
        .and_then(|it| it.get("version"));
    let Some(version) = version.and_then(|it| it.as_str()) else {
        findings.add("release", "Cargo.toml", 0, "the workspace has no version");
        return;
    };
    let Some(changelog) = tree.file(CHANGELOG) else {
        findings.add("release", CHANGELOG, 0, "missing");
        return;
    };
    let is_heading = |line: &str| {
        let words = line
            .strip_prefix("## ")
            .map(|it| it.trim_start_matches('['));
        words
            .and_then(|it| it.strip_prefix(version))
            .is_some_and(|rest| !rest.starts_with(|it: char| it == '.' || it.is_alphanumeric()))
    };
    if !changelog.text.lines().any(is_heading) {
        findings.add(
            "release",
            CHANGELOG,
            0,
            format!("no heading `## {version}`"),
        );
    }
}
