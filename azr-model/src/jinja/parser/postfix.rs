//! Reads what stands behind a value: attributes, elements, calls, filters and tests.

use super::Parser;
use crate::jinja::ast::{Arguments, Const, Expr};
use crate::jinja::fault::{Construct, Result, syntax, unsupported};
use crate::jinja::lexer::Token;
use std::sync::Arc;

impl Parser {
    pub(super) fn postfix(&mut self, value: Expr) -> Result<Expr> {
        self.chain(value, |it, value| match it.token() {
            Token::Operator(".") => {
                it.advance();
                let index = match it.token().clone() {
                    Token::Name(name) => {
                        it.advance();
                        return Ok(Ok(Expr::Attribute(Box::new(value), name)));
                    }
                    Token::Int(index) => Expr::Const(Const::Int(index)),
                    _ => return it.unexpected("name or number"),
                };
                it.advance();
                Ok(Ok(Expr::Item(Box::new((value, index)))))
            }
            Token::Operator("[") => Ok(Ok(it.subscript(value)?)),
            Token::Operator("(") => Ok(Ok(it.call(value)?)),
            _ => Ok(Err(value)),
        })
    }

    fn subscript(&mut self, value: Expr) -> Result<Expr> {
        self.advance();
        let mut items = Vec::new();
        let mut slice = None;
        while !self.is_operator("]") {
            if !items.is_empty() {
                self.expect_operator(",")?;
            }
            let first = if self.is_operator(":") {
                None
            } else {
                Some(self.expression()?)
            };
            if first.is_none() || self.is_operator(":") {
                let bounds = self.slice_bounds(first)?;
                if !items.is_empty() || !self.is_operator("]") {
                    return unsupported(Construct::Expression, "[a:b, c]");
                }
                slice = Some(bounds);
                break;
            }
            items.extend(first);
        }
        self.expect_operator("]")?;
        if let Some(bounds) = slice {
            return Ok(Expr::Slice(Box::new(value), Box::new(bounds)));
        }
        let index = match items.pop() {
            Some(only) if items.is_empty() => only,
            last => Expr::Tuple(items.into_iter().chain(last).collect()),
        };
        Ok(Expr::Item(Box::new((value, index))))
    }

    /// What follows the first bound of a slice.
    fn slice_bounds(&mut self, first: Option<Expr>) -> Result<[Option<Expr>; 3]> {
        let mut bounds = [first, None, None];
        for bound in &mut bounds[1..] {
            if !self.skip_operator(":") {
                break;
            }
            if !matches!(self.token(), Token::Operator(":" | "]" | ",")) {
                *bound = Some(self.expression()?);
            }
        }
        Ok(bounds)
    }

    pub(super) fn call(&mut self, function: Expr) -> Result<Expr> {
        Ok(Expr::Call(Box::new(function), self.arguments()?))
    }

    fn arguments(&mut self) -> Result<Arguments> {
        self.expect_operator("(")?;
        let mut arguments = Arguments::default();
        let mut is_first = true;
        while !self.is_operator(")") {
            if !is_first {
                self.expect_operator(",")?;
                if self.is_operator(")") {
                    break;
                }
            }
            is_first = false;
            self.argument(&mut arguments)?;
        }
        self.expect_operator(")")?;
        Ok(arguments)
    }

    fn argument(&mut self, arguments: &mut Arguments) -> Result<()> {
        let wrong = || syntax("invalid syntax for function call expression");
        if self.skip_operator("*") {
            if arguments.starred.is_some() || arguments.double_starred.is_some() {
                return wrong();
            }
            arguments.starred = Some(Box::new(self.expression()?));
        } else if self.skip_operator("**") {
            if arguments.double_starred.is_some() {
                return wrong();
            }
            arguments.double_starred = Some(Box::new(self.expression()?));
        } else if let (Token::Name(name), Token::Operator("=")) =
            (self.token().clone(), self.next_token())
        {
            if arguments.double_starred.is_some() {
                return wrong();
            }
            if arguments.keyword.iter().any(|(it, _)| *it == name) {
                return syntax(format!("keyword argument repeated: {name}"));
            }
            self.at += 2;
            arguments.keyword.push((name, self.expression()?));
        } else {
            let has_named = !arguments.keyword.is_empty();
            if arguments.starred.is_some() || arguments.double_starred.is_some() || has_named {
                return wrong();
            }
            arguments.positional.push(self.expression()?);
        }
        Ok(())
    }

    /// Filters that follow each other.
    pub(super) fn filters(&mut self, value: Option<Expr>) -> Result<Option<Expr>> {
        let depth = self.depth;
        let mut value = value;
        while self.skip_operator("|") {
            self.deepen(1)?;
            value = Some(self.one_filter(value)?);
        }
        self.depth = depth;
        Ok(value)
    }

    /// A filter behind its bar.
    pub(super) fn one_filter(&mut self, value: Option<Expr>) -> Result<Expr> {
        let name = self.dotted_name()?;
        let arguments = if self.is_operator("(") {
            self.arguments()?
        } else {
            Arguments::default()
        };
        Ok(Expr::Filter(value.map(Box::new), name, arguments))
    }

    fn dotted_name(&mut self) -> Result<Arc<str>> {
        let mut name = self.expect_name()?;
        while self.skip_operator(".") {
            name = format!("{name}.{}", self.expect_name()?).into();
        }
        Ok(name)
    }

    pub(super) fn test(&mut self, value: Expr) -> Result<Expr> {
        self.advance();
        let is_negated = self.skip_name("not");
        let name = self.dotted_name()?;
        let arguments = if self.is_operator("(") {
            self.arguments()?
        } else if self.begins_test_argument() {
            if self.is_name("is") {
                return syntax("You cannot chain multiple tests with is");
            }
            let argument = self.primary()?;
            let argument = self.postfix(argument)?;
            Arguments {
                positional: vec![argument],
                ..Arguments::default()
            }
        } else {
            Arguments::default()
        };
        let test = Expr::Test(Box::new(value), name, arguments);
        Ok(if is_negated {
            Expr::Not(Box::new(test))
        } else {
            test
        })
    }

    fn begins_test_argument(&self) -> bool {
        match self.token() {
            Token::Name(name) => !matches!(&**name, "else" | "or" | "and"),
            Token::Str(_) | Token::Int(_) | Token::Float(_) => true,
            Token::Operator(operator) => matches!(*operator, "[" | "{"),
            _ => false,
        }
    }
}
