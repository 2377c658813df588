//! Reads expressions, by the precedence of `jinja2.parser`, which is not quite Python's.

use super::Parser;
use crate::jinja::ast::{Arguments, Comparison, Const, Expr, Name, Operator, Sign, Slot};
use crate::jinja::fault::{Construct, Result, syntax, unsupported};
use crate::jinja::lexer::Token;
use std::sync::Arc;

/// Whether `value if condition` may stand here.
#[derive(Clone, Copy, PartialEq)]
enum Conditions {
    Allowed,
    Refused,
}

impl Parser {
    /// An expression, or several with commas between them.
    pub(super) fn tuple(&mut self) -> Result<Expr> {
        self.tuple_of(Conditions::Allowed, &[], false)
    }

    /// As [`Self::tuple`], where `if` means something else.
    pub(super) fn tuple_without_condition(&mut self) -> Result<Expr> {
        self.tuple_of(Conditions::Refused, &[], false)
    }

    /// As [`Self::tuple_without_condition`], where the names `ends` end a tuple.
    pub(super) fn tuple_until(&mut self, ends: &[&str]) -> Result<Expr> {
        self.tuple_of(Conditions::Refused, ends, false)
    }

    pub(super) fn is_tuple_end(&self, ends: &[&str]) -> bool {
        matches!(
            self.token(),
            Token::VariableEnd | Token::BlockEnd | Token::Operator(")")
        ) || ends.iter().any(|it| self.is_name(it))
    }

    fn tuple_of(
        &mut self,
        conditions: Conditions,
        ends: &[&str],
        has_parentheses: bool,
    ) -> Result<Expr> {
        let mut items = Vec::new();
        let mut is_tuple = false;
        loop {
            if !items.is_empty() {
                self.expect_operator(",")?;
            }
            if self.is_tuple_end(ends) {
                break;
            }
            items.push(match conditions {
                Conditions::Allowed => self.expression()?,
                Conditions::Refused => self.deeper(Self::or)?,
            });
            if !self.is_operator(",") {
                break;
            }
            is_tuple = true;
        }
        if !is_tuple {
            if let Some(only) = items.pop() {
                return Ok(only);
            }
            if !has_parentheses {
                return self.unexpected("an expression");
            }
        }
        Ok(Expr::Tuple(items))
    }

    /// One expression.
    pub(super) fn expression(&mut self) -> Result<Expr> {
        self.deeper(Self::conditional)
    }

    /// Reads the right sides of a chain of operators. Each link is one level deeper in the tree.
    fn chain(
        &mut self,
        first: Expr,
        mut link: impl FnMut(&mut Self, Expr) -> Result<std::result::Result<Expr, Expr>>,
    ) -> Result<Expr> {
        let depth = self.depth;
        let mut expression = first;
        loop {
            match link(self, expression)? {
                Ok(longer) => expression = longer,
                Err(done) => {
                    self.depth = depth;
                    return Ok(done);
                }
            }
            self.deepen(1)?;
        }
    }

    fn conditional(&mut self) -> Result<Expr> {
        let first = self.or()?;
        self.chain(first, |it, value| {
            if !it.skip_name("if") {
                return Ok(Err(value));
            }
            let condition = it.or()?;
            let otherwise = if it.skip_name("else") {
                Some(Box::new(it.deeper(Self::conditional)?))
            } else {
                None
            };
            Ok(Ok(Expr::Cond(Box::new((condition, value)), otherwise)))
        })
    }

    fn or(&mut self) -> Result<Expr> {
        let first = self.and()?;
        self.chain(first, |it, left| {
            if !it.skip_name("or") {
                return Ok(Err(left));
            }
            Ok(Ok(Expr::Or(Box::new((left, it.and()?)))))
        })
    }

    fn and(&mut self) -> Result<Expr> {
        let first = self.not()?;
        self.chain(first, |it, left| {
            if !it.skip_name("and") {
                return Ok(Err(left));
            }
            Ok(Ok(Expr::And(Box::new((left, it.not()?)))))
        })
    }

    fn not(&mut self) -> Result<Expr> {
        if self.skip_name("not") {
            return Ok(Expr::Not(Box::new(self.deeper(Self::not)?)));
        }
        self.compare()
    }

    fn compare(&mut self) -> Result<Expr> {
        let first = self.sum()?;
        let mut links = Vec::new();
        while let Some(comparison) = self.comparison() {
            links.push((comparison, self.sum()?));
        }
        if links.is_empty() {
            return Ok(first);
        }
        Ok(Expr::Compare(Box::new(first), links))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let (comparison, tokens) = match self.token() {
            Token::Operator("==") => (Comparison::Equal, 1),
            Token::Operator("!=") => (Comparison::NotEqual, 1),
            Token::Operator("<") => (Comparison::Less, 1),
            Token::Operator("<=") => (Comparison::LessOrEqual, 1),
            Token::Operator(">") => (Comparison::Greater, 1),
            Token::Operator(">=") => (Comparison::GreaterOrEqual, 1),
            Token::Name(name) if **name == *"in" => (Comparison::In, 1),
            Token::Name(name)
                if **name == *"not"
                    && matches!(self.next_token(), Token::Name(it) if **it == *"in") =>
            {
                (Comparison::NotIn, 2)
            }
            _ => return None,
        };
        self.at += tokens;
        Some(comparison)
    }

