//! Reads the files of a repository once, so that every rule looks at the same text.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::rust::Source;

/// Directories that hold nothing of ours.
const SKIPPED: [&str; 8] = [
    "target",
    "runs",
    "corpus",
    "artifacts",
    ".git",
    "node_modules",
    "__pycache__",
    ".venv",
];

/// What is read as text. Anything else (weights, compressed data) is only listed.
const TEXT: [&str; 13] = [
    "rs", "toml", "md", "txt", "py", "sh", "cu", "cuh", "cpp", "hpp", "json", "jsonl", "html",
];

/// A repository, read.
pub struct Tree {
    /// Every text file.
    pub files: Vec<File>,
    /// Every path with its size in bytes, text or not.
    pub sizes: Vec<(String, u64)>,
}

/// One text file.
pub struct File {
    /// Path from the top, with forward slashes.
    pub path: String,
    /// Its text.
    pub text: String,
    /// The lexical view, for Rust files.
    pub rust: Option<Source>,
}

impl Tree {
    /// Reads everything below `root`, in order of path.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let mut paths = Vec::new();
        list(root, &mut paths)?;
        paths.sort();
        let mut tree = Self {
            files: Vec::new(),
            sizes: Vec::new(),
        };
        for path in paths {
            let name = relative(root, &path);
            let bytes = fs::metadata(&path)
                .with_context(|| format!("cannot look at {}", path.display()))?
                .len();
            tree.sizes.push((name.clone(), bytes));
            let extension = path
                .extension()
                .and_then(|it| it.to_str())
                .unwrap_or_default();
            let is_script = name.starts_with(".ci/");
            if !TEXT.contains(&extension) && !is_script {
                continue;
            }
            // A text file that is not UTF-8 is data (a hostile test case, say), not something a person reads.
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            let rust = (extension == "rs").then(|| Source::new(&name, &text));
            tree.files.push(File {
                path: name,
                text,
                rust,
            });
        }
        Ok(tree)
    }

    /// The file at exactly this path.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|it| it.path == path)
    }

    /// Every Rust file with its lexical view.
    pub fn rust(&self) -> impl Iterator<Item = (&File, &Source)> {
        self.files
            .iter()
            .filter_map(|file| file.rust.as_ref().map(|source| (file, source)))
    }
}

fn list(directory: &Path, paths: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in
        fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?
    {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name();
        if kind.is_dir() {
            if SKIPPED.iter().any(|it| name == *it) {
                continue;
            }
            list(&entry.path(), paths)?;
        } else if kind.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(())
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}
