//! Reads what can be assigned to.

use super::Parser;
use crate::jinja::ast::{Expr, Name, Slot, Target};
use crate::jinja::fault::{Result, syntax};
use crate::jinja::lexer::Token;

/// Whether `namespace.attribute` may be assigned to.
#[derive(Clone, Copy, PartialEq)]
enum Namespaces {
    Allowed,
    Refused,
}

impl Parser {
    /// A name that is assigned to.
    pub(super) fn assign_name(&mut self) -> Result<Name> {
        let name = self.expect_name()?;
        if matches!(
            &*name,
            "true" | "false" | "none" | "True" | "False" | "None"
        ) {
            return syntax(format!("can't assign to '{name}'"));
        }
        Ok(Name {
            name,
            slot: Slot::default(),
        })
    }

    /// A target that ends before one of the names `ends`.
    pub(super) fn assign_target(&mut self, ends: &[&str]) -> Result<Target> {
        self.target_tuple(Namespaces::Refused, ends)
    }

    /// A target of `set`.
    pub(super) fn assign_target_with_namespace(&mut self) -> Result<Target> {
        self.target_tuple(Namespaces::Allowed, &[])
    }

    fn target_tuple(&mut self, namespaces: Namespaces, ends: &[&str]) -> Result<Target> {
        let mut targets = Vec::new();
        let mut is_tuple = false;
        loop {
            if !targets.is_empty() {
                self.expect_operator(",")?;
            }
            if self.is_tuple_end(ends) {
                break;
            }
            targets.push(self.target_primary(namespaces)?);
            if !self.is_operator(",") {
                break;
            }
            is_tuple = true;
        }
        match targets.pop() {
            None => self.unexpected("an expression"),
            Some(only) if !is_tuple => Ok(only),
            Some(last) => {
                targets.push(last);
                Ok(Target::Tuple(targets))
            }
        }
    }

    fn target_primary(&mut self, namespaces: Namespaces) -> Result<Target> {
        if let Token::Name(_) = self.token() {
            let name = self.assign_name()?;
            if namespaces == Namespaces::Allowed && self.skip_operator(".") {
                return Ok(Target::Attribute(name, self.expect_name()?));
            }
            return Ok(Target::Name(name));
        }
        let expression = self.primary()?;
        as_target(expression)
    }
}

/// An expression in parentheses, as a target.
fn as_target(expression: Expr) -> Result<Target> {
    match expression {
        Expr::Name(name) => Ok(Target::Name(name)),
        Expr::Tuple(items) => Ok(Target::Tuple(
            items.into_iter().map(as_target).collect::<Result<_>>()?,
        )),
        _ => syntax("can't assign to an expression"),
    }
}
