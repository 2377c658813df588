//! Filters that compare elements, by themselves or by an attribute: `sort`, `min`, `groupby` and their like.

use crate::jinja::ast::Comparison;
use crate::jinja::attributes;
use crate::jinja::fault::{Exception, Result, raised, type_error};
use crate::jinja::given::{Given, truth, unless_none};
use crate::jinja::machine::Machine;
use crate::jinja::stream;
use crate::jinja::value::{Value, compare};

/// `"a.b.0"`: where to look in an element.
#[derive(Debug, Default)]
pub(in crate::jinja) struct Attribute {
    parts: Vec<Value>,
    default: Option<Value>,
}

impl Attribute {
    /// `default` replaces what is undefined on the way.
    pub(super) fn new(attribute: Option<&Value>, default: Option<Value>) -> Result<Self> {
        let parts = match attribute {
            None | Some(Value::None) => Vec::new(),
            Some(Value::Str(text) | Value::Markup(text)) => {
                text.split('.').map(part).collect::<Result<_>>()?
            }
            Some(other) => vec![other.clone()],
        };
        Ok(Self { parts, default })
    }

    /// Looks in `item`.
    pub(super) fn of(&self, machine: &Machine<'_>, item: Value) -> Result<Value> {
        let mut item = item;
        for part in &self.parts {
            item = attributes::item(machine, &item, part)?;
            if let Some(default) = &self.default
                && item.is_undefined()
            {
                item = default.clone();
            }
        }
        Ok(item)
    }
}

fn part(text: &str) -> Result<Value> {
    if !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()) {
        return Ok(Value::Int(crate::jinja::literal::integer(text).or_else(
            |_| Ok::<_, Box<crate::jinja::fault::Fault>>(text.parse().unwrap_or_default()),
        )?));
    }
    Ok(Value::str(text))
}

/// Strings in lower case, anything else as it is.
pub(super) fn folded(value: Value) -> Value {
    match value {
        Value::Str(text) | Value::Markup(text) => Value::Str(text.to_lowercase().into()),
        other => other,
    }
}

/// Stable, and in the order that `less` says; the first comparison that fails ends it.
pub(in crate::jinja) fn sorted<T: Clone>(
    items: Vec<T>,
    less: impl Fn(&T, &T) -> Result<bool>,
) -> Result<Vec<T>> {
    let mut width = 1;
    let mut from = items;
    while width < from.len() {
        let mut to = Vec::with_capacity(from.len());
        for pair in from.chunks(2 * width) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            let (mut a, mut b) = (0, 0);
            while a < left.len() && b < right.len() {
                if less(&right[b], &left[a])? {
                    to.push(right[b].clone());
                    b += 1;
                } else {
                    to.push(left[a].clone());
                    a += 1;
                }
            }
            to.extend_from_slice(&left[a..]);
            to.extend_from_slice(&right[b..]);
        }
        from = to;
        width *= 2;
    }
    Ok(from)
}

fn sorted_by_key(
    machine: &Machine<'_>,
    keyed: Vec<(Value, Value)>,
    is_reverse: bool,
) -> Result<Vec<(Value, Value)>> {
    sorted(keyed, |left, right| {
        let (left, right) = if is_reverse {
            (right, left)
        } else {
            (left, right)
        };
        compare::ordered(&left.0, Comparison::Less, &right.0, &machine.budget)
    })
}

fn case(value: Value, is_sensitive: bool) -> Value {
    if is_sensitive { value } else { folded(value) }
}

/// `sort`.
pub(super) fn sort(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let names = ["reverse", "case_sensitive", "attribute"];
    let [reverse, sensitive, attribute] = given.bind("sort", names, 0)?;
    let attributes = match &attribute {
        Some(Value::Str(text)) => text
            .split(',')
            .map(|it| Attribute::new(Some(&Value::str(it)), None))
            .collect::<Result<Vec<_>>>()?,
        other => vec![Attribute::new(other.as_ref(), None)?],
    };
    let mut keyed = Vec::new();
    for item in stream::collect(&value, machine)? {
        let mut key = Vec::with_capacity(attributes.len());
        for attribute in &attributes {
            let part = attribute.of(machine, item.clone())?;
            key.push(case(part, truth(sensitive.as_ref())));
        }
        keyed.push((machine.budget.list(key)?, item));
    }
    let sorted = sorted_by_key(machine, keyed, truth(reverse.as_ref()))?;
    machine
        .budget
        .list(sorted.into_iter().map(|(_, item)| item).collect())
}

