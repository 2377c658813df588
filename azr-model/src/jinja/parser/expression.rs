//! Reads expressions, by the precedence of `jinja2.parser`, which is not quite Python's.

use super::Parser;
use crate::jinja::ast::{Comparison, Const, Expr, Name, Operator, Sign, Slot};
use crate::jinja::fault::Result;
use crate::jinja::lexer::Token;

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
    pub(super) fn chain(
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
}
