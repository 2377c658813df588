//! The arguments of a call, and which parameters they are for.

use super::fault::{Result, type_error};
use super::value::Value;
use num_bigint::BigInt;
use std::sync::Arc;

/// Evaluated arguments.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub(super) positional: Vec<Value>,
    pub(super) keyword: Vec<(Arc<str>, Value)>,
}

impl Given {
    /// The arguments for parameters with these names, of which the first `required` must be there.
    pub(super) fn bind<const N: usize>(
        self,
        function: &str,
        names: [&str; N],
        required: usize,
    ) -> Result<[Option<Value>; N]> {
        let mut bound = [const { None }; N];
        if N < self.positional.len() {
            let given = self.positional.len();
            return type_error(format!(
                "{function}() takes at most {N} arguments ({given} given)"
            ));
        }
        for (place, value) in bound.iter_mut().zip(self.positional) {
            *place = Some(value);
        }
        for (name, value) in self.keyword {
            let Some(at) = names.iter().position(|it| !it.is_empty() && **it == *name) else {
                return type_error(format!(
                    "{function}() got an unexpected keyword argument '{name}'"
                ));
            };
            if bound[at].replace(value).is_some() {
                return type_error(format!(
                    "{function}() got multiple values for argument '{name}'"
                ));
            }
        }
        if let Some(at) = bound[..required].iter().position(Option::is_none) {
            return type_error(format!(
                "{function}() missing a required argument: '{}'",
                names[at]
            ));
        }
        Ok(bound)
    }

    /// No arguments.
    pub(super) fn none(self, function: &str) -> Result<()> {
        let [] = self.bind(function, [], 0)?;
        Ok(())
    }
}

/// An argument that is a string.
pub(super) fn text(value: &Value) -> Result<&Arc<str>> {
    match value.defined()?.text() {
        Some(text) => Ok(text),
        None => type_error(format!("expected str, got {}", value.class())),
    }
}

/// An argument that is an integer.
pub(super) fn int(value: &Value) -> Result<BigInt> {
    match value.defined()?.int() {
        Some(int) => Ok(int),
        None => type_error(format!(
            "'{}' object cannot be interpreted as an integer",
            value.class()
        )),
    }
}

/// An argument that is an integer of the size of a length or an index.
pub(super) fn index(value: &Value) -> Result<i64> {
    match i64::try_from(int(value)?) {
        Ok(index) => Ok(index),
        Err(_) => super::fault::raised(
            super::fault::Exception::OverflowError,
            "Python int too large to convert to C ssize_t",
        ),
    }
}

/// A parameter of this kind, or what it is if it is not given.
pub(super) fn index_or(value: Option<&Value>, default: i64) -> Result<i64> {
    value.map_or(Ok(default), index)
}

/// A parameter whose truth is asked.
pub(super) fn truth(value: Option<&Value>) -> bool {
    value.is_some_and(Value::is_true)
}

/// A parameter that may be `None`, which is the same as not given.
pub(super) fn unless_none(value: Option<Value>) -> Option<Value> {
    value.filter(|it| !it.is_none())
}
