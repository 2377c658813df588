//! Cognitive complexity: branches, the more the deeper they are nested, and mixed conditions.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{
    BoolOp, Comprehension, ElifElseClause, ExceptHandler, Expr, MatchCase, ModModule, Stmt,
};
use serde::Serialize;

use super::lines::Lines;

/// Cognitive complexity (Campbell, Cognitive Complexity, 2018) by the rules of complexipy 8.3.0.
///
/// An `if`, a loop, a handler, a `match` and a conditional expression add 1 and 1 more for each level of nesting; an
/// `elif` or an `else` of an `if` adds 1. Their bodies are one level deeper, those of `with`, `try` and every other `else`
/// are not. Each run of one boolean operator adds 1; a change of the operator or a negation ends it. Comprehensions add 1
/// and the nesting for each `for`, 1 for each `if`; what they and lambdas give is one level deeper. A function that calls
/// itself by its name adds 1. A function that holds but another and a `return` is as complex as the one it holds.
///
/// Unlike in complexipy, no comment exempts a function: what is measured has no say in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cognitive {
    /// Functions and methods in order, also those of nested classes and of branches outside of functions; functions
    /// within functions are part of those around them.
    pub functions: Vec<FunctionComplexity>,
    /// All functions, and the statements of the module outside of functions and classes.
    pub total: u64,
}

/// One function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionComplexity {
    /// Its own name, without that of a class.
    pub name: String,
    /// Where its definition begins after the decorators, lines from 1.
    pub line: usize,
    /// 0 without any branch.
    pub complexity: u64,
}

impl Cognitive {
    pub(super) fn of_module(module: &ModModule, lines: &Lines) -> Self {
        let mut functions = Vec::new();
        add_functions(&module.body, lines, &mut functions);
        let outside = of_suite(&module.body, Place::MODULE);
        let inside: u64 = functions.iter().map(|it| it.complexity).sum();
        Cognitive {
            functions,
            total: outside + inside,
        }
    }

    /// The greatest of all functions, 0 without any.
    pub fn max(&self) -> u64 {
        let complexities = self.functions.iter().map(|it| it.complexity);
        complexities.max().unwrap_or_default()
    }
}

/// Bodies of functions are not searched.
fn add_functions(suite: &[Stmt], lines: &Lines, found: &mut Vec<FunctionComplexity>) {
    for statement in suite {
        match statement {
            Stmt::FunctionDef(function) => {
                let name = function.name.as_str();
                let recursion = u64::from(calls_itself(&function.body, name));
                found.push(FunctionComplexity {
                    name: name.to_owned(),
                    line: lines.of_function(function),
                    complexity: of_statement(statement, Place::FUNCTION) + recursion,
                });
            }
            Stmt::ClassDef(class) => add_functions(&class.body, lines, found),
            _ => suites(statement).for_each(|it| add_functions(it, lines, found)),
        }
    }
}

/// The bodies of a compound statement that is no definition.
fn suites(statement: &Stmt) -> impl Iterator<Item = &[Stmt]> {
    let (first, rest): (&[Stmt], [&[Stmt]; 2]) = match statement {
        Stmt::If(it) => (&it.body, [&[], &[]]),
        Stmt::For(it) => (&it.body, [&it.orelse, &[]]),
        Stmt::While(it) => (&it.body, [&it.orelse, &[]]),
        Stmt::With(it) => (&it.body, [&[], &[]]),
        Stmt::Try(it) => (&it.body, [&it.orelse, &it.finalbody]),
        _ => (&[], [&[], &[]]),
    };
    let (branches, handlers, cases): (&[ElifElseClause], &[ExceptHandler], &[MatchCase]) =
        match statement {
            Stmt::If(it) => (&it.elif_else_clauses, &[], &[]),
            Stmt::Try(it) => (&[], &it.handlers, &[]),
            Stmt::Match(it) => (&[], &[], &it.cases),
            _ => (&[], &[], &[]),
        };
    let handlers = handlers.iter().map(|handler| {
        let ExceptHandler::ExceptHandler(handler) = handler;
        handler.body.as_slice()
    });
    let several = branches.iter().map(|it| it.body.as_slice()).chain(handlers);
    let several = several.chain(cases.iter().map(|it| it.body.as_slice()));
    std::iter::once(first).chain(several).chain(rest)
}

