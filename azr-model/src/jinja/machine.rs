//! Renders statements.

use super::ast::{Block, Layout, SetBlock, Slot, Statement, StatementKind, Target, With};
use super::budget::Budget;
use super::fault::{Construct, Exception, Result, raised, type_error, unsupported, value_error};
use super::frame::Frame;
use super::stream;
use super::value::{Function, Value, repr};
use crate::chat_template::CivilTime;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// One rendering of a template.
pub(super) struct Machine<'render> {
    pub(super) budget: Budget,
    pub(super) date: CivilTime,
    /// The line of the statement that is rendered.
    pub(super) line: Cell<usize>,
    variables: &'render [(Arc<str>, Value)],
    /// Frames that values may hold. They are emptied in the end, because they may hold those values.
    captured: RefCell<Vec<Rc<Frame>>>,
}

/// How a block was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        for frame in self.captured.get_mut() {
            frame.clear();
        }
    }
}

impl<'render> Machine<'render> {
    pub(super) fn new(variables: &'render [(Arc<str>, Value)], date: CivilTime) -> Self {
        Self {
            budget: Budget::default(),
            date,
            line: Cell::new(1),
            variables,
            captured: RefCell::default(),
        }
    }

    /// The text of a template.
    pub(super) fn render(&self, block: &Block, layout: &Layout) -> Result<String> {
        let mut out = String::new();
        let frame = Frame::new(layout, None, |name| self.resolve(name));
        self.capture(&frame);
        self.block(block, &frame, &mut out)?;
        Ok(out)
    }

    /// A variable that the template was given, or one that all templates have.
    fn resolve(&self, name: &str) -> Option<Value> {
        let mut given = self.variables.iter();
        if let Some((_, value)) = given.find(|(it, _)| **it == *name) {
            return Some(value.clone());
        }
        Some(Value::Function(match name {
            "range" => Function::Range,
            "dict" => Function::Dict,
            "namespace" => Function::Namespace,
            "cycler" => Function::Cycler,
            "joiner" => Function::Joiner,
            "lipsum" => Function::Lipsum,
            "raise_exception" => Function::RaiseException,
            "strftime_now" => Function::StrftimeNow,
            _ => return None,
        }))
    }

    pub(super) fn capture(&self, frame: &Rc<Frame>) {
        let mut captured = self.captured.borrow_mut();
        if !captured.last().is_some_and(|it| Rc::ptr_eq(it, frame)) {
            captured.push(frame.clone());
        }
    }

    pub(super) fn enter(&self, layout: &Layout, parent: &Rc<Frame>) -> Rc<Frame> {
        Frame::new(layout, Some(parent), |name| self.resolve(name))
    }

    pub(super) fn print(&self, value: &Value, out: &mut String) -> Result<()> {
        match value {
            Value::Loop(state) => {
                let text = state.text(self)?;
                self.budget.bytes(text.len())?;
                out.push_str(&text);
                Ok(())
            }
            _ => repr::print(value, &self.budget, out),
        }
    }

    pub(super) fn block(&self, block: &Block, frame: &Rc<Frame>, out: &mut String) -> Result<Flow> {
        self.budget.deeper(|| {
            for statement in block {
                match self.statement(statement, frame, out)? {
                    Flow::Next => {}
                    left => return Ok(left),
                }
            }
            Ok(Flow::Next)
        })
    }

