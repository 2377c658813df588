//! Cyclomatic complexity: decisions plus one, for each function and class.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{
    Comprehension, Expr, ModModule, Pattern, Stmt, StmtClassDef, StmtFunctionDef, StmtMatch,
};
use serde::Serialize;

use super::lines::Lines;

/// Cyclomatic complexity (McCabe, A Complexity Measure, 1976) by the rules of radon 6.0.1.
///
/// A block begins with 1. Each `if`, `elif`, conditional expression, `assert`, exception handler, comprehension clause
/// and its every condition adds 1; so does a loop, and an `else` of a loop or of a `try`; a chain of `and` or `or` adds
/// the number of its operators; a `match` adds its cases, less 1 when one of them is a wildcard or a bare name. What
/// stands within an `assert`, and in decorators, defaults, annotations and base classes of a definition, is not looked
/// at; handlers of `except*` add nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cyclomatic {
    /// In radon's order: functions outside of classes, then each class followed by its methods. Functions and classes
    /// within functions, and classes within classes, are no blocks.
    pub blocks: Vec<Block>,
    /// Decisions of the module, its functions and its classes, plus 1. Decisions within nested functions and nested
    /// classes are not among them.
    pub total: u64,
}

/// A function, a method or a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Block {
    /// Its own name; the class of a method is the last one before it.
    pub name: String,
    /// What it is.
    pub kind: BlockKind,
    /// Where its definition begins after the decorators, lines from 1.
    pub line: usize,
    /// At least 1. Of a class: the sum over its methods and its own statements plus 1, divided by the number of methods,
    /// rounded down, plus 1 when it has more than one method.
    pub complexity: u64,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// A function outside of classes.
    Function,
    /// A function of a class.
    Method,
    /// A class.
    Class,
}

impl Cyclomatic {
    pub(super) fn of_module(module: &ModModule, lines: &Lines) -> Self {
        let mut scope = Scope::of(BlockKind::Function, lines);
        scope.visit_body(&module.body);
        let functions: u64 = scope.functions.iter().map(|it| it.complexity - 1).sum();
        let classes: u64 = scope.classes.iter().map(|it| it.whole - 1).sum();
        let total = 1 + scope.decisions + functions + classes;
        let mut blocks = scope.functions;
        for class in scope.classes {
            blocks.push(class.block);
            blocks.extend(class.methods);
        }
        Cyclomatic { blocks, total }
    }

    /// The mean over all blocks, 0 without any.
    pub fn average(&self) -> f64 {
        let sum: u64 = self.blocks.iter().map(|block| block.complexity).sum();
        match self.blocks.len() {
            0 => 0.0,
            blocks => sum as f64 / blocks as f64,
        }
    }

    /// The greatest of all blocks, 0 without any.
    pub fn max(&self) -> u64 {
        let complexities = self.blocks.iter().map(|block| block.complexity);
        complexities.max().unwrap_or_default()
    }
}

struct Class {
    block: Block,
    methods: Vec<Block>,
    /// The complexity before it is spread over the methods.
    whole: u64,
}

/// A body and the definitions in it.
struct Scope<'text> {
    /// What functions are here.
    kind: BlockKind,
    lines: &'text Lines<'text>,
    decisions: u64,
    functions: Vec<Block>,
    classes: Vec<Class>,
}

impl<'text> Scope<'text> {
    fn of(kind: BlockKind, lines: &'text Lines<'text>) -> Self {
        Scope {
            kind,
            lines,
            decisions: 0,
            functions: Vec::new(),
            classes: Vec::new(),
        }
    }

    fn function(&mut self, function: &StmtFunctionDef) {
        let mut inner = Scope::of(BlockKind::Function, self.lines);
        inner.visit_body(&function.body);
        self.functions.push(Block {
            name: function.name.as_str().to_owned(),
            kind: self.kind,
            line: self.lines.of_function(function),
            complexity: 1 + inner.decisions,
        });
    }

    fn class(&mut self, class: &StmtClassDef) {
        let mut inner = Scope::of(BlockKind::Method, self.lines);
        inner.visit_body(&class.body);
        let methods = inner.functions;
        let of_methods: u64 = methods.iter().map(|method| method.complexity).sum();
        let whole = 1 + inner.decisions + of_methods;
        let complexity = match methods.len() as u64 {
            0 | 1 => whole,
            many => whole / many + 1,
        };
        self.classes.push(Class {
            block: Block {
                name: class.name.as_str().to_owned(),
                kind: BlockKind::Class,
                line: self.lines.of_class(class),
                complexity,
            },
            methods,
            whole,
        });
    }
}

impl<'ast> Visitor<'ast> for Scope<'_> {
    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        self.decisions += match statement {
            Stmt::FunctionDef(function) => return self.function(function),
            Stmt::ClassDef(class) => return self.class(class),
            Stmt::Assert(_) => 1,
            Stmt::If(branches) => {
                let clauses = branches.elif_else_clauses.iter();
                1 + clauses.filter(|clause| clause.test.is_some()).count() as u64
            }
            Stmt::For(loops) => 1 + u64::from(!loops.orelse.is_empty()),
            Stmt::While(loops) => 1 + u64::from(!loops.orelse.is_empty()),
            Stmt::Try(tried) if !tried.is_star => {
                tried.handlers.len() as u64 + u64::from(!tried.orelse.is_empty())
            }
            Stmt::Match(matched) => match_decisions(matched),
            _ => 0,
        };
        if !statement.is_assert_stmt() {
            visitor::walk_stmt(self, statement);
        }
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        self.decisions += match expression {
            Expr::BoolOp(chain) => chain.values.len() as u64 - 1,
            Expr::If(_) => 1,
            _ => 0,
        };
        visitor::walk_expr(self, expression);
    }

    fn visit_comprehension(&mut self, comprehension: &'ast Comprehension) {
        self.decisions += 1 + comprehension.ifs.len() as u64;
        visitor::walk_comprehension(self, comprehension);
    }
}

fn match_decisions(matched: &StmtMatch) -> u64 {
    let catches_all =
        |pattern: &Pattern| matches!(pattern, Pattern::MatchAs(it) if it.pattern.is_none());
    let otherwise = matched.cases.iter().any(|case| catches_all(&case.pattern));
    (matched.cases.len() as u64).saturating_sub(u64::from(otherwise))
}
