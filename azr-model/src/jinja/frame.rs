//! The variables of a piece of a template while it is rendered.

use super::ast::{Layout, Load, Slot};
use super::value::Value;
use std::cell::RefCell;
use std::rc::Rc;

/// Variables, and the frame around them.
#[derive(Debug)]
pub(super) struct Frame {
    slots: RefCell<Vec<Option<Value>>>,
    parent: Option<Rc<Frame>>,
}

impl Frame {
    /// A frame in `parent` whose variables begin as `layout` says; `resolve` looks up those that the template was given.
    pub(super) fn new(
        layout: &Layout,
        parent: Option<&Rc<Self>>,
        resolve: impl Fn(&str) -> Option<Value>,
    ) -> Rc<Self> {
        let frame = Self {
            slots: RefCell::default(),
            parent: parent.cloned(),
        };
        let slots = layout
            .iter()
            .map(|load| match load {
                Load::Parameter | Load::Undefined => None,
                Load::Resolve(name) => resolve(name),
                Load::Alias(slot) => frame.get(*slot),
            })
            .collect();
        frame.slots.replace(slots);
        Rc::new(frame)
    }

    pub(super) fn get(&self, slot: Slot) -> Option<Value> {
        let mut frame = self;
        for _ in 0..slot.up {
            frame = frame.parent.as_deref()?;
        }
        let slots = frame.slots.borrow();
        slots.get(slot.index as usize).cloned().flatten()
    }

    /// Sets a variable of this frame. Outer frames are never written to.
    pub(super) fn set(&self, index: u32, value: Value) {
        let replaced = {
            let mut slots = self.slots.borrow_mut();
            slots
                .get_mut(index as usize)
                .map(|slot| slot.replace(value))
        };
        drop(replaced);
    }

    /// Forgets the variables of this frame and of those around it, which may know it.
    pub(super) fn clear(&self) {
        let mut frame = Some(self);
        while let Some(it) = frame {
            drop(it.slots.take());
            frame = it.parent.as_deref();
        }
    }
}