/// Where a statement stands.
#[derive(Clone, Copy)]
struct Place {
    nesting: u64,
    definitions: Definitions,
}

/// Whether definitions are part of the statements around them. Those outside of functions count by themselves.
#[derive(Clone, Copy, PartialEq)]
enum Definitions {
    Part,
    Apart,
}

impl Place {
    const MODULE: Place = Place {
        nesting: 0,
        definitions: Definitions::Apart,
    };
    const FUNCTION: Place = Place {
        nesting: 0,
        definitions: Definitions::Part,
    };

    fn deeper(self) -> Self {
        Place {
            nesting: self.nesting + 1,
            ..self
        }
    }
}

fn of_suite(suite: &[Stmt], place: Place) -> u64 {
    suite.iter().map(|it| of_statement(it, place)).sum()
}

fn of_statement(statement: &Stmt, place: Place) -> u64 {
    let expression = |it: &Expr| of_expression(it, place.nesting);
    let optional = |it: &Option<Box<Expr>>| it.as_deref().map_or(0, expression);
    match statement {
        Stmt::FunctionDef(_) | Stmt::ClassDef(_) => of_definition(statement, place),
        Stmt::Assign(assigned) => expression(&assigned.value),
        Stmt::AnnAssign(assigned) => optional(&assigned.value),
        Stmt::AugAssign(assigned) => expression(&assigned.value),
        Stmt::Expr(only) => expression(&only.value),
        Stmt::Return(returned) => optional(&returned.value),
        Stmt::Raise(raised) => optional(&raised.exc) + optional(&raised.cause),
        Stmt::Assert(asserted) => expression(&asserted.test) + optional(&asserted.msg),
        Stmt::For(it) => of_loop(&it.iter, &it.body, &it.orelse, place),
        Stmt::While(it) => of_loop(&it.test, &it.body, &it.orelse, place),
        Stmt::With(with) => {
            let items = with.items.iter().map(|item| expression(&item.context_expr));
            items.sum::<u64>() + of_suite(&with.body, place)
        }
        Stmt::If(branches) => {
            let clauses = branches.elif_else_clauses.iter().map(|clause| {
                let test = clause.test.as_ref().map_or(0, expression);
                1 + test + of_suite(&clause.body, place.deeper())
            });
            let first = 1 + place.nesting + expression(&branches.test);
            first + of_suite(&branches.body, place.deeper()) + clauses.sum::<u64>()
        }
        Stmt::Try(tried) => {
            let handlers = tried.handlers.iter().map(|handler| {
                let ExceptHandler::ExceptHandler(handler) = handler;
                1 + place.nesting + of_suite(&handler.body, place.deeper())
            });
            let suites = [&tried.body, &tried.orelse, &tried.finalbody];
            let suites = suites.into_iter().map(|it| of_suite(it, place));
            handlers.sum::<u64>() + suites.sum::<u64>()
        }
        Stmt::Match(matched) => {
            let cases = matched.cases.iter();
            let cases = cases.map(|case| of_suite(&case.body, place.deeper()));
            1 + place.nesting + cases.sum::<u64>()
        }
        _ => 0,
    }
}

fn of_definition(definition: &Stmt, place: Place) -> u64 {
    match definition {
        _ if place.definitions == Definitions::Apart => 0,
        Stmt::FunctionDef(function) => match function.body.as_slice() {
            [inner @ Stmt::FunctionDef(_), Stmt::Return(_)] => of_statement(inner, place),
            body => body.iter().map(|it| of_nested(it, place)).sum(),
        },
        Stmt::ClassDef(class) => {
            let methods = class.body.iter().filter(|it| it.is_function_def_stmt());
            methods.map(|it| of_statement(it, place)).sum()
        }
        _ => 0,
    }
}

