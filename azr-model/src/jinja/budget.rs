//! What a rendering may use up, and what it has used.

use super::fault::{Limit, Result, beyond};
use super::value::{Items, Shape, Value};
use std::cell::Cell;
use std::rc::Rc;

/// Evaluated nodes and elements; real templates need a few thousand.
const STEPS_MAX: usize = 5_000_000;
/// Bytes read and written by operations on text and lists.
const BYTES_MAX: usize = 1 << 29;
/// Nested evaluation: expressions in blocks in macros that call each other.
const DEPTH_MAX: u32 = 400;
/// Nested lists and dictionaries.
const NESTING_MAX: u32 = 128;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    steps: Cell<usize>,
    bytes: Cell<usize>,
    depth: Cell<u32>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            steps: Cell::new(STEPS_MAX),
            bytes: Cell::new(BYTES_MAX),
            depth: Cell::new(0),
        }
    }
}

impl Budget {
    pub(super) fn steps(&self, count: usize) -> Result<()> {
        match self.steps.get().checked_sub(count) {
            Some(left) => {
                self.steps.set(left);
                Ok(())
            }
            None => beyond(Limit::Steps),
        }
    }

    pub(super) fn bytes(&self, count: usize) -> Result<()> {
        match self.bytes.get().checked_sub(count) {
            Some(left) => {
                self.bytes.set(left);
                Ok(())
            }
            None => beyond(Limit::Bytes),
        }
    }

    /// Does `work` one level deeper.
    pub(super) fn deeper<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        if DEPTH_MAX <= self.depth.get() {
            return beyond(Limit::Depth);
        }
        self.steps(1)?;
        self.depth.set(self.depth.get() + 1);
        let result = work();
        self.depth.set(self.depth.get() - 1);
        result
    }

    /// The shape of something that holds what has these shapes.
    pub(super) fn shape(&self, shapes: impl Iterator<Item = Shape>) -> Result<Shape> {
        let shape = Shape::around(shapes);
        if NESTING_MAX < shape.depth {
            return beyond(Limit::Nesting);
        }
        Ok(shape)
    }

    fn items(&self, values: Vec<Value>, is_group: bool) -> Result<Rc<Items>> {
        let shape = self.shape(values.iter().map(Value::shape))?;
        self.bytes(values.len() * 16)?;
        Ok(Rc::new(Items {
            values,
            shape,
            is_group,
        }))
    }

    pub(super) fn list(&self, values: Vec<Value>) -> Result<Value> {
        Ok(Value::List(self.items(values, false)?))
    }

    pub(super) fn tuple(&self, values: Vec<Value>) -> Result<Value> {
        Ok(Value::Tuple(self.items(values, false)?))
    }

    /// What `groupby` returns for one group.
    pub(super) fn group(&self, grouper: Value, list: Value) -> Result<Value> {
        Ok(Value::Tuple(self.items(vec![grouper, list], true)?))
    }

    /// A string that is as new as it is long.
    pub(super) fn text(&self, text: String) -> Result<Value> {
        self.bytes(text.len())?;
        Ok(Value::Str(text.into()))
    }
}
