//! One wave: all requests go to the policy, and each response to a worker as soon as it is there.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use azr_executor::SandboxError;

use crate::observer::{Event, Observer, Phase};
use crate::policy::{Policy, Request, Response};
use crate::self_play::StepError;
use crate::wire::{self, Bounds, WireError};

/// Where in a run a wave takes place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub step: u64,
    pub phase: Phase,
}

/// What came of a wave.
#[derive(Debug)]
pub(crate) struct Wave<T> {
    /// One for each request, in order.
    pub items: Vec<T>,
    /// What it took.
    pub effort: Effort,
}

/// What a wave took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Sampled tokens.
    pub tokens: usize,
    /// Elapsed time.
    pub seconds: f64,
    /// Work of all workers together.
    pub worker_seconds: f64,
    /// How long the policy had nothing to do but to wait for a worker: until one took a response, and at last until all
    /// were judged.
    pub wait_seconds: f64,
}

/// A response, and what `judge` made of it.
#[derive(Debug)]
pub(crate) struct Judged<J> {
    pub response: Response,
    pub finding: J,
}

impl<T> Wave<T> {
    /// Puts each item together with what was kept for it.
    pub(crate) fn zip<K, U>(self, kept: Vec<K>, join: impl Fn(usize, K, T) -> U) -> Wave<U> {
        assert_eq!(
            kept.len(),
            self.items.len(),
            "a wave gives one item for each request"
        );
        let items = kept
            .into_iter()
            .zip(self.items)
            .enumerate()
            .map(|(idx, (kept, item))| join(idx, kept, item));
        Wave {
            items: items.collect(),
            effort: self.effort,
        }
    }
}

/// Asks `requests` and judges each response on a worker.
pub(crate) fn ask<J: Send>(
    policy: &mut dyn Policy,
    observer: &mut dyn Observer,
    workers: usize,
    moment: Moment,
    requests: &[Request],
    judge: impl Fn(usize, &Response) -> Result<J, SandboxError> + Sync,
) -> Result<Wave<Judged<J>>, StepError> {
    let Moment { step, phase } = moment;
    let started = Instant::now();
    let items = requests.len();
    observer.notice(&Event::Phase { step, phase, items });
    let (mut done, mut tokens, mut worker_seconds) = (0, 0, 0.0);
    let (mut wait, mut sampled) = (Duration::ZERO, started);
    let judged = wire::wave(
        Bounds::for_workers(workers),
        items,
        |put| {
            policy.respond(requests, &mut |index, response| {
                let finished = Instant::now();
                let flow = put(index, response);
                wait += finished.elapsed();
                flow
            })?;
            sampled = Instant::now();
            Ok(())
        },
        |index, response: Response| {
            let started = Instant::now();
            let finding = judge(index, &response)?;
            Ok((Judged { response, finding }, started.elapsed()))
        },
        |(judged, elapsed)| {
            done += 1;
            tokens += judged.response.tokens.len();
            worker_seconds += elapsed.as_secs_f64();
            observer.notice(&Event::Progress {
                step,
                phase,
                done,
                items,
                tokens,
            });
        },
    )
    .map_err(StepError::from)?;
    let items = judged.into_iter().map(|(judged, _)| judged).collect();
    let effort = Effort {
        tokens,
        seconds: started.elapsed().as_secs_f64(),
        worker_seconds,
        wait_seconds: (wait + sampled.elapsed()).as_secs_f64(),
    };
    Ok(Wave { items, effort })
}

impl From<WireError<StepError>> for StepError {
    fn from(error: WireError<StepError>) -> Self {
        let defect = match error {
            WireError::Failed(error) => return error,
            WireError::Thread(error) => return error.into(),
            WireError::Missing { index, count } => {
                WireError::<Infallible>::Missing { index, count }
            }
            WireError::Unasked { index, count } => WireError::Unasked { index, count },
        };
        StepError::Unanswered { defect }
    }
}
