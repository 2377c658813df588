//! Typed Python values: parsed from literals by us, decoded from a worker, compared and rendered here.

use num_bigint::BigInt;

/// A plain Python value.
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
}

/// An argument list: positional values, then keyword values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arguments {
    /// Positional.
    pub positional: Vec<Value>,
    /// Keyword, in order.
    pub keyword: Vec<(String, Value)>,
}

/// When two values count as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Equality {
    /// Python's `==` (`1 == True == 1.0`, dictionary order ignored), except that NaN equals NaN.
    #[default]
    Python,
    /// The same, and types must match at every node.
    Strict,
}
