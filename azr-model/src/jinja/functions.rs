//! The functions that every template has.

use super::fault::{
    Construct, Exception, Fault, Problem, Result, raised, type_error, unsupported, value_error,
};
use super::given::{self, Given};
use super::machine::{Machine, check_attribute};
use super::stream;
use super::value::dict::Dict;
use super::value::{Cycler, Function, Joiner, Namespace, Range, Shape, Value};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Elements of the longest range that the sandbox of Jinja2 permits.
const RANGE_MAX: u64 = 100_000;

/// Calls `function`.
pub(super) fn call(machine: &Machine<'_>, function: Function, given: Given) -> Result<Value> {
    match function {
        Function::Range => range(given),
        Function::Dict => Ok(Value::Dict(Rc::new(dict(machine, given)?))),
        Function::DictFromKeys => dict_from_keys(machine, given),
        Function::Namespace => namespace(machine, given),
        Function::Cycler => cycler(machine, given),
        Function::Joiner => {
            let [separator] = given.bind("joiner", ["sep"], 0)?;
            let separator = separator.unwrap_or_else(|| Value::str(", "));
            let shape = machine.budget.shape([separator.shape()].into_iter())?;
            Ok(Value::Joiner(Rc::new(Joiner {
                separator,
                is_used: Cell::new(false),
                shape,
            })))
        }
        // It draws random words.
        Function::Lipsum => unsupported(Construct::Function, "lipsum"),
        Function::RaiseException => {
            let [message] = given.bind("raise_exception", ["message"], 1)?;
            let message = message.unwrap_or(Value::None);
            let words = machine.str(&message)?.to_string();
            Err(Box::new(Fault::Refused(Problem(words))))
        }
        Function::StrftimeNow => {
            let [format] = given.bind("strftime_now", ["format"], 1)?;
            let format = format.unwrap_or(Value::None);
            machine
                .budget
                .text(machine.date.format(given::text(&format)?)?)
        }
    }
}

fn range(given: Given) -> Result<Value> {
    if !given.keyword.is_empty() {
        return type_error("range() takes no keyword arguments");
    }
    let bounds: Vec<i64> = given
        .positional
        .iter()
        .map(given::index)
        .collect::<Result<_>>()?;
    let (start, stop, step) = match bounds[..] {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        [_, _, 0] => return value_error("range() arg 3 must not be zero"),
        [start, stop, step] => (start, stop, step),
        _ => return type_error("range expected 1 to 3 arguments"),
    };
    let range = Range { start, stop, step };
    if RANGE_MAX < range.length() || i64::MAX / 2 < start.saturating_abs() {
        return raised(
            Exception::OverflowError,
            "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).",
        );
    }
    Ok(Value::Range(Rc::new(range)))
}

/// `dict(mapping_or_pairs, **more)`.
fn dict(machine: &Machine<'_>, given: Given) -> Result<Dict> {
    let mut pairs = Vec::new();
    // It is asked for its keys before it is read.
    given
        .positional
        .iter()
        .try_for_each(|it| it.defined().map(drop))?;
    match &given.positional[..] {
        [] => {}
        [Value::Dict(dict)] => pairs.extend(dict.entries().iter().cloned()),
        [Value::Namespace(_)] => return unsupported(Construct::Function, "dict of a namespace"),
        [_] => {
            for pair in stream::collect(&given.positional[0], machine)? {
                let mut parts = stream::collect(&pair, machine)?.into_iter();
                match (parts.next(), parts.next(), parts.next()) {
                    (Some(key), Some(value), None) => pairs.push((key, value)),
                    _ => {
                        return value_error(
                            "dictionary update sequence element has another length than 2",
                        );
                    }
                }
            }
        }
        _ => return type_error("dict expected at most 1 argument"),
    }
    let keyword = given.keyword.into_iter();
    pairs.extend(keyword.map(|(name, value)| (Value::Str(name), value)));
    Dict::of_pairs(pairs, &machine.budget)
}

fn dict_from_keys(machine: &Machine<'_>, given: Given) -> Result<Value> {
    if !given.keyword.is_empty() {
        return type_error("dict.fromkeys() takes no keyword arguments");
    }
    let [keys, value] = given.bind("fromkeys", ["", ""], 1)?;
    let value = value.unwrap_or(Value::None);
    let keys = stream::collect(&keys.unwrap_or(Value::None), machine)?;
    let pairs = keys.into_iter().map(|key| (key, value.clone())).collect();
    let dict = Dict::of_pairs(pairs, &machine.budget)?;
    Ok(Value::Dict(Rc::new(dict)))
}

fn namespace(machine: &Machine<'_>, given: Given) -> Result<Value> {
    let dict = dict(machine, given)?;
    let mut attributes = Vec::with_capacity(dict.len());
    for (key, value) in dict.entries() {
        let Value::Str(name) = key else {
            return unsupported(
                Construct::Function,
                "namespace with a key that is no string",
            );
        };
        check_attribute(name, value)?;
        attributes.push((name.clone(), value.clone()));
    }
    Ok(Value::Namespace(Rc::new(Namespace {
        attributes: RefCell::new(attributes),
    })))
}

fn cycler(machine: &Machine<'_>, given: Given) -> Result<Value> {
    if !given.keyword.is_empty() {
        return type_error("cycler() takes no keyword arguments");
    }
    if given.positional.is_empty() {
        return raised(
            Exception::RuntimeError,
            "at least one item has to be provided",
        );
    }
    let Value::Tuple(items) = machine.budget.tuple(given.positional)? else {
        return type_error("cycler() takes items");
    };
    debug_assert_ne!(items.shape, Shape::default(), "a tuple has a depth");
    Ok(Value::Cycler(Rc::new(Cycler {
        items,
        at: Cell::new(0),
    })))
}
