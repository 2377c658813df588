//! Values of the standard library's types, in all backends: given to programs, returned by them, and read without running
//! any of their code.
// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]

// Other tests need the rest of it.
#[allow(dead_code)]
mod jobs;

use azr_executor::testing::{self, Case, Expected, permitted_backends};
use azr_executor::{Arguments, Limit, Outcome, Sandbox, Scrutiny};
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

fn withstand(cases: &[(&str, Expected)]) {
    let cases: Vec<Case> = cases
        .iter()
        .map(|&(program, expected)| Case {
            promise: program,
            program,
            input: "1",
            scrutiny: Scrutiny::Run,
            expected,
        })
        .collect();
    for backend in permitted_backends() {
        testing::withstand(&start(1, backend), &cases);
    }
}

const UNSUPPORTED: Expected = Expected::Class("UnsupportedType");

/// An import, an expression, and the name of the type of what it gives.
const NO_VALUES: &[(&str, &str, &str)] = &[
    (
        "import collections",
        "collections.namedtuple('P', 'a')(1)",
        "P",
    ),
    ("import enum", "enum.Enum('Hue', 'RED')['RED']", "Hue"),
    (
        "import dataclasses",
        "dataclasses.make_dataclass('Data', ['a'])(1)",
        "Data",
    ),
    (
        "import collections",
        "type('Own', (collections.Counter,), {})('aab')",
        "Own",
    ),
    (
        "import collections",
        "type('Own', (collections.OrderedDict,), {})()",
        "Own",
    ),
    (
        "import collections",
        "type('Own', (collections.defaultdict,), {})(int)",
        "Own",
    ),
    (
        "import collections",
        "type('Own', (collections.deque,), {})()",
        "Own",
    ),
    (
        "import decimal",
        "type('Own', (decimal.Decimal,), {})(1)",
        "Own",
    ),
    (
        "import fractions",
        "type('Own', (fractions.Fraction,), {})(1)",
        "Own",
    ),
    ("", "{1: 2}.keys()", "dict_keys"),
    ("", "{1: 2}.items()", "dict_items"),
    (
        "import collections",
        "collections.OrderedDict(a=1).values()",
        "odict_values",
    ),
    ("import collections", "collections.ChainMap({})", "ChainMap"),
    (
        "import collections",
        "collections.defaultdict(lambda: 0)",
        "defaultdict",
    ),
    (
        "import collections",
        "collections.defaultdict(len)",
        "defaultdict",
    ),
    ("import datetime", "datetime.date(2026, 12, 1)", "date"),
];

#[test]
fn what_programs_define_themselves_is_named_and_no_value() {
    for backend in permitted_backends() {
        let sandbox = start(1, backend);
        for (import, expression, name) in NO_VALUES {
            let program = format!("{import}\ndef f(x):\n    return [{expression}]\n");
            let report = sandbox
                .run(&job(&program, &["1"], Scrutiny::Run, 60_000))
                .unwrap();
            let [Outcome::Raised(exception)] = &report.outcomes[..] else {
                panic!("{backend}, {expression}: {report:?}");
            };
            assert_eq!(
                exception.class, "UnsupportedType",
                "{backend}, {expression}"
            );
            assert_eq!(exception.message, *name, "{backend}, {expression}");
        }
    }
}

/// A function that never returns, for whoever calls what a program left.
const HANG: &str = "import collections, decimal, fractions, sys\nfrom collections import *\nfrom fractions import Fraction\nfrom decimal import Decimal\ndef hang(*a, **k):\n    while True: pass\n";

fn with_hang(cases: &[(&str, Expected)]) {
    let programs: Vec<_> = cases.iter().map(|it| format!("{HANG}{}", it.0)).collect();
    let cases: Vec<_> = programs
        .iter()
        .zip(cases)
        .map(|(program, it)| (program.as_str(), it.1))
        .collect();
    withstand(&cases);
}

#[test]
fn no_method_that_a_program_can_change_is_called() {
    with_hang(&[
        (
            "def f(x):\n    v = Fraction(2, 6)\n    for n in [*vars(Fraction)]:\n        if n not in ('__class__', '__slots__', '__doc__', '__module__', '__dict__', '__weakref__'):\n            setattr(Fraction, n, hang)\n    Fraction._numerator = Fraction.numerator = property(hang)\n    return v",
            Expected::Value("Fraction(1, 3)"),
        ),
        (
            "def f(x):\n    v = Counter('aab')\n    for n in ('__len__', '__iter__', 'items', 'keys', 'most_common', '__repr__', '__missing__', '__getitem__', '__eq__', '__bool__', '__getattribute__'):\n        setattr(Counter, n, hang)\n    return v",
            Expected::Value("Counter({'a': 2, 'b': 1})"),
        ),
        (
            "def f(x):\n    v = Counter('a'), OrderedDict(b=1), deque([2]), Decimal('3'), Fraction(4)\n    for m in (collections, decimal, fractions):\n        vars(m).clear()\n    sys.modules.clear()\n    return v",
            Expected::Value(
                "(Counter({'a': 1}), OrderedDict({'b': 1}), deque([2]), Decimal('3'), Fraction(4, 1))",
            ),
        ),
        (
            "class Counter(dict): pass\ncollections.Counter = Counter\ndef f(x):\n    return Counter(a=1)",
            UNSUPPORTED,
        ),
        (
            "class K:\n    pass\ndef f(x):\n    v = OrderedDict({K(): 1})\n    K.__hash__ = K.__eq__ = hang\n    return v",
            UNSUPPORTED,
        ),
        (
            "class K:\n    pass\ndef f(x):\n    v = OrderedDict({(1, frozenset([K()])): 1})\n    K.__hash__ = K.__eq__ = hang\n    return v",
            UNSUPPORTED,
        ),
        (
            "class K(str):\n    pass\ndef f(x):\n    v = OrderedDict({K('a'): 1})\n    K.__hash__ = K.__eq__ = hang\n    return v",
            UNSUPPORTED,
        ),
        (
            "def f(x):\n    v = OrderedDict({Fraction(1, 3): 1})\n    Fraction.__hash__ = Fraction.__eq__ = hang\n    return v",
            UNSUPPORTED,
        ),
        (
            "class K:\n    pass\ndef f(x):\n    v = defaultdict(int, {K(): 1}), Counter({K(): 1})\n    K.__hash__ = K.__eq__ = hang\n    return v",
            UNSUPPORTED,
        ),
        (
            "class F:\n    __hash__ = __eq__ = __call__ = hang\ndef f(x):\n    return defaultdict(F())",
            UNSUPPORTED,
        ),
        (
            "class M(type):\n    __hash__ = __eq__ = hang\nclass A(metaclass=M):\n    pass\ndef f(x):\n    return A()",
            UNSUPPORTED,
        ),
        (
            "class I(int):\n    __index__ = __lt__ = __eq__ = __hash__ = hang\ndef f(x):\n    return range(I(1), I(3)), deque([], I(2))",
            Expected::Value("(range(1, 3), deque([], maxlen=2))"),
        ),
    ]);
}

