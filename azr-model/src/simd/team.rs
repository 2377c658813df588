//! Threads that share one piece of work: the caller and its helpers take parts of it until none is left.
//!
//! The operations of one new token are so short that waking a thread takes longer than most of them (some 50
//! microseconds on a virtual machine), and there are hundreds. So the caller works itself, helpers look out for the next
//! piece for a while before they sleep, and a helper that comes late or not at all costs nothing but its help: the
//! caller waits only for parts that a helper has begun. Who does what is not fixed; parts must not depend on it.

use std::{
    cell::UnsafeCell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long a helper looks out for the next piece of work before it sleeps.
const LOOKOUT: Duration = Duration::from_micros(200);
/// Looks between two readings of the clock.
const LOOKS: usize = 64;
/// Turns that the caller waits for a helper before it offers its processor.
const TURNS: usize = 1 << 12;

/// A number of threads, the caller's among them. Helpers start with the first work that can be shared.
pub struct Team {
    threads: usize,
    crew: OnceLock<Crew>,
}

impl Default for Team {
    /// One thread for each processor.
    fn default() -> Self {
        Self::new(thread::available_parallelism().map_or(1, std::num::NonZero::get))
    }
}

impl std::fmt::Debug for Team {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Team({})", self.threads)
    }
}

impl Team {
    /// So many threads together with the caller's.
    pub fn new(threads: usize) -> Self {
        Self {
            threads: threads.max(1),
            crew: OnceLock::new(),
        }
    }

    /// Threads together with the caller's.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Hands each part to `work`, on whatever thread is free, and returns when all are done.
    ///
    /// # Panics
    /// A part of the work panicked.
    pub fn each<T: Send>(
        &self,
        parts: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator + Send>,
        work: impl Fn(T) + Sync,
    ) {
        let parts = parts.into_iter();
        if parts.len() < 2 || self.threads < 2 {
            return parts.for_each(work);
        }
        let waiting = Mutex::new(parts);
        let next = || {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.next()
        };
        let crew = self.crew.get_or_init(|| Crew::start(self.threads - 1));
        crew.together(&|| {
            while let Some(part) = next() {
                work(part);
            }
        });
    }
}

/// Work without the lifetime of what it borrows.
type Work = *const (dyn Fn() + Sync);

/// Low bits of the gate: helpers inside.
const INSIDE: u64 = (1 << 16) - 1;
/// Whether more may enter.
const OPEN: u64 = 1 << 16;
/// Above: the number of the piece of work.
const NUMBER: u32 = 17;

/// What the caller and its helpers share.
struct Shared {
    /// Number of the work, whether it can be entered, and how many helpers have.
    gate: AtomicU64,
    /// Written while the gate is closed and nobody is inside; read by those inside.
    work: UnsafeCell<Option<Work>>,
    panicked: AtomicBool,
    over: AtomicBool,
}

// SAFETY: `work` is written only while the gate is closed and nobody is inside, and read only inside.
unsafe impl Sync for Shared {}
// SAFETY: the pointer in `work` is only followed inside, while the work it points to is kept alive by its caller.
unsafe impl Send for Shared {}

struct Crew {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
    /// Held by the caller whose work it is.
    lead: Mutex<()>,
}

impl Crew {
    /// As many helpers as the system gives: fewer make the work slower, not different.
    fn start(helpers: usize) -> Self {
        let shared = Arc::new(Shared {
            gate: AtomicU64::new(0),
            work: UnsafeCell::new(None),
            panicked: AtomicBool::new(false),
            over: AtomicBool::new(false),
        });
        let helpers = (0..helpers.min(INSIDE as usize))
            .map_while(|_| {
                let shared = Arc::clone(&shared);
                let name = thread::Builder::new().name("azr-team".to_string());
                name.spawn(move || shared.help()).ok()
            })
            .collect();
        Self {
            shared,
            helpers,
            lead: Mutex::new(()),
        }
    }

