//! Reads literals. What a model wrote is data here: tokens are checked before anything is parsed, and the syntax tree is
//! turned into a value without evaluating anything.

use std::collections::BTreeSet;

use num_bigint::BigInt;
use ruff_python_ast::{self as ast, Expr, Number, Operator, UnaryOp};
use ruff_python_parser::{ParseError, parse_expression};
use ruff_text_size::Ranged;

use super::{Arguments, INT_DIGITS_MAX, LITERAL_BYTES_MAX, VALUE_DEPTH_MAX, Value};

mod tokens;

/// Levels of the syntax tree that signs and a complex sum add below the innermost value.
const SIGN_DEPTH: usize = 4;

/// Bits of the greatest integer that a double stands for.
const DOUBLE_BITS_MAX: u64 = 1_024;

/// Why a text is not a literal.
#[derive(Debug, thiserror::Error)]
pub enum LiteralError {
    /// Too long.
    #[error("the text has {bytes} bytes, a literal at most {LITERAL_BYTES_MAX}; shorten it")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Too deep.
    #[error("the text nests deeper than {VALUE_DEPTH_MAX} levels; flatten it")]
    TooDeep,
    /// Not an expression at all.
    #[error("the text is not a Python expression: {source}")]
    Syntax {
        /// What the parser says.
        source: ParseError,
    },
    /// A bracket without its partner.
    #[error("the text has a bracket without its partner; close each bracket that it opens")]
    Unbalanced,
    /// An expression that would have to be evaluated.
    #[error("{construct} is not part of a literal; write the value itself")]
    NotLiteral {
        /// What it is, in words.
        construct: &'static str,
    },
    /// A key that Python could not hash.
    #[error(
        "a {type_name} cannot be a dictionary key or a set element; use a tuple or a frozenset"
    )]
    Unhashable {
        /// The key's type.
        type_name: &'static str,
    },
    /// An integer beyond CPython's limit.
    #[error(
        "an integer has {digits} decimal digits, CPython reads at most {INT_DIGITS_MAX}; write it in hexadecimal"
    )]
    IntegerTooLong {
        /// Its digits.
        digits: usize,
    },
    /// Text that is not Unicode.
    #[error("a string holds half of a surrogate pair; values are Unicode text")]
    LoneSurrogate,
    /// A keyword given twice.
    #[error("the keyword {name} is given twice; give each once")]
    RepeatedKeyword {
        /// Its name.
        name: String,
    },
}

pub(super) fn value(text: &str) -> Result<Value, LiteralError> {
    let text = normalize_newlines(text)?;
    let text = text.trim();
    tokens::check(text)?;
    let parsed = parse_expression(text).map_err(|source| LiteralError::Syntax { source })?;
    Reader { source: text }.value(parsed.expr(), 0)
}

pub(super) fn arguments(text: &str) -> Result<Arguments, LiteralError> {
    let text = normalize_newlines(text)?;
    // The line break ends a comment. A text that closes this call opens a second group, and is refused.
    let call = format!("f({text}\n)");
    if tokens::check(&call)? != 1 {
        return Err(LiteralError::Unbalanced);
    }
    let parsed = parse_expression(&call).map_err(|source| LiteralError::Syntax { source })?;
    let Expr::Call(ast::ExprCall { arguments, .. }) = parsed.expr() else {
        return Err(LiteralError::Unbalanced);
    };
    let reader = Reader { source: &call };
    let mut read = Arguments::default();
    let mut names = BTreeSet::new();
    for argument in &arguments.args {
        read.positional.push(reader.value(argument, 0)?);
    }
    for keyword in &arguments.keywords {
        let Some(name) = &keyword.arg else {
            return Err(LiteralError::NotLiteral {
                construct: "an unpacking",
            });
        };
        let name = name.as_str();
        if !names.insert(name) {
            let name = name.to_owned();
            return Err(LiteralError::RepeatedKeyword { name });
        }
        let value = reader.value(&keyword.value, 0)?;
        read.keyword.push((name.to_owned(), value));
    }
    Ok(read)
}

/// CPython reads `\r\n` and `\r` as `\n`, inside strings too.
fn normalize_newlines(text: &str) -> Result<std::borrow::Cow<'_, str>, LiteralError> {
    if LITERAL_BYTES_MAX < text.len() {
        return Err(LiteralError::TooLarge { bytes: text.len() });
    }
    if text.contains('\0') {
        return Err(LiteralError::NotLiteral {
            construct: "a null character",
        });
    }
    if text.contains('\r') {
        return Ok(text.replace("\r\n", "\n").replace('\r', "\n").into());
    }
    Ok(text.into())
}

