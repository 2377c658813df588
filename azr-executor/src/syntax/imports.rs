//! Finds imports of banned modules in a syntax tree, wherever they stand.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprCall, ModModule, Stmt};

use crate::job::Bans;

/// The first import of a banned module, as it is banned.
pub(super) fn first_banned(module: &ModModule, bans: &Bans) -> Option<String> {
    if bans.modules.is_empty() {
        return None;
    }
    let mut finder = Finder { bans, found: None };
    finder.visit_body(&module.body);
    finder.found
}

struct Finder<'bans> {
    bans: &'bans Bans,
    found: Option<String>,
}

impl Finder<'_> {
    /// `path` is a dotted module, or a module and a name taken from it.
    fn import(&mut self, path: &str) {
        if self.found.is_none() {
            self.found = self.bans.covering(path).map(str::to_owned);
        }
    }
}

impl<'ast> Visitor<'ast> for Finder<'_> {
    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        match statement {
            Stmt::Import(import) => import
                .names
                .iter()
                .for_each(|alias| self.import(alias.name.as_str())),
            Stmt::ImportFrom(import) if import.level == 0 => {
                let module = import.module.as_deref().unwrap_or_default();
                self.import(module);
                import
                    .names
                    .iter()
                    .for_each(|alias| self.import(&format!("{module}.{}", alias.name.as_str())));
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        if let Expr::Call(call) = expression
            && let Some(module) = dynamic_import(call)
        {
            self.import(module);
        }
        walk_expr(self, expression);
    }
}

/// The constant name in `__import__('m')`, `import_module('m')` and any attribute of these names.
fn dynamic_import(call: &ExprCall) -> Option<&str> {
    let function = match &*call.func {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => return None,
    };
    if !matches!(function, "__import__" | "import_module") {
        return None;
    }
    match call.arguments.find_argument_value("name", 0)? {
        Expr::StringLiteral(text) => Some(text.value.to_str()),
        _ => None,
    }
}
