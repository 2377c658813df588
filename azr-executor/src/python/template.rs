//! A template: one interpreter, shut in before it sees any program, that runs programs in workers of its own.

use std::ffi::CString;
use std::io::{self, Error, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::isolation::{Layer, MissingLayer};
use crate::outcome::{Denial, Limit, Outcome};
use crate::python::deadline::{Deadline, Stopwatch};
use crate::python::keeper::Keeper;
use crate::python::namespaces::NamespacePlan;
use crate::python::request::{REQUEST_BYTES_MAX, RESULT_BYTES_MAX, Run};
use crate::python::result::{self, CALLS_DONE_AT, HEADER_BYTES, NONCE_BYTES};
use crate::python::{Backend, filter};
use crate::sys::{self, Channel, Child, Ending, SharedMemory, Spawn, WriteAccess};

/// The text that the interpreter runs; its parts are one program.
const DRIVER: &str = concat!(
    include_str!("driver/preload.py"),
    include_str!("driver/lock.py"),
    include_str!("driver/result.py"),
    include_str!("driver/main.py"),
);

/// How long a template may take to start. Only a host in trouble needs more than a second.
const START_WALL_MAX: Duration = Duration::from_secs(60);

/// How long after its deadline a worker's end may take to be reported, before its template is given up.
const GRACE: Duration = Duration::from_millis(50);

/// Size of the largest message from a template, bytes.
const MESSAGE_BYTES_MAX: usize = 1 << 14;

/// Size of a memory page that all hosts agree on for giving memory back, bytes.
const PAGE_BYTES: usize = 1 << 16;

/// What a template is made of.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    /// The interpreter.
    pub(super) interpreter: PathBuf,
    /// Seed of its string hashes.
    pub(super) hash_seed: u32,
    /// Whether it forks a worker for each run or is the worker itself.
    pub(super) backend: Backend,
    /// Its namespaces.
    pub(super) namespaces: NamespacePlan,
}

/// What a template says of itself once it is shut in.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Hello {
    /// Version of the interpreter.
    pub(super) version: [u32; 3],
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

/// A template that waits for requests.
pub(super) struct Template {
    child: Child,
    channel: Channel,
    request: SharedMemory,
    result: SharedMemory,
    backend: Backend,
    /// Whether it can run no further program: it was the worker, or its worker does not end.
    is_spent: bool,
    /// Bytes of the last request, to be wiped by the next.
    request_length: usize,
    hello: Hello,
}

#[derive(Serialize)]
struct Settings {
    request_bytes: usize,
    result_bytes: usize,
    forks: bool,
    gives_up_root: bool,
    namespaces: Vec<&'static str>,
    filter: String,
}

impl Template {
    /// Starts an interpreter, on the keeper's thread, and waits until it is shut in.
    pub(super) fn start(recipe: &Recipe, keeper: &Keeper) -> io::Result<Self> {
        let (channel, theirs) = Channel::pair()?;
        let request = SharedMemory::create(c"request", REQUEST_BYTES_MAX, WriteAccess::Ours)?;
        let result = SharedMemory::create(c"result", RESULT_BYTES_MAX, WriteAccess::Everyone)?;
        let nowhere = OwnedFd::from(
            std::fs::OpenOptions::new()
                .read(true)
                .write(true)
                .open("/dev/null")?,
        );
        let copy = |memory: &SharedMemory| memory.as_fd().try_clone_to_owned();
        let descriptors = [nowhere, theirs, copy(&request)?, copy(&result)?];
        let program = c_string(recipe.interpreter.as_os_str().as_bytes())?;
        let mut arguments = vec![program.clone()];
        for argument in ["-s", "-S", "-B", "-Xutf8", "-Wignore", "-c", DRIVER] {
            arguments.push(c_string(argument.as_bytes())?);
        }
        let environment = [c_string(
            format!("PYTHONHASHSEED={}", recipe.hash_seed).as_bytes(),
        )?];
        let namespaces = recipe.namespaces.flags;
        let child = keeper.run(move || {
            let [nowhere, theirs, request, result] = descriptors.each_ref().map(AsFd::as_fd);
            Child::spawn(&Spawn {
                program: &program,
                arguments: &arguments,
                environment: &environment,
                descriptors: &[nowhere, nowhere, nowhere, theirs, request, result],
                namespaces,
            })
        })??;
        let hello = greet(&channel, &Settings::of(recipe))?;
        Ok(Self {
            child,
            channel,
            request,
            result,
            backend: recipe.backend,
            is_spent: false,
            request_length: 0,
            hello,
        })
    }

