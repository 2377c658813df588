//! Dictionaries in the order of insertion, with Python's notion of which keys are the same.

use super::compare::{equal, hashable};
use super::{Shape, Value};
use crate::jinja::budget::Budget;
use crate::jinja::fault::Result;

/// Keys and values. Dictionaries of templates are small, so a key is looked for one by one.
#[derive(Debug, Default)]
pub(in crate::jinja) struct Dict {
    entries: Vec<(Value, Value)>,
    pub(in crate::jinja) shape: Shape,
}

impl Dict {
    /// A dictionary of what was in `entries`, in which no key occurs twice.
    pub(in crate::jinja) fn new(entries: Vec<(Value, Value)>, budget: &Budget) -> Result<Self> {
        let shapes = entries
            .iter()
            .flat_map(|(key, it)| [key.shape(), it.shape()]);
        let shape = budget.shape(shapes)?;
        budget.bytes(entries.len() * 32)?;
        Ok(Self { entries, shape })
    }

    /// A dictionary of pairs, of which later ones replace earlier ones.
    pub(in crate::jinja) fn of_pairs(pairs: Vec<(Value, Value)>, budget: &Budget) -> Result<Self> {
        let mut entries: Vec<(Value, Value)> = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            hashable(&key)?;
            match place(&entries, &key, budget)? {
                Some(at) => entries[at].1 = value,
                None => entries.push((key, value)),
            }
        }
        Self::new(entries, budget)
    }

    pub(in crate::jinja) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(in crate::jinja) fn entries(&self) -> &[(Value, Value)] {
        &self.entries
    }

    /// The value of a key, which must be hashable.
    pub(in crate::jinja) fn get(&self, key: &Value, budget: &Budget) -> Result<Option<&Value>> {
        hashable(key)?;
        Ok(place(&self.entries, key, budget)?.map(|at| &self.entries[at].1))
    }

    pub(in crate::jinja) fn get_str(&self, key: &str) -> Option<&Value> {
        let found = |it: &&(Value, Value)| it.0.text().is_some_and(|text| **text == *key);
        self.entries.iter().find(found).map(|(_, value)| value)
    }
}

fn place(entries: &[(Value, Value)], key: &Value, budget: &Budget) -> Result<Option<usize>> {
    budget.steps(1 + entries.len() / 16)?;
    for (at, (it, _)) in entries.iter().enumerate() {
        let is_same = match (it, key) {
            (Value::Str(left), Value::Str(right)) => left == right,
            _ => equal(it, key, budget)?,
        };
        if is_same {
            return Ok(Some(at));
        }
    }
    Ok(None)
}
