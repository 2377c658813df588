//! The figures of programs: equal to those of the tools whose rules they follow, and there for every text.

#[path = "metrics/cases.rs"]
mod cases;
#[path = "metrics/distance.rs"]
mod distance;

use std::collections::BTreeMap;

use azr_executor::metrics::{BlockKind, Halstead, Metrics, MetricsError, NodeKind, Shape};
use azr_executor::syntax::{SOURCE_BYTES_MAX, normalized_hash};
use proptest::prelude::*;

use cases::CASES;

fn metrics(program: &str) -> Metrics {
    Metrics::of(program).unwrap_or_else(|error| panic!("{error}:\n{program}"))
}

fn shape(program: &str) -> Shape {
    Shape::of(program).unwrap_or_else(|error| panic!("{error}:\n{program}"))
}

#[test]
fn cyclomatic_complexity_is_that_of_radon() {
    for case in CASES {
        let found = metrics(case.program).cyclomatic;
        let blocks: Vec<String> = found
            .blocks
            .iter()
            .map(|it| {
                let kind = match it.kind {
                    BlockKind::Function => "function",
                    BlockKind::Method => "method",
                    BlockKind::Class => "class",
                };
                format!("{kind} {}@{} {}", it.name, it.line, it.complexity)
            })
            .collect();
        let found = format!("{} | {}", blocks.join(", "), found.total);
        assert_eq!(found, case.cyclomatic, "{}", case.about);
    }
}

#[test]
fn cognitive_complexity_is_that_of_complexipy() {
    for case in CASES {
        let found = metrics(case.program).cognitive;
        let functions = found.functions.iter();
        let functions: Vec<String> = functions
            .map(|it| format!("{} {}", it.name, it.complexity))
            .collect();
        let found = format!("{} | {}", functions.join(", "), found.total);
        assert_eq!(found, case.cognitive, "{}", case.about);
    }
}

#[test]
fn operators_and_operands_are_those_of_radon() {
    for case in CASES {
        let found = metrics(case.program).halstead;
        let counts = [
            found.distinct_operators,
            found.distinct_operands,
            found.operators,
            found.operands,
        ];
        assert_eq!(counts, case.halstead, "{}", case.about);
    }
}

#[test]
fn nodes_and_depth_are_those_of_cpython() {
    for case in CASES {
        let found = shape(case.program);
        let tree = [found.nodes(), found.depth()];
        assert_eq!(tree, case.tree, "{}", case.about);
        let counted: usize = found.counts().map(|(_, count)| count).sum();
        assert_eq!(counted, found.nodes(), "{}", case.about);
    }
}

#[test]
fn nodes_are_counted_under_the_names_of_cpython() {
    let program = "class A(B, metaclass=C):\n    def f(self, *args, k: int = 1, **kw):\n        \
                   return f'{k:>{self}}' f'{k!r}' 'x' 'y'\nif a:\n    pass\nelif b:\n    pass\nelif c:\n    \
                   pass\nelse:\n    x = lambda: -1\n";
    let counts = shape(program).counts().map(|(kind, n)| (kind.name(), n));
    let expected = [
        ("Assign", 1),
        ("ClassDef", 1),
        ("Constant", 4),
        ("FormattedValue", 3),
        ("FunctionDef", 1),
        ("If", 3),
        ("JoinedStr", 2),
        ("Lambda", 1),
        ("Module", 1),
        ("Name", 10),
        ("Pass", 3),
        ("Return", 1),
        ("USub", 1),
        ("UnaryOp", 1),
        ("arg", 4),
        ("arguments", 2),
        ("keyword", 1),
    ];
    assert_eq!(counts.collect::<BTreeMap<_, _>>(), BTreeMap::from(expected));
    for (index, kind) in NodeKind::ALL.iter().enumerate() {
        assert_eq!(kind.index(), index, "{} is out of order", kind.name());
    }
}

#[test]
fn halstead_measures_follow_from_the_counts() {
    let program = "def f(x, y):\n    z = x * x + y * y\n    return -z if z < 100 else z // 2\n";
    let found = metrics(program).halstead;
    assert_eq!((found.vocabulary(), found.length()), (12, 17));
    let measures = [
        (found.calculated_length(), 31.261_124_928_840_04),
        (found.volume(), 60.944_362_512_259_66),
        (found.difficulty(), 3.928_571_428_571_428_4),
        (found.effort(), 239.424_281_298_162_92),
        (found.time_seconds(), 13.301_348_961_009_051),
        (found.bugs(), 0.020_314_787_504_086_555),
    ];
    for (at, (found, radon)) in measures.into_iter().enumerate() {
        assert!(
            (found - radon).abs() <= 1e-12 * radon,
            "measure {at} is {found}, radon says {radon}"
        );
    }
    let nothing = Halstead {
        distinct_operators: 0,
        distinct_operands: 0,
        operators: 0,
        operands: 0,
    };
    assert_eq!(metrics("pass").halstead, nothing);
    assert_eq!((nothing.effort(), nothing.calculated_length()), (0.0, 0.0));
}

#[test]
fn averages_and_greatest_values_are_over_blocks_and_functions() {
    let program = "def f(a):\n    return a and a\ndef g(a):\n    return 1\nclass A: pass\n";
    let found = metrics(program);
    assert_eq!(found.cyclomatic.average(), 4.0 / 3.0);
    assert_eq!((found.cyclomatic.max(), found.cognitive.max()), (2, 1));
    let none = metrics("x = 1");
    assert_eq!((none.cyclomatic.average(), none.cyclomatic.max()), (0.0, 0));
    assert_eq!(none.cognitive.max(), 0);
}

