//! One file from the hub into the cache: resumed, checked, and taken again if it is not what the hub declared.

use super::{Hub, HubError, Progress, is_plain};
use hf_hub::CacheRepo;
use hf_hub::api::Progress as Told;
use hf_hub::api::sync::{Api, ApiError, ApiRepo, Metadata};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// How often a file is asked for before we give up. Each attempt continues where the last one stopped.
const ATTEMPTS_MAX: u32 = 4;

/// Downloads from one commit of one repository.
pub(super) struct Downloads<'a> {
    pub hub: &'a Hub,
    pub api: &'a Api,
    pub repo: &'a ApiRepo,
    pub cached: CacheRepo,
    pub commit: &'a str,
}

/// An answer that makes no sense.
pub(super) fn answer(what: &str, source: ApiError) -> HubError {
    HubError::Answer {
        what: what.to_owned(),
        source: Box::new(source),
    }
}

impl Downloads<'_> {
    /// The place of a file in the cache, after it has been brought there.
    pub(super) fn get(&self, file: &str) -> Result<PathBuf, HubError> {
        let place = self.cached.pointer_path(self.commit).join(file);
        if place.exists() {
            return Ok(place);
        }
        let metadata = self
            .api
            .metadata(&self.repo.url(file))
            .map_err(|error| answer(file, error))?;
        if !is_plain(metadata.etag()) || metadata.commit_hash() != self.commit {
            return Err(HubError::BadCommit {
                endpoint: self.hub.endpoint.clone(),
            });
        }
        let mut stopped = None;
        for _ in 0..ATTEMPTS_MAX {
            self.drop_useless_part(&metadata)
                .map_err(|source| self.cache_error(source))?;
            match self.repo.download_with_progress(file, self.telling(file)) {
                Ok(place)
                    if is_declared(&place, &metadata)
                        .map_err(|source| self.cache_error(source))? =>
                {
                    return Ok(place);
                }
                Ok(place) => {
                    self.discard(&place, &metadata)
                        .map_err(|source| self.cache_error(source))?;
                    stopped = None;
                }
                Err(ApiError::IoError(source)) if is_disk(&source) => {
                    return Err(self.cache_error(source));
                }
                Err(error) => stopped = Some(error),
            }
        }
        let (file, attempts) = (file.to_owned(), ATTEMPTS_MAX);
        Err(match stopped {
            Some(error) => HubError::Stopped {
                file,
                attempts,
                source: Box::new(error),
            },
            None => HubError::Corrupt { file, attempts },
        })
    }

    fn cache_error(&self, source: io::Error) -> HubError {
        HubError::Cache {
            path: self.hub.cache.clone(),
            source,
        }
    }

    /// A partial file as long as the whole cannot be continued: the hub has nothing more to send for it.
    fn drop_useless_part(&self, metadata: &Metadata) -> io::Result<()> {
        let part = self
            .cached
            .blob_path(metadata.etag())
            .with_extension("part");
        match fs::metadata(&part) {
            Ok(there) if metadata.size() as u64 <= there.len() => fs::remove_file(&part),
            _ => Ok(()),
        }
    }

    /// Removes a file that is not what the hub declared, wherever it is known.
    fn discard(&self, place: &Path, metadata: &Metadata) -> io::Result<()> {
        for path in [place, &self.cached.blob_path(metadata.etag())] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn telling(&self, file: &str) -> Telling<'_> {
        Telling {
            hub: self.hub,
            now: Progress {
                file: file.to_owned(),
                bytes: 0,
                bytes_total: 0,
            },
        }
    }
}

/// Errors of the disk rather than of the connection, which another attempt does not mend.
fn is_disk(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull
            | ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::QuotaExceeded
    )
}

/// Large files are named by their SHA-256 sum; small ones by a sum of git's that is not checked, only their size is.
fn is_declared(place: &Path, metadata: &Metadata) -> io::Result<bool> {
    let mut file = File::open(place)?;
    if file.metadata()?.len() != metadata.size() as u64 {
        return Ok(false);
    }
    if metadata.etag().len() != 64 {
        return Ok(true);
    }
    let mut digest = Sha256::new();
    io::copy(&mut file, &mut digest)?;
    let sum: String = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(sum == metadata.etag())
}

/// Passes the progress of one file on.
struct Telling<'a> {
    hub: &'a Hub,
    now: Progress,
}

impl Told for Telling<'_> {
    fn init(&mut self, size: usize, _file: &str) {
        self.now.bytes = 0;
        self.now.bytes_total = size as u64;
    }

    fn update(&mut self, bytes: usize) {
        self.now.bytes += bytes as u64;
        if let Some(report) = &self.hub.report {
            report(self.now.clone());
        }
    }

    fn finish(&mut self) {}
}
