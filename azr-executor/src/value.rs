//! Typed Python values: parsed from literals by us, decoded from a worker, compared and rendered here.

use num_bigint::BigInt;

mod decimal;
mod display;
mod equality;
mod factory;
mod fraction;
mod literal;
mod number;
mod order;
mod printable;
mod range;
mod text;

pub use decimal::{DECIMAL_BYTES_MAX, Decimal};
pub use equality::Equality;
pub use factory::Factory;
pub use fraction::Fraction;
pub use literal::LiteralError;
pub(crate) use literal::number as literal_number;
pub use range::Range;

/// How deep values nest at most. A literal of this depth still passes the 200 brackets of the CPython tokenizer.
pub const VALUE_DEPTH_MAX: usize = 96;

/// Size of the text of one literal or argument list, bytes.
pub const LITERAL_BYTES_MAX: usize = 8 << 20;

/// Bits of an integer with so many decimal digits, rounded up. Parts of fractions and ranges have no more.
pub(crate) const INT_BITS_MAX: u64 = 14_285;

/// Decimal digits of an integer in source text or in a result, as CPython's own limit.
pub const INT_DIGITS_MAX: usize = 4_300;

/// A plain Python value: of an exact type of the standard library that has a fixed meaning and a literal form.
///
/// `Display` writes CPython's `repr` (as of 3.12, whatever the interpreter); [`Value::parse_literal`] reads it back. Build
/// sets, dictionaries of all types and deques with [`Value::set`] and the functions beside it: they drop what Python drops
/// and put sets in canonical order. serde writes a value as its text.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `True`, `False`.
    Bool(bool),
    /// An integer of any size.
    Int(BigInt),
    /// A double.
    Float(f64),
    /// A complex number: real, imaginary.
    Complex(f64, f64),
    /// Text without lone surrogates.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// `[...]`.
    List(Vec<Value>),
    /// `(...)`.
    Tuple(Vec<Value>),
    /// `{k: v}` in insertion order.
    Dict(Vec<(Value, Value)>),
    /// `{...}` in canonical order.
    Set(Vec<Value>),
    /// `frozenset({...})` in canonical order.
    FrozenSet(Vec<Value>),
    /// `Ellipsis`.
    Ellipsis,
    /// `range(start, stop, step)`.
    Range(Range),
    /// `decimal.Decimal`.
    Decimal(Decimal),
    /// `fractions.Fraction`.
    Fraction(Fraction),
    /// `collections.Counter` in insertion order.
    Counter(Vec<(Value, Value)>),
    /// `collections.OrderedDict` in its order.
    OrderedDict(Vec<(Value, Value)>),
    /// `collections.defaultdict` in insertion order.
    DefaultDict(Factory, Vec<(Value, Value)>),
    /// `collections.deque`, with its `maxlen` if it has one.
    Deque(Vec<Value>, Option<u64>),
}

/// An argument list: positional values, then keyword values.
///
/// `Display` writes it as it stands between the parentheses of a call; [`Arguments::parse`] reads it back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arguments {
    /// Positional.
    pub positional: Vec<Value>,
    /// Keyword, in order.
    pub keyword: Vec<(String, Value)>,
}

impl Value {
    /// Reads the text of one literal. Nothing is evaluated: names, calls and operators are refused, but for signs,
    /// `a+bj`, `nan`, `inf`, `float('nan')`, `set()`, `frozenset({...})`, `dict(k=...)`, and `Ellipsis`, `range(0, 3)`,
    /// `Decimal('1.50')`, `Fraction(1, 3)`, `Counter({...})`, `OrderedDict({...})`, `OrderedDict([(k, v)])`,
    /// `defaultdict(int, {...})` and `deque([...], maxlen=3)`, also with their modules' names before them.
    ///
    /// # Errors
    /// When the text is no literal, or larger or deeper than the limits of this module.
    pub fn parse_literal(text: &str) -> Result<Self, LiteralError> {
        literal::value(text)
    }

    /// A set: of equal elements the first stays, and the rest is sorted.
    pub fn set(elements: Vec<Self>) -> Self {
        Self::Set(order::canonical(elements))
    }

    /// A frozen set, as [`Value::set`].
    pub fn frozen_set(elements: Vec<Self>) -> Self {
        Self::FrozenSet(order::canonical(elements))
    }

    /// A dictionary: of equal keys the first stays with the last value, as in a Python display.
    pub fn dict(items: Vec<(Self, Self)>) -> Self {
        Self::Dict(order::last_value_wins(items))
    }

    /// A `Counter`, as [`Value::dict`].
    pub fn counter(items: Vec<(Self, Self)>) -> Self {
        Self::Counter(order::last_value_wins(items))
    }

    /// An `OrderedDict`, as [`Value::dict`].
    pub fn ordered_dict(items: Vec<(Self, Self)>) -> Self {
        Self::OrderedDict(order::last_value_wins(items))
    }

    /// A `defaultdict`, as [`Value::dict`].
    pub fn default_dict(factory: Factory, items: Vec<(Self, Self)>) -> Self {
        Self::DefaultDict(factory, order::last_value_wins(items))
    }

    /// A `deque`: of more than `length_max` elements the last stay.
    pub fn deque(mut elements: Vec<Self>, length_max: Option<u64>) -> Self {
        if let Some(length_max) = length_max {
            let kept = usize::try_from(length_max).unwrap_or(usize::MAX);
            elements.drain(..elements.len().saturating_sub(kept));
        }
        Self::Deque(elements, length_max)
    }

    /// The items of a dictionary of any type.
    pub fn items(&self) -> Option<&[(Self, Self)]> {
        match self {
            Self::Dict(items)
            | Self::Counter(items)
            | Self::OrderedDict(items)
            | Self::DefaultDict(_, items) => Some(items),
            _ => None,
        }
    }

    /// Whether Python could hash the value: nothing in it that can be changed, and no signaling NaN.
    pub fn is_hashable(&self) -> bool {
        match self {
            Self::List(_)
            | Self::Dict(_)
            | Self::Set(_)
            | Self::Counter(_)
            | Self::OrderedDict(_)
            | Self::DefaultDict(..)
            | Self::Deque(..) => false,
            Self::Decimal(decimal) => !decimal.signals(),
            Self::Tuple(elements) | Self::FrozenSet(elements) => {
                elements.iter().all(Self::is_hashable)
            }
            _ => true,
        }
    }

    /// The name of the value's Python type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Complex(..) => "complex",
            Self::Str(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
            Self::Set(_) => "set",
            Self::FrozenSet(_) => "frozenset",
            Self::Ellipsis => "ellipsis",
            Self::Range(_) => "range",
            Self::Decimal(_) => "Decimal",
            Self::Fraction(_) => "Fraction",
            Self::Counter(_) => "Counter",
            Self::OrderedDict(_) => "OrderedDict",
            Self::DefaultDict(..) => "defaultdict",
            Self::Deque(..) => "deque",
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(BigInt::from(number))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl Arguments {
    /// Reads the text between the parentheses of a call: positional and keyword literals, nothing else.
    ///
    /// # Errors
    /// As [`Value::parse_literal`]; also for unpacking and repeated keywords.
    pub fn parse(text: &str) -> Result<Self, LiteralError> {
        literal::arguments(text)
    }

    /// An argument list of positional values only.
    pub fn positional(values: Vec<Value>) -> Self {
        Self {
            positional: values,
            keyword: Vec::new(),
        }
    }
}
