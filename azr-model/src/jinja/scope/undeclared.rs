//! Which of some names a block reads before it has written them, inner frames included.
//!
//! As in Jinja2, a name that is written anywhere on the way is taken for written from there on.

use crate::jinja::ast::{Block, CallKind, Expr, Macro, Statement, StatementKind, Target};
use std::sync::Arc;

/// Those of `wanted` that `block` reads undeclared.
pub(super) fn names(block: &mut Block, wanted: &[&'static str]) -> Vec<&'static str> {
    let mut search = Search {
        wanted: wanted.to_vec(),
        found: Vec::new(),
    };
    search.block(block);
    search.found
}

struct Search {
    wanted: Vec<&'static str>,
    found: Vec<&'static str>,
}

impl Search {
    fn block(&mut self, block: &mut Block) {
        block.iter_mut().for_each(|it| self.statement(it));
    }

    fn expression(&mut self, expression: &mut Expr) {
        if let Expr::Name(name) = expression
            && let Some(wanted) = self.wanted.iter().find(|it| ***it == *name.name)
            && !self.found.contains(wanted)
        {
            self.found.push(wanted);
        }
        for child in expression.children() {
            self.expression(child);
        }
    }

    fn written(&mut self, name: &str) {
        self.wanted.retain(|it| *it != name);
    }

    fn target(&mut self, target: &Target) {
        match target {
            Target::Name(name) => self.written(&name.name),
            Target::Attribute(..) => {}
            Target::Tuple(items) => items.iter().for_each(|it| self.target(it)),
        }
    }

    fn statement(&mut self, statement: &mut Statement) {
        match &mut statement.kind {
            StatementKind::Text(_) | StatementKind::Break | StatementKind::Continue => {}
            StatementKind::Print(expression) => self.expression(expression),
            StatementKind::If(branches, otherwise) => {
                for (test, body) in branches {
                    self.expression(test);
                    self.block(body);
                }
                self.block(otherwise);
            }
            StatementKind::For(node) => {
                let Some(node) = Arc::get_mut(node) else {
                    return;
                };
                self.target(&node.target);
                self.expression(&mut node.iterable);
                self.block(&mut node.body);
                self.block(&mut node.otherwise);
                if let Some(filter) = &mut node.filter {
                    self.expression(&mut filter.test);
                }
            }
            StatementKind::Set(target, value) => {
                self.target(target);
                self.expression(value);
            }
            StatementKind::SetBlock(node) => {
                self.target(&node.target);
                node.filter.iter_mut().for_each(|it| self.expression(it));
                self.block(&mut node.body);
            }
            StatementKind::With(node) => {
                node.targets.iter().for_each(|it| self.target(it));
                node.values.iter_mut().for_each(|it| self.expression(it));
                self.block(&mut node.body);
            }
            StatementKind::Macro(_, node) => self.callee(node),
            StatementKind::Call(node, kind) => {
                if let CallKind::Function(function, arguments) = kind {
                    self.expression(function);
                    arguments
                        .all()
                        .into_iter()
                        .for_each(|it| self.expression(it));
                }
                self.callee(node);
            }
            StatementKind::Filter(node) => {
                self.block(&mut node.body);
                self.expression(&mut node.filter);
            }
        }
    }

    fn callee(&mut self, node: &mut Arc<Macro>) {
        let Some(node) = Arc::get_mut(node) else {
            return;
        };
        for parameter in &node.parameters {
            self.written(&parameter.name);
        }
        node.defaults.iter_mut().for_each(|it| self.expression(it));
        self.block(&mut node.body);
    }
}
