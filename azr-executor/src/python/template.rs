//! A template: one interpreter, shut in before it sees any program, that runs programs in workers of its own.

use std::ffi::CStr;
use std::io::{self, Error, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::outcome::Outcome;
use crate::python::Backend;
use crate::python::command::Command;
use crate::python::deadline::{Deadline, Overrun, Stopwatch};
use crate::python::greeting::{Hello, START_WALL_MAX, Settings, greet, store_bytes};
use crate::python::group::Group;
use crate::python::keeper::Keeper;
use crate::python::library::Library;
use crate::python::namespaces::NamespacePlan;
use crate::python::refusal::{self, Need};
use crate::python::request::{REQUEST_BYTES_MAX, RESULT_BYTES_MAX, Run};
use crate::python::result::{CALLS_DONE_AT, NONCE_BYTES};
use crate::python::verdict::{self, Verdict};
use crate::sys::{self, Channel, Child, Ending, Processor, SharedMemory, Spawn, WriteAccess};

#[cfg(any(fuzzing, test))]
pub mod fuzzing;

/// What runs inside the interpreter, compiled from `native/`.
const NATIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/azr_native.so"));

/// How long a run may take before the processor time of a worker of many runs is looked at.
const SHORT_RUN: Duration = Duration::from_millis(20);

/// How long after its deadline a worker's end may take to be reported, before its template is given up; and how long it may
/// take to see that a worker was lost before its program began.
const GRACE: Duration = Duration::from_millis(50);

/// What asks whether a signal could be sent, and sends none.
const NO_SIGNAL: i32 = 0;

/// Size of the largest message from a template, bytes.
pub(super) const MESSAGE_BYTES_MAX: usize = 1 << 14;

/// What a template is made of.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    /// The interpreter.
    pub(super) interpreter: PathBuf,
    /// Seed of its string hashes.
    pub(super) hash_seed: u32,
    /// Whether it rolls one worker back, forks one for each run or is the worker itself.
    pub(super) backend: Backend,
    /// Its namespaces.
    pub(super) namespaces: NamespacePlan,
    /// The processor that it and its workers stay on.
    pub(super) processor: Option<Processor>,
    /// What is imported when a program asks for it; the first template of a sandbox collects it.
    pub(super) library: Library,
    /// Packages that are loaded beside the standard library.
    pub(super) packages: Vec<String>,
}

/// A template that waits for requests.
pub(super) struct Template {
    child: Child,
    channel: Channel,
    request: SharedMemory,
    result: SharedMemory,
    /// The worker of the run, once it is handed over.
    worker: Option<OwnedFd>,
    backend: Backend,
    /// Whether a worker that serves many runs is still being born or rolled back: no program's time runs meanwhile.
    is_worker_due: bool,
    /// Whether it can run no further program: it was the worker, or its worker does not end.
    is_spent: bool,
    /// Bytes of the last request, to be wiped by the next.
    request_length: usize,
    hello: Hello,
}

