//! Gives every name its place: which variable of which frame it means.
//!
//! A port of `jinja2.idtracking` and of what `jinja2.compiler` does with it. Jinja2 decides before it renders which
//! frame a name belongs to, by the order in which names are read and written. A chain of dictionaries that is searched
//! while rendering finds other variables: a loop that reads a variable which is set only further down finds none.

mod analysis;
mod level;
mod undeclared;

use super::ast::{
    Block, CallKind, Expr, FilterBlock, ForLoop, Layout, Load, Macro, Name, SetBlock, Slot,
    Statement, StatementKind, Target, With,
};
use super::fault::{Construct, Exception, Result, TemplateFault, raised, syntax, unsupported};
use super::{filters, predicates};
use level::Level;
use std::sync::Arc;

/// Gives the names in `block` their places, and returns the outermost frame.
pub(super) fn resolve(block: &mut Block) -> std::result::Result<Layout, TemplateFault> {
    let mut resolver = Resolver {
        levels: vec![Level::default()],
        line: 1,
        is_soft: false,
        in_loop: false,
        loops: 0,
    };
    resolver.analyze_block(block);
    let resolved = resolver.without_self(block);
    let resolved = resolved.and_then(|()| resolver.block(block));
    match resolved {
        Ok(()) => Ok(resolver.pop()),
        Err(fault) => Err(TemplateFault {
            line: resolver.line,
            fault: *fault,
        }),
    }
}

struct Resolver {
    /// Frames from the outermost to the one that is looked at.
    levels: Vec<Level>,
    line: usize,
    /// Whether an unknown filter or test matters only when it is reached, as it is in conditions.
    is_soft: bool,
    /// Whether `break` and `continue` have a loop in the same function.
    in_loop: bool,
    /// Loops around this place.
    loops: usize,
}

impl Resolver {
    /// Refuses `self`, which stands for the blocks of a template.
    fn without_self(&self, block: &mut Block) -> Result<()> {
        match undeclared::names(block, &["self"]).is_empty() {
            true => Ok(()),
            false => unsupported(Construct::Expression, "self"),
        }
    }

    fn top(&mut self) -> &mut Level {
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn pop(&mut self) -> Layout {
        self.levels.pop().unwrap_or_default().layout
    }

    /// Where `name` stands, as seen from the innermost frame or from the one around it.
    fn find(&self, name: &str, skipped: usize) -> Option<Slot> {
        let frames = self.levels.iter().rev().enumerate().skip(skipped);
        for (up, level) in frames {
            if let Some(index) = level.index(name) {
                return Some(Slot {
                    up: up as u32,
                    index,
                });
            }
        }
        None
    }

    fn declare_parameter(&mut self, name: &Arc<str>) -> u32 {
        self.top().stores.insert(name.clone());
        self.top().define(name, Load::Parameter)
    }

    fn inner<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<(T, Layout)> {
        self.levels.push(Level::default());
        let was_soft = std::mem::replace(&mut self.is_soft, false);
        let result = work(self)?;
        self.is_soft = was_soft;
        Ok((result, self.pop()))
    }

    fn soft<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let was_soft = std::mem::replace(&mut self.is_soft, true);
        let result = work(self);
        self.is_soft = was_soft;
        result
    }

    fn name(&mut self, name: &mut Name) -> Result<()> {
        match self.find(&name.name, 0) {
            Some(slot) => {
                name.slot = slot;
                Ok(())
            }
            None => raised(
                Exception::AssertionError,
                format!(
                    "Tried to resolve a name to a reference that was unknown to the frame ('{}')",
                    name.name
                ),
            ),
        }
    }

    fn target(&mut self, target: &mut Target) -> Result<()> {
        match target {
            Target::Name(name) => {
                if 0 < self.loops && *name.name == *"loop" {
                    return raised(
                        Exception::TemplateAssertionError,
                        "Can't assign to special loop variable in for-loop target",
                    );
                }
                self.name(name)
            }
            Target::Attribute(name, _) => self.name(name),
            Target::Tuple(items) => items.iter_mut().try_for_each(|it| self.target(it)),
        }
    }

    fn expression(&mut self, expression: &mut Expr) -> Result<()> {
        match expression {
            Expr::Name(name) => return self.name(name),
            Expr::Filter(_, name, _) if !self.is_soft && !filters::is_known(name) => {
                return raised(
                    Exception::TemplateAssertionError,
                    format!("No filter named '{name}'."),
                );
            }
            Expr::Test(_, name, _) if !self.is_soft && !predicates::is_known(name) => {
                return raised(
                    Exception::TemplateAssertionError,
                    format!("No test named '{name}'."),
                );
            }
            Expr::Cond(..) => {
                let children = expression.children();
                return self.soft(|it| {
                    children
                        .into_iter()
                        .try_for_each(|child| it.expression(child))
                });
            }
            _ => {}
        }
        expression
            .children()
            .into_iter()
            .try_for_each(|child| self.expression(child))
    }

    fn block(&mut self, block: &mut Block) -> Result<()> {
        block.iter_mut().try_for_each(|it| self.statement(it))
    }

