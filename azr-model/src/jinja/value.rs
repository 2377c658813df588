//! The values that templates compute with, which behave as Python's do.

pub(super) mod compare;
pub(super) mod convert;
pub(super) mod dict;
pub(super) mod float;
mod printable;
pub(super) mod repr;

use super::ast::{Const, Macro};
use super::fault::{Exception, Result, raised};
use super::frame::Frame;
use super::loops::LoopState;
use super::stream::Stream;
use dict::Dict;
use num_bigint::BigInt;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// A value. Clones are shallow.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Undefined(Rc<Absence>),
    None,
    Bool(bool),
    Int(BigInt),
    Float(f64),
    Str(Arc<str>),
    /// A string that claims to be safe HTML: `value | safe`.
    Markup(Arc<str>),
    List(Rc<Items>),
    Tuple(Rc<Items>),
    Dict(Rc<Dict>),
    View(ViewKind, Rc<Dict>),
    Range(Rc<Range>),
    Namespace(Rc<Namespace>),
    /// A generator or an iterator: it can be read once.
    Stream(Rc<Stream>),
    Loop(Rc<LoopState>),
    Cycler(Rc<Cycler>),
    Joiner(Rc<Joiner>),
    Macro(Rc<Closure>),
    Function(Function),
    /// A method and what it belongs to.
    Method(Rc<(Value, &'static str)>),
}

/// How deep a value is, and whether a namespace is in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) depth: u32,
    pub(super) holds_namespace: bool,
}

impl Shape {
    /// The shape of something that holds what has these shapes.
    pub(super) fn around(shapes: impl Iterator<Item = Self>) -> Self {
        let inner = shapes.fold(Self::default(), |all, it| Self {
            depth: all.depth.max(it.depth),
            holds_namespace: all.holds_namespace || it.holds_namespace,
        });
        Self {
            depth: inner.depth + 1,
            ..inner
        }
    }
}

/// Why there is no value.
#[derive(Debug)]
pub(super) struct Absence {
    pub(super) exception: Exception,
    pub(super) words: String,
}

/// The elements of a list or tuple.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) values: Vec<Value>,
    pub(super) shape: Shape,
    /// `grouper` and `list`, the names of the elements of what `groupby` returns.
    pub(super) is_group: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ViewKind {
    Keys,
    Values,
    Items,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: i64,
    pub(super) stop: i64,
    pub(super) step: i64,
}

impl Range {
    pub(super) fn length(&self) -> u64 {
        let (start, stop, step) = (
            i128::from(self.start),
            i128::from(self.stop),
            i128::from(self.step),
        );
        let span = if 0 < step {
            stop - start + step - 1
        } else {
            start - stop - step - 1
        };
        u64::try_from((span / step.abs()).max(0)).unwrap_or(u64::MAX)
    }

    pub(super) fn at(&self, index: u64) -> Value {
        Value::from_i64(self.start + index as i64 * self.step)
    }
}

/// `namespace()`: the only thing whose parts can be assigned to.
#[derive(Debug, Default)]
pub(super) struct Namespace {
    pub(super) attributes: RefCell<Vec<(Arc<str>, Value)>>,
}

#[derive(Debug)]
pub(super) struct Cycler {
    pub(super) items: Rc<Items>,
    pub(super) at: Cell<usize>,
}

#[derive(Debug)]
pub(super) struct Joiner {
    pub(super) separator: Value,
    pub(super) is_used: Cell<bool>,
    pub(super) shape: Shape,
}

/// A macro and the frame it was defined in.
#[derive(Debug)]
pub(super) struct Closure {
    pub(super) definition: Arc<Macro>,
    pub(super) frame: Rc<Frame>,
}

/// Functions that every template has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Range,
    Dict,
    Namespace,
    Cycler,
    Joiner,
    Lipsum,
    RaiseException,
    StrftimeNow,
    DictFromKeys,
}