impl Template {
    /// Starts an interpreter, in the lane's group and on the keeper's thread, and waits until it is shut in.
    pub(super) fn start(
        recipe: &Recipe,
        group: Option<&Group>,
        keeper: &Keeper,
    ) -> io::Result<Self> {
        let (channel, theirs) = Channel::pair()?;
        let request = shared_memory(c"request", REQUEST_BYTES_MAX, WriteAccess::Ours)?;
        let result = shared_memory(c"result", RESULT_BYTES_MAX, WriteAccess::Everyone)?;
        let nowhere = OwnedFd::from(
            std::fs::OpenOptions::new()
                .read(true)
                .write(true)
                .open("/dev/null")?,
        );
        let mut native = shared_memory(c"native", NATIVE.len(), WriteAccess::Ours)?;
        native.write(0, NATIVE);
        let store = shared_memory(c"store", store_bytes(recipe), WriteAccess::Everyone)?;
        let copy = |memory: &SharedMemory| memory.as_fd().try_clone_to_owned();
        let descriptors = [
            nowhere,
            theirs,
            copy(&request)?,
            copy(&result)?,
            copy(&native)?,
            copy(&store)?,
            recipe.library.descriptor()?,
        ];
        let command = Command::of(recipe)?;
        let namespaces = recipe.namespaces.flags;
        let entrances = group.map_or(Ok(Vec::new()), Group::entrances)?;
        let child = keeper.run(move || {
            let [nowhere, handed_on @ ..] = descriptors.each_ref().map(AsFd::as_fd);
            let [theirs, request, result, native, store, library] = handed_on;
            Child::spawn(&Spawn {
                program: &command.program,
                arguments: &command.arguments,
                environment: &command.environment,
                descriptors: &[
                    nowhere, nowhere, nowhere, theirs, request, result, native, store, library,
                ],
                namespaces,
                entrances: &entrances,
            })
        })??;
        if let Some(processor) = recipe.processor {
            // Elsewhere it is slower, and nothing else.
            let _ = child.keep_on(processor);
        }
        if recipe.backend != Backend::Exec {
            // Their workers are no children of ours: there is no other way to end one.
            sys::send_signal(child.descriptor(), NO_SIGNAL)
                .map_err(|it| Need::Signal.refused(it))?;
        }
        let hello = greet(&channel, &Settings::of(recipe))?;
        Ok(Self {
            child,
            channel,
            request,
            result,
            worker: None,
            backend: recipe.backend,
            is_worker_due: recipe.backend == Backend::Snapshot,
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

    /// Runs one program: an outcome for each call that it finished, or the one that ended it. None when it was to be brief
    /// and was not.
    ///
    /// # Errors
    /// When the template is lost. It must not be used again, and nothing is known of the program.
    pub(super) fn run(&mut self, run: Run<'_>) -> io::Result<Option<Vec<Outcome>>> {
        let verdict = self.run_once(run)?;
        // A worker that is lost at once was lost before the program began. A program that makes it look so gains nothing.
        let is_lost = self.backend == Backend::Snapshot && verdict.is_lost();
        if is_lost && verdict.elapsed < GRACE {
            return Ok(self.run_once(run)?.outcomes);
        }
        Ok(verdict.outcomes)
    }

    fn run_once(&mut self, run: Run<'_>) -> io::Result<Verdict> {
        let nonce = draw_nonce()?;
        let request = run.to_bytes(&nonce);
        if !self.request.write(0, &request) {
            return Ok(Verdict::source_too_large(request.len() as u64));
        }
        let left_over = self.request_length.saturating_sub(request.len());
        self.request.clear(request.len(), left_over);
        self.request_length = request.len();
        self.await_worker()?;
        self.channel.send(b"r")?;
        let deadline = Deadline::start(&run.job.limits, run.calls, run.patience);
        let (ending, overrun) = match self.backend {
            Backend::Snapshot | Backend::Fork => self.watch_worker(&deadline)?,
            Backend::Exec => self.watch_child(&deadline)?,
        };
        let verdict = Verdict {
            ending,
            elapsed: deadline.elapsed(),
            outcomes: verdict::outcomes(&self.result, ending, overrun, &nonce, run),
        };
        // What one program leaves in shared memory, the next one must not find.
        self.result.wipe()?;
        if overrun.is_some() && self.backend == Backend::Snapshot && !verdict.is_stopped() {
            self.settle()?;
        }
        Ok(verdict)
    }

    /// Has a signal taken that may have come too late for the program that it was meant for.
    fn settle(&mut self) -> io::Result<()> {
        self.await_worker()?;
        self.channel.send(b"c")?;
        self.is_worker_due = true;
        Ok(())
    }

    /// Pages of the worker's memory that are not what they were before its first program, once it is rolled back.
    ///
    /// # Errors
    /// When the template is lost.
    pub(super) fn audit(&mut self) -> io::Result<u32> {
        if self.backend != Backend::Snapshot {
            return Ok(0);
        }
        self.await_worker()?;
        self.channel.send(b"a")?;
        let message = self.channel.receive(MESSAGE_BYTES_MAX, START_WALL_MAX)?;
        let message = message.ok_or(Error::from(ErrorKind::TimedOut))?;
        match message.bytes.split_first() {
            Some((b'a', rest)) => u32::try_from(number(rest)?).map_err(Error::other),
            _ => Err(failure(&message.bytes)),
        }
    }

    /// Waits for a worker that is due.
    fn await_worker(&mut self) -> io::Result<()> {
        while self.is_worker_due {
            let message = self.channel.receive(MESSAGE_BYTES_MAX, START_WALL_MAX)?;
            let message = message.ok_or(Error::from(ErrorKind::TimedOut))?;
            match (message.bytes.first(), message.descriptor) {
                (Some(b'p'), Some(descriptor)) => self.worker = Some(descriptor),
                (Some(b'o'), None) => self.is_worker_due = false,
                _ => return Err(failure(&message.bytes)),
            }
        }
        Ok(())
    }

    /// Waits for a worker of the template's. Most are done before anything has to be looked at.
    fn watch_worker(&mut self, deadline: &Deadline) -> io::Result<(Ending, Option<Overrun>)> {
        if self.backend == Backend::Fork {
            self.worker = None;
        }
        let mut stopwatch = None;
        let mut exceeded: Option<(Overrun, Instant)> = None;
        loop {
            let cpu_used = stopwatch.as_ref().and_then(Stopwatch::used);
            let patience = match (exceeded, deadline.next_look(self.calls_done(), cpu_used)) {
                (Some((overrun, killed_at)), _) => match GRACE.checked_sub(killed_at.elapsed()) {
                    Some(left) => left,
                    None => {
                        // The verdict is known and may not wait. Dropping the template kills whatever hangs there.
                        self.is_spent = true;
                        return Ok((Ending::Signaled(libc::SIGXCPU), Some(overrun)));
                    }
                },
                (None, Ok(patience)) if stopwatch.is_none() => patience.min(SHORT_RUN),
                (None, Ok(patience)) => patience,
                (None, Err(overrun)) => {
                    exceeded = Some((overrun, Instant::now()));
                    self.kill_worker()?;
                    GRACE
                }
            };
            let Some(message) = self.channel.receive(MESSAGE_BYTES_MAX, patience)? else {
                if let (None, Some(worker)) = (&stopwatch, &self.worker) {
                    // A worker of many runs has their processor time on its clock; of this one's, what is lost is less
                    // than a short run.
                    stopwatch = Some(match self.backend {
                        Backend::Snapshot => Stopwatch::from_now(worker.as_fd()),
                        _ => Stopwatch::from_birth(worker.as_fd()),
                    });
                }
                continue;
            };
            match (message.bytes.split_first(), message.descriptor) {
                (Some((b'p', _)), Some(descriptor)) => {
                    self.worker = Some(descriptor);
                    if exceeded.is_some() {
                        self.kill_worker()?;
                    }
                }
                (Some((end @ (b'e' | b'w'), rest)), None) => {
                    self.is_worker_due = *end == b'w';
                    let status = number(rest)?;
                    return Ok((Ending::of_status(status), exceeded.map(|(it, _)| it)));
                }
                _ => return Err(failure(&message.bytes)),
            }
        }
    }

    /// Ends what the worker runs. One that is rolled back is stopped by a signal, which its tracer sees and it never gets.
    fn kill_worker(&self) -> io::Result<()> {
        let signal = match self.backend {
            Backend::Snapshot => libc::SIGXCPU,
            Backend::Fork | Backend::Exec => libc::SIGKILL,
        };
        let worker = self.worker.as_ref();
        worker.map_or(Ok(()), |worker| sys::send_signal(worker.as_fd(), signal))
    }

    /// Waits for a template that is the worker itself.
    fn watch_child(&mut self, deadline: &Deadline) -> io::Result<(Ending, Option<Overrun>)> {
        let stopwatch = Stopwatch::from_now(self.child.descriptor());
        self.is_spent = true;
        loop {
            let (patience, exceeded) = match deadline.next_look(self.calls_done(), stopwatch.used())
            {
                Ok(patience) => (patience, None),
                Err(overrun) => {
                    self.child.kill();
                    (START_WALL_MAX, Some(overrun))
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

/// Memory to share with templates.
pub(super) fn shared_memory(
    name: &CStr,
    bytes: usize,
    access: WriteAccess,
) -> io::Result<SharedMemory> {
    SharedMemory::create(name, bytes, access).map_err(|error| match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EPERM | libc::EACCES) => Need::SharedMemory.refused(error),
        _ => error,
    })
}

/// What a template that could not do what it was asked for says of it.
fn failure(message: &[u8]) -> Error {
    match (message.first(), message.get(1..).map(number)) {
        (Some(b'f'), Some(Ok(error))) => refusal::reported(error),
        (Some(b'd'), Some(Ok(status))) => {
            let what = format!("a worker was lost (wait status {status:#x})");
            Error::other(what)
        }
        _ => Error::from(ErrorKind::InvalidData),
    }
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
