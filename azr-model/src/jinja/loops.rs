//! `for`, and the variable `loop`.

use super::ast::{Block, ForLoop};
use super::fault::{Exception, Result, raised, type_error};
use super::frame::Frame;
use super::given::Given;
use super::machine::{Flow, Machine};
use super::stream::{self, Kind, Reader, Stream};
use super::value::{Shape, Value, compare};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// A loop under way: `jinja2.runtime.LoopContext`.
#[derive(Debug)]
pub(super) struct LoopState {
    iterable: Value,
    reader: RefCell<Reader>,
    /// An element that was read to see whether there is one.
    ahead: RefCell<Option<Value>>,
    current: RefCell<Option<Value>>,
    before: RefCell<Option<Value>>,
    index0: Cell<i64>,
    length: Cell<Option<i64>>,
    changed: RefCell<Option<Vec<Value>>>,
    depth0: i64,
    /// The loop and the frame around it, if it may call itself.
    recursion: Option<(Arc<ForLoop>, Rc<Frame>)>,
    pub(super) shape: Shape,
}

/// The attributes of `loop`.
pub(super) const LOOP_METHODS: [&str; 2] = ["cycle", "changed"];

impl LoopState {
    /// It is seen from inside of the loop only, where there is at least one element.
    pub(super) fn has_items(&self) -> bool {
        true
    }

    fn read(&self, machine: &Machine<'_>) -> Result<Option<Value>> {
        match self.reader.try_borrow_mut() {
            Ok(mut reader) => reader.next(machine),
            Err(_) => raised(Exception::ValueError, "generator already executing"),
        }
    }

    fn next(&self, machine: &Machine<'_>) -> Result<Option<Value>> {
        let ahead = self.ahead.take();
        let item = match ahead {
            Some(item) => Some(item),
            None => self.read(machine)?,
        };
        let Some(item) = item else {
            return Ok(None);
        };
        self.index0.set(self.index0.get() + 1);
        let current = self.current.replace(Some(item.clone()));
        self.before.replace(current);
        Ok(Some(item))
    }

    fn peek(&self, machine: &Machine<'_>) -> Result<Option<Value>> {
        if self.ahead.borrow().is_none() {
            let item = self.read(machine)?;
            self.ahead.replace(item);
        }
        Ok(self.ahead.borrow().clone())
    }

    pub(super) fn length(&self, machine: &Machine<'_>) -> Result<i64> {
        if let Some(length) = self.length.get() {
            return Ok(length);
        }
        let length = match &self.iterable {
            Value::Stream(_) => {
                let mut rest = Vec::new();
                while let Some(item) = self.read(machine)? {
                    rest.push(item);
                }
                let count = rest.len() as i64;
                let ahead = i64::from(self.ahead.borrow().is_some());
                let rest = machine.budget.list(rest)?;
                self.reader.replace(stream::read(&rest)?);
                count + self.index0.get() + 1 + ahead
            }
            sized => stream::length(sized, machine)? as i64,
        };
        self.length.set(Some(length));
        Ok(length)
    }

    /// `str(loop)`.
    pub(super) fn text(&self, machine: &Machine<'_>) -> Result<String> {
        let index = self.index0.get() + 1;
        Ok(format!("<LoopContext {index}/{}>", self.length(machine)?))
    }

    /// `loop.name`; None if there is no such attribute.
    pub(super) fn attribute(&self, name: &str, machine: &Machine<'_>) -> Result<Option<Value>> {
        let index0 = self.index0.get();
        Ok(Some(match name {
            "index0" => Value::from_i64(index0),
            "index" => Value::from_i64(index0 + 1),
            "first" => Value::Bool(index0 == 0),
            "last" => Value::Bool(self.peek(machine)?.is_none()),
            "length" => Value::from_i64(self.length(machine)?),
            "revindex0" => Value::from_i64(self.length(machine)? - index0 - 1),
            "revindex" => Value::from_i64(self.length(machine)? - index0),
            "depth0" => Value::from_i64(self.depth0),
            "depth" => Value::from_i64(self.depth0 + 1),
            "previtem" => match self.before.borrow().clone() {
                Some(item) if index0 != 0 => item,
                _ => Value::undefined("there is no previous item"),
            },
            "nextitem" => match self.peek(machine)? {
                Some(item) => item,
                None => Value::undefined("there is no next item"),
            },
            _ => return Ok(None),
        }))
    }