    fn statement(
        &self,
        statement: &Statement,
        frame: &Rc<Frame>,
        out: &mut String,
    ) -> Result<Flow> {
        self.budget.steps(1)?;
        self.line.set(statement.line);
        match &statement.kind {
            StatementKind::Text(text) => {
                self.budget.bytes(text.len())?;
                out.push_str(text);
            }
            StatementKind::Print(expression) => {
                let value = self.eval(expression, frame)?;
                self.print(&value, out)?;
            }
            StatementKind::If(branches, otherwise) => {
                for (test, body) in branches {
                    if self.eval(test, frame)?.is_true() {
                        return self.block(body, frame, out);
                    }
                }
                return self.block(otherwise, frame, out);
            }
            StatementKind::For(node) => return self.for_loop(node, frame, out),
            StatementKind::Set(target, expression) => {
                self.check_namespaces(target, frame)?;
                let value = self.eval(expression, frame)?;
                self.assign(target, value, frame)?;
            }
            StatementKind::SetBlock(node) => return self.set_block(node, frame),
            StatementKind::With(node) => return self.with(node, frame, out),
            StatementKind::Macro(store, node) => {
                let closure = self.closure(node, frame);
                frame.set(store.0.slot.index, closure);
            }
            StatementKind::Call(node, kind) => {
                let caller = self.closure(node, frame);
                let value = self.call_block(kind, caller, frame)?;
                self.print_text(&value, out)?;
            }
            StatementKind::Filter(node) => {
                let inner = self.enter(&node.layout, frame);
                let mut text = String::new();
                match self.block(&node.body, &inner, &mut text)? {
                    Flow::Next => {}
                    left => return Ok(left),
                }
                let text = self.budget.text(text)?;
                let value = self.filtered(&node.filter, &inner, text)?;
                self.print_text(&value, out)?;
            }
            StatementKind::Break => return Ok(Flow::Break),
            StatementKind::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    /// Prints what Jinja2 does not convert to text first.
    fn print_text(&self, value: &Value, out: &mut String) -> Result<()> {
        match value.text() {
            Some(_) => self.print(value, out),
            None => type_error(format!(
                "sequence item 0: expected str instance, {} found",
                value.class()
            )),
        }
    }

    fn set_block(&self, node: &SetBlock, frame: &Rc<Frame>) -> Result<Flow> {
        let inner = self.enter(&node.layout, frame);
        let mut text = String::new();
        match self.block(&node.body, &inner, &mut text)? {
            Flow::Next => {}
            left => return Ok(left),
        }
        let text = self.budget.text(text)?;
        let value = match &node.filter {
            Some(filter) => self.filtered(filter, &inner, text)?,
            None => text,
        };
        self.check_namespaces(&node.target, frame)?;
        self.assign(&node.target, value, frame)?;
        Ok(Flow::Next)
    }

    fn with(&self, node: &With, frame: &Rc<Frame>, out: &mut String) -> Result<Flow> {
        let inner = self.enter(&node.layout, frame);
        for (target, expression) in node.targets.iter().zip(&node.values) {
            let value = self.eval(expression, frame)?;
            self.assign(target, value, &inner)?;
        }
        self.block(&node.body, &inner, out)
    }

    /// Refuses `value.attribute = ...` where the value is no namespace, before anything is evaluated.
    fn check_namespaces(&self, target: &Target, frame: &Rc<Frame>) -> Result<()> {
        match target {
            Target::Name(_) => Ok(()),
            Target::Tuple(items) => items
                .iter()
                .try_for_each(|it| self.check_namespaces(it, frame)),
            Target::Attribute(name, _) => match frame.get(name.slot) {
                Some(Value::Namespace(_)) => Ok(()),
                _ => raised(
                    Exception::TemplateRuntimeError,
                    "cannot assign attribute on non-namespace object",
                ),
            },
        }
    }

    pub(super) fn assign(&self, target: &Target, value: Value, frame: &Rc<Frame>) -> Result<()> {
        match target {
            Target::Name(name) => {
                debug_assert_eq!(name.slot.up, 0, "a frame writes its own variables only");
                frame.set(name.slot.index, value);
                Ok(())
            }
            Target::Attribute(name, attribute) => {
                self.set_attribute(frame, name.slot, attribute, value)
            }
            Target::Tuple(targets) => {
                let values = self.unpack(&value, targets.len())?;
                for (target, value) in targets.iter().zip(values) {
                    self.assign(target, value, frame)?;
                }
                Ok(())
            }
        }
    }

    fn set_attribute(
        &self,
        frame: &Rc<Frame>,
        slot: Slot,
        attribute: &Arc<str>,
        value: Value,
    ) -> Result<()> {
        let Some(Value::Namespace(namespace)) = frame.get(slot) else {
            return raised(
                Exception::TemplateRuntimeError,
                "cannot assign attribute on non-namespace object",
            );
        };
        check_attribute(attribute, &value)?;
        let replaced = {
            let mut attributes = namespace.attributes.borrow_mut();
            match attributes.iter_mut().find(|(name, _)| name == attribute) {
                Some((_, old)) => Some(std::mem::replace(old, value)),
                None => {
                    self.budget.bytes(32)?;
                    attributes.push((attribute.clone(), value));
                    None
                }
            }
        };
        drop(replaced);
        Ok(())
    }

    /// The elements of a value that is assigned to `count` targets.
    fn unpack(&self, value: &Value, count: usize) -> Result<Vec<Value>> {
        let mut reader = match stream::read(value) {
            Ok(reader) => reader,
            Err(_) => {
                return type_error(format!(
                    "cannot unpack non-iterable {} object",
                    value.class()
                ));
            }
        };
        let mut values = Vec::with_capacity(count);
        while let Some(item) = reader.next(self)? {
            if values.len() == count {
                return value_error(format!("too many values to unpack (expected {count})"));
            }
            values.push(item);
        }
        if values.len() < count {
            return value_error(format!(
                "not enough values to unpack (expected {count}, got {})",
                values.len()
            ));
        }
        Ok(values)
    }
}

/// Refuses names and values that a namespace may not hold.
pub(super) fn check_attribute(name: &str, value: &Value) -> Result<()> {
    if name.starts_with('_') {
        return raised(
            Exception::SecurityError,
            format!(
                "Chat templates cannot store underscore-prefixed attributes on a namespace, but got '{name}'."
            ),
        );
    }
    if value.shape().holds_namespace {
        return unsupported(Construct::Expression, "a namespace in a namespace");
    }
    Ok(())
}
