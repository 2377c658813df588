//! Gives local names canonical spellings, drops docstrings and hashes what is left.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use ruff_python_ast::comparable::ComparableModModule;
use ruff_python_ast::visitor::transformer::{self, Transformer};
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{
    Comprehension, ExceptHandler, Expr, Identifier, Keyword, ModModule, Parameters, Pattern, Stmt,
    Suite,
};
use sha2::{Digest, Sha256};

use super::scope;

pub(super) fn hash(mut module: ModModule) -> [u8; 32] {
    let mut keywords = KeywordNames::default();
    keywords.visit_body(&module.body);
    let renamer = Renamer {
        kept: keywords.0,
        scopes: RefCell::default(),
    };
    drop_docstring(&mut module.body);
    renamer.visit_body(&mut module.body);
    let mut hasher = Sha256Hasher(Sha256::new());
    ComparableModModule::from(&module).hash(&mut hasher);
    hasher.0.finalize().into()
}

/// Feeds the derived `Hash` of the tree into a digest without collisions.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Unused: the digest is read as a whole.
    fn finish(&self) -> u64 {
        0
    }
}

fn drop_docstring(body: &mut Suite) {
    if matches!(body.first(), Some(Stmt::Expr(only)) if only.value.is_string_literal_expr()) {
        body.remove(0);
    }
}

/// Names that calls pass arguments by; a parameter of such a name keeps it, because the calls show it.
#[derive(Default)]
struct KeywordNames(BTreeSet<String>);

impl<'ast> Visitor<'ast> for KeywordNames {
    fn visit_keyword(&mut self, keyword: &'ast Keyword) {
        self.0
            .extend(keyword.arg.iter().map(|name| name.as_str().to_owned()));
        visitor::walk_keyword(self, keyword);
    }
}

/// Local names of one scope and their canonical spellings.
type Names = BTreeMap<String, String>;

struct Renamer {
    kept: BTreeSet<String>,
    /// Innermost last. Class bodies are no scopes here: their names are attributes and stay.
    scopes: RefCell<Vec<Scope>>,
}

#[derive(Default)]
struct Scope {
    locals: BTreeSet<String>,
    canonical: Names,
}

impl Renamer {
    fn within(&self, locals: BTreeSet<String>, walk: impl FnOnce()) {
        self.scopes.borrow_mut().push(Scope {
            locals,
            canonical: Names::new(),
        });
        walk();
        self.scopes.borrow_mut().pop();
    }

    /// The canonical spelling of `name` where it stands: scope and order of first appearance. None for what is not
    /// local to a function.
    fn canonical(&self, name: &str) -> Option<String> {
        if self.kept.contains(name) {
            return None;
        }
        let mut scopes = self.scopes.borrow_mut();
        let depth = scopes
            .iter()
            .rposition(|scope| scope.locals.contains(name))?;
        let canonical = &mut scopes[depth].canonical;
        let order = canonical.len();
        // A character that no Python name has keeps these apart from every other name.
        Some(
            canonical
                .entry(name.to_owned())
                .or_insert_with(|| format!("{depth}.{order}"))
                .clone(),
        )
    }

    fn rename(&self, identifier: &mut Identifier) {
        if let Some(canonical) = self.canonical(identifier.as_str()) {
            identifier.id = canonical.as_str().into();
        }
    }

    fn rename_all(&self, identifiers: &mut [Identifier]) {
        identifiers
            .iter_mut()
            .for_each(|identifier| self.rename(identifier));
    }

    fn rename_parameters(&self, parameters: &mut Parameters) {
        let positional = parameters
            .posonlyargs
            .iter_mut()
            .chain(&mut parameters.args);
        positional.for_each(|parameter| self.rename(&mut parameter.parameter.name));
        parameters
            .vararg
            .iter_mut()
            .for_each(|parameter| self.rename(&mut parameter.name));
        parameters
            .kwonlyargs
            .iter_mut()
            .for_each(|parameter| self.rename(&mut parameter.parameter.name));
        parameters
            .kwarg
            .iter_mut()
            .for_each(|parameter| self.rename(&mut parameter.name));
    }