    /// `loop.cycle(...)` and `loop.changed(...)`.
    pub(super) fn call_method(
        &self,
        name: &str,
        given: Given,
        machine: &Machine<'_>,
    ) -> Result<Value> {
        if !given.keyword.is_empty() {
            return type_error(format!("{name}() takes no keyword arguments"));
        }
        let values = given.positional;
        if name == "cycle" {
            if values.is_empty() {
                return type_error("no items for cycling given");
            }
            return Ok(values[self.index0.get() as usize % values.len()].clone());
        }
        let last = self.changed.borrow().clone();
        if let Some(last) = last
            && last.len() == values.len()
        {
            let mut is_same = true;
            for (old, new) in last.iter().zip(&values) {
                is_same = is_same && compare::equal(old, new, &machine.budget)?;
            }
            if is_same {
                return Ok(Value::Bool(false));
            }
        }
        self.changed.replace(Some(values));
        Ok(Value::Bool(true))
    }

    /// `loop(iterable)`.
    pub(super) fn call(&self, given: Given, machine: &Machine<'_>) -> Result<Value> {
        let [iterable] = given.bind("loop", ["iterable"], 1)?;
        let Some((node, frame)) = &self.recursion else {
            return type_error(
                "The loop must have the 'recursive' marker to be called recursively.",
            );
        };
        let iterable = iterable.unwrap_or(Value::None);
        machine.recurse(node, frame, iterable, self.depth0 + 1)
    }
}

impl Machine<'_> {
    /// Renders a `for` statement.
    pub(super) fn for_loop(
        &self,
        node: &Arc<ForLoop>,
        frame: &Rc<Frame>,
        out: &mut String,
    ) -> Result<Flow> {
        let iterable = self.eval(&node.iterable, frame)?;
        if node.is_recursive {
            let text = self.recurse(node, frame, iterable, 0)?;
            self.print(&text, out)?;
            return Ok(Flow::Next);
        }
        self.iterate(node, frame, iterable, 0, out)
    }

    fn recurse(
        &self,
        node: &Arc<ForLoop>,
        frame: &Rc<Frame>,
        iterable: Value,
        depth0: i64,
    ) -> Result<Value> {
        let mut text = String::new();
        self.iterate(node, frame, iterable, depth0, &mut text)?;
        self.budget.text(text)
    }

    fn iterate(
        &self,
        node: &Arc<ForLoop>,
        frame: &Rc<Frame>,
        iterable: Value,
        depth0: i64,
        out: &mut String,
    ) -> Result<Flow> {
        let state = self.loop_state(node, frame, iterable, depth0)?;
        let mut is_completed = false;
        while let Some(item) = state.next(self)? {
            let inner = self.enter(&node.body_layout, frame);
            if let Some(slot) = node.loop_slot {
                inner.set(slot, Value::Loop(state.clone()));
            }
            self.assign(&node.target, item, &inner)?;
            match self.block(&node.body, &inner, out)? {
                Flow::Next => is_completed = true,
                Flow::Continue => {}
                Flow::Break => break,
            }
        }
        // As in Jinja2, a loop that was left before its end each time counts as one that had no elements.
        if is_completed {
            return Ok(Flow::Next);
        }
        self.scoped_block(&node.otherwise, &node.otherwise_layout, frame, out)
    }

    fn scoped_block(
        &self,
        block: &Block,
        layout: &super::ast::Layout,
        frame: &Rc<Frame>,
        out: &mut String,
    ) -> Result<Flow> {
        if block.is_empty() {
            return Ok(Flow::Next);
        }
        let inner = self.enter(layout, frame);
        self.block(block, &inner, out)
    }

    fn loop_state(
        &self,
        node: &Arc<ForLoop>,
        frame: &Rc<Frame>,
        iterable: Value,
        depth0: i64,
    ) -> Result<Rc<LoopState>> {
        let iterable = match &node.filter {
            Some(_) => {
                self.capture(frame);
                let kind = Kind::LoopFilter(node.clone(), frame.clone());
                Stream::value(iterable, kind, self)?
            }
            None => iterable,
        };
        let recursion = node.is_recursive.then(|| {
            self.capture(frame);
            (node.clone(), frame.clone())
        });
        let shape = self.budget.shape([iterable.shape()].into_iter())?;
        Ok(Rc::new(LoopState {
            reader: RefCell::new(stream::read(&iterable)?),
            iterable,
            ahead: RefCell::default(),
            current: RefCell::default(),
            before: RefCell::default(),
            index0: Cell::new(-1),
            length: Cell::new(None),
            changed: RefCell::default(),
            depth0,
            recursion,
            shape,
        }))
    }

    /// Whether the test at the head of a loop lets `item` through.
    pub(super) fn passes_loop_filter(
        &self,
        node: &ForLoop,
        frame: &Rc<Frame>,
        item: &Value,
    ) -> Result<bool> {
        let Some(filter) = &node.filter else {
            return Ok(true);
        };
        let inner = self.enter(&filter.layout, frame);
        self.assign(&filter.target, item.clone(), &inner)?;
        Ok(self.eval(&filter.test, &inner)?.is_true())
    }
}