    fn binary(
        &mut self,
        operators: &[(&str, Operator)],
        operand: fn(&mut Self) -> Result<Expr>,
    ) -> Result<Expr> {
        let first = operand(self)?;
        self.chain(first, |it, left| {
            let found = operators.iter().find(|(text, _)| it.is_operator(text));
            let Some((_, operator)) = found else {
                return Ok(Err(left));
            };
            it.advance();
            Ok(Ok(Expr::Binary(*operator, Box::new((left, operand(it)?)))))
        })
    }

    fn sum(&mut self) -> Result<Expr> {
        self.binary(
            &[("+", Operator::Add), ("-", Operator::Subtract)],
            Self::concat,
        )
    }

    fn concat(&mut self) -> Result<Expr> {
        let first = self.product()?;
        if !self.is_operator("~") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.skip_operator("~") {
            parts.push(self.product()?);
        }
        Ok(Expr::Concat(parts))
    }

    fn product(&mut self) -> Result<Expr> {
        let operators = [
            ("*", Operator::Multiply),
            ("/", Operator::Divide),
            ("//", Operator::FloorDivide),
            ("%", Operator::Modulo),
        ];
        self.binary(&operators, Self::power)
    }

    fn power(&mut self) -> Result<Expr> {
        self.binary(&[("**", Operator::Power)], Self::filtered)
    }

    /// A signed value with what is applied to it. A filter applies to the value with its sign.
    fn filtered(&mut self) -> Result<Expr> {
        let value = self.signed()?;
        self.chain(value, |it, value| match it.token() {
            Token::Operator("|") => Ok(Ok({
                it.advance();
                it.one_filter(Some(value))?
            })),
            Token::Operator("(") => Ok(Ok(it.call(value)?)),
            Token::Name(name) if **name == *"is" => Ok(Ok(it.test(value)?)),
            _ => Ok(Err(value)),
        })
    }

    fn signed(&mut self) -> Result<Expr> {
        let sign = match self.token() {
            Token::Operator("-") => Sign::Minus,
            Token::Operator("+") => Sign::Plus,
            _ => {
                let primary = self.primary()?;
                return self.postfix(primary);
            }
        };
        self.advance();
        let value = self.deeper(Self::signed)?;
        self.postfix(Expr::Sign(sign, Box::new(value)))
    }

    /// A name, a literal, or an expression in parentheses.
    pub(super) fn primary(&mut self) -> Result<Expr> {
        let constant = match self.token().clone() {
            Token::Name(name) => match &*name {
                "true" | "True" => Const::Bool(true),
                "false" | "False" => Const::Bool(false),
                "none" | "None" => Const::None,
                _ => {
                    self.advance();
                    let slot = Slot::default();
                    return Ok(Expr::Name(Name { name, slot }));
                }
            },
            Token::Str(first) => {
                let mut text = first;
                while let Token::Str(more) = self.next_token() {
                    text = format!("{text}{more}").into();
                    self.advance();
                }
                Const::Str(text)
            }
            Token::Int(value) => Const::Int(value),
            Token::Float(value) => Const::Float(value),
            Token::Operator("(") => {
                self.advance();
                let inner = self.deeper(|it| it.tuple_of(Conditions::Allowed, &[], true))?;
                self.expect_operator(")")?;
                return Ok(inner);
            }
            Token::Operator("[") => return self.list(),
            Token::Operator("{") => return self.dictionary(),
            _ => return self.unexpected("an expression"),
        };
        self.advance();
        Ok(Expr::Const(constant))
    }

    fn list(&mut self) -> Result<Expr> {
        self.advance();
        let mut items = Vec::new();
        while !self.is_operator("]") {
            if !items.is_empty() {
                self.expect_operator(",")?;
            }
            if self.is_operator("]") {
                break;
            }
            items.push(self.expression()?);
        }
        self.expect_operator("]")?;
        Ok(Expr::List(items))
    }

    fn dictionary(&mut self) -> Result<Expr> {
        self.advance();
        let mut items = Vec::new();
        while !self.is_operator("}") {
            if !items.is_empty() {
                self.expect_operator(",")?;
            }
            if self.is_operator("}") {
                break;
            }
            let key = self.expression()?;
            self.expect_operator(":")?;
            items.push((key, self.expression()?));
        }
        self.expect_operator("}")?;
        Ok(Expr::Dict(items))
    }

    fn postfix(&mut self, value: Expr) -> Result<Expr> {
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

    fn call(&mut self, function: Expr) -> Result<Expr> {
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

    fn test(&mut self, value: Expr) -> Result<Expr> {
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
