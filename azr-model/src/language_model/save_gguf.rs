//! Writes a model as one GGUF file.
//!
//! As with directories, everything is written beside the target and synced; at every moment the target is either absent
//! or whole. A file that comes into being there meanwhile is not replaced.

use super::SaveError;
use super::save::{Disk, Storage, aside_of, sync_directory, write_file};
use crate::language::Language;
use crate::parameters::Parameters;
use crate::weights::gguf::{GgufFile, Stored};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Writes a file that llama.cpp loads. Its name ends in `.gguf`, and nothing has this name yet.
///
/// # Errors
/// [`SaveError`]; nothing is left behind, and nothing that was there is touched.
pub fn save_gguf(
    path: &Path,
    parameters: &Parameters,
    language: &Language,
    stored: Stored,
) -> Result<(), SaveError> {
    save_through(&Disk, path, parameters, language, stored)
}

pub(super) fn save_through(
    storage: &dyn Storage,
    path: &Path,
    parameters: &Parameters,
    language: &Language,
    stored: Stored,
) -> Result<(), SaveError> {
    let is_gguf = path
        .extension()
        .is_some_and(|it| it.eq_ignore_ascii_case("gguf"));
    let (Some(stem), true) = (path.file_stem(), is_gguf) else {
        return Err(SaveError::NotGguf {
            path: path.to_owned(),
        });
    };
    if path.symlink_metadata().is_ok() {
        return Err(SaveError::Exists {
            path: path.to_owned(),
        });
    }
    let file = GgufFile::plan(&stem.to_string_lossy(), parameters, language, stored)
        .map_err(SaveError::Gguf)?;
    let aside = aside_of(path)?;
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| match source.kind() {
            ErrorKind::AlreadyExists => SaveError::Exists { path },
            _ => SaveError::Write { path, source },
        }
    };
    let parent = aside.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(at(parent))?;
    remove(&aside).map_err(at(&aside))?;
    let written = write_file(storage, &aside, &|writer| file.write(writer))
        .and_then(|()| publish(&aside, path).map_err(at(path)))
        .and_then(|()| sync_directory(parent).map_err(at(parent)));
    if written.is_err() {
        // The first error is the one to report; a leftover is removed by the next save.
        let _ = remove(&aside);
    }
    written
}

/// Gives a file its name, unless something has it. Disks that know no second names rename.
fn publish(aside: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(aside, path) {
        Ok(()) => fs::remove_file(aside),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        Err(_) => fs::rename(aside, path),
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
