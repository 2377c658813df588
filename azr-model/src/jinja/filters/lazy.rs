//! Filters that return generators: `map`, `select` and their like.

use super::order::{Attribute, folded};
use crate::jinja::fault::{Construct, Exception, Result, raised, type_error, unsupported};
use crate::jinja::given::{Given, index, truth, unless_none};
use crate::jinja::machine::Machine;
use crate::jinja::predicates;
use crate::jinja::stream::{self, Kind, Reader, Stream};
use crate::jinja::value::{Value, ViewKind, compare};
use std::sync::Arc;

/// What a filter does with each element, once it is read.
#[derive(Debug)]
pub(in crate::jinja) enum Lazy {
    Map(Given, Option<Mapping>),
    Select(Selection),
    Unique {
        attribute: Attribute,
        is_case_sensitive: bool,
        seen: Vec<Value>,
    },
    Batch(usize, Option<Value>),
    Slice {
        count: i64,
        fill: Option<Value>,
        items: Vec<Value>,
        at: i64,
        offset: i64,
    },
    Items,
}

/// What `map` does.
#[derive(Debug)]
pub(in crate::jinja) enum Mapping {
    Attribute(Attribute),
    Filter(Arc<str>, Given),
}

/// What `select` and its like look at.
#[derive(Debug)]
pub(in crate::jinja) struct Selection {
    given: Given,
    is_reject: bool,
    by_attribute: bool,
    attribute: Attribute,
    test: Option<Arc<str>>,
}

fn lazily(machine: &Machine<'_>, value: Value, filter: Lazy) -> Result<Value> {
    Stream::value(value, Kind::Filter(filter), machine)
}

/// `map`.
pub(super) fn map(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    lazily(machine, value, Lazy::Map(given, None))
}

fn selection(
    machine: &Machine<'_>,
    value: Value,
    given: Given,
    is_reject: bool,
    by_attribute: bool,
) -> Result<Value> {
    let selection = Selection {
        given,
        is_reject,
        by_attribute,
        attribute: Attribute::default(),
        test: None,
    };
    lazily(machine, value, Lazy::Select(selection))
}

/// `select`.
pub(super) fn select(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    selection(machine, value, given, false, false)
}

/// `reject`.
pub(super) fn reject(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    selection(machine, value, given, true, false)
}

/// `selectattr`.
pub(super) fn selectattr(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    selection(machine, value, given, false, true)
}

/// `rejectattr`.
pub(super) fn rejectattr(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    selection(machine, value, given, true, true)
}

/// `unique`.
pub(super) fn unique(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [case, attribute] = given.bind("unique", ["case_sensitive", "attribute"], 0)?;
    let filter = Lazy::Unique {
        attribute: Attribute::new(attribute.as_ref(), None)?,
        is_case_sensitive: truth(case.as_ref()),
        seen: Vec::new(),
    };
    lazily(machine, value, filter)
}

/// `batch`.
pub(super) fn batch(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [count, fill] = given.bind("batch", ["linecount", "fill_with"], 1)?;
    match index(&count.unwrap_or(Value::None))? {
        0 => unsupported(Construct::Filter, "batch(0)"),
        ..0 => lazily(machine, value, Lazy::Batch(usize::MAX, None)),
        count => lazily(
            machine,
            value,
            Lazy::Batch(count as usize, unless_none(fill)),
        ),
    }
}

/// `slice`.
pub(super) fn slice(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let [count, fill] = given.bind("slice", ["slices", "fill_with"], 1)?;
    let filter = Lazy::Slice {
        count: index(&count.unwrap_or(Value::None))?,
        fill: unless_none(fill),
        items: Vec::new(),
        at: 0,
        offset: 0,
    };
    lazily(machine, value, filter)
}

/// `items`.
pub(super) fn items(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    given.none("items")?;
    lazily(machine, value, Lazy::Items)
}

/// Prepares a filter for its first element. None if there is nothing to read.
pub(in crate::jinja) fn begin(
    filter: &mut Lazy,
    source: &Value,
    machine: &Machine<'_>,
) -> Result<Option<Reader>> {
    match filter {
        Lazy::Map(..) | Lazy::Select(_) if !source.is_true() => return Ok(None),
        Lazy::Map(given, mapping) => *mapping = Some(prepare_map(std::mem::take(given))?),
        Lazy::Select(selection) => selection.prepare()?,
        Lazy::Unique { .. } | Lazy::Batch(..) => {}
        Lazy::Slice { count, items, .. } => {
            *items = stream::collect(source, machine)?;
            if *count == 0 {
                return raised(
                    Exception::ZeroDivisionError,
                    "integer division or modulo by zero",
                );
            }
            return Ok(Some(Reader::Empty));
        }
        Lazy::Items => {
            return match source {
                Value::Undefined(_) => Ok(None),
                Value::Dict(dict) => Ok(Some(Reader::Dict(ViewKind::Items, dict.clone(), 0))),
                _ => type_error("Can only get item pairs from a mapping."),
            };
        }
    }
    Ok(Some(stream::read(source)?))
}