struct Reader<'src> {
    source: &'src str,
}

impl Reader<'_> {
    fn value(&self, expression: &Expr, depth: usize) -> Result<Value, LiteralError> {
        if VALUE_DEPTH_MAX + SIGN_DEPTH < depth {
            return Err(LiteralError::TooDeep);
        }
        match expression {
            Expr::NoneLiteral(_) => Ok(Value::None),
            Expr::BooleanLiteral(literal) => Ok(Value::Bool(literal.value)),
            Expr::NumberLiteral(literal) => number(&literal.value),
            Expr::StringLiteral(literal) => self.text(literal),
            Expr::BytesLiteral(literal) => Ok(Value::Bytes(literal.value.bytes().collect())),
            Expr::List(list) => Ok(Value::List(self.values(&list.elts, depth)?)),
            Expr::Tuple(tuple) => Ok(Value::Tuple(self.values(&tuple.elts, depth)?)),
            Expr::Set(set) => Ok(Value::set(self.keys(&set.elts, depth)?)),
            Expr::Dict(dict) => self.dict(dict, depth),
            Expr::Name(name) => special_float(name.id.as_str()),
            Expr::UnaryOp(operation) => {
                signed(operation.op, self.value(&operation.operand, depth + 1)?)
            }
            Expr::BinOp(operation) => {
                let (left, right) = (&operation.left, &operation.right);
                complex(
                    self.value(left, depth + 1)?,
                    operation.op,
                    self.value(right, depth + 1)?,
                )
            }
            Expr::Call(call) => self.call(call, depth),
            _ => Err(LiteralError::NotLiteral {
                construct: "an expression to evaluate",
            }),
        }
    }

    fn values(&self, expressions: &[Expr], depth: usize) -> Result<Vec<Value>, LiteralError> {
        expressions
            .iter()
            .map(|expression| self.value(expression, depth + 1))
            .collect()
    }

    fn keys(&self, expressions: &[Expr], depth: usize) -> Result<Vec<Value>, LiteralError> {
        let keys = self.values(expressions, depth)?;
        keys.iter().try_for_each(require_hashable)?;
        Ok(keys)
    }

    fn dict(&self, dict: &ast::ExprDict, depth: usize) -> Result<Value, LiteralError> {
        let mut items = Vec::with_capacity(dict.items.len());
        for item in &dict.items {
            let Some(key) = &item.key else {
                return Err(LiteralError::NotLiteral {
                    construct: "an unpacking",
                });
            };
            let key = self.value(key, depth + 1)?;
            require_hashable(&key)?;
            items.push((key, self.value(&item.value, depth + 1)?));
        }
        Ok(Value::dict(items))
    }

    fn text(&self, literal: &ast::ExprStringLiteral) -> Result<Value, LiteralError> {
        let text = literal.value.to_str();
        // The parser reads a surrogate escape as U+FFFD, which would make two different texts equal.
        let is_replaced = |part: &ast::StringLiteral| {
            part.value.contains(char::REPLACEMENT_CHARACTER)
                && !part.flags.prefix().is_raw()
                && names_surrogate(&self.source[part.range()])
        };
        if literal.value.iter().any(is_replaced) {
            return Err(LiteralError::LoneSurrogate);
        }
        Ok(Value::Str(text.to_owned()))
    }

    /// The few calls that stand for values which have no display of their own.
    fn call(&self, call: &ast::ExprCall, depth: usize) -> Result<Value, LiteralError> {
        let refused = LiteralError::NotLiteral {
            construct: "a call",
        };
        let Expr::Name(name) = &*call.func else {
            return Err(refused);
        };
        let (positional, keywords) = (&call.arguments.args, &call.arguments.keywords);
        match (name.id.as_str(), &**positional) {
            ("dict", []) => self.keyword_dict(keywords, depth),
            (_, _) if !keywords.is_empty() => Err(refused),
            ("set", []) => Ok(Value::Set(Vec::new())),
            ("frozenset", []) => Ok(Value::FrozenSet(Vec::new())),
            ("set", [elements]) => Ok(Value::set(self.elements(elements, depth)?)),
            ("frozenset", [elements]) => Ok(Value::frozen_set(self.elements(elements, depth)?)),
            ("float", [Expr::StringLiteral(text)]) => special_float(text.value.to_str().trim()),
            _ => Err(refused),
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

    fn keyword_dict(&self, keywords: &[ast::Keyword], depth: usize) -> Result<Value, LiteralError> {
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
        Ok(Value::dict(items))
    }
}

fn require_hashable(key: &Value) -> Result<(), LiteralError> {
    if key.is_hashable() {
        Ok(())
    } else {
        Err(LiteralError::Unhashable {
            type_name: key.type_name(),
        })
    }
}

/// The value of a number as the parser read it.
pub(crate) fn number(number: &Number) -> Result<Value, LiteralError> {
    match number {
        Number::Int(int) => match int.as_u64() {
            Some(small) => Ok(Value::Int(BigInt::from(small))),
            None => big_integer(&int.to_string()),
        },
        Number::Float(float) => Ok(Value::Float(*float)),
        Number::Complex { real, imag } => Ok(Value::Complex(*real, *imag)),
    }
}

fn big_integer(token: &str) -> Result<Value, LiteralError> {
    let digits: String = token.chars().filter(|digit| *digit != '_').collect();
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        _ => (10, &digits[..]),
    };
    if radix == 10 && INT_DIGITS_MAX < digits.len() {
        return Err(LiteralError::IntegerTooLong {
            digits: digits.len(),
        });
    }
    let parsed = BigInt::parse_bytes(digits.as_bytes(), radix);
    parsed.map(Value::Int).ok_or(LiteralError::NotLiteral {
        construct: "a number in an unknown notation",
    })
}

