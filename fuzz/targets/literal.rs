//! Every text is refused or read as values, and what is read is printed as a text that is read as the same.
#![no_main]

use azr_executor::{Arguments, Equality, Value, syntax};
use libfuzzer_sys::fuzz_target;

/// Size of a text on which the parser and the static check must agree, bytes.
const AGREED_BYTES_MAX: usize = 4 << 10;

fuzz_target!(|text: &str| {
    if let Ok(value) = Value::parse_literal(text) {
        match Value::parse_literal(&value.to_string()) {
            Ok(back) if Equality::Strict.equal(&value, &back) => {}
            other => panic!("{text:?} is {value}, which is read as {other:?}"),
        }
    }
    if let Ok(arguments) = Arguments::parse(text) {
        match Arguments::parse(&arguments.to_string()) {
            Ok(back) if are_equal(&arguments, &back) => {}
            other => panic!("{text:?} is {arguments}, which is read as {other:?}"),
        }
        // Each bounds the depth in its own way, and on short texts neither bound is near. CPython's spelling of a class is no
        // Python.
        let is_list = text.contains("<class '")
            || AGREED_BYTES_MAX < text.len()
            || syntax::is_argument_list(text);
        assert!(is_list, "{text:?} is {arguments} and no argument list");
    }
});

fn are_equal(left: &Arguments, right: &Arguments) -> bool {
    let names = |arguments: &Arguments| {
        let names = arguments.keyword.iter().map(|(name, _)| name.clone());
        names.collect::<Vec<_>>()
    };
    let values = |arguments: &Arguments| {
        let keyword = arguments.keyword.iter().map(|(_, value)| value.clone());
        Value::List(
            arguments
                .positional
                .iter()
                .cloned()
                .chain(keyword)
                .collect(),
        )
    };
    left.positional.len() == right.positional.len()
        && names(left) == names(right)
        && Equality::Strict.equal(&values(left), &values(right))
}
