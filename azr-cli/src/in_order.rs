//! Puts results that finish in any order back into the order in which they were asked for.

use std::collections::BTreeMap;

/// Holds what came too early.
#[derive(Debug)]
pub struct InOrder<T> {
    next: usize,
    early: BTreeMap<usize, T>,
}

impl<T> InOrder<T> {
    /// Nothing has come yet; the first index is 0.
    pub fn new() -> Self {
        Self {
            next: 0,
            early: BTreeMap::new(),
        }
    }

    /// How many results wait for an earlier one.
    pub fn waiting(&self) -> usize {
        self.early.len()
    }

    /// Gives back all that still wait for an earlier one, in order.
    pub fn into_waiting(self) -> impl Iterator<Item = T> {
        self.early.into_values()
    }

    /// Takes a result and gives back all that are due now, with their indices, in order.
    pub fn deliver(&mut self, index: usize, result: T) -> Vec<(usize, T)> {
        assert!(self.next <= index, "result {index} came twice");
        self.early.insert(index, result);
        let mut due = Vec::new();
        while let Some(result) = self.early.remove(&self.next) {
            due.push((self.next, result));
            self.next += 1;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_leave_in_order_and_as_soon_as_they_can() {
        let mut line = InOrder::new();
        assert_eq!(line.deliver(1, 'b'), []);
        assert_eq!(line.deliver(0, 'a'), [(0, 'a'), (1, 'b')]);
        assert_eq!(line.deliver(2, 'c'), [(2, 'c')]);
        assert_eq!(line.deliver(5, 'f'), []);
        assert_eq!(line.deliver(4, 'e'), []);
        assert_eq!(line.into_waiting().collect::<String>(), "ef");
    }
}
