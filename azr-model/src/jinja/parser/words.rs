//! One token after the other, and how deep the parser is.

use super::Parser;
use crate::jinja::fault::{Limit, Result, beyond, syntax};
use crate::jinja::lexer::Token;
use std::sync::Arc;

/// How deep blocks and expressions may be nested. CPython refuses more than some 90 parentheses or 20 loops.
const DEPTH_MAX: usize = 100;

impl Parser {
    pub(super) fn token(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)].token
    }

    pub(super) fn next_token(&self) -> &Token {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].token
    }

    pub(super) fn line(&self) -> usize {
        self.tokens[self.at.min(self.tokens.len() - 1)].line
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    pub(super) fn is_operator(&self, operator: &str) -> bool {
        matches!(self.token(), Token::Operator(it) if *it == operator)
    }

    pub(super) fn skip_operator(&mut self, operator: &str) -> bool {
        let found = self.is_operator(operator);
        self.at += usize::from(found);
        found
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        matches!(self.token(), Token::Name(it) if **it == *name)
    }

    pub(super) fn skip_name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        self.at += usize::from(found);
        found
    }

    pub(super) fn unexpected<T>(&self, expected: &str) -> Result<T> {
        match self.token() {
            Token::End => syntax(format!("unexpected end of template, expected {expected}")),
            token => syntax(format!("expected {expected}, got {}", shown(token))),
        }
    }

    pub(super) fn expect_operator(&mut self, operator: &str) -> Result<()> {
        if self.skip_operator(operator) {
            return Ok(());
        }
        self.unexpected(&format!("'{operator}'"))
    }

    pub(super) fn expect(&mut self, token: &Token, words: &str) -> Result<()> {
        if self.token() == token {
            self.advance();
            return Ok(());
        }
        self.unexpected(words)
    }

    pub(super) fn expect_name(&mut self) -> Result<Arc<str>> {
        let Token::Name(name) = self.token() else {
            return self.unexpected("a name");
        };
        let name = name.clone();
        self.advance();
        Ok(name)
    }

    /// Reads something one level deeper.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.deepen(1)?;
        let result = read(self);
        self.depth -= 1;
        result
    }

    pub(super) fn deepen(&mut self, levels: usize) -> Result<()> {
        self.depth += levels;
        if DEPTH_MAX < self.depth {
            return beyond(Limit::Depth);
        }
        Ok(())
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Data(_) => "text".to_owned(),
        Token::BlockBegin => "'{%'".to_owned(),
        Token::BlockEnd => "'%}'".to_owned(),
        Token::VariableBegin => "'{{'".to_owned(),
        Token::VariableEnd => "'}}'".to_owned(),
        Token::Name(name) => format!("'{name}'"),
        Token::Str(_) => "a string".to_owned(),
        Token::Int(_) | Token::Float(_) => "a number".to_owned(),
        Token::Operator(operator) => format!("'{operator}'"),
        Token::End => "the end of the template".to_owned(),
    }
}