    fn statement(&mut self, statement: &mut Statement) -> Result<()> {
        self.line = statement.line;
        match &mut statement.kind {
            StatementKind::Text(_) => Ok(()),
            StatementKind::Break | StatementKind::Continue if self.in_loop => Ok(()),
            StatementKind::Break | StatementKind::Continue => {
                syntax("'break' or 'continue' outside loop")
            }
            StatementKind::Print(expression) => self.expression(expression),
            StatementKind::If(branches, otherwise) => self.soft(|it| {
                for (test, body) in branches {
                    it.expression(test)?;
                    it.block(body)?;
                }
                it.block(otherwise)
            }),
            StatementKind::For(node) => match Arc::get_mut(node) {
                Some(node) => self.for_loop(node),
                None => Ok(()),
            },
            StatementKind::Set(target, value) => {
                self.expression(value)?;
                self.target(target)
            }
            StatementKind::SetBlock(node) => self.set_block(node),
            StatementKind::With(node) => self.with(node),
            StatementKind::Macro(store, node) => {
                self.callee(node)?;
                self.name(&mut store.0)
            }
            StatementKind::Call(node, kind) => {
                self.callee(node)?;
                match kind {
                    CallKind::Generation => Ok(()),
                    CallKind::Function(function, arguments) => {
                        self.expression(function)?;
                        let mut all = arguments.all().into_iter();
                        all.try_for_each(|it| self.expression(it))
                    }
                }
            }
            StatementKind::Filter(node) => self.filter_block(node),
        }
    }

    fn for_loop(&mut self, node: &mut ForLoop) -> Result<()> {
        self.expression(&mut node.iterable)?;
        let uses_loop =
            node.is_recursive || !undeclared::names(&mut node.body, &["loop"]).is_empty();
        self.loops += 1;
        if let Some(filter) = &mut node.filter {
            let ((), layout) = self.inner(|it| {
                it.declare_target(&filter.target);
                it.analyze_expression(&mut filter.test);
                it.target(&mut filter.target)?;
                it.expression(&mut filter.test)
            })?;
            filter.layout = layout;
        }
        let was_in_loop = std::mem::replace(&mut self.in_loop, true);
        let (loop_slot, layout) = self.inner(|it| {
            let loop_slot = uses_loop.then(|| it.declare_parameter(&"loop".into()));
            it.declare_target(&node.target);
            it.analyze_block(&mut node.body);
            it.target(&mut node.target)?;
            it.block(&mut node.body)?;
            Ok(loop_slot)
        })?;
        (node.loop_slot, node.body_layout) = (loop_slot, layout);
        self.in_loop = was_in_loop && !node.is_recursive;
        let ((), layout) = self.inner(|it| {
            it.analyze_block(&mut node.otherwise);
            it.block(&mut node.otherwise)
        })?;
        node.otherwise_layout = layout;
        self.in_loop = was_in_loop;
        self.loops -= 1;
        Ok(())
    }

    fn set_block(&mut self, node: &mut SetBlock) -> Result<()> {
        let ((), layout) = self.inner(|it| {
            it.analyze_block(&mut node.body);
            it.block(&mut node.body)?;
            node.filter
                .iter_mut()
                .try_for_each(|filter| it.expression(filter))
        })?;
        node.layout = layout;
        self.target(&mut node.target)
    }

    fn with(&mut self, node: &mut With) -> Result<()> {
        for value in &mut node.values {
            self.expression(value)?;
        }
        let ((), layout) = self.inner(|it| {
            for target in &node.targets {
                it.declare_target(target);
            }
            it.analyze_block(&mut node.body);
            // The variable of `with` may be called `loop`, unlike that of `set`.
            let loops = std::mem::take(&mut it.loops);
            node.targets
                .iter_mut()
                .try_for_each(|target| it.target(target))?;
            it.loops = loops;
            it.block(&mut node.body)
        })?;
        node.layout = layout;
        Ok(())
    }

    fn filter_block(&mut self, node: &mut FilterBlock) -> Result<()> {
        let ((), layout) = self.inner(|it| {
            it.analyze_block(&mut node.body);
            it.analyze_expression(&mut node.filter);
            it.block(&mut node.body)?;
            it.expression(&mut node.filter)
        })?;
        node.layout = layout;
        Ok(())
    }

    fn callee(&mut self, node: &mut Arc<Macro>) -> Result<()> {
        let Some(node) = Arc::get_mut(node) else {
            return Ok(());
        };
        let was_in_loop = std::mem::replace(&mut self.in_loop, false);
        let ((), layout) = self.inner(|it| {
            for parameter in &node.parameters {
                it.declare_parameter(&parameter.name);
            }
            for default in &mut node.defaults {
                it.analyze_expression(default);
            }
            it.analyze_block(&mut node.body);
            it.special_parameters(node)?;
            let mut parameters = node.parameters.iter_mut();
            parameters.try_for_each(|parameter| it.name(parameter))?;
            let mut defaults = node.defaults.iter_mut();
            defaults.try_for_each(|default| it.expression(default))?;
            it.block(&mut node.body)
        })?;
        node.layout = layout;
        self.in_loop = was_in_loop;
        Ok(())
    }

    /// `caller`, `kwargs` and `varargs`, if the body reads them without having them.
    fn special_parameters(&mut self, node: &mut Macro) -> Result<()> {
        let used = undeclared::names(&mut node.body, &["caller", "kwargs", "varargs"]);
        let place = |name: &str| node.parameters.iter().position(|it| *it.name == *name);
        if used.contains(&"caller") {
            node.special.uses_caller = true;
            let required = node.parameters.len() - node.defaults.len();
            match place("caller") {
                None => node.special.caller = Some(self.declare_parameter(&"caller".into())),
                Some(at) if at < required => {
                    return raised(
                        Exception::TemplateAssertionError,
                        "the special \"caller\" argument must be omitted or be given a default",
                    );
                }
                Some(_) => {}
            }
        }
        for (name, slot) in [
            ("kwargs", &mut node.special.kwargs),
            ("varargs", &mut node.special.varargs),
        ] {
            if used.contains(&name) && place(name).is_none() {
                *slot = Some(self.declare_parameter(&name.into()));
            }
        }
        Ok(())
    }
}
