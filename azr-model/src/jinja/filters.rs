//! `value | filter`.

pub(super) mod lazy;
mod number;
pub(super) mod order;
mod sequence;
mod text;

use super::fault::{Construct, Exception, Result, raised, unsupported};
use super::given::Given;
use super::json;
use super::machine::Machine;
use super::value::Value;

/// A filter as a function of what stands before its bar and of its arguments.
type Filter = fn(&Machine<'_>, Value, Given) -> Result<Value>;

/// Every filter that is built, by name.
const FILTERS: [(&str, Filter); 50] = [
    ("abs", number::abs),
    ("attr", sequence::attr),
    ("batch", lazy::batch),
    ("capitalize", text::capitalize),
    ("center", text::center),
    ("count", sequence::length),
    ("d", sequence::default),
    ("default", sequence::default),
    ("dictsort", order::dictsort),
    ("e", text::escape),
    ("escape", text::escape),
    ("filesizeformat", number::filesizeformat),
    ("first", sequence::first),
    ("float", number::float),
    ("forceescape", text::forceescape),
    ("format", text::format),
    ("groupby", order::groupby),
    ("indent", text::indent),
    ("int", number::int),
    ("items", lazy::items),
    ("join", sequence::join),
    ("last", sequence::last),
    ("length", sequence::length),
    ("list", sequence::list),
    ("lower", text::lower),
    ("map", lazy::map),
    ("max", order::max),
    ("min", order::min),
    ("reject", lazy::reject),
    ("rejectattr", lazy::rejectattr),
    ("replace", text::replace),
    ("reverse", sequence::reverse),
    ("round", number::round),
    ("safe", text::safe),
    ("select", lazy::select),
    ("selectattr", lazy::selectattr),
    ("slice", lazy::slice),
    ("sort", order::sort),
    ("string", text::string),
    ("striptags", text::striptags),
    ("sum", number::sum),
    ("title", text::title),
    ("tojson", json::tojson),
    ("trim", text::trim),
    ("truncate", text::truncate),
    ("unique", lazy::unique),
    ("upper", text::upper),
    ("urlencode", text::urlencode),
    ("wordcount", text::wordcount),
    ("xmlattr", text::xmlattr),
];

/// Filters of Jinja2 that are not: what they print depends on chance, or on modules of Python that print and wrap text.
const NOT_BUILT: [&str; 4] = ["pprint", "random", "urlize", "wordwrap"];

/// Whether Jinja2 has a filter of this name.
pub(super) fn is_known(name: &str) -> bool {
    NOT_BUILT.contains(&name) || FILTERS.iter().any(|(it, _)| *it == name)
}

/// `value | name(given)`.
pub(super) fn apply(
    machine: &Machine<'_>,
    name: &str,
    value: Value,
    given: Given,
) -> Result<Value> {
    if let Some(text) = value.text() {
        machine.budget.bytes(text.len())?;
    }
    if NOT_BUILT.contains(&name) {
        return unsupported(Construct::Filter, name);
    }
    match FILTERS.iter().find(|(it, _)| *it == name) {
        Some((_, filter)) => machine.budget.deeper(|| filter(machine, value, given)),
        None => raised(
            Exception::TemplateRuntimeError,
            format!("No filter named '{name}' found."),
        ),
    }
}
