//! Values of what came from outside.

use super::Value;
use super::dict::Dict;
use crate::jinja::budget::Budget;
use crate::jinja::data::Data;
use crate::jinja::fault::Result;
use std::rc::Rc;

/// The value of `data`.
pub(in crate::jinja) fn value(data: &Data, budget: &Budget) -> Result<Value> {
    Ok(match data {
        Data::Null => Value::None,
        Data::Bool(bit) => Value::Bool(*bit),
        Data::Int(int) => Value::Int(int.clone()),
        Data::Float(float) => Value::Float(*float),
        Data::Text(text) => Value::str(text),
        Data::List(items) => {
            let items: Result<_> = items.iter().map(|it| value(it, budget)).collect();
            budget.list(items?)?
        }
        Data::Object(entries) => {
            let entries: Result<_> = entries
                .iter()
                .map(|(key, it)| Ok((Value::str(key), value(it, budget)?)))
                .collect();
            Value::Dict(Rc::new(Dict::new(entries?, budget)?))
        }
    })
}