    /// What it said when it was ready.
    pub(super) fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Whether a fresh one must take its place before the next run.
    pub(super) fn is_spent(&self) -> bool {
        self.is_spent
    }

    /// Runs one program: an outcome for each call that it finished, or the one that ended it.
    ///
    /// # Errors
    /// When the template is lost. It must not be used again, and nothing is known of the program.
    pub(super) fn run(&mut self, run: Run<'_>) -> io::Result<Vec<Outcome>> {
        let nonce = draw_nonce()?;
        let request = run.to_bytes(&nonce);
        if !self.request.write(0, &request) {
            let bytes = request.len() as u64;
            return Ok(vec![Outcome::Denied(Denial::SourceTooLarge { bytes })]);
        }
        let left_over = self.request_length.saturating_sub(request.len());
        self.request.clear(request.len(), left_over);
        self.request_length = request.len();
        self.channel.send(b"r")?;
        let deadline = Deadline::start(&run.job.limits, run.calls);
        let (ending, exceeded) = match self.backend {
            Backend::Fork => self.watch_worker(&deadline)?,
            Backend::Exec => self.watch_child(&deadline)?,
        };
        let outcomes = self.judge(ending, exceeded, &nonce, run.calls as usize);
        // What one program leaves in shared memory, the next one must not find.
        self.result.clear(0, PAGE_BYTES);
        self.result.discard_from(PAGE_BYTES)?;
        Ok(outcomes)
    }

    /// Reads the result of a worker that is dead. Only a whole result and a clean exit count.
    fn judge(
        &self,
        ending: Ending,
        exceeded: Option<Limit>,
        nonce: &[u8; NONCE_BYTES],
        calls: usize,
    ) -> Vec<Outcome> {
        let outcome = match (ending, exceeded) {
            (Ending::Exited(0), _) => {
                let header = self.result.read(0, HEADER_BYTES);
                match result::records_length(&header, nonce) {
                    Some(length) => {
                        return result::outcomes(&self.result.read(HEADER_BYTES, length), calls);
                    }
                    None => Outcome::Killed { signal: 0 },
                }
            }
            (_, Some(limit)) => Outcome::Exceeded(limit),
            (Ending::Exited(_), None) => Outcome::Killed { signal: 0 },
            (Ending::Signaled(libc::SIGSYS), None) => Outcome::Denied(Denial::SystemCall),
            (Ending::Signaled(libc::SIGXCPU), None) => Outcome::Exceeded(Limit::Cpu),
            (Ending::Signaled(signal), None) => Outcome::Killed { signal },
        };
        vec![outcome]
    }