#[test]
fn lines_are_counted_whatever_ends_them() {
    for ending in ["\n", "\r", "\r\n"] {
        let lines = ["@g", "# def g", "@h(", "  1)", "", "def f(): pass", "x = 1"];
        let found = metrics(&lines.join(ending));
        let line = found.cyclomatic.blocks.first().map(|it| it.line);
        assert_eq!(line, Some(6), "lines that end with {ending:?}");
        assert_eq!(found.cognitive.functions[0].line, 6);
    }
}

#[test]
fn no_comment_exempts_a_function() {
    let program =
        "def f(x):  # complexipy: ignore\n    if x:  # noqa: complexipy\n        return 1\n";
    assert_eq!(metrics(program).cognitive.total, 1);
}

#[test]
fn the_hash_is_the_one_that_removes_duplicates() {
    for case in CASES {
        let hash = Some(metrics(case.program).normalized_hash);
        assert_eq!(hash, normalized_hash(case.program), "{}", case.about);
    }
}

#[test]
fn what_is_no_program_is_refused_with_a_reason() {
    assert_eq!(Metrics::of("def f(:"), Err(MetricsError::Invalid));
    assert_eq!(Metrics::of("type X = int"), Err(MetricsError::Invalid));
    let deep = "(".repeat(300);
    assert_eq!(Metrics::of(&deep), Err(MetricsError::TooDeep));
    let bytes = SOURCE_BYTES_MAX + 1;
    let large = "#".repeat(bytes);
    assert_eq!(Metrics::of(&large), Err(MetricsError::TooLarge { bytes }));
    assert!(Metrics::of("").is_ok(), "an empty module is a program");
}

/// As deep as the parser is let go, in every way to be deep.
#[test]
fn the_deepest_programs_do_not_run_out_of_stack() {
    let nest = |open: &str, middle: &str, close: &str, levels: usize| {
        format!("{}{middle}{}", open.repeat(levels), close.repeat(levels))
    };
    let blocks = |head: &str, levels: usize| {
        let lines = (0..levels).map(|level| format!("{}{head}\n", " ".repeat(level)));
        lines.collect::<String>() + &" ".repeat(levels) + "pass\n"
    };
    let programs = [
        nest("-", "x", "", 5_900),
        nest("not ", "x", "", 5_900),
        nest("lambda: ", "x", "", 2_900),
        nest("", "x", " + x", 2_900),
        nest("", "x", ".a", 2_900),
        nest("", "x", "()", 2_900),
        nest("x if x else ", "x", "", 1_400),
        nest("x ** ", "x", "", 2_900),
        nest("[", "", "]", 190),
        nest("(x and (x or ", "x", "))", 95),
        nest("[x for x in ", "x", "]", 190),
        blocks("if x:", 900),
        blocks("def f():", 900),
        blocks("class A:", 900),
        blocks("while x:", 900),
        blocks("with x:", 900),
        blocks("async def f(a=lambda: 1):", 900),
        "if x: pass\n".to_owned() + &"elif x: pass\n".repeat(20_000),
    ];
    for program in programs {
        let start: String = program.chars().take(40).collect();
        let found = Metrics::of(&program);
        assert!(found.is_ok(), "{found:?}: {start}");
    }
    let deep = metrics(&nest("-", "x", "", 5_900));
    assert_eq!(deep.shape.depth(), 5_903, "every level was seen");
}

/// Words that make and break programs.
fn soup() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "def f(x):",
        "class A:",
        "if x:",
        "elif",
        "else:",
        "for x in",
        "while",
        "try:",
        "except* E:",
        "match x:",
        "case _:",
        "with a as b:",
        "async ",
        "lambda x=1:",
        "@g",
        "return",
        "yield",
        "await",
        "f'{",
        "x!r:>{w}",
        "}'",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        "=",
        ":=",
        "+",
        "-=",
        "not",
        "and",
        "or",
        "is",
        "in",
        "**",
        "*",
        ".",
        "...",
        "x",
        "1",
        "1e999",
        "0x",
        "1_0",
        "'s'",
        "b''",
        "\n",
        "\n    ",
        "\n        ",
        "\r",
        "#",
        "\\\n",
        ";",
        "\t",
        "\u{e9}",
        "\u{0}",
        "pass",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|it| it.join(" "))
}

/// A part of a real program, cut anywhere.
fn piece() -> impl Strategy<Value = String> {
    let case = prop::sample::select(CASES.iter().map(|it| it.program).collect::<Vec<_>>());
    (
        case,
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
    )
        .prop_map(|(it, from, to)| {
            let (from, to) = (from.index(it.len()), to.index(it.len()));
            it[from.min(to)..from.max(to)].to_owned()
        })
}

proptest! {
    #[test]
    fn every_text_has_metrics_or_a_reason(text in prop_oneof![".*", "\\PC*", soup(), piece()]) {
        if let Ok(found) = Metrics::of(&text) {
            prop_assert!(1 <= found.shape.depth() && found.shape.depth() <= found.shape.nodes());
            prop_assert!(1 <= found.cyclomatic.total);
            prop_assert!(found.halstead.distinct_operands <= found.halstead.operands);
            prop_assert!(found.halstead.effort().is_finite());
        }
    }
}
