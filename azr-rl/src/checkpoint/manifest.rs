//! What a complete checkpoint consists of: the size and SHA-256 of every file in it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Name of the manifest in a checkpoint.
pub const FILE_NAME: &str = "manifest.json";

/// Goes up when a checkpoint can no longer be read by an older program.
const FORMAT: u32 = 1;

/// Read at once while hashing.
const CHUNK_BYTES: usize = 1 << 20;

/// The files of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    files: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Relative to the checkpoint, parts separated by `/`.
    path: String,
    bytes: u64,
    sha256: String,
}

impl Manifest {
    /// Reads every file below `directory` but the manifest itself.
    ///
    /// # Errors
    /// When a file cannot be read, or has a name that is not UTF-8.
    pub fn of(directory: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        for inner in directories(directory)? {
            for entry in fs::read_dir(inner)? {
                let path = entry?.path();
                let name = relative(directory, &path)?;
                if path.is_file() && name != FILE_NAME {
                    let (bytes, sha256) = digest(&path)?;
                    files.push(Entry {
                        path: name,
                        bytes,
                        sha256,
                    });
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self {
            format: FORMAT,
            files,
        })
    }

    /// Its text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let entry = |it: &Entry| {
            format!(
                "    {{\"path\": {:?}, \"bytes\": {}, \"sha256\": {:?}}}",
                it.path, it.bytes, it.sha256
            )
        };
        let files: Vec<String> = self.files.iter().map(entry).collect();
        format!(
            "{{\n  \"format\": {},\n  \"files\": [\n{}\n  ]\n}}\n",
            self.format,
            files.join(",\n")
        )
    }

    /// The files, in `directory`.
    pub fn paths(&self, directory: &Path) -> impl Iterator<Item = PathBuf> {
        self.files.iter().map(|it| directory.join(&it.path))
    }

    /// Compares every file with the manifest of `directory`.
    ///
    /// # Errors
    /// The first difference.
    pub fn verify(directory: &Path) -> Result<(), Damage> {
        let text = fs::read_to_string(directory.join(FILE_NAME))
            .map_err(|source| Damage::NoManifest { source })?;
        let manifest: Self =
            serde_json::from_str(&text).map_err(|source| Damage::Manifest { source })?;
        if manifest.format != FORMAT {
            return Err(Damage::Format {
                format: manifest.format,
            });
        }
        for entry in &manifest.files {
            let unreadable = |source| Damage::Unreadable {
                path: entry.path.clone(),
                source,
            };
            let path = directory.join(&entry.path);
            let bytes = fs::metadata(&path).map_err(unreadable)?.len();
            if bytes != entry.bytes {
                return Err(Damage::Size {
                    path: entry.path.clone(),
                    bytes,
                    expected: entry.bytes,
                });
            }
            if digest(&path).map_err(unreadable)?.1 != entry.sha256 {
                return Err(Damage::Content {
                    path: entry.path.clone(),
                });
            }
        }
        Ok(())
    }
}

/// `directory` and all directories below it, each after the one it lies in.
///
/// # Errors
/// When one cannot be read.
pub fn directories(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![directory.to_path_buf()];
    let mut next = 0;
    while next < found.len() {
        for entry in fs::read_dir(&found[next])? {
            let path = entry?.path();
            if path.is_dir() {
                found.push(path);
            }
        }
        next += 1;
    }
    Ok(found)
}

fn relative(directory: &Path, path: &Path) -> io::Result<String> {
    let parts: Option<Vec<&str>> = path
        .strip_prefix(directory)
        .ok()
        .map(|it| it.iter().map(|part| part.to_str()).collect())
        .unwrap_or_default();
    match parts {
        Some(parts) => Ok(parts.join("/")),
        None => Err(io::Error::new(
            io::ErrorKind::InvalidFilename,
            "a file of a checkpoint has a name that is not UTF-8",
        )),
    }
}

fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    let (mut bytes, mut hash) = (0, Sha256::new());
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            let digest = hash.finalize();
            return Ok((
                bytes,
                digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            ));
        }
        hash.update(&chunk[..read]);
        bytes += read as u64;
    }
}

/// What is wrong with a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// No manifest: it was never completed.
    #[error("it has no readable manifest ({source})")]
    NoManifest {
        /// Why.
        source: io::Error,
    },
    /// The manifest cannot be read.
    #[error("its manifest is not readable ({source})")]
    Manifest {
        /// Why.
        source: serde_json::Error,
    },
    /// Written by a newer program.
    #[error("it has format {format}, and this program reads format {FORMAT}")]
    Format {
        /// Its format.
        format: u32,
    },
    /// A file is missing or cannot be read.
    #[error("{path} cannot be read ({source})")]
    Unreadable {
        /// Relative to the checkpoint.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file is shorter or longer than it was.
    #[error("{path} has {bytes} bytes and had {expected}")]
    Size {
        /// Relative to the checkpoint.
        path: String,
        /// Now.
        bytes: u64,
        /// When it was written.
        expected: u64,
    },
    /// A file's bytes are not what they were.
    #[error("{path} is not what was written")]
    Content {
        /// Relative to the checkpoint.
        path: String,
    },
}
