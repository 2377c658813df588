//! What is known of one frame while names get their places.

use crate::jinja::ast::{Layout, Load};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The variables of a frame and the names it writes.
#[derive(Debug, Clone, Default)]
pub(super) struct Level {
    places: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
    pub(super) layout: Layout,
    pub(super) stores: BTreeSet<Arc<str>>,
}

impl Level {
    pub(super) fn index(&self, name: &str) -> Option<u32> {
        self.places.get(name).copied()
    }

    /// Says how `name` begins, whether it was known or not.
    pub(super) fn define(&mut self, name: &Arc<str>, load: Load) -> u32 {
        if let Some(index) = self.index(name) {
            self.layout[index as usize] = load;
            return index;
        }
        let index = self.layout.len() as u32;
        self.places.insert(name.clone(), index);
        self.names.push(name.clone());
        self.layout.push(load);
        index
    }

    /// Takes over what `branch`, which began as a copy of this level, has learned.
    pub(super) fn extend(&mut self, branch: &Self) {
        for (name, load) in branch.names.iter().zip(&branch.layout) {
            self.define(name, load.clone());
        }
        self.stores.extend(branch.stores.iter().cloned());
    }
}
