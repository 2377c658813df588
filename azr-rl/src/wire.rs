//! The bounded channels between the policy and the workers that judge its responses. Channels occur nowhere else.
//!
//! ```text
//! produce (own thread) ==delivered==> judge x workers ==judged==> collector (calling thread)
//! ```
//!
//! There is no way back: feedback is control flow between two waves that have both drained. Items carry their index, so
//! the order of completion never reaches the caller. The first error closes the wire: nothing new is judged, the producer
//! is told to stop at its next delivery, and the error is all that the caller gets.

use std::ops::ControlFlow;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::thread::{self, NoThread};

/// How much may be under way at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Items that were delivered and wait for a worker, at most.
    pub delivered_max: usize,
    /// Judged items that wait for the collector, at most.
    pub judged_max: usize,
    /// Threads that judge.
    pub workers: usize,
}

impl Bounds {
    /// Bounds for this many workers: every worker finds the next item waiting and room for its result.
    #[must_use]
    pub fn for_workers(workers: usize) -> Self {
        Self {
            delivered_max: 2 * workers,
            judged_max: 2 * workers,
            workers,
        }
    }

    /// Items that can exist at once: one in the producer's hand, one in the collector's, one with each worker, and the
    /// two channels full.
    #[must_use]
    pub fn in_flight_max(&self) -> usize {
        1 + self.delivered_max + self.workers + self.judged_max + 1
    }
}

/// Where the producer puts an item: its index, and the item. Breaks when nothing more is wanted.
pub type Put<'a, T> = &'a mut dyn FnMut(usize, T) -> ControlFlow<()>;

/// Produces `count` items, judges each on a worker, and gives the results in the order of their indices.
///
/// `produce` runs on a thread of its own and puts every index below `count` exactly once, in any order; `arrived` sees
/// each result on the calling thread as it comes in.
///
/// # Errors
/// The first error of `judge` or else that of `produce`; a producer that broke its promise; or no thread.
pub fn wave<T, U, E>(
    bounds: Bounds,
    count: usize,
    produce: impl FnOnce(Put<'_, T>) -> Result<(), E> + Send,
    judge: impl Fn(usize, T) -> Result<U, E> + Sync,
    mut arrived: impl FnMut(&U),
) -> Result<Vec<U>, WireError<E>>
where
    T: Send,
    U: Send,
    E: Send,
{
    assert!(0 < bounds.workers, "a wire needs at least one worker");
    let (delivered_in, delivered_out) = bounded::<(usize, T)>(bounds.delivered_max);
    let (judged_in, judged_out) = bounded::<(usize, Result<U, E>)>(bounds.judged_max);
    std::thread::scope(|scope| {
        // Without one of its threads nothing is begun: all ends of the channels go with this closure.
        let producer = thread::start(scope, move || {
            produce(&mut |index, item| put(&delivered_in, index, item))
        })?;
        for _ in 0..bounds.workers {
            let (delivered, judged, judge) = (delivered_out.clone(), judged_in.clone(), &judge);
            thread::start(scope, move || work(&delivered, &judged, judge))?;
        }
        // The workers hold the only ends now: when they are gone, both sides see it.
        drop((delivered_out, judged_in));
        let collected = collect(judged_out, count, &mut arrived);
        let produced = match producer.join() {
            Ok(produced) => produced,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        // An error of the producer explains missing items; an error of a worker comes before what it made the producer do.
        match (collected, produced) {
            (Err(Incomplete::Judge(error)), _) | (Ok(_), Err(error)) => {
                Err(WireError::Failed(error))
            }
            (Err(Incomplete::Missing { .. }), Err(error)) => Err(WireError::Failed(error)),
            (Err(Incomplete::Missing { index }), Ok(())) => {
                Err(WireError::Missing { index, count })
            }
            (Err(Incomplete::Unasked { index }), _) => Err(WireError::Unasked { index, count }),
            (Ok(results), Ok(())) => Ok(results),
        }
    })
}

/// A wave gave no results.
#[derive(Debug, thiserror::Error)]
pub enum WireError<E> {
    /// The first error of a worker or of the producer.
    #[error(transparent)]
    Failed(E),
    /// The producer finished without this item.
    #[error("request {index} of {count} was never answered; this is a defect of the policy")]
    Missing {
        /// Its index.
        index: usize,
        /// How many were asked for.
        count: usize,
    },
    /// The producer gave an item twice, or one that nobody asked for.
    #[error(
        "request {index} of {count} was answered twice or never asked; this is a defect of the policy"
    )]
    Unasked {
        /// Its index.
        index: usize,
        /// How many were asked for.
        count: usize,
    },
    /// The system gives no thread to work on.
    #[error(transparent)]
    Thread(#[from] NoThread),
}

enum Incomplete<E> {
    Judge(E),
    Missing { index: usize },
    Unasked { index: usize },
}

fn put<T>(delivered: &Sender<(usize, T)>, index: usize, item: T) -> ControlFlow<()> {
    match delivered.send((index, item)) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_closed) => ControlFlow::Break(()),
    }
}

fn work<T, U, E>(
    delivered: &Receiver<(usize, T)>,
    judged: &Sender<(usize, Result<U, E>)>,
    judge: &(impl Fn(usize, T) -> Result<U, E> + Sync),
) {
    for (index, item) in delivered {
        if judged.send((index, judge(index, item))).is_err() {
            return;
        }
    }
}

/// Takes results until all workers are gone or one reports an error; then the receiver is dropped, which closes the wire.
fn collect<U, E>(
    judged: Receiver<(usize, Result<U, E>)>,
    count: usize,
    arrived: &mut impl FnMut(&U),
) -> Result<Vec<U>, Incomplete<E>> {
    let mut results: Vec<Option<U>> = (0..count).map(|_| None).collect();
    for (index, result) in &judged {
        let result = result.map_err(Incomplete::Judge)?;
        match results.get_mut(index) {
            Some(slot) if slot.is_none() => {
                arrived(&result);
                *slot = Some(result);
            }
            _ => return Err(Incomplete::Unasked { index }),
        }
    }
    let missing = results.iter().position(Option::is_none);
    match missing {
        Some(index) => Err(Incomplete::Missing { index }),
        None => Ok(results.into_iter().flatten().collect()),
    }
}

#[cfg(test)]
mod tests;
