//! Literals, their text and their equality, against what CPython 3.11 prints and says.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

use azr_executor::value::{LiteralError, VALUE_DEPTH_MAX};
use azr_executor::{Arguments, Equality, Value};
use proptest::prelude::*;

#[path = "value/any_value.rs"]
mod any_value;
use any_value::any_value;

fn parse(text: &str) -> Value {
    Value::parse_literal(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[test]
fn the_repr_of_a_parsed_literal_is_cpythons() {
    let cases = [
        ("None", "None"),
        ("[True,False]", "[True, False]"),
        ("-0", "0"),
        ("1_000", "1000"),
        ("0xff", "255"),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
        ("-0x1_0000_0000_0000_0000", "-18446744073709551616"),
        ("0b1", "1"),
        ("1.0", "1.0"),
        ("1e16", "1e+16"),
        ("9999999999999998.0", "9999999999999998.0"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("1.5e-7", "1.5e-07"),
        ("-1.5e300", "-1.5e+300"),
        ("1e400", "inf"),
        ("5e-324", "5e-324"),
        ("0.1", "0.1"),
        ("142349470121790.125", "142349470121790.12"),
        ("123456.75", "123456.75"),
        ("-0.0", "-0.0"),
        ("float('nan')", "nan"),
        ("-inf", "-inf"),
        ("float('-Infinity')", "-inf"),
        ("2j", "2j"),
        ("-2j", "(-0-2j)"),
        ("1+2j", "(1+2j)"),
        ("1.5-2.25j", "(1.5-2.25j)"),
        ("1e20+0j", "(1e+20+0j)"),
        ("nanj", "nanj"),
        ("(1+nanj)", "(1+nanj)"),
        ("(1-infj)", "(1-infj)"),
        ("'it''s'", "'its'"),
        (r#""it's""#, r#""it's""#),
        (r#"'a"\'b'"#, r#"'a"\'b'"#),
        (
            r"'\\ \n\r\t\x00\x7f\xad é 日 \u200b \ue000 \U0001f600 \U000e0001'",
            r"'\\ \n\r\t\x00\x7f\xad é 日 \u200b \ue000 😀 \U000e0001'",
        ),
        (r"r'\d'", r"'\\d'"),
        ("'\\N{BULLET}'", "'•'"),
        ("'''a\r\nb\rc'''", r"'a\nb\nc'"),
        (r#"b'\x00\xff\'"'"#, r#"b'\x00\xff\'"'"#),
        (r#"b"it's""#, r#"b"it's""#),
        ("()", "()"),
        ("(1,)", "(1,)"),
        ("1, 2", "(1, 2)"),
        ("[\n1,\n2 # two\n]", "[1, 2]"),
        ("{}", "{}"),
        ("{1: 'a', True: 'b', 2: 'c', 1.0: 'd'}", "{1: 'd', 2: 'c'}"),
        ("{3, 1, 2, 1.0}", "{1, 2, 3}"),
        ("{'b', 'a'}", "{'a', 'b'}"),
        ("set()", "set()"),
        ("frozenset()", "frozenset()"),
        ("frozenset({2, 1})", "frozenset({1, 2})"),
        ("{frozenset([1]), (1, 'x')}", "{(1, 'x'), frozenset({1})}"),
        ("dict(a=1, b=[2])", "{'a': 1, 'b': [2]}"),
        ("  [1]\n", "[1]"),
    ];
    for (text, repr) in cases {
        assert_eq!(parse(text).to_string(), repr, "{text}");
    }
}

#[test]
fn nothing_that_has_to_be_evaluated_is_a_literal() {
    let texts = [
        "",
        "x",
        "f(1)",
        "1 + 1",
        "9**9**9",
        "1 if True else 2",
        "not True",
        "~1",
        "lambda: 1",
        "[x for x in (1,)]",
        "f'{1}'",
        "__import__('os')",
        "(1).real",
        "[1][0]",
        "(1)(2)",
        "{**{}}",
        "[*(1,)]",
        "1 == 1",
        "1; 2",
        "x := 1",
        "(yield)",
        "type('X', (), {})()",
        "set([[]])",
        "{[]: 1}",
        "{{}}",
        "1) or (True",
        "frozenset('ab')",
        "float('1')",
        "dict([(1, 2)])",
        "'\\ud800'",
        "'a' b'b'",
        "1 2",
        "(",
        ")",
        "[)",
        "'",
        "\0",
        "1 <> 2",
        "`1`",
        "dict(**{})",
        "True + 1j",
        "1j + 1",
        "'a' + 'b'",
        "-'a'",
        "0777",
        "1__0",
        "$",
        "\\",
        "print",
        "nan()",
    ];
    for text in texts {
        assert!(
            Value::parse_literal(text).is_err(),
            "{text:?} was read as {:?}",
            Value::parse_literal(text)
        );
    }
}

#[test]
fn arguments_are_positional_and_keyword_literals_and_nothing_can_leave_the_call() {
    let read = |text: &str| {
        Arguments::parse(text)
            .unwrap_or_else(|error| panic!("{text:?}: {error}"))
            .to_string()
    };
    assert_eq!(read(""), "");
    assert_eq!(read("1  # one"), "1");
    assert_eq!(read("(1, 2), 'b',"), "(1, 2), 'b'");
    assert_eq!(read("1,\n  k = {2}"), "1, k={2}");
    let refused = [
        "1) or (True",
        "1)\n(2",
        "*[1]",
        "**{}",
        "a=1, a=2",
        "a=1, 2",
        "x for x in (1,)",
        "1)#",
        ")",
        "f(1)",
    ];
    for text in refused {
        assert!(Arguments::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn no_shape_of_text_is_too_deep_for_the_parser() {
    let shapes: [(&str, &str); 12] = [
        ("(", ")"),
        ("[", "]"),
        ("{1:", "}"),
        ("-", ""),
        ("not ", ""),
        ("lambda:", ""),
        ("1**", ""),
        ("a.", ""),
        ("1<", ""),
        ("f(", ")"),
        ("frozenset({", "})"),
        ("-(", ")"),
    ];
    for (open, close) in shapes {
        for depth in [150, 100_000] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let read = Value::parse_literal(&text);
            assert!(
                read.is_err() || open == "(" || open == "-(",
                "{open} {depth}"
            );
            assert!(Value::parse_literal(&open.repeat(depth)).is_err());
            let _ = Arguments::parse(&text);
        }
    }
    assert!(matches!(
        Value::parse_literal(&"-".repeat(60_000)),
        Err(LiteralError::TooDeep)
    ));
}

#[test]
fn values_nest_exactly_as_deep_as_the_limit_says() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Value::parse_literal(&nested(VALUE_DEPTH_MAX)).is_ok());
    assert!(Value::parse_literal(&nested(VALUE_DEPTH_MAX + 8)).is_err());
    let frozen = format!(
        "{}1{}",
        "frozenset({".repeat(VALUE_DEPTH_MAX),
        "})".repeat(VALUE_DEPTH_MAX)
    );
    assert_eq!(parse(&frozen).to_string(), frozen);
}

#[test]
fn an_integer_has_cpythons_limit_of_digits() {
    assert!(Value::parse_literal(&"9".repeat(4_300)).is_ok());
    assert!(matches!(
        Value::parse_literal(&"9".repeat(4_301)),
        Err(LiteralError::IntegerTooLong { digits: 4_301 })
    ));
    let hexadecimal = format!("0x{}", "f".repeat(10_000));
    assert_eq!(parse(&hexadecimal).to_string(), hexadecimal);
    assert_eq!(parse(&"9".repeat(4_300)).to_string(), "9".repeat(4_300));
}

#[test]
fn equality_follows_python_and_strict_follows_the_types() {
    let (python, strict) = (Equality::Python, Equality::Strict);
    let cases: [(&str, &str, bool, bool); 26] = [
        ("1", "1.0", true, false),
        ("True", "1", true, false),
        ("1", "1+0j", true, false),
        ("2", "True", false, false),
        ("-0.0", "0.0", true, true),
        ("nan", "nan", true, true),
        ("nan", "1.0", false, false),
        ("[nan, 1]", "[nan, 1]", true, true),
        ("9007199254740993", "9007199254740992.0", false, false),
        ("9007199254740992", "9007199254740992.0", true, false),
        ("1e22", "10000000000000000000000", true, false),
        ("0.5", "0", false, false),
        ("-0.5", "0", false, false),
        ("[1]", "(1,)", false, false),
        ("{1: 2, 3: 4}", "{3: 4, 1: 2}", true, true),
        ("{1: 2}", "{True: 2.0}", true, false),
        ("{1: 2}", "{1: 3}", false, false),
        ("{1, 2}", "{2, 1}", true, true),
        ("{1, 2}", "frozenset({1, 2})", true, false),
        ("{1}", "{1, 2}", false, false),
        ("'a'", "b'a'", false, false),
        ("None", "0", false, false),
        ("inf", "inf", true, true),
        ("inf", "-inf", false, false),
        ("{(1, 2.0)}", "{(True, 2)}", true, false),
        ("1+2j", "1+2j", true, true),
    ];
    for (left, right, as_python, as_strict) in cases {
        let (a, b) = (parse(left), parse(right));
        assert_eq!(python.equal(&a, &b), as_python, "{left} == {right}");
        assert_eq!(python.equal(&b, &a), as_python, "{right} == {left}");
        assert_eq!(strict.equal(&a, &b), as_strict, "{left} is {right}");
    }
}

#[test]
fn sets_of_sets_are_put_in_order_once_a_level() {
    // Each is a set of the last two of these; comparing them anew at each level would never end.
    let (mut sets, mut chain) = (parse("0"), parse("1"));
    for _ in 0..90 {
        sets = Value::frozen_set(vec![sets, chain.clone()]);
        chain = Value::frozen_set(vec![chain]);
    }
    let read = parse(&sets.to_string());
    assert!(Equality::Strict.equal(&sets, &read) && Equality::Python.equal(&read, &sets));
}

#[test]
fn values_and_arguments_travel_as_text() {
    let arguments = Arguments::parse("1, 'a', k=[2.5]").unwrap();
    let json = serde_json::to_string(&arguments).unwrap();
    assert_eq!(json, r#""1, 'a', k=[2.5]""#);
    assert_eq!(serde_json::from_str::<Arguments>(&json).unwrap(), arguments);
    assert!(serde_json::from_str::<Value>(r#""open('x')""#).is_err());
}

proptest! {
    #[test]
    fn every_value_reads_back_from_its_repr(value in any_value()) {
        let read = parse(&value.to_string());
        prop_assert!(Equality::Strict.equal(&value, &read), "{value} was read as {read}");
    }

    #[test]
    fn equality_is_an_equivalence(a in any_value(), b in any_value()) {
        prop_assert!(Equality::Strict.equal(&a, &a) && Equality::Python.equal(&a, &a));
        prop_assert_eq!(Equality::Python.equal(&a, &b), Equality::Python.equal(&b, &a));
        prop_assert!(!Equality::Strict.equal(&a, &b) || Equality::Python.equal(&a, &b));
    }

    #[test]
    fn no_text_makes_the_literal_parser_panic(text in any::<String>(), soup in "[-+()\\[\\]{},:='\"a-z0-9.#\\\\\n ]{0,60}") {
        let _ = Value::parse_literal(&text);
        let _ = Arguments::parse(&text);
        if let Ok(value) = Value::parse_literal(&soup) {
            prop_assert!(Equality::Strict.equal(&value, &parse(&value.to_string())));
        }
        let _ = Arguments::parse(&soup);
    }
}

#[test]
fn a_surrogate_is_refused_where_it_is_one_and_nowhere_else() {
    for text in [
        r"'\ud800'",
        r"'a\\\udfff'",
        r"'a' r'\ud800' '\udb71'",
        r"'\U0000dc00'",
    ] {
        assert!(Value::parse_literal(text).is_err(), "{text}");
    }
    // What looks like one is a backslash and letters, beside the character that a parser puts in a surrogate's place.
    for text in [
        "'\\\\udb71 \u{fffd}'",
        "r'\\udb71 \u{fffd}'",
        "'\u{fffd}' r'\\ud800'",
        r"'\ufffd'",
    ] {
        let value = Value::parse_literal(text).unwrap();
        let back = Value::parse_literal(&value.to_string()).unwrap();
        assert!(Equality::Strict.equal(&value, &back), "{text}");
    }
}
