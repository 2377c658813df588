//! How long a worker may run, and how long the supervisor may sleep until it has to look again.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use crate::job::Limits;
use crate::outcome::Limit;
use crate::sys::ProcessClock;

/// Why a run is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overrun {
    /// It reached a limit, which is a verdict.
    Limit(Limit),
    /// It was to be brief, which says nothing about it.
    Patience,
}

/// The deadlines of one run. Each call has the limits for itself.
pub(super) struct Deadline {
    started: Instant,
    /// How long to wait for it; none for as long as the limits permit.
    patience: Option<Duration>,
    wall_max: Duration,
    cpu_max: Duration,
    calls: u32,
}

/// The longest sleep between two looks: the worker may have finished a call and have gained its next share.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The shortest sleep.
const LOOK_AFTER_MIN: Duration = Duration::from_millis(1);

impl Deadline {
    /// Starts the clock.
    pub(super) fn start(limits: &Limits, calls: u32, patience: Option<Duration>) -> Self {
        Self {
            started: Instant::now(),
            patience,
            wall_max: Duration::from_millis(limits.wall_ms_max),
            cpu_max: Duration::from_millis(limits.cpu_ms_max),
            calls,
        }
    }

    /// The time since the clock was started.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// How long to sleep, or why to end it. `calls_done` is the worker's word, which can only cost it its
    /// own lane's time, and at most as much as all calls are allowed together.
    pub(super) fn next_look(
        &self,
        calls_done: u32,
        cpu_used: Option<Duration>,
    ) -> Result<Duration, Overrun> {
        let shares = calls_done.saturating_add(1).min(self.calls);
        let wall_left = self
            .wall_max
            .saturating_mul(shares)
            .saturating_sub(self.started.elapsed());
        let cpu_left = self
            .cpu_max
            .saturating_mul(shares)
            .saturating_sub(cpu_used.unwrap_or_default());
        if cpu_left.is_zero() {
            return Err(Overrun::Limit(Limit::Cpu));
        }
        if wall_left.is_zero() {
            return Err(Overrun::Limit(Limit::Wall));
        }
        let patience_left = self
            .patience
            .map_or(LOOK_EVERY, |it| it.saturating_sub(self.started.elapsed()));
        if patience_left.is_zero() {
            return Err(Overrun::Patience);
        }
        // Processor time passes no faster than time, because a worker has one thread.
        let soonest = wall_left.min(cpu_left).min(patience_left);
        Ok(soonest.clamp(LOOK_AFTER_MIN, LOOK_EVERY))
    }
}

/// The processor time of a worker since it was first seen.
pub(super) struct Stopwatch {
    clock: Option<ProcessClock>,
    before: Duration,
}

impl Stopwatch {
    /// Of a process that has done nothing for the run yet, or whose start is not to be counted.
    pub(super) fn from_now(process: BorrowedFd<'_>) -> Self {
        let clock = ProcessClock::of(process).ok();
        let before = clock
            .as_ref()
            .and_then(ProcessClock::now)
            .unwrap_or_default();
        Self { clock, before }
    }

    /// Of a process that was born for the run.
    pub(super) fn from_birth(process: BorrowedFd<'_>) -> Self {
        Self {
            clock: ProcessClock::of(process).ok(),
            before: Duration::ZERO,
        }
    }

    /// Processor time used; none where the host does not tell, and the kernel's own limit has to do.
    pub(super) fn used(&self) -> Option<Duration> {
        let now = self.clock.as_ref().and_then(ProcessClock::now)?;
        Some(now.saturating_sub(self.before))
    }
}
