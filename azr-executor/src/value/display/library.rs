//! Writes the values of the standard library's types.

use std::fmt::{self, Formatter};

use super::super::{Factory, Fraction, Range, Value, number, order};
use super::{write_all, write_dict, write_int};

type Item = (Value, Value);

pub(super) fn write_range(f: &mut Formatter<'_>, range: &Range) -> fmt::Result {
    let [start, stop, step] = range.parts();
    f.write_str("range(")?;
    write_int(f, start)?;
    f.write_str(", ")?;
    write_int(f, stop)?;
    if *step != 1.into() {
        f.write_str(", ")?;
        write_int(f, step)?;
    }
    f.write_str(")")
}

pub(super) fn write_fraction(f: &mut Formatter<'_>, fraction: &Fraction) -> fmt::Result {
    let [numerator, denominator] = fraction.parts();
    f.write_str("Fraction(")?;
    write_int(f, numerator)?;
    f.write_str(", ")?;
    write_int(f, denominator)?;
    f.write_str(")")
}

/// The most common first, where counts have an order.
pub(super) fn write_counter(f: &mut Formatter<'_>, items: &[Item]) -> fmt::Result {
    if items.is_empty() {
        return f.write_str("Counter()");
    }
    let mut sorted: Vec<&Item> = items.iter().collect();
    if have_an_order(items) {
        sorted.sort_by(|left, right| order::compare(&right.1, &left.1));
    }
    f.write_str("Counter(")?;
    write_dict(f, sorted)?;
    f.write_str(")")
}

/// Numbers without NaN, texts, or bytes. (CPython also puts sequences of such in order.)
fn have_an_order(items: &[Item]) -> bool {
    let mut counts = items.iter().map(|(_, count)| count);
    let is_real = |count: &Value| match count {
        Value::Float(float) => !float.is_nan(),
        Value::Decimal(decimal) => !decimal.is_nan(),
        Value::Complex(..) => false,
        count => number::is_number(count),
    };
    counts.clone().all(is_real)
        || counts.clone().all(|it| matches!(it, Value::Str(_)))
        || counts.all(|it| matches!(it, Value::Bytes(_)))
}

pub(super) fn write_ordered_dict(f: &mut Formatter<'_>, items: &[Item]) -> fmt::Result {
    if items.is_empty() {
        return f.write_str("OrderedDict()");
    }
    f.write_str("OrderedDict(")?;
    write_dict(f, items)?;
    f.write_str(")")
}

pub(super) fn write_default_dict(
    f: &mut Formatter<'_>,
    factory: Factory,
    items: &[Item],
) -> fmt::Result {
    match factory {
        Factory::None => f.write_str("defaultdict(None, ")?,
        factory => write!(f, "defaultdict(<class '{}'>, ", factory.name())?,
    }
    write_dict(f, items)?;
    f.write_str(")")
}

pub(super) fn write_deque(
    f: &mut Formatter<'_>,
    elements: &[Value],
    length_max: Option<u64>,
) -> fmt::Result {
    write_all(f, "deque([", elements, "]")?;
    match length_max {
        Some(length_max) => write!(f, ", maxlen={length_max})"),
        None => f.write_str(")"),
    }
}
