//! Puts answers that come in any order back into the order of their jobs, and holds a bounded number of them.

use std::io;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::in_order::InOrder;

/// Answers that wait for an earlier one, at most.
const EARLY_ANSWERS_MAX: usize = 1_024;

/// Bytes of answers that wait, at most, but for one answer of each worker.
const EARLY_BYTES_MAX: usize = 64 << 20;

/// The line-up.
pub struct LineUp {
    state: Mutex<State>,
    moved: Condvar,
}

struct State {
    order: InOrder<String>,
    early_bytes: usize,
    is_given_up: bool,
}

impl LineUp {
    /// Waits for answer 0.
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State {
                order: InOrder::new(),
                early_bytes: 0,
                is_given_up: false,
            }),
            moved: Condvar::new(),
        }
    }

    /// Takes the answer of job `index` and prints all that are due. Whoever is too far ahead waits here, so memory stays
    /// bounded behind a slow job; the one whose turn it is never waits.
    ///
    /// # Errors
    /// When printing fails.
    pub fn deliver(
        &self,
        index: usize,
        answer: String,
        print: &mut dyn FnMut(String) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while index != state.order.next() && state.is_full() && !state.is_given_up {
            state = self
                .moved
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.early_bytes += answer.len();
        for (_, answer) in state.order.deliver(index, answer) {
            state.early_bytes -= answer.len();
            print(answer)?;
            self.moved.notify_all();
        }
        Ok(())
    }

    /// Lets everyone go: some answer will never come.
    pub fn give_up(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_given_up = true;
        self.moved.notify_all();
    }
}

impl State {
    fn is_full(&self) -> bool {
        EARLY_ANSWERS_MAX <= self.order.waiting() || EARLY_BYTES_MAX <= self.early_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_printed_in_the_order_of_their_jobs_and_as_soon_as_they_can_be() {
        let line_up = LineUp::new();
        let mut printed = Vec::new();
        for (index, expected) in [(2, ""), (1, ""), (0, "012"), (3, "0123")] {
            let mut print = |text| {
                printed.push(text);
                Ok(())
            };
            line_up
                .deliver(index, index.to_string(), &mut print)
                .unwrap();
            assert_eq!(printed.concat(), expected);
        }
    }

    #[test]
    fn whoever_is_too_far_ahead_waits_for_the_slow_one() {
        let line_up = LineUp::new();
        let printed = Mutex::new(0);
        let most_waiting = Mutex::new(0);
        std::thread::scope(|scope| {
            let (line_up, printed, most_waiting) = (&line_up, &printed, &most_waiting);
            let deliver = move |index: usize| {
                let mut print = |_| {
                    *printed.lock().unwrap() += 1;
                    Ok(())
                };
                line_up.deliver(index, "x".to_owned(), &mut print).unwrap();
                let waiting = line_up.state.lock().unwrap().order.waiting();
                let mut most = most_waiting.lock().unwrap();
                *most = waiting.max(*most);
            };
            scope.spawn(move || (1..=2 * EARLY_ANSWERS_MAX).for_each(deliver));
            scope.spawn(move || {
                while !line_up.state.lock().unwrap().is_full() {
                    std::thread::yield_now();
                }
                deliver(0);
            });
        });
        assert_eq!(*printed.lock().unwrap(), 2 * EARLY_ANSWERS_MAX + 1);
        assert!(*most_waiting.lock().unwrap() <= EARLY_ANSWERS_MAX);
    }
}
