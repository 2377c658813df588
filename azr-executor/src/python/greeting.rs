//! What a template is told when it starts, and what it answers once it is shut in.

use std::io::{self, Error, ErrorKind};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::isolation::{Layer, MissingLayer};
use crate::python::Backend;
use crate::python::filter;
use crate::python::request::{REQUEST_BYTES_MAX, RESULT_BYTES_MAX};
use crate::python::template::{MESSAGE_BYTES_MAX, Recipe};
use crate::sys::Channel;

/// Size of the region that the memory of a worker is kept in, to be rolled back to, bytes: without and with packages.
const STORE_BYTES: usize = 64 << 20;
const STORE_BYTES_WITH_PACKAGES: usize = 1 << 30;

/// Size of that region for a template; those that need none have a page, the least there is.
pub(super) fn store_bytes(recipe: &Recipe) -> usize {
    match recipe.backend {
        Backend::Snapshot if recipe.packages.is_empty() => STORE_BYTES,
        Backend::Snapshot => STORE_BYTES_WITH_PACKAGES,
        Backend::Fork | Backend::Exec => 4096,
    }
}

/// How long a template may take to start. Only a host in trouble needs more than a second.
pub(super) const START_WALL_MAX: Duration = Duration::from_secs(60);

/// What a template says of itself once it is shut in.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Hello {
    /// Version of the interpreter.
    pub(super) version: [u32; 3],
    /// Whether it could not become an ordinary user.
    pub(super) keeps_root: bool,
    refused: std::collections::BTreeMap<String, i32>,
}

impl Hello {
    /// The layers that the host refused from inside.
    pub(super) fn refused(&self) -> Vec<MissingLayer> {
        let refusal = |(name, &errno): (&String, &i32)| {
            Some(MissingLayer::new(name.parse::<Layer>().ok()?, errno))
        };
        self.refused.iter().filter_map(refusal).collect()
    }
}

/// A package that a template cannot load, as it travels in an [`io::Error`].
#[derive(Debug, Clone, Deserialize, thiserror::Error)]
#[error("{reason}")]
pub(super) struct NoPackage {
    /// Its name.
    pub(super) package: String,
    /// What the interpreter said of it.
    reason: String,
}

impl NoPackage {
    /// The package, if that is why a template did not start.
    pub(super) fn behind(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// What a template is told.
#[derive(Serialize)]
pub(super) struct Settings {
    request_bytes: usize,
    result_bytes: usize,
    /// Whether the native part serves; else the driver runs one program itself.
    native: bool,
    rolls_back: bool,
    packages: Vec<String>,
    store_bytes: usize,
    gives_up_root: bool,
    namespaces: Vec<&'static str>,
    filter: String,
    worker_filter: String,
}

impl Settings {
    pub(super) fn of(recipe: &Recipe) -> Self {
        let flags = recipe.namespaces.flags;
        let namespaces = [
            (libc::CLONE_NEWPID, Layer::Pid),
            (libc::CLONE_NEWNS, Layer::Mount),
            (libc::CLONE_NEWUTS, Layer::Uts),
        ];
        Self {
            request_bytes: REQUEST_BYTES_MAX,
            result_bytes: RESULT_BYTES_MAX,
            native: recipe.backend != Backend::Exec,
            rolls_back: recipe.backend == Backend::Snapshot,
            packages: recipe.packages.clone(),
            store_bytes: store_bytes(recipe),
            gives_up_root: recipe.namespaces.gives_up_root,
            namespaces: namespaces
                .iter()
                .filter(|(flag, _)| flags & flag != 0)
                .map(|(_, layer)| layer.name())
                .collect(),
            filter: hexadecimal(&filter::of_template(recipe.backend)),
            worker_filter: hexadecimal(&filter::of_worker()),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Tells a template what it has to know, and waits until it is shut in.
pub(super) fn greet(channel: &Channel, settings: &Settings) -> io::Result<Hello> {
    channel.send(&serde_json::to_vec(settings)?)?;
    let started = Instant::now();
    loop {
        let left = START_WALL_MAX
            .checked_sub(started.elapsed())
            .ok_or(Error::from(ErrorKind::TimedOut))?;
        if let Some(message) = channel.receive(MESSAGE_BYTES_MAX, left)? {
            return match message.bytes.split_first() {
                Some((b'!', failure)) => {
                    Err(Error::other(String::from_utf8_lossy(failure).into_owned()))
                }
                Some((b'?', missing)) => {
                    Err(Error::other(serde_json::from_slice::<NoPackage>(missing)?))
                }
                _ => Ok(serde_json::from_slice(&message.bytes)?),
            };
        }
    }
}
