//! Every kernel directory is complete: the operation, its slow truth, and the test that holds them together.

use std::collections::BTreeSet;

use super::Findings;
use crate::tree::Tree;

const KERNELS: &str = "azr-model/src/kernels/";
const PARTS: [&str; 3] = ["mod.rs", "reference.rs", "tests.rs"];

/// Fails on a directory of `kernels/` without one of its parts, and on GPU source without its launcher or the
/// reverse.
pub fn complete(tree: &Tree, findings: &mut Findings) {
    let below = |path: &str| -> Option<(String, String)> {
        let (operation, part) = path.strip_prefix(KERNELS)?.split_once('/')?;
        Some((operation.to_string(), part.to_string()))
    };
    let parts: BTreeSet<(String, String)> = tree
        .sizes
        .iter()
        .filter_map(|(path, _)| below(path))
        .collect();
    let operations: BTreeSet<&String> = parts.iter().map(|(operation, _)| operation).collect();
    for operation in operations {
        let has = |part: &str| parts.contains(&(operation.clone(), part.to_string()));
        let directory = format!("{KERNELS}{operation}");
        for part in PARTS {
            if !has(part) {
                findings.add("kernel", &directory, 0, format!("{part} is missing"));
            }
        }
        if has("kernel.cu") != has("cuda.rs") {
            findings.add(
                "kernel",
                &directory,
                0,
                "kernel.cu and cuda.rs come together",
            );
        }
    }
}
