//! Typed bytes: how a value travels between the supervisor and a worker, and how a worker's bytes are read back.
//!
//! A tag, then what it needs; lengths are 32-bit little-endian.
//! `N` none, `T` true, `F` false, `i` length and two's complement, `d` a double, `c` two doubles, `s` length and UTF-8,
//! `b` length and bytes, `l` list, `t` tuple, `e` set, `z` frozen set, `u` deque: count and elements, `m` dictionary,
//! `k` counter, `o` ordered dictionary: count and keys with values. `f` default dictionary: the tag of its factory (`N`,
//! and those of an empty `F`, `m`, `d`, `i`, `l`, `e`, `s`, `t`), count and keys with values; `w` deque with a greatest
//! length: that in 64 bits, count and elements; `D` decimal: length and its text; `E` ellipsis; `r` range: three integers,
//! `q` fraction: two integers, each with its tag.
//!
//! Whatever a worker wrote, reading it gives a value or an error: never a panic, and never more memory than the bytes
//! and [`NODES_MAX`] allow.

use num_bigint::BigInt;

use crate::value::{
    Arguments, Decimal, Factory, Fraction, INT_BITS_MAX, Range, VALUE_DEPTH_MAX, Value,
};

/// Values in one result, nested ones included.
pub const NODES_MAX: usize = 100_000;

/// Bytes of an integer with [`crate::value::INT_DIGITS_MAX`] decimal digits and its sign.
const INT_BYTES_MAX: usize = INT_BITS_MAX as usize / 8 + 1;

/// Why bytes are no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They end too early.
    #[error("the bytes end inside a value")]
    Truncated,
    /// A tag that does not exist.
    #[error("{tag} is the tag of no value")]
    UnknownTag {
        /// It.
        tag: u8,
    },
    /// Nested beyond [`VALUE_DEPTH_MAX`].
    #[error("the value is too deep")]
    TooDeep,
    /// More than [`NODES_MAX`] values.
    #[error("the value has too many parts")]
    TooMany,
    /// An integer with more digits than CPython prints.
    #[error("an integer is too long")]
    IntTooLong,
    /// Text that is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
    /// A key that Python could not hash, or two equal keys.
    #[error("a set or dictionary has a key that it cannot have")]
    Key,
    /// A default dictionary with a factory that has no tag.
    #[error("{tag} is the tag of no factory")]
    Factory {
        /// What stands there.
        tag: u8,
    },
    /// A range without a step, or of parts that are no integers.
    #[error("a range is not of three integers, or its step is zero")]
    Range,
    /// A fraction without a denominator, or of parts that are no integers.
    #[error("a fraction is not of two integers, or its denominator is zero")]
    Fraction,
    /// A decimal that cannot be read, or is too long.
    #[error("a decimal is no number, or too long")]
    Decimal,
    /// More elements than a deque can have.
    #[error("a deque has more elements than it can have")]
    Deque,
}

/// Appends a value.
pub fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::None => out.push(b'N'),
        Value::Bool(bit) => out.push(if *bit { b'T' } else { b'F' }),
        Value::Int(int) => sized(out, b'i', &int.to_signed_bytes_le()),
        Value::Float(float) => tagged(out, b'd', &float.to_le_bytes()),
        Value::Complex(real, imag) => {
            tagged(out, b'c', &real.to_le_bytes());
            out.extend(imag.to_le_bytes());
        }
        Value::Str(text) => sized(out, b's', text.as_bytes()),
        Value::Bytes(bytes) => sized(out, b'b', bytes),
        Value::List(elements) => all(out, b'l', elements),
        Value::Tuple(elements) => all(out, b't', elements),
        Value::Set(elements) => all(out, b'e', elements),
        Value::FrozenSet(elements) => all(out, b'z', elements),
        Value::Dict(items) => pairs(out, b'm', items),
        Value::Counter(items) => pairs(out, b'k', items),
        Value::OrderedDict(items) => pairs(out, b'o', items),
        Value::DefaultDict(factory, items) => {
            out.push(b'f');
            pairs(out, factory_tag(*factory), items);
        }
        Value::Deque(elements, None) => all(out, b'u', elements),
        Value::Deque(elements, Some(length_max)) => {
            tagged(out, b'w', &length_max.to_le_bytes());
            out.extend(length(elements.len()));
            elements.iter().for_each(|element| encode(element, out));
        }
        Value::Decimal(decimal) => sized(out, b'D', decimal.to_string().as_bytes()),
        Value::Ellipsis => out.push(b'E'),
        Value::Range(range) => integers(out, b'r', &range.parts()),
        Value::Fraction(fraction) => integers(out, b'q', &fraction.parts()),
    }
}