    /// Runs `work` here and on every helper that is free; returns when none of them is in it anymore.
    fn together(&self, work: &(dyn Fn() + Sync)) {
        let _lead = match self.lead.try_lock() {
            Ok(lead) => lead,
            Err(TryLockError::Poisoned(lead)) => lead.into_inner(),
            // Someone else leads, or a part of the work has work of its own: it is done here.
            Err(TryLockError::WouldBlock) => return work(),
        };
        self.shared.panicked.store(false, Ordering::Relaxed);
        let erased: *const (dyn Fn() + Sync + '_) = work;
        // SAFETY: only the lifetime changes. `Visit` closes the gate and waits for everyone inside before `work` ends.
        let erased = unsafe { std::mem::transmute::<*const (dyn Fn() + Sync + '_), Work>(erased) };
        // SAFETY: this thread holds `lead`, and whoever held it before left the gate closed with nobody inside.
        unsafe { *self.shared.work.get() = Some(erased) };
        let number = (self.shared.gate.load(Ordering::Relaxed) >> NUMBER) + 1;
        self.shared
            .gate
            .store((number << NUMBER) | OPEN, Ordering::Release);
        for helper in &self.helpers {
            helper.thread().unpark();
        }
        let visit = Visit(&self.shared);
        work();
        drop(visit);
        if self.shared.panicked.load(Ordering::Relaxed) {
            panic!("a part of the work panicked on another thread");
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // A helper catches what its work panics with, so it ends well.
            let _ = helper.join();
        }
    }
}

/// While it lives, helpers may be in the work; its end waits for them, even when the caller's own part panics.
struct Visit<'a>(&'a Shared);

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        let mut gate = self.0.gate.fetch_and(!OPEN, Ordering::AcqRel);
        let mut turns = 0;
        while gate & INSIDE != 0 {
            if turns < TURNS {
                std::hint::spin_loop();
                turns += 1;
            } else {
                thread::yield_now();
            }
            gate = self.0.gate.load(Ordering::Acquire);
        }
    }
}

impl Shared {
    /// Helps with every piece of work until there will be no more.
    fn help(&self) {
        let mut done = 0;
        while let Some(gate) = self.await_work(done) {
            let entered =
                self.gate
                    .compare_exchange(gate, gate + 1, Ordering::Acquire, Ordering::Relaxed);
            if entered.is_err() {
                continue;
            }
            done = gate >> NUMBER;
            // SAFETY: this thread is inside.
            let work = unsafe { *self.work.get() };
            let helped = catch_unwind(AssertUnwindSafe(|| {
                if let Some(work) = work {
                    // SAFETY: the caller keeps the work alive while anyone is inside.
                    unsafe { (*work)() }
                }
            }));
            if helped.is_err() {
                self.panicked.store(true, Ordering::Relaxed);
            }
            self.gate.fetch_sub(1, Ordering::Release);
        }
    }

    /// The open gate of work that this thread has not helped with; nothing when all is over.
    fn await_work(&self, done: u64) -> Option<u64> {
        let mut since = Instant::now();
        let mut last = 0;
        loop {
            for _ in 0..LOOKS {
                let gate = self.gate.load(Ordering::Acquire);
                if gate & OPEN != 0 && gate >> NUMBER != done {
                    return Some(gate);
                }
                if gate >> NUMBER != last {
                    (last, since) = (gate >> NUMBER, Instant::now());
                }
                std::hint::spin_loop();
            }
            if self.over.load(Ordering::Acquire) {
                return None;
            }
            if LOOKOUT < since.elapsed() {
                thread::park();
                since = Instant::now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn every_part_is_done_once_whatever_the_threads() {
        for threads in [1, 2, 5] {
            let team = Team::new(threads);
            for count in [0, 1, 2, 3, 100] {
                let mut counts = vec![0u32; count];
                for _ in 0..50 {
                    team.each(counts.iter_mut(), |it| *it += 1);
                }
                assert_eq!(counts, vec![50; count], "{threads} threads");
            }
        }
    }

    #[test]
    fn helpers_that_fell_asleep_come_back() {
        let team = Team::new(3);
        let met = Mutex::new(std::collections::HashSet::new());
        let barrier = std::sync::Barrier::new(3);
        for _ in 0..3 {
            // Nobody passes before all three are here, so each part is on a thread of its own.
            team.each(0..3, |_| {
                barrier.wait();
                met.lock().unwrap().insert(thread::current().id());
            });
            thread::sleep(3 * LOOKOUT);
        }
        assert_eq!(met.lock().unwrap().len(), 3);
    }

    #[test]
    fn work_in_a_part_and_work_of_another_thread_are_done_too() {
        let team = Team::new(2);
        let total = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    team.each(0..20, |_| {
                        team.each(0..5, |it| {
                            total.fetch_add(it, Ordering::Relaxed);
                        });
                    });
                });
            }
        });
        assert_eq!(total.into_inner(), 3 * 20 * 10);
    }

    #[test]
    fn a_panic_in_a_part_reaches_the_caller_and_the_team_goes_on() {
        let team = Team::new(2);
        let barrier = std::sync::Barrier::new(2);
        for guilty in 0..2 {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                team.each(0..2, |part| {
                    barrier.wait();
                    assert_ne!(part, guilty, "planned");
                });
            }));
            assert!(outcome.is_err());
        }
        let sum = AtomicUsize::new(0);
        team.each(0..4, |it| {
            sum.fetch_add(it, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 6);
    }
}
