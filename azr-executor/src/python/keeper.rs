//! A thread that starts templates and lives as long as the sandbox.
//!
//! The kernel kills a template when the *thread* that started it ends. Callers' threads come and go; this one stays, so
//! that a template ends with the sandbox or with the whole process, and never before. It only starts them, which is
//! quick; waiting for one to be ready is the caller's.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// The thread and its work list.
pub(super) struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

type Work = Box<dyn FnOnce() + Send>;

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// At most one piece of work per caller waits here, because each caller waits for its own.
#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    is_over: bool,
}

impl Keeper {
    /// Starts the thread.
    pub(super) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("azr-templates".to_owned())
            .spawn(move || theirs.serve())?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Runs `work` on the thread and waits for what it gives.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        let place = Arc::new((Mutex::new(None), Condvar::new()));
        let theirs = Arc::clone(&place);
        let job: Work = Box::new(move || {
            let result = work();
            *lock(&theirs.0) = Some(result);
            theirs.1.notify_all();
        });
        self.shared.add(job)?;
        let mut result = lock(&place.0);
        loop {
            if let Some(result) = result.take() {
                return Ok(result);
            }
            result = place.1.wait(result).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    fn add(&self, work: Work) -> io::Result<()> {
        let mut state = lock(&self.state);
        if state.is_over {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe));
        }
        state.waiting.push_back(work);
        self.changed.notify_all();
        Ok(())
    }

    fn serve(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some(work) = state.waiting.pop_front() {
                drop(state);
                work();
                state = lock(&self.state);
            } else if state.is_over {
                return;
            } else {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        lock(&self.shared.state).is_over = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // The thread's work does not panic; if it did, there is nothing left to do here.
            let _ = thread.join();
        }
    }
}

/// Our critical sections leave no broken state behind, so a panic elsewhere does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
