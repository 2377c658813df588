//! Where jobs lie until somebody takes them: those that nobody has tried, and those that were not brief and wait until
//! nothing else does. And the answers, put back into the order of the jobs.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::verdict::Pace;
use crate::in_order::InOrder;
use crate::lines::Line;

/// Jobs that are read ahead of those who run them, for each of them.
const FRESH_JOBS_MAX: usize = 16;

/// Jobs put aside, and answers that wait for an earlier one, at most.
const HELD_MAX: usize = 4_096;

/// Bytes of lines put aside, and of answers that wait, at most, but for one line and one answer of each who runs them.
const HELD_BYTES_MAX: usize = 64 << 20;

/// How often those who wait look whether they have been asked to end.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A line and its place in the input.
#[derive(Debug)]
pub struct Numbered {
    /// From 0.
    pub index: usize,
    /// The line.
    pub line: Line,
}

/// The desk.
pub struct Desk {
    state: Mutex<State>,
    changed: Condvar,
    fresh_max: usize,
}

struct State {
    fresh: VecDeque<Numbered>,
    aside: VecDeque<Numbered>,
    aside_bytes: usize,
    answers: InOrder<String>,
    answer_bytes: usize,
    /// Lines read.
    lines: usize,
    /// No line comes any more; what went wrong with the last, if anything.
    end: Option<anyhow::Result<()>>,
    /// Nothing is to be begun any more.
    is_closed: bool,
    /// Jobs that were put aside, ever, and when the last of the others was done.
    put_aside: usize,
    brief_until: Instant,
}

impl Desk {
    /// An empty one for so many who run jobs.
    pub fn for_lanes(lanes: usize) -> Self {
        Self {
            state: Mutex::new(State {
                fresh: VecDeque::new(),
                aside: VecDeque::new(),
                aside_bytes: 0,
                answers: InOrder::new(),
                answer_bytes: 0,
                lines: 0,
                end: None,
                is_closed: false,
                put_aside: 0,
                brief_until: Instant::now(),
            }),
            changed: Condvar::new(),
            fresh_max: lanes * FRESH_JOBS_MAX,
        }
    }

    /// Lays a line down, once there is room for it. False when nobody will take it.
    pub fn lay(&self, line: Line) -> bool {
        let mut state = self.state();
        while self.fresh_max <= state.fresh.len() && !state.is_closed {
            state = self.wait(state);
        }
        let index = state.lines;
        state.lines += 1;
        state.fresh.push_back(Numbered { index, line });
        self.changed.notify_all();
        !state.is_closed
    }

    /// No line comes any more, because there is none or because reading failed.
    pub fn end_of_input(&self, end: anyhow::Result<()>) {
        self.state().end = Some(end);
        self.changed.notify_all();
    }

    /// What went wrong with the input, if anything.
    ///
    /// # Errors
    /// What reading failed with, once.
    pub fn input(&self) -> anyhow::Result<()> {
        self.state().end.take().unwrap_or(Ok(()))
    }

    /// Nothing is begun from now on: the end was asked for, or some answer will never come.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }

    /// Lines that were laid down.
    pub fn lines(&self) -> usize {
        self.state().lines
    }

    /// How many jobs were put aside, and when the last of the others was done or given up.
    pub fn put_aside_so_far(&self) -> (usize, Instant) {
        let state = self.state();
        (state.put_aside, state.brief_until)
    }

    /// What to do next, once there is something; none when all is done, or `end` is asked for.
    pub fn take(&self, end: &AtomicBool) -> Option<(Numbered, Pace)> {
        let mut state = self.state();
        loop {
            if state.is_closed || end.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(turn) = state.next_turn() {
                self.changed.notify_all();
                return Some(turn);
            }
            if state.end.is_some() && state.fresh.is_empty() {
                return None;
            }
            state = self.wait(state);
        }
    }

    /// Takes back a job that was not brief.
    pub fn put_aside(&self, job: Numbered) {
        let mut state = self.state();
        state.aside_bytes += job.line.bytes();
        state.put_aside += 1;
        state.brief_until = Instant::now();
        state.aside.push_back(job);
        self.changed.notify_all();
    }

    /// Takes the answer of job `index` and prints all that are due.
    ///
    /// # Errors
    /// When printing fails.
    pub fn deliver(
        &self,
        index: usize,
        answer: String,
        pace: Pace,
        print: &mut dyn FnMut(String) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = self.state();
        if pace == Pace::Brief {
            state.brief_until = Instant::now();
        }
        state.answer_bytes += answer.len();
        for (_, answer) in state.answers.deliver(index, answer) {
            state.answer_bytes -= answer.len();
            print(answer)?;
            self.changed.notify_all();
        }
        Ok(())
    }

