//! Every tolerance of a number is in one document, with its reason.

use super::Findings;
use crate::tree::{File, Tree};

const DOCUMENT: &str = "docs/numerics.md";

/// Where numbers are compared.
const PLACES: [&str; 3] = ["azr-model/", "benches/", "golden/"];

/// How the names of tolerances end.
const ENDINGS: [&str; 6] = [
    "TOLERANCE",
    "ERROR_MAX",
    "ERROR_BF16_MAX",
    "CHANGE_MAX",
    "NATS_MAX",
    "NATS",
];

/// Fails on a constant that is named like a tolerance, unless a line of the document has its file, its name and its value.
pub fn tolerances(tree: &Tree, findings: &mut Findings) {
    let document = tree.file(DOCUMENT).map_or("", |it| it.text.as_str());
    let places = |file: &&File| PLACES.iter().any(|it| file.path.starts_with(it));
    for file in tree.files.iter().filter(places) {
        for (index, line) in file.text.lines().enumerate() {
            let Some((name, value)) = constant(&file.path, line) else {
                continue;
            };
            let words = [&file.path, name, value].map(|it| format!("`{it}`"));
            let is_told = |line: &str| words.iter().all(|it| line.contains(it.as_str()));
            if !document.lines().any(is_told) {
                let message = format!("no line of {DOCUMENT} has {}", words.join(", "));
                findings.add("numbers", &file.path, index + 1, message);
            }
        }
    }
}

/// Name and value of a constant in Rust or Python that is named like a tolerance.
fn constant<'a>(path: &str, line: &'a str) -> Option<(&'a str, &'a str)> {
    let (name, value) = if path.ends_with(".rs") {
        let line = line.trim_start().trim_start_matches("pub(crate) ");
        let (name, rest) = line.strip_prefix("const ")?.split_once(": f")?;
        (name, rest.split_once(" = ")?.1.strip_suffix(';')?)
    } else if path.ends_with(".py") {
        line.split_once(" = ")?
    } else {
        return None;
    };
    ENDINGS
        .iter()
        .any(|it| name.ends_with(it))
        .then_some((name, value))
}
