//! The tasks of one kind in the order they came, found by their identity.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Entry, Origin, SeedPolicy, Summary};
use crate::novelty::TaskKey;
use crate::task::TaskId;

/// A queue with an index.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf {
    /// Ascending serial numbers.
    entries: VecDeque<(u64, Entry)>,
    serials: HashMap<TaskId, u64>,
    keys: HashSet<TaskKey>,
    next_serial: u64,
}

impl Shelf {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(|(_, entry)| entry)
    }

    pub(super) fn get(&self, id: &TaskId) -> Option<&Entry> {
        let at = self.position(id)?;
        self.entries.get(at).map(|(_, entry)| entry)
    }

    pub(super) fn get_mut(&mut self, id: &TaskId) -> Option<&mut Entry> {
        let at = self.position(id)?;
        self.entries.get_mut(at).map(|(_, entry)| entry)
    }

    pub(super) fn has(&self, key: &TaskKey) -> bool {
        self.keys.contains(key)
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.serials.insert(entry.id.clone(), self.next_serial);
        self.keys.insert(entry.key);
        self.entries.push_back((self.next_serial, entry));
        self.next_serial += 1;
    }

    /// The oldest task leaves; under [`SeedPolicy::Keep`] the oldest that is no seed, if there is one.
    pub(super) fn remove_oldest(&mut self, seeds: SeedPolicy) {
        let at = match seeds {
            SeedPolicy::Age => 0,
            SeedPolicy::Keep => self
                .entries()
                .position(|entry| entry.lineage.origin == Origin::Proposed)
                .unwrap_or(0),
        };
        if let Some((_, entry)) = self.entries.remove(at) {
            self.serials.remove(&entry.id);
            self.keys.remove(&entry.key);
        }
    }

    pub(super) fn summary(&self) -> Summary {
        let programs: HashSet<_> = self.entries().map(|entry| entry.key.program).collect();
        let rates: Vec<f64> = self
            .entries()
            .filter_map(|entry| entry.solves.rate())
            .collect();
        Summary {
            tasks: self.len(),
            seeds: self
                .entries()
                .filter(|entry| entry.lineage.origin == Origin::Seed)
                .count(),
            programs: programs.len(),
            attempted: rates.len(),
            solve_rate_mean: if rates.is_empty() {
                0.0
            } else {
                rates.iter().sum::<f64>() / rates.len() as f64
            },
        }
    }

    fn position(&self, id: &TaskId) -> Option<usize> {
        let serial = self.serials.get(id)?;
        self.entries
            .binary_search_by_key(serial, |(serial, _)| *serial)
            .ok()
    }
}
