//! Literals of the standard library's types, against what CPython prints and calls equal (golden/library_values.py).
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

use azr_executor::value::LiteralError;
use azr_executor::{Arguments, Equality, Value};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    reprs: Vec<String>,
    values: Vec<String>,
    equal: Vec<Vec<usize>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("value/library.json")).unwrap()
}

fn parse(text: &str) -> Value {
    Value::parse_literal(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[test]
fn the_repr_of_a_literal_is_cpythons_and_reads_back() {
    let golden = golden();
    for pair in golden.reprs.chunks(2) {
        let value = parse(&pair[0]);
        assert_eq!(value.to_string(), pair[1], "{}", pair[0]);
        assert!(
            Equality::Strict.equal(&value, &parse(&pair[1])),
            "{}",
            pair[1]
        );
    }
    assert!(60 < golden.reprs.len() / 2);
}

#[test]
fn equality_and_order_of_keys_are_cpythons() {
    let golden = golden();
    let values: Vec<Value> = golden.values.iter().map(|text| parse(text)).collect();
    for (left, equal) in values.iter().zip(&golden.equal) {
        for (at, right) in values.iter().enumerate() {
            let is_equal = equal.contains(&at);
            let found = Equality::Python.equal(left, right);
            assert_eq!(found, is_equal, "{left} == {right}");
            if Equality::Strict.equal(left, right) {
                assert!(
                    found && left.type_name() == right.type_name(),
                    "{left}, {right}"
                );
            }
            if left.is_hashable() && right.is_hashable() {
                let Value::Set(set) = Value::set(vec![left.clone(), right.clone()]) else {
                    panic!("no set");
                };
                assert_eq!(set.len() == 1, is_equal, "{{{left}, {right}}}");
            }
        }
    }
    // Canonical order is one order, wherever it begins.
    let hashable: Vec<Value> = values.into_iter().filter(Value::is_hashable).collect();
    let sorted = Value::set(hashable.clone());
    for at in 0..hashable.len() {
        let mut turned = hashable.clone();
        turned.rotate_left(at);
        assert!(Equality::Python.equal(&sorted, &Value::set(turned)));
    }
}

#[test]
fn strict_equality_looks_at_types_and_at_what_python_passes_over() {
    let cases = [
        ("...", "Ellipsis", true),
        ("range(3)", "range(0, 3, 1)", true),
        ("range(0, 2, 7)", "range(0, 2, 5)", true),
        ("Decimal('1.5')", "Decimal('1.50')", false),
        ("Decimal('1.50')", "Decimal('1.50')", true),
        ("Decimal('0')", "Decimal('-0')", false),
        ("Decimal('NaN')", "Decimal('NaN')", true),
        ("Decimal('NaN')", "Decimal('NaN1')", false),
        ("Decimal('1')", "1", false),
        ("Fraction(1, 2)", "Fraction(2, 4)", true),
        ("Fraction(1, 2)", "0.5", false),
        ("[Fraction(1)]", "[1]", false),
        ("Counter({'a': 1})", "{'a': 1}", false),
        ("Counter({'a': 1, 'b': 0})", "Counter({'a': 1})", false),
        (
            "Counter({'a': 1, 'b': 2})",
            "Counter({'b': 2, 'a': 1})",
            true,
        ),
        ("Counter({'a': 1})", "Counter({'a': 1.0})", false),
        ("OrderedDict(a=1, b=2)", "OrderedDict(a=1, b=2)", true),
        ("OrderedDict(a=1, b=2)", "OrderedDict(b=2, a=1)", false),
        ("OrderedDict(a=1)", "{'a': 1}", false),
        ("defaultdict(int, {1: 2})", "defaultdict(int, {1: 2})", true),
        (
            "defaultdict(int, {1: 2})",
            "defaultdict(str, {1: 2})",
            false,
        ),
        ("defaultdict(int, {1: 2})", "{1: 2}", false),
        ("deque([1])", "deque([1])", true),
        ("deque([1])", "deque([1], maxlen=3)", false),
        ("deque([1])", "[1]", false),
    ];
    for (left, right, is_equal) in cases {
        let found = Equality::Strict.equal(&parse(left), &parse(right));
        assert_eq!(found, is_equal, "{left}, {right}");
    }
    let nan = parse("nan");
    assert!(Equality::Python.equal(&nan, &parse("Decimal('sNaN3')")));
    assert!(!Equality::Strict.equal(&nan, &parse("Decimal('NaN')")));
}

#[test]
fn types_may_be_named_with_their_modules_and_factories_as_classes() {
    let cases = [
        ("collections.Counter(a=1)", "Counter({'a': 1})"),
        ("collections.OrderedDict()", "OrderedDict()"),
        (
            "collections.defaultdict(int)",
            "defaultdict(<class 'int'>, {})",
        ),
        ("collections.deque()", "deque([])"),
        ("decimal.Decimal('1')", "Decimal('1')"),
        ("fractions.Fraction(1, 2)", "Fraction(1, 2)"),
        ("OrderedDict(dict(a=1))", "OrderedDict({'a': 1})"),
        (
            r#"["defaultdict(<class 'int'>, {})", r'\', <class \'int\'>', """'"<class 'int'>""", defaultdict(<class 'int'>, {}), # <class 'int'>
            '#', defaultdict(<class 'str'>, {})]"#,
            r#"["defaultdict(<class 'int'>, {})", "\\', <class \\'int\\'>", '\'"<class \'int\'>', defaultdict(<class 'int'>, {}), '#', defaultdict(<class 'str'>, {})]"#,
        ),
    ];
    for (text, repr) in cases {
        assert_eq!(parse(text).to_string(), repr, "{text}");
    }
    let arguments = Arguments::parse("defaultdict(<class 'int'>, {1: 2}), k=Ellipsis").unwrap();
    assert_eq!(
        arguments.to_string(),
        "defaultdict(<class 'int'>, {1: 2}), k=Ellipsis"
    );
}

/// Of types that are values, but not as they are read.
const FORMS: &[&str] = &[
    "Decimal(1.5)",
    "Decimal('x')",
    "Decimal('1', None)",
    "Decimal('1E+1000000000000000000')",
    "Fraction(1, 0)",
    "Fraction('1/3')",
    "Fraction(1.5)",
    "Fraction()",
    "range()",
    "range(1, 2, 0)",
    "range('a')",
    "range(1, 2, 3, 4)",
    "Counter(['a', 'b'])",
    "Counter({}, {})",
    "OrderedDict([1])",
    "OrderedDict([(1, 2, 3)])",
    "OrderedDict({}, a=1)",
    "defaultdict(len)",
    "defaultdict(lambda: 0)",
    "defaultdict({})",
    "defaultdict(int, [(1, 2)])",
    "defaultdict(<class 'Own'>, {})",
    "deque('ab')",
    "deque([], -1)",
    "deque([], length=1)",
    "deque([], 1, 2)",
    "deque([], 9223372036854775808)",
];

/// What is no value, and what is said of it.
const SAID: &[(&str, &str)] = &[
    (
        "x",
        "the name x stands for no literal; write the value itself",
    ),
    (
        "<class 'int'>",
        "the name int stands for no literal; write the value itself",
    ),
    (
        "f(1)",
        "a call of f is not part of a literal; write the value that it gives",
    ),
    (
        "os.system('x')",
        "a call of os.system is not part of a literal; write the value that it gives",
    ),
    (
        "fractions.Decimal('1')",
        "a call of fractions.Decimal is not part of a literal; write the value that it gives",
    ),
    (
        "a.b",
        "an attribute is not part of a literal; write the value itself",
    ),
    (
        "a.b.c()",
        "an attribute is not part of a literal; write the value itself",
    ),
    (
        "....real",
        "an attribute is not part of a literal; write the value itself",
    ),
    (
        "Fraction(1, 0)",
        "this Fraction is in no form that is read; write Fraction(1, 3), whose denominator is not zero",
    ),
    (
        "{Counter(): 1}",
        "a Counter cannot be a dictionary key or a set element; use a tuple or a frozenset",
    ),
    (
        "{Decimal('sNaN')}",
        "a Decimal cannot be a dictionary key or a set element; use a tuple or a frozenset",
    ),
];

#[test]
fn other_forms_are_refused_in_words_that_say_what_is_there() {
    for text in FORMS {
        assert!(Value::parse_literal(text).is_err(), "{text}");
    }
    for text in &FORMS[..17] {
        let error = Value::parse_literal(text).unwrap_err();
        assert!(
            matches!(error, LiteralError::Form { .. }),
            "{text}: {error}"
        );
    }
    for (text, words) in SAID {
        let error = Value::parse_literal(text).unwrap_err();
        assert_eq!(error.to_string(), *words, "{text}");
    }
}

#[test]
fn the_text_of_a_decimal_is_bounded_and_its_exponent_is_never_expanded() {
    let longest = format!("Decimal('{}')", "9".repeat(4_300));
    assert_eq!(parse(&longest).to_string(), longest);
    assert!(Value::parse_literal(&format!("Decimal('{}')", "9".repeat(4_301))).is_err());
    let huge = parse("Decimal('1E+999999999999999999')");
    let tiny = parse("Decimal('1E-1999999999999999997')");
    for other in [
        "1",
        "-1",
        "1e308",
        "Fraction(1, 3)",
        "inf",
        "nan",
        "0",
        "5e-324",
    ] {
        for decimal in [&huge, &tiny] {
            assert!(
                !Equality::Python.equal(decimal, &parse(other)),
                "{decimal}, {other}"
            );
        }
    }
    // An integer that is longer than CPython prints is greater than all of them, and no part of anything.
    let long = format!("0x1{}", "0".repeat(1_000_000));
    let sorted = parse(&format!(
        "{{{long}, inf, Decimal('1E+1204119'), Decimal('1E+9999999'), 1}}"
    ));
    let expected = format!("{{1, Decimal('1E+1204119'), Decimal('1E+9999999'), {long}, inf}}");
    assert_eq!(sorted.to_string(), expected);
    for text in [format!("Fraction({long}, 3)"), format!("range({long})")] {
        assert!(Value::parse_literal(&text).is_err());
    }
    let sorted = parse(
        "{1e308, Decimal('1E+999999999999999999'), Decimal('1E-999999999999999999'), 0, 5e-324, inf, -inf}",
    );
    assert_eq!(
        sorted.to_string(),
        "{-inf, 0, Decimal('1E-999999999999999999'), 5e-324, 1e+308, Decimal('1E+999999999999999999'), inf}"
    );
}

#[test]
fn values_nest_as_deep_as_others() {
    for (open, close) in [
        ("deque([", "])"),
        ("Counter({1: ", "})"),
        ("defaultdict(<class 'int'>, {1: ", "})"),
        ("OrderedDict({1: ", "})"),
    ] {
        let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(parse(&nested(96)).to_string(), nested(96));
        assert!(Value::parse_literal(&nested(110)).is_err());
        assert!(Value::parse_literal(&nested(100_000)).is_err());
    }
}