    fn function(&self, function: &mut ruff_python_ast::StmtFunctionDef) {
        self.rename(&mut function.name);
        function
            .decorator_list
            .iter_mut()
            .for_each(|decorator| self.visit_decorator(decorator));
        // Defaults and annotations belong to the scope around.
        self.visit_parameters(&mut function.parameters);
        function
            .returns
            .iter_mut()
            .for_each(|returns| self.visit_annotation(returns));
        drop_docstring(&mut function.body);
        let locals = scope::function_locals(&function.parameters, &function.body);
        self.within(locals, || {
            self.rename_parameters(&mut function.parameters);
            self.visit_body(&mut function.body);
        });
    }

    /// A comprehension is a scope of its targets; its first iterable belongs to the scope around.
    fn comprehension(&self, generators: &mut [Comprehension], results: &mut [&mut Expr]) {
        let locals = generators
            .iter()
            .flat_map(|generator| scope::target_names(&generator.target))
            .collect();
        if let Some(first) = generators.first_mut() {
            self.visit_expr(&mut first.iter);
        }
        self.within(locals, || {
            for (at, generator) in generators.iter_mut().enumerate() {
                if 0 < at {
                    self.visit_expr(&mut generator.iter);
                }
                self.visit_expr(&mut generator.target);
                generator
                    .ifs
                    .iter_mut()
                    .for_each(|condition| self.visit_expr(condition));
            }
            results
                .iter_mut()
                .for_each(|result| self.visit_expr(result));
        });
    }
}

impl Transformer for Renamer {
    fn visit_stmt(&self, statement: &mut Stmt) {
        match statement {
            Stmt::FunctionDef(function) => return self.function(function),
            Stmt::ClassDef(class) => {
                self.rename(&mut class.name);
                drop_docstring(&mut class.body);
            }
            Stmt::Nonlocal(outer) => self.rename_all(&mut outer.names),
            Stmt::Import(import) => {
                for alias in &mut import.names {
                    let bound = alias.asname.clone().unwrap_or_else(|| alias.name.clone());
                    if !bound.as_str().contains('.') && self.canonical(bound.as_str()).is_some() {
                        self.rename(alias.asname.insert(bound));
                    }
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &mut import.names {
                    let bound = alias.asname.clone().unwrap_or_else(|| alias.name.clone());
                    if self.canonical(bound.as_str()).is_some() {
                        self.rename(alias.asname.insert(bound));
                    }
                }
            }
            _ => {}
        }
        transformer::walk_stmt(self, statement);
    }

    fn visit_expr(&self, expression: &mut Expr) {
        match expression {
            Expr::Name(name) => {
                if let Some(canonical) = self.canonical(name.id.as_str()) {
                    name.id = canonical.as_str().into();
                }
            }
            Expr::Lambda(lambda) => {
                let mut names = BTreeSet::new();
                if let Some(parameters) = &mut lambda.parameters {
                    self.visit_parameters(parameters);
                    names.extend(scope::parameter_names(parameters));
                }
                self.within(names, || {
                    lambda
                        .parameters
                        .iter_mut()
                        .for_each(|parameters| self.rename_parameters(parameters));
                    self.visit_expr(&mut lambda.body);
                });
            }
            Expr::ListComp(inner) => {
                self.comprehension(&mut inner.generators, &mut [&mut inner.elt])
            }
            Expr::SetComp(inner) => {
                self.comprehension(&mut inner.generators, &mut [&mut inner.elt])
            }
            Expr::Generator(inner) => {
                self.comprehension(&mut inner.generators, &mut [&mut inner.elt])
            }
            Expr::DictComp(inner) => match &mut inner.key {
                Some(key) => {
                    self.comprehension(&mut inner.generators, &mut [key, &mut inner.value])
                }
                None => self.comprehension(&mut inner.generators, &mut [&mut inner.value]),
            },
            _ => transformer::walk_expr(self, expression),
        }
    }

    fn visit_except_handler(&self, handler: &mut ExceptHandler) {
        let ExceptHandler::ExceptHandler(inner) = handler;
        inner.name.iter_mut().for_each(|name| self.rename(name));
        transformer::walk_except_handler(self, handler);
    }

    fn visit_pattern(&self, pattern: &mut Pattern) {
        match pattern {
            Pattern::MatchAs(capture) => capture.name.iter_mut().for_each(|name| self.rename(name)),
            Pattern::MatchStar(star) => star.name.iter_mut().for_each(|name| self.rename(name)),
            Pattern::MatchMapping(mapping) => {
                mapping.rest.iter_mut().for_each(|name| self.rename(name))
            }
            _ => {}
        }
        transformer::walk_pattern(self, pattern);
    }
}