    /// Waits for a forked worker. Most are done before the template hands them over.
    fn watch_worker(&mut self, deadline: &Deadline) -> io::Result<(Ending, Option<Limit>)> {
        let mut worker = None;
        let mut stopwatch = None;
        let mut exceeded: Option<(Limit, Instant)> = None;
        loop {
            let cpu_used = stopwatch.as_ref().and_then(Stopwatch::used);
            let patience = match (exceeded, deadline.next_look(self.calls_done(), cpu_used)) {
                (Some((limit, killed_at)), _) => match GRACE.checked_sub(killed_at.elapsed()) {
                    Some(left) => left,
                    None => {
                        // The verdict is known and may not wait. Dropping the template kills whatever hangs there.
                        self.is_spent = true;
                        return Ok((Ending::Signaled(libc::SIGKILL), Some(limit)));
                    }
                },
                (None, Ok(patience)) => patience,
                (None, Err(limit)) => {
                    exceeded = Some((limit, Instant::now()));
                    worker
                        .as_ref()
                        .map_or(Ok(()), |worker: &OwnedFd| sys::kill(worker.as_fd()))?;
                    GRACE
                }
            };
            let Some(message) = self.channel.receive(MESSAGE_BYTES_MAX, patience)? else {
                continue;
            };
            match (message.bytes.split_first(), message.descriptor) {
                (Some((b'p', _)), Some(descriptor)) => {
                    stopwatch = Some(Stopwatch::from_birth(descriptor.as_fd()));
                    if exceeded.is_some() {
                        sys::kill(descriptor.as_fd())?;
                    }
                    worker = Some(descriptor);
                }
                (Some((b'e', rest)), None) => {
                    let status = number(rest)?;
                    return Ok((Ending::of_status(status), exceeded.map(|(limit, _)| limit)));
                }
                (Some((b'f', rest)), None) => return Err(Error::from_raw_os_error(number(rest)?)),
                _ => return Err(Error::from(ErrorKind::InvalidData)),
            }
        }
    }

    /// Waits for a template that is the worker itself.
    fn watch_child(&mut self, deadline: &Deadline) -> io::Result<(Ending, Option<Limit>)> {
        let stopwatch = Stopwatch::from_now(self.child.descriptor());
        self.is_spent = true;
        loop {
            let (patience, exceeded) = match deadline.next_look(self.calls_done(), stopwatch.used())
            {
                Ok(patience) => (patience, None),
                Err(limit) => {
                    sys::kill(self.child.descriptor())?;
                    (START_WALL_MAX, Some(limit))
                }
            };
            if let Some(ending) = self.child.wait(patience)? {
                return Ok((ending, exceeded));
            }
        }
    }

    fn calls_done(&self) -> u32 {
        u32::from(self.result.peek(CALLS_DONE_AT))
    }
}

impl Settings {
    fn of(recipe: &Recipe) -> Self {
        let flags = recipe.namespaces.flags;
        let namespaces = [
            (libc::CLONE_NEWPID, Layer::Pid),
            (libc::CLONE_NEWNS, Layer::Mount),
            (libc::CLONE_NEWUTS, Layer::Uts),
        ];
        Self {
            request_bytes: REQUEST_BYTES_MAX,
            result_bytes: RESULT_BYTES_MAX,
            forks: recipe.backend == Backend::Fork,
            gives_up_root: recipe.namespaces.gives_up_root,
            namespaces: namespaces
                .iter()
                .filter(|(flag, _)| flags & flag != 0)
                .map(|(_, layer)| layer.name())
                .collect(),
            filter: filter::program()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        }
    }
}

fn greet(channel: &Channel, settings: &Settings) -> io::Result<Hello> {
    channel.send(&serde_json::to_vec(settings)?)?;
    let started = Instant::now();
    loop {
        let left = START_WALL_MAX
            .checked_sub(started.elapsed())
            .ok_or(Error::from(ErrorKind::TimedOut))?;
        if let Some(message) = channel.receive(MESSAGE_BYTES_MAX, left)? {
            return match message.bytes.strip_prefix(b"!") {
                Some(failure) => Err(Error::other(String::from_utf8_lossy(failure).into_owned())),
                None => Ok(serde_json::from_slice(&message.bytes)?),
            };
        }
    }
}

fn c_string(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(Error::other)
}

fn number(bytes: &[u8]) -> io::Result<i32> {
    let bytes = bytes
        .first_chunk::<4>()
        .ok_or(Error::from(ErrorKind::InvalidData))?;
    Ok(i32::from_le_bytes(*bytes))
}

fn draw_nonce() -> io::Result<[u8; NONCE_BYTES]> {
    let mut nonce = [0; NONCE_BYTES];
    sys::fill_random(&mut nonce)?;
    Ok(nonce)
}
