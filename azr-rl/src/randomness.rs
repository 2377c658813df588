//! Every random draw of a run: a generator derived from where in the run the draw is made.
//!
//! No generator is carried from one draw to the next, so neither the order of work nor a resume can change a draw.

use azr_tasks::Lane;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// A place in a run at which something is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The run's seed.
    pub run_seed: u64,
    /// What is drawn.
    pub stream: Stream,
    /// At which step; 0 before the first.
    pub step: u64,
    /// For which lane.
    pub lane: Lane,
    /// For which item of the lane.
    pub index: u64,
}

/// What is drawn. Draws of different streams have nothing to do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// What a proposer is shown.
    References,
    /// Tokens of a proposal.
    Proposal,
    /// Tokens of a rating sample.
    Rating,
    /// Which tasks of the buffer the solver gets.
    SolverTasks,
    /// Tokens of a solver's answer.
    Answer,
    /// Tokens of an answer to a held-out task; the same at every evaluation, so that changes are paired.
    Evaluation,
    /// How the random-reward control deals out rewards.
    Control,
    /// What a proposer is shown before the first step.
    SeedingReferences,
    /// Tokens of a proposal before the first step.
    SeedingProposal,
}

impl Place {
    /// The generator of this place.
    #[must_use]
    pub fn generator(&self) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(self.digest())
    }

    /// A seed for a generator elsewhere, the sampler's for instance.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.generator().next_u64()
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"azr run draw 1");
        hash.update(self.run_seed.to_le_bytes());
        hash.update([
            self.stream as u8,
            self.lane.role as u8,
            self.lane.kind as u8,
        ]);
        hash.update(self.step.to_le_bytes());
        hash.update(self.index.to_le_bytes());
        hash.finalize().into()
    }
}

/// A uniform number below `end`, without the bias of a plain remainder.
///
/// # Panics
/// When `end` is 0: there is nothing to draw.
pub fn below(generator: &mut ChaCha8Rng, end: u64) -> u64 {
    assert!(0 < end, "nothing can be drawn from an empty range");
    let fair = u64::MAX - u64::MAX % end;
    loop {
        let draw = generator.next_u64();
        if draw < fair {
            return draw % end;
        }
    }
}

/// Puts `items` in a uniformly drawn order.
pub fn shuffle<T>(generator: &mut ChaCha8Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        let other = below(generator, last as u64 + 1) as usize;
        items.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const STREAMS: [Stream; 9] = [
        Stream::References,
        Stream::Proposal,
        Stream::Rating,
        Stream::SolverTasks,
        Stream::Answer,
        Stream::Evaluation,
        Stream::Control,
        Stream::SeedingReferences,
        Stream::SeedingProposal,
    ];

    #[test]
    fn every_place_of_a_run_has_a_seed_of_its_own() {
        let mut seeds = BTreeSet::new();
        let mut places = 0;
        for run_seed in 0..2 {
            for stream in STREAMS {
                for lane in Lane::ALL {
                    for (step, index) in [(0, 0), (0, 1), (1, 0), (1, 1), (256, 0), (0, 256)] {
                        seeds.insert(
                            Place {
                                run_seed,
                                stream,
                                step,
                                lane,
                                index,
                            }
                            .seed(),
                        );
                        places += 1;
                    }
                }
            }
        }
        assert_eq!(seeds.len(), places);
    }

    #[test]
    fn the_seed_of_a_place_never_changes() {
        let place = Place {
            run_seed: 1,
            stream: Stream::Proposal,
            step: 3,
            lane: Lane::ALL[4],
            index: 5,
        };
        assert_eq!(place.seed(), place.seed());
        assert_eq!(
            place.seed(),
            SEED_OF_A_PLACE,
            "saved runs can no longer be resumed; was this meant?"
        );
    }

    /// Written down when the derivation was first fixed.
    const SEED_OF_A_PLACE: u64 = 454_816_610_369_740_458;

    #[test]
    fn draws_below_a_bound_reach_every_value() {
        let place = Place {
            run_seed: 1,
            stream: Stream::Control,
            step: 0,
            lane: Lane::ALL[0],
            index: 0,
        };
        let mut generator = place.generator();
        let drawn: BTreeSet<u64> = (0..200).map(|_| below(&mut generator, 7)).collect();
        assert_eq!(drawn, (0..7).collect());
    }

    #[test]
    fn a_shuffle_keeps_every_item_and_moves_some() {
        let place = Place {
            run_seed: 1,
            stream: Stream::Control,
            step: 0,
            lane: Lane::ALL[0],
            index: 0,
        };
        let mut items: Vec<u32> = (0..50).collect();
        shuffle(&mut place.generator(), &mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