/// The next element of what a filter returns.
pub(in crate::jinja) fn next(
    filter: &mut Lazy,
    reader: &mut Reader,
    machine: &Machine<'_>,
) -> Result<Option<Value>> {
    match filter {
        Lazy::Items => reader.next(machine),
        Lazy::Map(_, mapping) => {
            let Some(item) = reader.next(machine)? else {
                return Ok(None);
            };
            Ok(Some(match mapping {
                Some(Mapping::Attribute(attribute)) => attribute.of(machine, item)?,
                Some(Mapping::Filter(name, given)) => {
                    super::apply(machine, name, item, given.clone())?
                }
                None => item,
            }))
        }
        Lazy::Select(selection) => loop {
            let Some(item) = reader.next(machine)? else {
                return Ok(None);
            };
            if selection.takes(machine, &item)? {
                return Ok(Some(item));
            }
        },
        Lazy::Unique {
            attribute,
            is_case_sensitive,
            seen,
        } => loop {
            let Some(item) = reader.next(machine)? else {
                return Ok(None);
            };
            let key = attribute.of(machine, item.clone())?;
            let key = if *is_case_sensitive { key } else { folded(key) };
            compare::hashable(&key)?;
            let mut is_new = true;
            for it in &*seen {
                is_new = is_new && !compare::equal(it, &key, &machine.budget)?;
            }
            if is_new {
                seen.push(key);
                return Ok(Some(item));
            }
        },
        Lazy::Batch(count, fill) => next_batch(*count, fill.as_ref(), reader, machine),
        Lazy::Slice { .. } => next_slice(filter, machine),
    }
}

/// The next of the lists that `slice` returns.
fn next_slice(filter: &mut Lazy, machine: &Machine<'_>) -> Result<Option<Value>> {
    let Lazy::Slice {
        count,
        fill,
        items,
        at,
        offset,
    } = filter
    else {
        return Ok(None);
    };
    machine.budget.steps(1)?;
    if *count <= *at {
        return Ok(None);
    }
    let (each, extra) = (items.len() as i64 / *count, items.len() as i64 % *count);
    let start = *offset + *at * each;
    *offset += i64::from(*at < extra);
    let end = *offset + (*at + 1) * each;
    let mut slice = items[start as usize..end as usize].to_vec();
    if extra <= *at {
        slice.extend(fill.clone());
    }
    *at += 1;
    machine.budget.list(slice).map(Some)
}

fn next_batch(
    count: usize,
    fill: Option<&Value>,
    reader: &mut Reader,
    machine: &Machine<'_>,
) -> Result<Option<Value>> {
    let mut batch = Vec::new();
    while batch.len() < count {
        let Some(item) = reader.next(machine)? else {
            break;
        };
        batch.push(item);
    }
    if batch.is_empty() {
        return Ok(None);
    }
    if let Some(fill) = fill
        && batch.len() < count
    {
        machine.budget.bytes(count.saturating_mul(16))?;
        batch.resize(count, fill.clone());
    }
    machine.budget.list(batch).map(Some)
}

fn prepare_map(given: Given) -> Result<Mapping> {
    let mut given = given;
    if given.positional.is_empty()
        && let Some(at) = given
            .keyword
            .iter()
            .position(|(name, _)| **name == *"attribute")
    {
        let (_, attribute) = given.keyword.remove(at);
        let default = given
            .keyword
            .iter()
            .position(|(name, _)| **name == *"default")
            .map(|at| given.keyword.remove(at).1);
        if let Some((name, _)) = given.keyword.first() {
            return raised(
                Exception::FilterArgumentError,
                format!("Unexpected keyword argument '{name}'"),
            );
        }
        return Ok(Mapping::Attribute(Attribute::new(
            Some(&attribute),
            unless_none(default),
        )?));
    }
    if given.positional.is_empty() {
        return raised(
            Exception::FilterArgumentError,
            "map requires a filter argument",
        );
    }
    let name = name_of(&given.positional.remove(0), "filter")?;
    Ok(Mapping::Filter(name, given))
}

fn name_of(value: &Value, kind: &str) -> Result<Arc<str>> {
    match value.text() {
        Some(name) => Ok(name.clone()),
        None => raised(
            Exception::TemplateRuntimeError,
            format!("No {kind} named {} found.", value.class()),
        ),
    }
}

impl Selection {
    fn prepare(&mut self) -> Result<()> {
        if self.by_attribute {
            if self.given.positional.is_empty() {
                return raised(
                    Exception::FilterArgumentError,
                    "Missing parameter for attribute name",
                );
            }
            let attribute = self.given.positional.remove(0);
            self.attribute = Attribute::new(Some(&attribute), None)?;
        }
        if !self.given.positional.is_empty() {
            self.test = Some(name_of(&self.given.positional.remove(0), "test")?);
        }
        Ok(())
    }

    fn takes(&self, machine: &Machine<'_>, item: &Value) -> Result<bool> {
        let value = self.attribute.of(machine, item.clone())?;
        let holds = match &self.test {
            Some(test) => predicates::apply(machine, test, value, self.given.clone())?.is_true(),
            None => value.is_true(),
        };
        Ok(holds != self.is_reject)
    }
}