/// An argument list as a tuple of its positional values and a dictionary of its keyword values.
pub fn encode_arguments(arguments: &Arguments) -> Vec<u8> {
    let mut out = vec![b't'];
    out.extend(length(2));
    all(&mut out, b'l', &arguments.positional);
    tagged(&mut out, b'm', &length(arguments.keyword.len()));
    for (name, value) in &arguments.keyword {
        sized(&mut out, b's', name.as_bytes());
        encode(value, &mut out);
    }
    out
}

fn tagged(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn sized(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    tagged(out, tag, &length(bytes.len()));
    out.extend_from_slice(bytes);
}

fn all(out: &mut Vec<u8>, tag: u8, elements: &[Value]) {
    tagged(out, tag, &length(elements.len()));
    elements.iter().for_each(|element| encode(element, out));
}

fn pairs(out: &mut Vec<u8>, tag: u8, items: &[(Value, Value)]) {
    tagged(out, tag, &length(items.len()));
    for (key, value) in items {
        encode(key, out);
        encode(value, out);
    }
}

fn integers(out: &mut Vec<u8>, tag: u8, parts: &[&BigInt]) {
    out.push(tag);
    for part in parts {
        sized(out, b'i', &part.to_signed_bytes_le());
    }
}

fn factory_tag(factory: Factory) -> u8 {
    match factory {
        Factory::None => b'N',
        Factory::Bool => b'F',
        Factory::Dict => b'm',
        Factory::Float => b'd',
        Factory::Int => b'i',
        Factory::List => b'l',
        Factory::Set => b'e',
        Factory::Str => b's',
        Factory::Tuple => b't',
    }
}

/// Requests are bounded far below 4 GiB, so a length always fits; one that did not would be refused by the reader.
fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

/// Reads bytes from the front. All of its operations fail rather than read past the end.
pub struct Reader<'bytes> {
    rest: &'bytes [u8],
    nodes: usize,
}

impl<'bytes> Reader<'bytes> {
    /// Reads from the first byte.
    pub fn new(bytes: &'bytes [u8]) -> Self {
        Self {
            rest: bytes,
            nodes: 0,
        }
    }

    /// Whether all bytes are read.
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes that are not read yet.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next byte.
    pub fn tag(&mut self) -> Result<u8, DecodeError> {
        let (&tag, rest) = self.rest.split_first().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(tag)
    }

