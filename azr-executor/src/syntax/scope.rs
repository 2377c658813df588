//! Which names a function binds, by the rules of the language: a name bound anywhere in a function is local to all of it.

use std::collections::BTreeSet;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_pattern, walk_stmt};
use ruff_python_ast::{ExceptHandler, Expr, ExprContext, Parameters, Pattern, Stmt, visitor};

/// Names that a function with this body and these parameters makes local.
pub(super) fn function_locals(parameters: &Parameters, body: &[Stmt]) -> BTreeSet<String> {
    let mut collector = Collector::default();
    collector.bound.extend(parameter_names(parameters));
    collector.visit_body(body);
    collector
        .bound
        .retain(|name| !collector.elsewhere.contains(name));
    collector.bound
}

/// Names of all parameters, in order.
pub(super) fn parameter_names(parameters: &Parameters) -> Vec<String> {
    parameters
        .iter()
        .map(|parameter| parameter.name().as_str().to_owned())
        .collect()
}

/// Names bound by a target such as `a, (b, *c)`.
pub(super) fn target_names(target: &Expr) -> BTreeSet<String> {
    let mut collector = Collector::default();
    collector.visit_expr(target);
    collector.bound
}

#[derive(Default)]
struct Collector {
    bound: BTreeSet<String>,
    /// Declared global or nonlocal here.
    elsewhere: BTreeSet<String>,
}

impl Collector {
    fn bind(&mut self, name: &str) {
        self.bound.insert(name.to_owned());
    }
}

impl<'ast> Visitor<'ast> for Collector {
    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        match statement {
            // Bodies of functions and classes are scopes of their own.
            Stmt::FunctionDef(function) => self.bind(function.name.as_str()),
            Stmt::ClassDef(class) => self.bind(class.name.as_str()),
            Stmt::Import(import) => {
                for alias in &import.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    self.bind(name.split('.').next().unwrap_or(name));
                }
            }
            Stmt::ImportFrom(import) => {
                import.names.iter().for_each(|alias| {
                    self.bind(alias.asname.as_ref().unwrap_or(&alias.name).as_str())
                });
            }
            Stmt::Global(global) => self
                .elsewhere
                .extend(global.names.iter().map(|name| name.as_str().to_owned())),
            Stmt::Nonlocal(outer) => self
                .elsewhere
                .extend(outer.names.iter().map(|name| name.as_str().to_owned())),
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            Expr::Name(name) if matches!(name.ctx, ExprContext::Store | ExprContext::Del) => {
                self.bind(name.id.as_str())
            }
            // Their targets are theirs; an assignment expression in them belongs here.
            Expr::ListComp(comprehension) => {
                self.comprehension(&comprehension.generators, &[&comprehension.elt])
            }
            Expr::SetComp(comprehension) => {
                self.comprehension(&comprehension.generators, &[&comprehension.elt])
            }
            Expr::Generator(comprehension) => {
                self.comprehension(&comprehension.generators, &[&comprehension.elt])
            }
            Expr::DictComp(comprehension) => {
                let key = comprehension.key.as_deref().unwrap_or(&comprehension.value);
                self.comprehension(&comprehension.generators, &[key, &comprehension.value]);
            }
            Expr::Lambda(_) => {}
            _ => walk_expr(self, expression),
        }
    }

    fn visit_except_handler(&mut self, handler: &'ast ExceptHandler) {
        let ExceptHandler::ExceptHandler(inner) = handler;
        if let Some(name) = &inner.name {
            self.bind(name.as_str());
        }
        visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'ast Pattern) {
        let name = match pattern {
            Pattern::MatchAs(capture) => capture.name.as_ref(),
            Pattern::MatchStar(star) => star.name.as_ref(),
            Pattern::MatchMapping(mapping) => mapping.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.bind(name.as_str());
        }
        walk_pattern(self, pattern);
    }
}

impl Collector {
    fn comprehension<'ast>(
        &mut self,
        generators: &'ast [ruff_python_ast::Comprehension],
        results: &[&'ast Expr],
    ) {
        for generator in generators {
            self.visit_expr(&generator.iter);
            generator
                .ifs
                .iter()
                .for_each(|condition| self.visit_expr(condition));
        }
        results.iter().for_each(|result| self.visit_expr(result));
    }
}
