//! Takes the place of a worker and of a template, so that fuzzing and tests can give the supervisor any bytes.
//!
//! Exists where the crate is fuzzed or tested, and nowhere else.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Error};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::{Recipe, Template};
use crate::job::{Bans, Job, Limits, Scrutiny};
use crate::outcome::Outcome;
use crate::python::Backend;
use crate::python::greeting::{START_WALL_MAX, Settings, greet};
use crate::python::library::Library;
use crate::python::namespaces::NamespacePlan;
use crate::python::request::{REQUEST_BYTES_MAX, RESULT_BYTES_MAX, Run};
use crate::python::result::{self, HEADER_BYTES, NONCE_BYTES};
use crate::sys::{Channel, Child, SharedMemory, Spawn, WriteAccess, other_end};
use crate::value::Arguments;

/// The nonce of every window given to [`outcomes`].
pub const NONCE: [u8; NONCE_BYTES] = *b"nonce of the run";

/// What a supervisor makes of the window that a worker left behind; none when it holds no whole result.
pub fn outcomes(window: &[u8], calls: usize) -> Option<Vec<Outcome>> {
    let (header, records) = window.split_at(window.len().min(HEADER_BYTES));
    let length = result::records_length(header, &NONCE)?;
    let records = &records[..records.len().min(length)];
    Some(result::outcomes(records, calls, u64::MAX))
}

/// One message of a template.
#[derive(Debug, Clone, Copy)]
pub struct Message<'bytes> {
    /// Its bytes.
    pub bytes: &'bytes [u8],
    /// How many descriptors come with it, each that of a process that has ended.
    pub descriptors: usize,
}

/// What a supervisor heard, in the order of a template's life.
#[derive(Debug)]
pub struct Heard {
    /// The interpreter's version.
    pub version: io::Result<[u32; 3]>,
    /// What became of a run with two calls.
    pub outcomes: io::Result<Vec<Outcome>>,
    /// Pages that differ.
    pub audited: io::Result<u32>,
}

/// A template that is only a script. Its process has ended, and its worker's too.
pub struct Impostor {
    template: Template,
    settings: Settings,
    job: Job,
}

impl Impostor {
    /// A template of this backend, whose runs may take so long.
    ///
    /// # Errors
    /// When the host has no memory, no descriptors or no `/bin/true`.
    pub fn start(backend: Backend, wall_ms_max: u64) -> io::Result<Self> {
        let recipe = Recipe {
            interpreter: PathBuf::new(),
            hash_seed: 0,
            backend,
            namespaces: NamespacePlan::default(),
            processor: None,
            library: Library::empty(&[])?,
            packages: Vec::new(),
        };
        let (channel, _) = Channel::pair()?;
        let hello =
            serde_json::from_str(r#"{"version": [3, 11, 0], "refused": {}, "keeps_root": false}"#)?;
        let limits = Limits {
            wall_ms_max,
            ..Limits::default()
        };
        Ok(Self {
            template: Template {
                child: ended_child()?,
                channel,
                request: SharedMemory::create(c"request", REQUEST_BYTES_MAX, WriteAccess::Ours)?,
                result: SharedMemory::create(c"result", RESULT_BYTES_MAX, WriteAccess::Everyone)?,
                worker: None,
                backend,
                is_worker_due: backend == Backend::Snapshot,
                is_spent: false,
                request_length: 0,
                hello,
            },
            settings: Settings::of(&recipe),
            job: Job {
                program: String::new(),
                entry: String::new(),
                inputs: Vec::new(),
                scrutiny: Scrutiny::Run,
                bans: Bans::none(),
                limits,
            },
        })
    }

    /// Says all of this and falls silent, while the supervisor greets it, runs a program and asks for an audit. Messages
    /// for which the channel has no room are left out.
    ///
    /// # Errors
    /// When the host has no descriptors.
    pub fn say(&mut self, messages: &[Message<'_>]) -> io::Result<Heard> {
        let (channel, theirs) = Channel::pair()?;
        let worker = self.template.child.descriptor();
        for message in messages {
            let descriptors = vec![worker; message.descriptors.min(other_end::DESCRIPTORS_MAX)];
            if other_end::send(theirs.as_fd(), message.bytes, &descriptors).is_err() {
                break;
            }
        }
        // It still listens, or the supervisor would learn from its own messages that nobody is there.
        let theirs = UnixStream::from(theirs);
        theirs.shutdown(Shutdown::Write)?;
        let silent = std::mem::replace(&mut self.template.channel, channel);
        self.template.worker = None;
        self.template.is_spent = false;
        self.template.is_worker_due = self.template.backend == Backend::Snapshot;
        let run = Run {
            job: &self.job,
            input: &Arguments::default(),
            calls: 2,
            patience: None,
        };
        let hello = greet(&self.template.channel, &self.settings);
        let heard = Heard {
            version: hello.map(|hello| {
                hello.refused();
                hello.version
            }),
            outcomes: self.template.run(run).map(Option::unwrap_or_default),
            audited: self.template.audit(),
        };
        self.template.channel = silent;
        self.template.worker = None;
        Ok(heard)
    }
}

fn ended_child() -> io::Result<Child> {
    let nowhere = OwnedFd::from(File::open("/dev/null")?);
    let program = CString::new("/bin/true").map_err(Error::other)?;
    let descriptors: [BorrowedFd<'_>; 3] = [nowhere.as_fd(); 3];
    let mut child = Child::spawn(&Spawn {
        program: &program,
        arguments: std::slice::from_ref(&program),
        environment: &[],
        descriptors: &descriptors,
        namespaces: 0,
        entrances: &[],
    })?;
    child.wait(START_WALL_MAX)?;
    Ok(child)
}

#[cfg(test)]
mod tests;
