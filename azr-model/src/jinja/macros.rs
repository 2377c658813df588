//! Macros and the bodies of call blocks: how they are made and called.

use super::ast::{CallKind, Macro};
use super::fault::{Result, type_error};
use super::frame::Frame;
use super::given::Given;
use super::machine::Machine;
use super::value::dict::Dict;
use super::value::{Closure, Value};
use std::rc::Rc;
use std::sync::Arc;

impl Machine<'_> {
    pub(super) fn closure(&self, node: &Arc<Macro>, frame: &Rc<Frame>) -> Value {
        self.capture(frame);
        Value::Macro(Rc::new(Closure {
            definition: node.clone(),
            frame: frame.clone(),
        }))
    }

    pub(super) fn call_block(
        &self,
        kind: &CallKind,
        caller: Value,
        frame: &Rc<Frame>,
    ) -> Result<Value> {
        match kind {
            CallKind::Generation => self.call(&caller, Given::default()),
            CallKind::Function(function, arguments) => {
                let function = self.eval(function, frame)?;
                let mut given = self.given(arguments, frame)?;
                if given.keyword.iter().any(|(name, _)| **name == *"caller") {
                    return type_error("got multiple values for keyword argument 'caller'");
                }
                given.keyword.push(("caller".into(), caller));
                self.call(&function, given)
            }
        }
    }

    /// Calls a macro, as `jinja2.runtime.Macro` does.
    pub(super) fn call_macro(&self, closure: &Closure, given: Given) -> Result<Value> {
        let node = &*closure.definition;
        let frame = self.enter(&node.layout, &closure.frame);
        let rest = self.bind_parameters(node, &frame, given)?;
        let mut keyword = rest.keyword;
        if let Some(slot) = node.special.kwargs {
            let pairs = keyword.into_iter();
            let pairs = pairs
                .map(|(name, value)| (Value::Str(name), value))
                .collect();
            let dict = Dict::new(pairs, &self.budget)?;
            frame.set(slot, Value::Dict(Rc::new(dict)));
        } else if let Some((name, _)) = keyword.pop() {
            return type_error(format!("macro takes no keyword argument '{name}'"));
        }
        if let Some(slot) = node.special.varargs {
            frame.set(slot, self.budget.tuple(rest.positional)?);
        } else if !rest.positional.is_empty() {
            let count = node.parameters.len();
            return type_error(format!("macro takes not more than {count} argument(s)"));
        }
        self.default_parameters(node, &frame)?;
        let mut text = String::new();
        self.block(&node.body, &frame, &mut text)?;
        self.budget.text(text)
    }

    /// Sets the parameters that are given, and returns what is left.
    fn bind_parameters(&self, node: &Macro, frame: &Frame, given: Given) -> Result<Given> {
        let mut keyword = given.keyword;
        let mut positional = given.positional.into_iter();
        let is_full = node.parameters.len() <= positional.len();
        let mut has_caller = is_full && node.special.uses_caller && node.special.caller.is_none();
        for parameter in &node.parameters {
            if let Some(value) = positional.next() {
                frame.set(parameter.slot.index, value);
                continue;
            }
            has_caller = has_caller || *parameter.name == *"caller";
            if let Some(at) = keyword.iter().position(|(name, _)| *name == parameter.name) {
                frame.set(parameter.slot.index, keyword.remove(at).1);
            }
        }
        if node.special.uses_caller && !has_caller {
            let Some(slot) = node.special.caller else {
                return type_error("macro() takes another number of positional arguments");
            };
            let at = keyword.iter().position(|(name, _)| **name == *"caller");
            let caller = at.map(|at| keyword.remove(at).1);
            let missing = || Value::undefined("No caller defined");
            let caller = caller.filter(|it| !it.is_none()).unwrap_or_else(missing);
            frame.set(slot, caller);
        }
        Ok(Given {
            positional: positional.collect(),
            keyword,
        })
    }

    fn default_parameters(&self, node: &Macro, frame: &Rc<Frame>) -> Result<()> {
        let required = node.parameters.len() - node.defaults.len();
        for (at, parameter) in node.parameters.iter().enumerate() {
            if frame.get(parameter.slot).is_some() {
                continue;
            }
            let value = match at.checked_sub(required) {
                Some(at) => self.eval(&node.defaults[at], frame)?,
                None => {
                    Value::undefined(format!("parameter '{}' was not provided", parameter.name))
                }
            };
            frame.set(parameter.slot.index, value);
        }
        Ok(())
    }
}