/// `dictsort`.
pub(super) fn dictsort(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let names = ["case_sensitive", "by", "reverse"];
    let [sensitive, by, reverse] = given.bind("dictsort", names, 0)?;
    let by_value = match by.as_ref().map(|it| it.text().map(|text| text.to_string())) {
        None => false,
        Some(Some(word)) if word == "key" => false,
        Some(Some(word)) if word == "value" => true,
        Some(_) => {
            return raised(
                Exception::FilterArgumentError,
                "You can only sort by either \"key\" or \"value\"",
            );
        }
    };
    let Value::Dict(dict) = value.defined()? else {
        return type_error(format!(
            "'{}' object has no attribute 'items'",
            value.class()
        ));
    };
    let mut keyed = Vec::new();
    for (key, value) in dict.entries() {
        let by = if by_value { value } else { key };
        let pair = machine.budget.tuple(vec![key.clone(), value.clone()])?;
        keyed.push((case(by.clone(), truth(sensitive.as_ref())), pair));
    }
    let sorted = sorted_by_key(machine, keyed, truth(reverse.as_ref()))?;
    machine
        .budget
        .list(sorted.into_iter().map(|(_, pair)| pair).collect())
}

/// `min`.
pub(super) fn min(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    extreme(machine, &value, given, Comparison::Less)
}

/// `max`.
pub(super) fn max(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    extreme(machine, &value, given, Comparison::Greater)
}

fn extreme(
    machine: &Machine<'_>,
    value: &Value,
    given: Given,
    comparison: Comparison,
) -> Result<Value> {
    let [sensitive, attribute] = given.bind("min", ["case_sensitive", "attribute"], 0)?;
    let attribute = Attribute::new(attribute.as_ref(), None)?;
    let mut best: Option<(Value, Value)> = None;
    for item in stream::collect(value, machine)? {
        let key = attribute.of(machine, item.clone())?;
        let key = case(key, truth(sensitive.as_ref()));
        let is_better = match &best {
            None => true,
            Some((best, _)) => compare::ordered(&key, comparison, best, &machine.budget)?,
        };
        if is_better {
            best = Some((key, item));
        }
    }
    Ok(match best {
        Some((_, item)) => item,
        None => Value::undefined("No aggregated item, sequence was empty."),
    })
}

/// `groupby`.
pub(super) fn groupby(machine: &Machine<'_>, value: Value, given: Given) -> Result<Value> {
    let names = ["attribute", "default", "case_sensitive"];
    let [attribute, default, sensitive] = given.bind("groupby", names, 1)?;
    let attribute = Attribute::new(attribute.as_ref(), unless_none(default))?;
    let is_sensitive = truth(sensitive.as_ref());
    let mut keyed = Vec::new();
    for item in stream::collect(&value, machine)? {
        let key = attribute.of(machine, item.clone())?;
        keyed.push((case(key, is_sensitive), item));
    }
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for (key, item) in sorted_by_key(machine, keyed, false)? {
        match groups.last_mut() {
            Some((last, items)) if compare::equal(last, &key, &machine.budget)? => {
                items.push(item);
            }
            _ => groups.push((key, vec![item])),
        }
    }
    let mut out = Vec::with_capacity(groups.len());
    for (key, items) in groups {
        let grouper = if is_sensitive {
            key
        } else {
            attribute.of(machine, items[0].clone())?
        };
        let list = machine.budget.list(items)?;
        out.push(machine.budget.group(grouper, list)?);
    }
    machine.budget.list(out)
}
