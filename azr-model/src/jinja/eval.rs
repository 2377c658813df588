//! Evaluates expressions.

use super::arithmetic;
use super::ast::{Arguments, Comparison, Expr};
use super::attributes;
use super::fault::{Construct, Result, raised, type_error, unsupported};
use super::frame::Frame;
use super::given::Given;
use super::machine::Machine;
use super::value::dict::Dict;
use super::value::{Value, compare, repr};
use super::{filters, functions, methods, predicates, stream};
use std::rc::Rc;

impl Machine<'_> {
    pub(super) fn eval(&self, expression: &Expr, frame: &Rc<Frame>) -> Result<Value> {
        match expression {
            Expr::Const(constant) => {
                self.budget.steps(1)?;
                Ok(Value::from_const(constant))
            }
            Expr::Name(name) => {
                self.budget.steps(1)?;
                let missing = || Value::undefined(format!("'{}' is undefined", name.name));
                Ok(frame.get(name.slot).unwrap_or_else(missing))
            }
            _ => self.budget.deeper(|| self.eval_deeper(expression, frame)),
        }
    }

    fn eval_deeper(&self, expression: &Expr, frame: &Rc<Frame>) -> Result<Value> {
        match expression {
            Expr::Const(_) | Expr::Name(_) => self.eval(expression, frame),
            Expr::Tuple(items) => self.budget.tuple(self.eval_all(items, frame)?),
            Expr::List(items) => self.budget.list(self.eval_all(items, frame)?),
            Expr::Dict(items) => self.dict(items, frame),
            Expr::Not(value) => Ok(Value::Bool(!self.eval(value, frame)?.is_true())),
            Expr::Sign(sign, value) => arithmetic::signed(*sign, &self.eval(value, frame)?),
            Expr::Binary(operator, pair) => {
                let left = self.eval(&pair.0, frame)?;
                let right = self.eval(&pair.1, frame)?;
                arithmetic::binary(self, *operator, &left, &right)
            }
            Expr::And(pair) => {
                let left = self.eval(&pair.0, frame)?;
                if left.is_true() {
                    self.eval(&pair.1, frame)
                } else {
                    Ok(left)
                }
            }
            Expr::Or(pair) => {
                let left = self.eval(&pair.0, frame)?;
                if left.is_true() {
                    Ok(left)
                } else {
                    self.eval(&pair.1, frame)
                }
            }
            Expr::Concat(parts) => {
                let mut text = String::new();
                for value in self.eval_all(parts, frame)? {
                    self.print(&value, &mut text)?;
                }
                self.budget.text(text)
            }
            Expr::Compare(first, links) => self.comparisons(first, links, frame),
            Expr::Cond(pair, otherwise) => {
                if self.eval(&pair.0, frame)?.is_true() {
                    return self.eval(&pair.1, frame);
                }
                match otherwise {
                    Some(otherwise) => self.eval(otherwise, frame),
                    None => Ok(Value::undefined(
                        "the inline if-expression evaluated to false and no else section was defined.",
                    )),
                }
            }
            _ => self.eval_postfix(expression, frame),
        }
    }

    /// What stands behind a value: attributes, elements, calls, filters and tests.
    fn eval_postfix(&self, expression: &Expr, frame: &Rc<Frame>) -> Result<Value> {
        match expression {
            Expr::Attribute(value, name) => {
                attributes::attribute(self, &self.eval(value, frame)?, name)
            }
            Expr::Item(pair) => {
                let value = self.eval(&pair.0, frame)?;
                attributes::item(self, &value, &self.eval(&pair.1, frame)?)
            }
            Expr::Slice(value, bounds) => {
                let value = self.eval(value, frame)?;
                let mut evaluated = [const { None }; 3];
                for (place, bound) in evaluated.iter_mut().zip(&**bounds) {
                    *place = match bound {
                        Some(bound) => Some(self.eval(bound, frame)?),
                        None => None,
                    };
                }
                attributes::slice(self, &value, &evaluated)
            }
            Expr::Call(function, arguments) => {
                let function = self.eval(function, frame)?;
                let given = self.given(arguments, frame)?;
                self.call(&function, given)
            }
            Expr::Filter(value, name, arguments) => {
                let Some(value) = value else {
                    return unsupported(Construct::Filter, &**name);
                };
                let value = self.eval(value, frame)?;
                let given = self.given(arguments, frame)?;
                filters::apply(self, name, value, given)
            }
            Expr::Test(value, name, arguments) => {
                let value = self.eval(value, frame)?;
                let given = self.given(arguments, frame)?;
                predicates::apply(self, name, value, given)
            }
            _ => self.eval(expression, frame),
        }
    }

    /// Applies the filters of a block, of which the innermost has no value of its own, to what the block wrote.
    pub(super) fn filtered(&self, filter: &Expr, frame: &Rc<Frame>, text: Value) -> Result<Value> {
        let Expr::Filter(inner, name, arguments) = filter else {
            return Ok(text);
        };
        let value = match inner {
            Some(inner) => self.filtered(inner, frame, text)?,
            None => text,
        };
        let given = self.given(arguments, frame)?;
        filters::apply(self, name, value, given)
    }

    fn eval_all(&self, items: &[Expr], frame: &Rc<Frame>) -> Result<Vec<Value>> {
        items.iter().map(|it| self.eval(it, frame)).collect()
    }

    fn dict(&self, items: &[(Expr, Expr)], frame: &Rc<Frame>) -> Result<Value> {
        let mut pairs = Vec::with_capacity(items.len());
        for (key, value) in items {
            pairs.push((self.eval(key, frame)?, self.eval(value, frame)?));
        }
        let dict = Dict::of_pairs(pairs, &self.budget)?;
        Ok(Value::Dict(Rc::new(dict)))
    }

    fn comparisons(
        &self,
        first: &Expr,
        links: &[(Comparison, Expr)],
        frame: &Rc<Frame>,
    ) -> Result<Value> {
        let mut left = self.eval(first, frame)?;
        for (comparison, right) in links {
            let right = self.eval(right, frame)?;
            if !self.compare(&left, *comparison, &right)? {
                return Ok(Value::Bool(false));
            }
            left = right;
        }
        Ok(Value::Bool(true))
    }

    /// One comparison.
    pub(super) fn compare(
        &self,
        left: &Value,
        comparison: Comparison,
        right: &Value,
    ) -> Result<bool> {
        match comparison {
            Comparison::Equal => compare::equal(left, right, &self.budget),
            Comparison::NotEqual => Ok(!compare::equal(left, right, &self.budget)?),
            Comparison::In => self.contains(right, left),
            Comparison::NotIn => Ok(!self.contains(right, left)?),
            order => compare::ordered(left, order, right, &self.budget),
        }
    }

    fn contains(&self, container: &Value, item: &Value) -> Result<bool> {
        if let Some(found) = compare::contains(container, item, &self.budget)? {
            return Ok(found);
        }
        let mut reader = stream::read(container)?;
        while let Some(it) = reader.next(self)? {
            if compare::equal(&it, item, &self.budget)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The values between the parentheses of a call.
    pub(super) fn given(&self, arguments: &Arguments, frame: &Rc<Frame>) -> Result<Given> {
        let mut given = Given {
            positional: self.eval_all(&arguments.positional, frame)?,
            keyword: Vec::new(),
        };
        for (name, value) in &arguments.keyword {
            given.keyword.push((name.clone(), self.eval(value, frame)?));
        }
        if let Some(starred) = &arguments.starred {
            let values = self.eval(starred, frame)?;
            given.positional.extend(stream::collect(&values, self)?);
        }
        if let Some(starred) = &arguments.double_starred {
            match self.eval(starred, frame)? {
                Value::Dict(dict) => {
                    for (key, value) in dict.entries() {
                        let Value::Str(name) = key else {
                            return type_error("keywords must be strings");
                        };
                        if given.keyword.iter().any(|(it, _)| it == name) {
                            return type_error(format!(
                                "got multiple values for keyword argument '{name}'"
                            ));
                        }
                        given.keyword.push((name.clone(), value.clone()));
                    }
                }
                other => {
                    return type_error(format!(
                        "argument after ** must be a mapping, not {}",
                        other.class()
                    ));
                }
            }
        }
        Ok(given)
    }

    /// Calls a value.
    pub(super) fn call(&self, function: &Value, given: Given) -> Result<Value> {
        self.budget.deeper(|| match function {
            Value::Macro(closure) => self.call_macro(closure, given),
            Value::Function(function) => functions::call(self, *function, given),
            Value::Method(method) => methods::call(self, &method.0, method.1, given),
            Value::Loop(state) => state.call(given, self),
            Value::Joiner(joiner) => {
                given.none("joiner")?;
                if joiner.is_used.replace(true) {
                    Ok(joiner.separator.clone())
                } else {
                    Ok(Value::str(""))
                }
            }
            Value::Undefined(absence) => raised(absence.exception, absence.words.clone()),
            other => type_error(format!("'{}' object is not callable", other.class())),
        })
    }

    /// `str(value)`.
    pub(super) fn str(&self, value: &Value) -> Result<std::sync::Arc<str>> {
        if let Value::Stream(_) = value {
            return unsupported(Construct::Expression, "the text of a generator");
        }
        let text = repr::str(value, &self.budget)?;
        self.budget.bytes(text.len())?;
        Ok(text)
    }
}
