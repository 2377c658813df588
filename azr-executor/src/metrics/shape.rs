//! The syntax tree as a sequence: the kinds of its nodes, each before its children.

use ruff_python_ast::visitor::source_order::{self, SourceOrderVisitor};
use ruff_python_ast::{
    Alias, BoolOp, CmpOp, Comprehension, ElifElseClause, ExceptHandler, Expr, Identifier,
    InterpolatedStringElement, Keyword, MatchCase, ModModule, Operator, Parameter, Parameters,
    Pattern, Stmt, StringLiteral, UnaryOp, WithItem,
};

use super::node::NodeKind;

/// The tree that CPython 3.11 builds of a program, without names, constants and expression contexts.
///
/// The nodes are those of `ast.walk` less `Load`, `Store` and `Del`: an `elif` is an `If` within the `else` of another,
/// every function has its `arguments`, neighboring pieces of text in an f-string are one `Constant`. They stand in the
/// order of the text, parents first; operators stand where they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    preorder: Vec<NodeKind>,
    depth: usize,
}

impl Shape {
    pub(super) fn of_module(module: &ModModule) -> Self {
        let mut walker = Walker::default();
        walker.node(NodeKind::Module, |walker| walker.visit_body(&module.body));
        Shape {
            preorder: walker.preorder,
            depth: walker.deepest,
        }
    }

    /// Kinds of all nodes, parents first, in the order of the text. Never empty: the first is the module.
    pub fn preorder(&self) -> &[NodeKind] {
        &self.preorder
    }

    /// Number of nodes, at least 1.
    pub fn nodes(&self) -> usize {
        self.preorder.len()
    }

    /// Nodes on the longest path from the module to a leaf, both included; at least 1.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// How many nodes of each kind there are, in the order of [`NodeKind::ALL`], kinds that do not occur left out.
    pub fn counts(&self) -> impl Iterator<Item = (NodeKind, usize)> + use<> {
        let mut counts = vec![0_usize; NodeKind::ALL.len()];
        for kind in &self.preorder {
            counts[kind.index()] += 1;
        }
        let counted = NodeKind::ALL.iter().copied().zip(counts);
        counted.filter(|(_, count)| 0 < *count)
    }
}

#[derive(Default)]
struct Walker {
    preorder: Vec<NodeKind>,
    depth: usize,
    deepest: usize,
    /// Whether the last node of the f-string at hand is a piece of text, which takes in the next piece.
    after_text: bool,
}

impl Walker {
    fn open(&mut self, kind: NodeKind) {
        self.preorder.push(kind);
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }

    fn node(&mut self, kind: NodeKind, children: impl FnOnce(&mut Self)) {
        self.open(kind);
        children(self);
        self.depth -= 1;
    }

    fn leaf(&mut self, kind: NodeKind) {
        self.node(kind, |_| ());
    }

    /// A piece of text in an f-string.
    fn text(&mut self, text: &str) {
        if !text.is_empty() && !self.after_text {
            self.leaf(NodeKind::Constant);
            self.after_text = true;
        }
    }

    /// Pieces of text do not join across the borders of an f-string.
    fn joined(&mut self, parts: impl FnOnce(&mut Self)) {
        self.after_text = false;
        self.node(NodeKind::JoinedStr, parts);
        self.after_text = false;
    }
}

impl<'ast> SourceOrderVisitor<'ast> for Walker {
    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let depth = self.depth;
        self.open(NodeKind::of_statement(statement));
        source_order::walk_stmt(self, statement);
        // The branches of an `if` have opened one node each, and closed none.
        self.depth = depth;
    }

    fn visit_elif_else_clause(&mut self, clause: &'ast ElifElseClause) {
        if clause.test.is_some() {
            self.open(NodeKind::If);
        }
        source_order::walk_elif_else_clause(self, clause);
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        let kind = NodeKind::of_expression(expression);
        match expression {
            Expr::FString(_) => self.joined(|it| source_order::walk_expr(it, expression)),
            // Its pieces are no nodes.
            Expr::StringLiteral(_) | Expr::BytesLiteral(_) => self.leaf(kind),
            Expr::Lambda(lambda) if lambda.parameters.is_none() => self.node(kind, |it| {
                it.leaf(NodeKind::Arguments);
                it.visit_expr(&lambda.body);
            }),
            _ => self.node(kind, |it| source_order::walk_expr(it, expression)),
        }
    }

    fn visit_string_literal(&mut self, literal: &'ast StringLiteral) {
        self.text(&literal.value);
    }

    fn visit_interpolated_string_element(&mut self, element: &'ast InterpolatedStringElement) {
        match element {
            InterpolatedStringElement::Literal(literal) => self.text(&literal.value),
            InterpolatedStringElement::Interpolation(interpolation) => {
                if interpolation.debug_text.is_some() {
                    // `{x=}` begins with the text `x=`.
                    self.text("=");
                }
                self.node(NodeKind::FormattedValue, |it| {
                    it.visit_expr(&interpolation.expression);
                    if let Some(specification) = &interpolation.format_spec {
                        it.joined(|it| {
                            specification
                                .elements
                                .iter()
                                .for_each(|part| it.visit_interpolated_string_element(part));
                        });
                    }
                });
                self.after_text = false;
            }
        }
    }

    fn visit_pattern(&mut self, pattern: &'ast Pattern) {
        self.node(NodeKind::of_pattern(pattern), |it| {
            source_order::walk_pattern(it, pattern);
        });
    }

    fn visit_comprehension(&mut self, comprehension: &'ast Comprehension) {
        self.node(NodeKind::Comprehension, |it| {
            source_order::walk_comprehension(it, comprehension);
        });
    }

    fn visit_except_handler(&mut self, handler: &'ast ExceptHandler) {
        self.node(NodeKind::ExceptHandler, |it| {
            source_order::walk_except_handler(it, handler);
        });
    }

    fn visit_parameters(&mut self, parameters: &'ast Parameters) {
        self.node(NodeKind::Arguments, |it| {
            source_order::walk_parameters(it, parameters);
        });
    }

    fn visit_parameter(&mut self, parameter: &'ast Parameter) {
        self.node(NodeKind::Arg, |it| {
            source_order::walk_parameter(it, parameter)
        });
    }

    fn visit_keyword(&mut self, keyword: &'ast Keyword) {
        self.node(NodeKind::Keyword, |it| {
            source_order::walk_keyword(it, keyword)
        });
    }

    fn visit_with_item(&mut self, item: &'ast WithItem) {
        self.node(NodeKind::WithItem, |it| {
            source_order::walk_with_item(it, item)
        });
    }

    fn visit_match_case(&mut self, case: &'ast MatchCase) {
        self.node(NodeKind::MatchCase, |it| {
            source_order::walk_match_case(it, case)
        });
    }

    fn visit_alias(&mut self, _: &'ast Alias) {
        self.leaf(NodeKind::Alias);
    }

    fn visit_bool_op(&mut self, operator: &'ast BoolOp) {
        self.leaf(NodeKind::of_bool_operator(*operator));
    }

    fn visit_operator(&mut self, operator: &'ast Operator) {
        self.leaf(NodeKind::of_binary_operator(*operator));
    }

    fn visit_unary_op(&mut self, operator: &'ast UnaryOp) {
        self.leaf(NodeKind::of_unary_operator(*operator));
    }

    fn visit_cmp_op(&mut self, operator: &'ast CmpOp) {
        self.leaf(NodeKind::of_comparison(*operator));
    }

    fn visit_identifier(&mut self, _: &'ast Identifier) {}
}