/// The spellings of `repr` that are no literals of the language, and what `float` reads beside numbers.
fn special_float(name: &str) -> Result<Value, LiteralError> {
    let (sign, magnitude) = match name.strip_prefix(['-', '+']) {
        Some(rest) if name.starts_with('-') => (-1.0, rest),
        Some(rest) => (1.0, rest),
        None => (1.0, name),
    };
    match magnitude.to_ascii_lowercase().as_str() {
        "nan" => Ok(Value::Float(f64::NAN)),
        "inf" | "infinity" => Ok(Value::Float(sign * f64::INFINITY)),
        "nanj" => Ok(Value::Complex(0.0, f64::NAN)),
        "infj" => Ok(Value::Complex(0.0, sign * f64::INFINITY)),
        _ => Err(LiteralError::NotLiteral {
            construct: "a name",
        }),
    }
}

fn signed(operator: UnaryOp, operand: Value) -> Result<Value, LiteralError> {
    let negative = match operator {
        UnaryOp::USub => true,
        UnaryOp::UAdd => false,
        UnaryOp::Not | UnaryOp::Invert => {
            return Err(LiteralError::NotLiteral {
                construct: "an operator",
            });
        }
    };
    match operand {
        Value::Bool(bit) => Ok(Value::Int(BigInt::from(if negative {
            -i64::from(bit)
        } else {
            i64::from(bit)
        }))),
        Value::Int(int) => Ok(Value::Int(if negative { -int } else { int })),
        Value::Float(float) => Ok(Value::Float(if negative { -float } else { float })),
        Value::Complex(real, imag) => Ok(if negative {
            Value::Complex(-real, -imag)
        } else {
            Value::Complex(real, imag)
        }),
        _ => Err(LiteralError::NotLiteral {
            construct: "a sign before something that is no number",
        }),
    }
}

/// `a+bj` and `a-bj`, added component by component as CPython 3.11 does.
fn complex(left: Value, operator: Operator, right: Value) -> Result<Value, LiteralError> {
    let refused = LiteralError::NotLiteral {
        construct: "a computation",
    };
    let real = match left {
        // By way of decimal, which rounds to nearest; far beyond the greatest double that would take long.
        Value::Int(int) if int.bits() <= DOUBLE_BITS_MAX => match int.to_string().parse::<f64>() {
            Ok(real) if real.is_finite() => real,
            _ => return Err(refused),
        },
        Value::Float(float) => float,
        _ => return Err(refused),
    };
    match (operator, right) {
        (Operator::Add, Value::Complex(more, imag)) => Ok(Value::Complex(real + more, 0.0 + imag)),
        (Operator::Sub, Value::Complex(more, imag)) => Ok(Value::Complex(real - more, 0.0 - imag)),
        _ => Err(refused),
    }
}

/// Whether the source of a string holds an escape for a surrogate: four digits after `\u`, eight after `\U`.
fn names_surrogate(source: &str) -> bool {
    let mut escapes = source.split('\\').skip(1);
    while let Some(escape) = escapes.next() {
        let digits = match escape.as_bytes().first() {
            Some(b'u') => escape.get(1..5),
            Some(b'U') => escape.get(1..9),
            // A backslash that is escaped, or the end: what follows is no escape.
            None => {
                escapes.next();
                None
            }
            Some(_) => None,
        };
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if code.is_some_and(|code| (0xd800..=0xdfff).contains(&code)) {
            return true;
        }
    }
    false
}
