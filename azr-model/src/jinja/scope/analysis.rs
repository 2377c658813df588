//! What a frame reads and writes, without what is inside of inner frames.

use super::Resolver;
use super::level::Level;
use crate::jinja::ast::{Block, CallKind, Expr, Load, Statement, StatementKind, Target};
use std::sync::Arc;

impl Resolver {
    fn load(&mut self, name: &Arc<str>) {
        if self.find(name, 0).is_none() {
            self.top().define(name, Load::Resolve(name.clone()));
        }
    }

    fn store(&mut self, name: &Arc<str>) {
        self.top().stores.insert(name.clone());
        if self.top().index(name).is_none() {
            let load = self.find(name, 1).map_or(Load::Undefined, Load::Alias);
            self.top().define(name, load);
        }
    }

    pub(super) fn declare_target(&mut self, target: &Target) {
        match target {
            Target::Name(name) => {
                self.declare_parameter(&name.name);
            }
            Target::Attribute(name, _) => self.load(&name.name),
            Target::Tuple(items) => items.iter().for_each(|it| self.declare_target(it)),
        }
    }

    pub(super) fn analyze_expression(&mut self, expression: &mut Expr) {
        if let Expr::Name(name) = expression {
            self.load(&name.name);
        }
        for child in expression.children() {
            self.analyze_expression(child);
        }
    }

    fn analyze_target(&mut self, target: &Target) {
        match target {
            Target::Name(name) => self.store(&name.name),
            Target::Attribute(name, _) => self.load(&name.name),
            Target::Tuple(items) => items.iter().for_each(|it| self.analyze_target(it)),
        }
    }

    pub(super) fn analyze_block(&mut self, block: &mut Block) {
        for statement in block {
            self.analyze_statement(statement);
        }
    }

    fn analyze_statement(&mut self, statement: &mut Statement) {
        match &mut statement.kind {
            StatementKind::Text(_) | StatementKind::Break | StatementKind::Continue => {}
            StatementKind::Print(expression) => self.analyze_expression(expression),
            StatementKind::If(branches, otherwise) => self.analyze_condition(branches, otherwise),
            StatementKind::For(node) => {
                if let Some(node) = Arc::get_mut(node) {
                    self.analyze_expression(&mut node.iterable);
                }
            }
            StatementKind::Set(target, value) => {
                self.analyze_expression(value);
                self.analyze_target(target);
            }
            StatementKind::SetBlock(node) => self.analyze_target(&node.target),
            StatementKind::With(node) => {
                for value in &mut node.values {
                    self.analyze_expression(value);
                }
            }
            StatementKind::Macro(store, _) => self.store(&store.0.name),
            StatementKind::Call(_, CallKind::Generation) => {}
            StatementKind::Call(_, CallKind::Function(function, arguments)) => {
                self.analyze_expression(function);
                for argument in arguments.all() {
                    self.analyze_expression(argument);
                }
            }
            StatementKind::Filter(node) => self.analyze_expression(&mut node.filter),
        }
    }

    fn analyze_condition(&mut self, branches: &mut [(Expr, Block)], otherwise: &mut Block) {
        let Some(((test, body), others)) = branches.split_first_mut() else {
            return;
        };
        self.analyze_expression(test);
        let before = self.top().clone();
        self.analyze_block(body);
        let of_body = std::mem::replace(self.top(), before.clone());
        for branch in others {
            self.analyze_condition(std::slice::from_mut(branch), &mut Vec::new());
        }
        let of_others = std::mem::replace(self.top(), before.clone());
        self.analyze_block(otherwise);
        let of_otherwise = std::mem::replace(self.top(), before);
        self.merge(&[of_body, of_others, of_otherwise]);
    }

    /// What is known of a frame after its branches.
    fn merge(&mut self, branches: &[Level]) {
        let mut stores = Vec::new();
        for branch in branches {
            let new = branch.stores.iter();
            stores
                .extend(new.filter(|it| !self.levels[self.levels.len() - 1].stores.contains(*it)));
        }
        for branch in branches {
            self.top().extend(branch);
        }
        for name in stores {
            let outer = self.find(name, 1);
            let load = outer.map_or_else(|| Load::Resolve(name.clone()), Load::Alias);
            self.top().define(name, load);
        }
    }
}
