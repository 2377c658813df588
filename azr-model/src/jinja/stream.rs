//! Reading the elements of values one by one, and generators, which can be read once.

use super::ast::ForLoop;
use super::fault::{Construct, Result, type_error, unsupported, value_error};
use super::filters::lazy::{self, Lazy};
use super::frame::Frame;
use super::machine::Machine;
use super::value::dict::Dict;
use super::value::{Items, Range, Shape, Value, ViewKind};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// Where a reader stands.
#[derive(Debug)]
pub(super) enum Reader {
    Items(Rc<Items>, usize),
    Text(Arc<str>, usize),
    Dict(ViewKind, Rc<Dict>, usize),
    Range(Rc<Range>, u64),
    Stream(Rc<Stream>),
    Loop,
    Empty,
}

/// A generator.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) shape: Shape,
    state: RefCell<State>,
}

#[derive(Debug)]
enum State {
    /// Nothing was read yet.
    New(Value, Kind),
    Running(Reader, Kind),
    Done,
}

/// What a generator makes of what it reads.
#[derive(Debug)]
pub(super) enum Kind {
    /// `reversed(value)`, whose elements are turned round already.
    Plain,
    /// `if` at the head of a loop.
    LoopFilter(Arc<ForLoop>, Rc<Frame>),
    Filter(Lazy),
}

impl Stream {
    /// A generator that reads `source` when it is read.
    pub(super) fn value(source: Value, kind: Kind, machine: &Machine<'_>) -> Result<Value> {
        let shape = machine.budget.shape([source.shape()].into_iter())?;
        let state = RefCell::new(State::New(source, kind));
        Ok(Value::Stream(Rc::new(Self { shape, state })))
    }

    pub(super) fn next(&self, machine: &Machine<'_>) -> Result<Option<Value>> {
        let Ok(mut state) = self.state.try_borrow_mut() else {
            return value_error("generator already executing");
        };
        let result = state.next(machine);
        if !matches!(result, Ok(Some(_))) {
            *state = State::Done;
        }
        result
    }
}

impl State {
    fn next(&mut self, machine: &Machine<'_>) -> Result<Option<Value>> {
        loop {
            match self {
                Self::Done => return Ok(None),
                Self::New(source, kind) => {
                    let source = std::mem::replace(source, Value::None);
                    let mut kind = std::mem::replace(kind, Kind::Plain);
                    let reader = match &mut kind {
                        Kind::Filter(filter) => lazy::begin(filter, &source, machine)?,
                        _ => Some(read(&source)?),
                    };
                    let Some(reader) = reader else {
                        return Ok(None);
                    };
                    *self = Self::Running(reader, kind);
                }
                Self::Running(reader, Kind::Plain) => return reader.next(machine),
                Self::Running(reader, Kind::LoopFilter(node, frame)) => {
                    let Some(item) = reader.next(machine)? else {
                        return Ok(None);
                    };
                    if machine.passes_loop_filter(node, frame, &item)? {
                        return Ok(Some(item));
                    }
                }
                Self::Running(reader, Kind::Filter(filter)) => {
                    return lazy::next(filter, reader, machine);
                }
            }
        }
    }
}

/// `iter(value)`.
pub(super) fn read(value: &Value) -> Result<Reader> {
    Ok(match value {
        Value::Undefined(_) => Reader::Empty,
        Value::List(items) | Value::Tuple(items) => Reader::Items(items.clone(), 0),
        Value::Str(text) | Value::Markup(text) => Reader::Text(text.clone(), 0),
        Value::Dict(dict) => Reader::Dict(ViewKind::Keys, dict.clone(), 0),
        Value::View(kind, dict) => Reader::Dict(*kind, dict.clone(), 0),
        Value::Range(range) => Reader::Range(range.clone(), 0),
        Value::Stream(stream) => Reader::Stream(stream.clone()),
        Value::Loop(_) => Reader::Loop,
        // It has `__next__` and no `__iter__`.
        Value::Cycler(_) => return type_error("'Cycler' object is not iterable"),
        other => return type_error(format!("'{}' object is not iterable", other.class())),
    })
}

impl Reader {
    pub(super) fn next(&mut self, machine: &Machine<'_>) -> Result<Option<Value>> {
        machine.budget.steps(1)?;
        match self {
            Self::Empty => Ok(None),
            Self::Items(items, at) => {
                let item = items.values.get(*at).cloned();
                *at += 1;
                Ok(item)
            }
            Self::Text(text, at) => {
                let character = text[*at..].chars().next();
                *at += character.map_or(0, char::len_utf8);
                let mut buffer = [0; 4];
                Ok(character.map(|it| Value::str(it.encode_utf8(&mut buffer))))
            }
            Self::Dict(kind, dict, at) => {
                let Some((key, value)) = dict.entries().get(*at) else {
                    return Ok(None);
                };
                *at += 1;
                Ok(Some(match kind {
                    ViewKind::Keys => key.clone(),
                    ViewKind::Values => value.clone(),
                    ViewKind::Items => machine.budget.tuple(vec![key.clone(), value.clone()])?,
                }))
            }
            Self::Range(range, at) => {
                if range.length() <= *at {
                    return Ok(None);
                }
                *at += 1;
                Ok(Some(range.at(*at - 1)))
            }
            Self::Stream(stream) => stream.next(machine),
            Self::Loop => unsupported(Construct::Expression, "reading the loop variable"),
        }
    }
}

/// `list(value)`.
pub(super) fn collect(value: &Value, machine: &Machine<'_>) -> Result<Vec<Value>> {
    if let Value::List(items) | Value::Tuple(items) = value {
        machine.budget.steps(items.values.len() / 8)?;
        machine.budget.bytes(items.values.len() * 16)?;
        return Ok(items.values.clone());
    }
    let mut reader = read(value)?;
    let mut values = Vec::new();
    while let Some(item) = reader.next(machine)? {
        machine.budget.bytes(16)?;
        values.push(item);
    }
    Ok(values)
}

/// `len(value)`.
pub(super) fn length(value: &Value, machine: &Machine<'_>) -> Result<usize> {
    Ok(match value {
        Value::Undefined(_) => 0,
        Value::Str(text) | Value::Markup(text) => {
            machine.budget.bytes(text.len())?;
            text.chars().count()
        }
        Value::List(items) | Value::Tuple(items) => items.values.len(),
        Value::Dict(dict) | Value::View(_, dict) => dict.len(),
        Value::Range(range) => range.length() as usize,
        Value::Loop(state) => state.length(machine)? as usize,
        other => return type_error(format!("object of type '{}' has no len()", other.class())),
    })
}