    /// A length and that many bytes of text.
    pub fn text(&mut self) -> Result<&'bytes str, DecodeError> {
        let bytes = self.sized()?;
        std::str::from_utf8(bytes).map_err(|_| DecodeError::Text)
    }

    /// One value.
    pub fn value(&mut self) -> Result<Value, DecodeError> {
        self.nodes = 0;
        self.value_at(0)
    }

    fn value_at(&mut self, depth: usize) -> Result<Value, DecodeError> {
        if VALUE_DEPTH_MAX < depth {
            return Err(DecodeError::TooDeep);
        }
        self.nodes += 1;
        if NODES_MAX < self.nodes {
            return Err(DecodeError::TooMany);
        }
        match self.tag()? {
            b'N' => Ok(Value::None),
            b'T' => Ok(Value::Bool(true)),
            b'F' => Ok(Value::Bool(false)),
            b'i' => self.integer(),
            b'd' => Ok(Value::Float(self.double()?)),
            b'c' => Ok(Value::Complex(self.double()?, self.double()?)),
            b's' => Ok(Value::Str(self.text()?.to_owned())),
            b'b' => Ok(Value::Bytes(self.sized()?.to_vec())),
            b'l' => Ok(Value::List(self.elements(depth)?)),
            b't' => Ok(Value::Tuple(self.elements(depth)?)),
            b'e' => Ok(Value::Set(self.keys(depth)?)),
            b'z' => Ok(Value::FrozenSet(self.keys(depth)?)),
            b'm' => Ok(Value::Dict(self.items(depth)?)),
            b'k' => Ok(Value::Counter(self.items(depth)?)),
            b'o' => Ok(Value::OrderedDict(self.items(depth)?)),
            b'f' => Ok(Value::DefaultDict(self.factory()?, self.items(depth)?)),
            b'u' => Ok(Value::Deque(self.elements(depth)?, None)),
            b'w' => self.bounded_deque(depth),
            b'D' => Decimal::parse(self.text()?)
                .map(Value::Decimal)
                .ok_or(DecodeError::Decimal),
            b'E' => Ok(Value::Ellipsis),
            b'r' => {
                let [start, stop, step] = self.integers(depth, DecodeError::Range)?;
                let range = Range::new(start, stop, step);
                range.map(Value::Range).ok_or(DecodeError::Range)
            }
            b'q' => {
                let [numerator, denominator] = self.integers(depth, DecodeError::Fraction)?;
                let fraction = Fraction::new(numerator, denominator);
                fraction.map(Value::Fraction).ok_or(DecodeError::Fraction)
            }
            tag => Err(DecodeError::UnknownTag { tag }),
        }
    }

    fn integer(&mut self) -> Result<Value, DecodeError> {
        let bytes = self.sized()?;
        if INT_BYTES_MAX < bytes.len() {
            return Err(DecodeError::IntTooLong);
        }
        Ok(Value::Int(BigInt::from_signed_bytes_le(bytes)))
    }

    fn elements(&mut self, depth: usize) -> Result<Vec<Value>, DecodeError> {
        let count = self.count()?;
        (0..count).map(|_| self.value_at(depth + 1)).collect()
    }

    fn keys(&mut self, depth: usize) -> Result<Vec<Value>, DecodeError> {
        let keys = self.elements(depth)?;
        let count = keys.len();
        let Value::Set(keys) = Value::set(keys) else {
            return Err(DecodeError::Key);
        };
        if keys.len() == count && keys.iter().all(Value::is_hashable) {
            Ok(keys)
        } else {
            Err(DecodeError::Key)
        }
    }

    fn items(&mut self, depth: usize) -> Result<Vec<(Value, Value)>, DecodeError> {
        let count = self.count()?;
        let mut items = Vec::new();
        for _ in 0..count {
            let key = self.value_at(depth + 1)?;
            items.push((key, self.value_at(depth + 1)?));
        }
        let hashable = items.iter().all(|(key, _)| key.is_hashable());
        match Value::dict(items) {
            Value::Dict(items) if hashable && items.len() == count => Ok(items),
            _ => Err(DecodeError::Key),
        }
    }

    fn factory(&mut self) -> Result<Factory, DecodeError> {
        let tag = self.tag()?;
        let mut factories = Factory::ALL.into_iter();
        let found = factories.find(|factory| factory_tag(*factory) == tag);
        found.ok_or(DecodeError::Factory { tag })
    }

    fn bounded_deque(&mut self, depth: usize) -> Result<Value, DecodeError> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk::<8>()
            .ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        let length_max = u64::from_le_bytes(*bytes);
        let elements = self.elements(depth)?;
        // CPython's own limit is that of a signed word; a literal has the same.
        if length_max < elements.len() as u64 || i64::try_from(length_max).is_err() {
            return Err(DecodeError::Deque);
        }
        Ok(Value::Deque(elements, Some(length_max)))
    }

    fn integers<const COUNT: usize>(
        &mut self,
        depth: usize,
        error: DecodeError,
    ) -> Result<[BigInt; COUNT], DecodeError> {
        let mut integers = [const { BigInt::ZERO }; COUNT];
        for place in &mut integers {
            match self.value_at(depth + 1)? {
                Value::Int(integer) => *place = integer,
                _ => return Err(error),
            }
        }
        Ok(integers)
    }

    /// A number of parts, each of which takes at least one byte: more than there are bytes cannot be.
    fn count(&mut self) -> Result<usize, DecodeError> {
        let count = self.length()?;
        if self.rest.len() < count {
            Err(DecodeError::Truncated)
        } else {
            Ok(count)
        }
    }

    fn length(&mut self) -> Result<usize, DecodeError> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk::<4>()
            .ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*bytes) as usize)
    }

    fn double(&mut self) -> Result<f64, DecodeError> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk::<8>()
            .ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(f64::from_le_bytes(*bytes))
    }

    fn sized(&mut self) -> Result<&'bytes [u8], DecodeError> {
        let length = self.length()?;
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }
}