impl Value {
    pub(super) fn str(text: &str) -> Self {
        Self::Str(text.into())
    }

    pub(super) fn from_i64(value: i64) -> Self {
        Self::Int(value.into())
    }

    pub(super) fn from_length(value: usize) -> Self {
        Self::Int(value.into())
    }

    pub(super) fn from_const(constant: &Const) -> Self {
        match constant {
            Const::None => Self::None,
            Const::Bool(bit) => Self::Bool(*bit),
            Const::Int(value) => Self::Int(value.clone()),
            Const::Float(value) => Self::Float(*value),
            Const::Str(text) => Self::Str(text.clone()),
        }
    }

    pub(super) fn undefined(words: impl Into<String>) -> Self {
        Self::Undefined(Rc::new(Absence {
            exception: Exception::UndefinedError,
            words: words.into(),
        }))
    }

    pub(super) fn is_undefined(&self) -> bool {
        matches!(self, Self::Undefined(_))
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The text of a string, safe or not.
    pub(super) fn text(&self) -> Option<&Arc<str>> {
        match self {
            Self::Str(text) | Self::Markup(text) => Some(text),
            _ => None,
        }
    }

    /// The integer that this is: `True` is 1.
    pub(super) fn int(&self) -> Option<BigInt> {
        match self {
            Self::Int(value) => Some(value.clone()),
            Self::Bool(bit) => Some(BigInt::from(u8::from(*bit))),
            _ => None,
        }
    }

    /// The name of its class, as Python's messages say it.
    pub(super) fn class(&self) -> &'static str {
        match self {
            Self::Undefined(_) => "Undefined",
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Markup(_) => "Markup",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
            Self::View(ViewKind::Keys, _) => "dict_keys",
            Self::View(ViewKind::Values, _) => "dict_values",
            Self::View(ViewKind::Items, _) => "dict_items",
            Self::Range(_) => "range",
            Self::Namespace(_) => "Namespace",
            Self::Stream(_) => "generator",
            Self::Loop(_) => "LoopContext",
            Self::Cycler(_) => "Cycler",
            Self::Joiner(_) => "Joiner",
            Self::Macro(_) => "Macro",
            Self::Function(_) => "function",
            Self::Method(_) => "method",
        }
    }

    /// `bool(value)`.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Undefined(_) | Self::None => false,
            Self::Bool(bit) => *bit,
            Self::Int(value) => value.sign() != num_bigint::Sign::NoSign,
            Self::Float(value) => *value != 0.0,
            Self::Str(text) | Self::Markup(text) => !text.is_empty(),
            Self::List(items) | Self::Tuple(items) => !items.values.is_empty(),
            Self::Dict(dict) | Self::View(_, dict) => 0 < dict.len(),
            Self::Range(range) => 0 < range.length(),
            Self::Loop(state) => state.has_items(),
            _ => true,
        }
    }

    pub(super) fn shape(&self) -> Shape {
        match self {
            Self::List(items) | Self::Tuple(items) => items.shape,
            Self::Dict(dict) | Self::View(_, dict) => dict.shape,
            Self::Stream(stream) => stream.shape,
            Self::Loop(state) => state.shape,
            Self::Cycler(cycler) => cycler.items.shape,
            Self::Joiner(joiner) => joiner.shape,
            Self::Method(method) => Shape::around([method.0.shape()].into_iter()),
            Self::Namespace(_) => Shape {
                depth: 1,
                holds_namespace: true,
            },
            Self::Macro(_) => Shape {
                depth: 1,
                holds_namespace: false,
            },
            _ => Shape::default(),
        }
    }

    /// Raises what Jinja2 raises where an undefined value is used for more than printing.
    pub(super) fn defined(&self) -> Result<&Self> {
        match self {
            Self::Undefined(absence) => raised(absence.exception, absence.words.clone()),
            _ => Ok(self),
        }
    }
}

impl From<bool> for Value {
    fn from(bit: bool) -> Self {
        Self::Bool(bit)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}
