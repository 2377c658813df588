//! Reads literals. What a model wrote is data here: tokens are checked before anything is parsed, and the syntax tree is
//! turned into a value without evaluating anything.

use std::collections::BTreeSet;

use ruff_python_ast::{self as ast, Expr};
use ruff_python_parser::{ParseError, parse_expression};
use ruff_text_size::Ranged;

use super::{Arguments, INT_DIGITS_MAX, LITERAL_BYTES_MAX, VALUE_DEPTH_MAX, Value};

mod calls;
mod class_names;
mod numbers;
mod tokens;

pub(crate) use numbers::number;
use numbers::{complex, signed, special_float};

/// Levels of the syntax tree that signs and a complex sum add below the innermost value.
const SIGN_DEPTH: usize = 4;

/// Characters of a name in an error.
const NAME_CHARACTERS_MAX: usize = 60;

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
    /// A name that stands for no value here.
    #[error("the name {name} stands for no literal; write the value itself")]
    Name {
        /// It, or its beginning.
        name: String,
    },
    /// A call of something that makes no value here.
    #[error("a call of {name} is not part of a literal; write the value that it gives")]
    Call {
        /// What is called, or its beginning.
        name: String,
    },
    /// A value of the standard library in another form than it is read in.
    #[error("this {type_name} is in no form that is read; write {form}")]
    Form {
        /// The type.
        type_name: &'static str,
        /// What is read, as Python.
        form: &'static str,
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
    let text = class_names::as_names(normalize_newlines(text)?);
    let text = text.trim();
    tokens::check(text)?;
    let parsed = parse_expression(text).map_err(|source| LiteralError::Syntax { source })?;
    Reader { source: text }.value(parsed.expr(), 0)
}

pub(super) fn arguments(text: &str) -> Result<Arguments, LiteralError> {
    let text = class_names::as_names(normalize_newlines(text)?);
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

/// A name as an error shows it.
fn shown(name: &str) -> String {
    name.chars().take(NAME_CHARACTERS_MAX).collect()
}

type Item = (Value, Value);

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
            Expr::EllipsisLiteral(_) => Ok(Value::Ellipsis),
            Expr::BooleanLiteral(literal) => Ok(Value::Bool(literal.value)),
            Expr::NumberLiteral(literal) => number(&literal.value),
            Expr::StringLiteral(literal) => self.text(literal),
            Expr::BytesLiteral(literal) => Ok(Value::Bytes(literal.value.bytes().collect())),
            Expr::List(list) => Ok(Value::List(self.values(&list.elts, depth)?)),
            Expr::Tuple(tuple) => Ok(Value::Tuple(self.values(&tuple.elts, depth)?)),
            Expr::Set(set) => Ok(Value::set(self.keys(&set.elts, depth)?)),
            Expr::Dict(dict) => Ok(Value::dict(self.items(dict, depth)?)),
            Expr::Name(name) if name.id.as_str() == "Ellipsis" => Ok(Value::Ellipsis),
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
            Expr::Attribute(_) => Err(LiteralError::NotLiteral {
                construct: "an attribute",
            }),
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

    fn items(&self, dict: &ast::ExprDict, depth: usize) -> Result<Vec<Item>, LiteralError> {
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
        Ok(items)
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