    /// Prints the answers that still wait for an earlier one which will never come, in the order of their jobs.
    ///
    /// # Errors
    /// When printing fails.
    pub fn deliver_waiting(
        &self,
        print: &mut dyn FnMut(String) -> io::Result<()>,
    ) -> io::Result<()> {
        let answers = std::mem::replace(&mut self.state().answers, InOrder::new());
        answers.into_waiting().try_for_each(print)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'desk>(&'desk self, state: MutexGuard<'desk, State>) -> MutexGuard<'desk, State> {
        let waited = self.changed.wait_timeout(state, LOOK_EVERY);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl State {
    /// A fresh job as long as there is room to hold what comes before its answer may leave; else one that was put aside.
    /// Whoever holds the answer that is due is never kept waiting by that, for fresh jobs are taken in order.
    fn next_turn(&mut self) -> Option<(Numbered, Pace)> {
        let is_full = HELD_MAX <= self.answers.waiting().max(self.aside.len())
            || HELD_BYTES_MAX <= self.answer_bytes.max(self.aside_bytes);
        if !is_full && let Some(job) = self.fresh.pop_front() {
            let is_last = self.end.is_some() && self.fresh.is_empty() && self.aside.is_empty();
            let pace = if is_last { Pace::Whole } else { Pace::Brief };
            return Some((job, pace));
        }
        let job = self.aside.pop_front()?;
        self.aside_bytes -= job.line.bytes();
        Some((job, Pace::Whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static GOES_ON: AtomicBool = AtomicBool::new(false);

    fn line(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    fn brief(desk: &Desk) -> Numbered {
        match desk.take(&GOES_ON) {
            Some((job, Pace::Brief)) => job,
            other => panic!("{other:?}"),
        }
    }

    fn whole(desk: &Desk) -> usize {
        match desk.take(&GOES_ON) {
            Some((job, Pace::Whole)) => job.index,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_put_aside_waits_for_all_that_is_fresh_and_not_for_what_has_not_come() {
        let desk = Desk::for_lanes(1);
        assert!(desk.lay(line("a")) && desk.lay(line("b")));
        let first = brief(&desk);
        desk.put_aside(first);
        assert_eq!(brief(&desk).index, 1);
        // The input goes on, and perhaps waits for this answer.
        assert_eq!(whole(&desk), 0);
    }

    #[test]
    fn the_last_job_is_run_to_its_end_at_once() {
        let desk = Desk::for_lanes(1);
        assert!(desk.lay(line("a")));
        desk.end_of_input(Ok(()));
        assert_eq!(whole(&desk), 0);
        assert!(desk.take(&GOES_ON).is_none());
    }

    #[test]
    fn answers_are_printed_in_the_order_of_their_jobs_and_as_soon_as_they_can_be() {
        let desk = Desk::for_lanes(1);
        let mut printed = Vec::new();
        for (index, expected) in [(2, ""), (1, ""), (0, "012"), (3, "0123")] {
            let mut print = |text| {
                printed.push(text);
                Ok(())
            };
            desk.deliver(index, index.to_string(), Pace::Whole, &mut print)
                .unwrap();
            assert_eq!(printed.concat(), expected);
        }
    }

    #[test]
    fn answers_behind_a_job_that_is_given_up_are_printed_all_the_same() {
        let desk = Desk::for_lanes(1);
        for index in [3, 1, 2] {
            let mut print = |text| panic!("{text} comes too early");
            desk.deliver(index, index.to_string(), Pace::Brief, &mut print)
                .unwrap();
        }
        let mut printed = String::new();
        let mut print = |text: String| {
            printed.push_str(&text);
            Ok(())
        };
        desk.deliver_waiting(&mut print).unwrap();
        desk.deliver_waiting(&mut print).unwrap();
        assert_eq!(printed, "123");
    }

    #[test]
    fn when_too_many_answers_wait_for_a_job_that_was_put_aside_it_comes_first() {
        let desk = Desk::for_lanes(HELD_MAX);
        (0..HELD_MAX + 10).for_each(|_| assert!(desk.lay(line("x"))));
        let first = brief(&desk);
        desk.put_aside(first);
        for _ in 0..HELD_MAX {
            let job = brief(&desk);
            desk.deliver(job.index, String::new(), Pace::Brief, &mut |_| Ok(()))
                .unwrap();
        }
        assert_eq!(whole(&desk), 0);
        desk.deliver(0, String::new(), Pace::Whole, &mut |_| Ok(()))
            .unwrap();
        assert_eq!(brief(&desk).index, HELD_MAX + 1);
    }

    #[test]
    fn whoever_reads_ahead_waits_for_those_who_run() {
        let desk = Desk::for_lanes(1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (0..2 * FRESH_JOBS_MAX).for_each(|_| assert!(desk.lay(line("x"))));
                desk.end_of_input(Ok(()));
            });
            while let Some(turn) = desk.take(&GOES_ON) {
                assert!(desk.state().fresh.len() <= FRESH_JOBS_MAX, "{turn:?}");
            }
        });
        assert_eq!(desk.lines(), 2 * FRESH_JOBS_MAX);
    }

    #[test]
    fn those_who_wait_go_when_the_end_is_asked_for() {
        let desk = Desk::for_lanes(1);
        let end = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| desk.take(&end).is_none());
            end.store(true, Ordering::Relaxed);
            assert!(waits.join().unwrap());
        });
        desk.close();
        assert!(!desk.lay(line("x")));
    }
}
