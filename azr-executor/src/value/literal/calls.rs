//! Reads the calls that stand for values which have no display of their own: sets, floats, and the types of the standard
//! library.

use num_bigint::BigInt;
use ruff_python_ast::{self as ast, Expr};

use super::numbers::special_float;
use super::{Item, LiteralError, Reader, Value, require_hashable, shown};
use crate::value::{Decimal, Factory, Fraction, Range};

const COUNTER: LiteralError = LiteralError::Form {
    type_name: "Counter",
    form: "Counter({'a': 2})",
};
const ORDERED_DICT: LiteralError = LiteralError::Form {
    type_name: "OrderedDict",
    form: "OrderedDict({'a': 1}) or OrderedDict([('a', 1)])",
};
const DEFAULT_DICT: LiteralError = LiteralError::Form {
    type_name: "defaultdict",
    form: "defaultdict(int, {'a': 1}), with bool, dict, float, int, list, set, str, tuple or None",
};
const DEQUE: LiteralError = LiteralError::Form {
    type_name: "deque",
    form: "deque([1, 2]) or deque([1, 2], maxlen=3)",
};
const DECIMAL: LiteralError = LiteralError::Form {
    type_name: "Decimal",
    form: "Decimal('1.50') or Decimal(2), of at most 4300 characters and 18 digits of exponent",
};
const FRACTION: LiteralError = LiteralError::Form {
    type_name: "Fraction",
    form: "Fraction(1, 3), whose denominator is not zero",
};
const RANGE: LiteralError = LiteralError::Form {
    type_name: "range",
    form: "range(3), range(1, 3) or range(1, 9, 2), whose step is not zero",
};