#[test]
fn what_a_program_put_into_a_value_is_that_or_refused() {
    with_hang(&[
        (
            "def f(x):\n    v = OrderedDict(a=1, b=2, c=3)\n    v.move_to_end('a')\n    v['b'] = 4\n    return v",
            Expected::Value("OrderedDict({'b': 4, 'c': 3, 'a': 1})"),
        ),
        (
            "def f(x):\n    v = OrderedDict(a=1)\n    dict.__setitem__(v, 'b', 2)\n    return v",
            UNSUPPORTED,
        ),
        (
            "def f(x):\n    v = OrderedDict(a=1, b=2)\n    dict.__delitem__(v, 'b')\n    return v",
            UNSUPPORTED,
        ),
        (
            "def f(x):\n    v = OrderedDict(a=1, b=2)\n    dict.__delitem__(v, 'a')\n    return v",
            UNSUPPORTED,
        ),
        (
            "def f(x):\n    v = OrderedDict(a=1, b=2)\n    dict.clear(v)\n    return v",
            UNSUPPORTED,
        ),
        (
            "def f(x):\n    v = OrderedDict({(1, frozenset([2, ...])): 1, range(3): 2, 1.5: 3, 2j: 4, b'': 5})\n    v.move_to_end(1.5, False)\n    return v",
            Expected::Value(
                "OrderedDict({1.5: 3, (1, frozenset({2, Ellipsis})): 1, range(0, 3): 2, 2j: 4, b'': 5})",
            ),
        ),
    ]);
}

#[test]
fn parts_of_numbers_are_integers_and_everything_has_its_limit() {
    with_hang(&[
        (
            "def f(x):\n    v = Fraction(1, 2)\n    v._numerator = True\n    return v",
            UNSUPPORTED,
        ),
        (
            "def f(x):\n    v = Fraction(1, 2)\n    v._denominator = 2.0\n    return v",
            UNSUPPORTED,
        ),
        (
            "def f(x):\n    v = Fraction(1, 2)\n    v._denominator = 0\n    return v",
            UNSUPPORTED,
        ),
        (
            "def f(x):\n    v = Fraction(1, 2)\n    del v._denominator\n    return v",
            UNSUPPORTED,
        ),
        (
            "def f(x):\n    v = Fraction(1, 2)\n    v._numerator = 6\n    return v",
            Expected::Value("Fraction(3, 1)"),
        ),
        (
            "def f(x):\n    return Fraction(1, 10 ** 4300)",
            Expected::Class("ValueError"),
        ),
        (
            "def f(x):\n    return range(10 ** 4300)",
            Expected::Class("ValueError"),
        ),
        (
            "def f(x):\n    return Decimal('1' * 4300)",
            Expected::Status(&["ok"]),
        ),
        ("def f(x):\n    return Decimal('1' * 4301)", UNSUPPORTED),
        (
            "def f(x):\n    return Decimal('1E+999999999999999999'), Decimal('-sNaN7')",
            Expected::Value("(Decimal('1E+999999999999999999'), Decimal('-sNaN7'))"),
        ),
        (
            "def f(x):\n    decimal.getcontext().capitals = 0\n    decimal.getcontext().prec = 1\n    return Decimal('12E+9')",
            Expected::Value("Decimal('1.2E+10')"),
        ),
        (
            "def f(x):\n    v = deque()\n    v.append(v)\n    return v",
            UNSUPPORTED,
        ),
        (
            "def f(x):\n    return deque(range(100001))",
            Expected::Limit(Limit::Output),
        ),
        (
            "def f(x):\n    return Counter(range(60000))",
            Expected::Limit(Limit::Output),
        ),
        (
            "def f(x):\n    return [Fraction(1, 2)] * 40000",
            Expected::Limit(Limit::Output),
        ),
        (
            "def f(x):\n    t = frozenset([1])\n    for _ in range(40):\n        t = frozenset([t, frozenset([t])])\n    return OrderedDict({t: 1})",
            Expected::Limit(Limit::Output),
        ),
        (
            "def f(x):\n    v = defaultdict(list)\n    v['a'].append(1)\n    v.default_factory = None\n    return v",
            Expected::Value("defaultdict(None, {'a': [1]})"),
        ),
    ]);
}
