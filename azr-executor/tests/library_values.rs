//! Values of the standard library's types, in all backends: given to programs, returned by them, and read without running
//! any of their code.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;

use azr_executor::testing::permitted_backends;
use azr_executor::{Arguments, Scrutiny};
use jobs::{job, start};

/// Literals, and what `repr` of the value is, as of CPython 3.12.
const VALUES: &[(&str, &str)] = &[
    ("...", "Ellipsis"),
    ("range(3)", "range(0, 3)"),
    ("range(5, -1, -2)", "range(5, -1, -2)"),
    ("Decimal('1.50')", "Decimal('1.50')"),
    ("Decimal('-1e+999999')", "Decimal('-1E+999999')"),
    ("Decimal('sNaN12')", "Decimal('sNaN12')"),
    ("Decimal('-inf')", "Decimal('-Infinity')"),
    ("Fraction(-2, 6)", "Fraction(-1, 3)"),
    ("Counter({'a': 1, 'b': 2})", "Counter({'b': 2, 'a': 1})"),
    ("Counter()", "Counter()"),
    (
        "OrderedDict([('b', 1), ('a', [2])])",
        "OrderedDict({'b': 1, 'a': [2]})",
    ),
    ("OrderedDict()", "OrderedDict()"),
    (
        "defaultdict(<class 'list'>, {1: [2]})",
        "defaultdict(<class 'list'>, {1: [2]})",
    ),
    ("defaultdict(None, {})", "defaultdict(None, {})"),
    ("deque([1, 'a'])", "deque([1, 'a'])"),
    ("deque([1, 2, 3], maxlen=2)", "deque([2, 3], maxlen=2)"),
    ("deque([], 0)", "deque([], maxlen=0)"),
    (
        "{(Fraction(1, 2), range(2), ...): deque([Counter(a=OrderedDict())])}",
        "{(Fraction(1, 2), range(0, 2), Ellipsis): deque([Counter({'a': OrderedDict()})])}",
    ),
];

#[test]
fn programs_are_given_and_return_values_of_the_standard_library() {
    let values = VALUES;
    let program =
        "def f(x, kind):\n    assert type(x).__name__ == kind, type(x)\n    return x, [x]\n";
    for backend in permitted_backends() {
        let sandbox = start(1, backend);
        for (text, repr) in values {
            let value = Arguments::parse(text).unwrap().positional.remove(0);
            assert_eq!(value.to_string(), *repr);
            let input = format!("{text}, '{}'", value.type_name());
            let returned = jobs::outputs(&sandbox, &job(program, &[&input], Scrutiny::Run, 60_000));
            assert_eq!(
                returned,
                [format!("({repr}, [{repr}])")],
                "{backend}, {text}"
            );
        }
    }
}