/// A statement of a function: another function is one level deeper.
fn of_nested(statement: &Stmt, place: Place) -> u64 {
    if statement.is_function_def_stmt() {
        of_statement(statement, place.deeper())
    } else {
        of_statement(statement, place)
    }
}

fn of_loop(control: &Expr, body: &[Stmt], orelse: &[Stmt], place: Place) -> u64 {
    let own = 1 + place.nesting + of_expression(control, place.nesting);
    own + of_suite(body, place.deeper()) + of_suite(orelse, place)
}

/// Only what a value is made of is looked into: operands of a chain, of arithmetic and of an attribute are not.
fn of_expression(expression: &Expr, nesting: u64) -> u64 {
    let same = |it: &Expr| of_expression(it, nesting);
    let deeper = |it: &Expr| of_expression(it, nesting + 1);
    match expression {
        Expr::BoolOp(_) | Expr::UnaryOp(_) => operator_runs(expression, None),
        Expr::Compare(it) => same(&it.left) + it.comparators.iter().map(same).sum::<u64>(),
        Expr::If(it) => 1 + nesting + same(&it.test) + deeper(&it.body) + deeper(&it.orelse),
        Expr::Lambda(it) => deeper(&it.body),
        Expr::ListComp(it) => deeper(&it.elt) + of_generators(&it.generators, nesting),
        Expr::SetComp(it) => deeper(&it.elt) + of_generators(&it.generators, nesting),
        Expr::Generator(it) => deeper(&it.elt) + of_generators(&it.generators, nesting),
        Expr::DictComp(it) => {
            let key = it.key.as_deref().map_or(0, deeper);
            key + deeper(&it.value) + of_generators(&it.generators, nesting)
        }
        Expr::Call(it) => it.arguments.args.iter().map(same).sum(),
        Expr::Tuple(it) => it.elts.iter().map(same).sum(),
        Expr::List(it) => it.elts.iter().map(same).sum(),
        Expr::Set(it) => it.elts.iter().map(same).sum(),
        Expr::Dict(it) => it.iter_values().map(same).sum(),
        _ => 0,
    }
}

fn of_generators(generators: &[Comprehension], nesting: u64) -> u64 {
    let of_clause = |clause: &Comprehension| {
        let conditions = clause.ifs.iter();
        let conditions = conditions.map(|it| 1 + of_expression(it, nesting + 1));
        1 + nesting + of_expression(&clause.iter, nesting) + conditions.sum::<u64>()
    };
    generators.iter().map(of_clause).sum()
}

/// Runs of one boolean operator in a condition, of which `around` is the operator directly around it.
fn operator_runs(expression: &Expr, around: Option<BoolOp>) -> u64 {
    match expression {
        Expr::BoolOp(chain) => {
            let values = chain.values.iter();
            let inner = values.map(|it| operator_runs(it, Some(chain.op)));
            u64::from(around != Some(chain.op)) + inner.sum::<u64>()
        }
        Expr::UnaryOp(unary) => operator_runs(&unary.operand, None),
        _ => 0,
    }
}

/// Whether a body calls `name`, definitions and lambdas within it aside.
fn calls_itself(body: &[Stmt], name: &str) -> bool {
    let mut finder = CallFinder { name, found: false };
    finder.visit_body(body);
    finder.found
}

struct CallFinder<'name> {
    name: &'name str,
    found: bool,
}

impl<'ast> Visitor<'ast> for CallFinder<'_> {
    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if !matches!(statement, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
            visitor::walk_stmt(self, statement);
        }
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            Expr::Call(call) if matches!(&*call.func, Expr::Name(it) if it.id.as_str() == self.name) =>
            {
                self.found = true;
            }
            Expr::Lambda(_) => {}
            _ => visitor::walk_expr(self, expression),
        }
    }
}