impl Reader<'_> {
    pub(super) fn call(&self, call: &ast::ExprCall, depth: usize) -> Result<Value, LiteralError> {
        let (module, name) = callee(&call.func)?;
        let (positional, keywords) = (&*call.arguments.args, &*call.arguments.keywords);
        match (name, positional, keywords) {
            ("Counter" | "OrderedDict" | "defaultdict" | "deque", ..)
                if module.is_none_or(|it| it == "collections") =>
            {
                self.collection(name, positional, keywords, depth)
            }
            ("Decimal", [number], []) if module.is_none_or(|it| it == "decimal") => {
                decimal(self.value(number, depth + 1)?)
            }
            ("Fraction", [_] | [_, _], []) if module.is_none_or(|it| it == "fractions") => {
                self.fraction(positional, depth)
            }
            _ if module.is_some() => Err(not_read(module, name)),
            ("range", [_] | [_, _] | [_, _, _], []) => self.range(positional, depth),
            ("dict", [], _) => Ok(Value::dict(self.keyword_items(keywords, depth)?)),
            ("set", [], []) => Ok(Value::Set(Vec::new())),
            ("frozenset", [], []) => Ok(Value::FrozenSet(Vec::new())),
            ("set", [elements], []) => Ok(Value::set(self.elements(elements, depth)?)),
            ("frozenset", [elements], []) => Ok(Value::frozen_set(self.elements(elements, depth)?)),
            ("float", [Expr::StringLiteral(text)], []) => special_float(text.value.to_str().trim()),
            ("range", ..) => Err(RANGE),
            ("Decimal", ..) => Err(DECIMAL),
            ("Fraction", ..) => Err(FRACTION),
            _ => Err(not_read(module, name)),
        }
    }

    fn collection(
        &self,
        name: &str,
        positional: &[Expr],
        keywords: &[ast::Keyword],
        depth: usize,
    ) -> Result<Value, LiteralError> {
        match (name, positional, keywords) {
            ("Counter", [], _) => Ok(Value::counter(self.keyword_items(keywords, depth)?)),
            ("Counter", [items], []) => {
                let items = self.dictionary(items, depth)?.ok_or(COUNTER)?;
                Ok(Value::counter(items))
            }
            ("Counter", ..) => Err(COUNTER),
            ("OrderedDict", [], _) => Ok(Value::ordered_dict(self.keyword_items(keywords, depth)?)),
            ("OrderedDict", [items], []) => {
                let items = match self.dictionary(items, depth)? {
                    Some(items) => items,
                    None => self.pairs(items, depth)?,
                };
                Ok(Value::ordered_dict(items))
            }
            ("OrderedDict", ..) => Err(ORDERED_DICT),
            ("defaultdict", [], []) => Ok(Value::DefaultDict(Factory::None, Vec::new())),
            ("defaultdict", [factory], []) => {
                Ok(Value::DefaultDict(self::factory(factory)?, Vec::new()))
            }
            ("defaultdict", [factory, items], []) => {
                let factory = self::factory(factory)?;
                let items = self.dictionary(items, depth)?.ok_or(DEFAULT_DICT)?;
                Ok(Value::default_dict(factory, items))
            }
            ("defaultdict", ..) => Err(DEFAULT_DICT),
            _ => self.deque(positional, keywords, depth),
        }
    }

    /// The items of a dictionary, where one is written.
    fn dictionary(&self, items: &Expr, depth: usize) -> Result<Option<Vec<Item>>, LiteralError> {
        match items {
            Expr::Dict(dict) => self.items(dict, depth).map(Some),
            Expr::Call(call) => match self.call(call, depth)? {
                Value::Dict(items) => Ok(Some(items)),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// The items of a list of pairs.
    fn pairs(&self, pairs: &Expr, depth: usize) -> Result<Vec<Item>, LiteralError> {
        let Expr::List(pairs) = pairs else {
            return Err(ORDERED_DICT);
        };
        let pair = |pair: &Expr| {
            let Expr::Tuple(pair) = pair else {
                return Err(ORDERED_DICT);
            };
            let [key, value] = &*pair.elts else {
                return Err(ORDERED_DICT);
            };
            let key = self.value(key, depth + 1)?;
            require_hashable(&key)?;
            Ok((key, self.value(value, depth + 1)?))
        };
        pairs.elts.iter().map(pair).collect()
    }

    fn deque(
        &self,
        positional: &[Expr],
        keywords: &[ast::Keyword],
        depth: usize,
    ) -> Result<Value, LiteralError> {
        let (elements, length_max) = match (positional, keywords) {
            ([], []) => (None, None),
            ([elements], []) => (Some(elements), None),
            ([elements, length_max], []) => (Some(elements), Some(length_max)),
            ([] | [_], [keyword]) if keyword.arg.as_ref().is_some_and(|it| it == "maxlen") => {
                (positional.first(), Some(&keyword.value))
            }
            _ => return Err(DEQUE),
        };
        let elements = match elements {
            None => Vec::new(),
            Some(Expr::List(list)) => self.values(&list.elts, depth)?,
            Some(Expr::Tuple(tuple)) => self.values(&tuple.elts, depth)?,
            Some(_) => return Err(DEQUE),
        };
        let length_max = match length_max {
            None | Some(Expr::NoneLiteral(_)) => None,
            Some(length_max) => {
                let length_max = self.integer(length_max, depth)?.ok_or(DEQUE)?;
                // What a machine word of CPython holds.
                Some(
                    i64::try_from(length_max)
                        .ok()
                        .and_then(|it| u64::try_from(it).ok())
                        .ok_or(DEQUE)?,
                )
            }
        };
        Ok(Value::deque(elements, length_max))
    }

    fn fraction(&self, parts: &[Expr], depth: usize) -> Result<Value, LiteralError> {
        let parts = self.integers(parts, depth)?.ok_or(FRACTION)?;
        let mut parts = parts.into_iter();
        let numerator = parts.next().unwrap_or_default();
        let denominator = parts.next().unwrap_or_else(|| BigInt::from(1));
        let fraction = Fraction::new(numerator, denominator).ok_or(FRACTION)?;
        Ok(Value::Fraction(fraction))
    }

    fn range(&self, parts: &[Expr], depth: usize) -> Result<Value, LiteralError> {
        let parts = self.integers(parts, depth)?.ok_or(RANGE)?;
        let range = match <[BigInt; 1]>::try_from(parts) {
            Ok([stop]) => Range::new(BigInt::ZERO, stop, BigInt::from(1)),
            Err(parts) => {
                let mut parts = parts.into_iter();
                let start = parts.next().unwrap_or_default();
                let stop = parts.next().unwrap_or_default();
                Range::new(start, stop, parts.next().unwrap_or_else(|| BigInt::from(1)))
            }
        };
        range.map(Value::Range).ok_or(RANGE)
    }

    fn integers(
        &self,
        expressions: &[Expr],
        depth: usize,
    ) -> Result<Option<Vec<BigInt>>, LiteralError> {
        let integers = expressions.iter().map(|it| self.integer(it, depth));
        integers.collect()
    }

    fn integer(&self, expression: &Expr, depth: usize) -> Result<Option<BigInt>, LiteralError> {
        match self.value(expression, depth + 1)? {
            Value::Int(integer) => Ok(Some(integer)),
            _ => Ok(None),
        }
    }

    fn elements(&self, expression: &Expr, depth: usize) -> Result<Vec<Value>, LiteralError> {
        match expression {
            Expr::List(list) => self.keys(&list.elts, depth),
            Expr::Tuple(tuple) => self.keys(&tuple.elts, depth),
            Expr::Set(set) => self.keys(&set.elts, depth),
            _ => Err(LiteralError::NotLiteral {
                construct: "a set of something that is no list, tuple or set",
            }),
        }
    }

    fn keyword_items(
        &self,
        keywords: &[ast::Keyword],
        depth: usize,
    ) -> Result<Vec<Item>, LiteralError> {
        let mut items = Vec::with_capacity(keywords.len());
        for keyword in keywords {
            let Some(name) = &keyword.arg else {
                return Err(LiteralError::NotLiteral {
                    construct: "an unpacking",
                });
            };
            items.push((
                Value::from(name.as_str()),
                self.value(&keyword.value, depth + 1)?,
            ));
        }
        Ok(items)
    }
}

/// The module that is named, if one is, and the name.
fn callee(function: &Expr) -> Result<(Option<&str>, &str), LiteralError> {
    match function {
        Expr::Name(name) => Ok((None, name.id.as_str())),
        Expr::Attribute(attribute) => match &*attribute.value {
            Expr::Name(module) => Ok((Some(module.id.as_str()), attribute.attr.as_str())),
            _ => Err(LiteralError::NotLiteral {
                construct: "an attribute",
            }),
        },
        _ => Err(LiteralError::NotLiteral {
            construct: "a call",
        }),
    }
}

fn not_read(module: Option<&str>, name: &str) -> LiteralError {
    let name = match module {
        Some(module) => format!("{}.{}", shown(module), shown(name)),
        None => shown(name),
    };
    LiteralError::Call { name }
}

fn decimal(number: Value) -> Result<Value, LiteralError> {
    let decimal = match number {
        Value::Str(text) => Decimal::parse(&text),
        Value::Int(_) => Decimal::parse(&number.to_string()),
        _ => None,
    };
    decimal.map(Value::Decimal).ok_or(DECIMAL)
}

fn factory(factory: &Expr) -> Result<Factory, LiteralError> {
    match factory {
        Expr::NoneLiteral(_) => Ok(Factory::None),
        Expr::Name(name) => Factory::from_name(name.id.as_str()).ok_or(DEFAULT_DICT),
        _ => Err(DEFAULT_DICT),
    }
}
