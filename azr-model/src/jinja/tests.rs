//! Templates come to an end: no panic, no endless loop, no growing memory, and no full stack, whatever is written.

use super::data::Data;
use super::fault::{Fault, Limit};
use super::*;
use proptest::prelude::*;

fn outcome(source: &str) -> Result<String, Fault> {
    let message = Data::Object(vec![("role".to_owned(), "user".into())]);
    let variables = [("messages", Data::List(vec![message]))];
    Template::new(source)
        .and_then(|it| it.render(&variables, CivilTime::UNLESS_SET))
        .map_err(|it| it.fault)
}

#[test]
fn depth_is_bounded_wherever_a_template_can_be_deep() {
    let n = 20_000;
    let deep = |open: &str, middle: &str, close: &str| {
        format!("{}{middle}{}", open.repeat(n), close.repeat(n))
    };
    let sources = [
        format!("{{{{ {} }}}}", deep("(", "1", ")")),
        format!("{{{{ {} }}}}", deep("[", "1", "]")),
        format!("{{{{ {} }}}}", deep("{1: ", "1", "}")),
        format!("{{{{ {} }}}}", deep("not ", "1", "")),
        format!("{{{{ {} }}}}", deep("- ", "1", "")),
        format!("{{{{ {} }}}}", deep("1 + ", "1", "")),
        format!("{{{{ {} }}}}", deep("1 if 1 else ", "1", "")),
        format!("{{{{ x{} }}}}", ".a".repeat(n)),
        format!("{{{{ x{} }}}}", "|e".repeat(n)),
        format!("{{{{ x{} }}}}", "()".repeat(n)),
        format!("{{{{ x{} }}}}", "[0]".repeat(n)),
        format!("{{{{ x{} }}}}", " or 1".repeat(n)),
        deep("{% if 1 %}", "", "{% endif %}"),
        deep("{% for a in [1] %}", "", "{% endfor %}"),
        deep("{% filter upper %}", "", "{% endfilter %}"),
        format!("{{% for {} in [1] %}}{{% endfor %}}", deep("(", "a", ")")),
        format!("{{% set x{} %}}a{{% endset %}}", "|upper".repeat(n)),
    ];
    for source in sources {
        let found = outcome(&source);
        assert_eq!(found, Err(Fault::Beyond(Limit::Depth)), "{}", &source[..60]);
    }
    let long = format!("{{{{ {}1 }}}}", "1 ~ ".repeat(n));
    assert_eq!(outcome(&long).unwrap().len(), n + 1);
}

#[test]
fn values_cannot_grow_deep_long_or_forever() {
    let cases = [
        (
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            Limit::Depth,
        ),
        (
            "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
            Limit::Depth,
        ),
        (
            "{% set n = namespace(x=1) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% endfor %}",
            Limit::Nesting,
        ),
        (
            "{% set n = namespace(x='a') %}{% for i in range(9999) %}{% set n.x = n.x | map('e') %}{% endfor %}",
            Limit::Nesting,
        ),
        (
            "{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
            Limit::Bytes,
        ),
        (
            "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
            Limit::Bytes,
        ),
        ("{{ 'a' * 10 ** 12 }}", Limit::Bytes),
        ("{{ [1] * 10 ** 12 }}", Limit::Bytes),
        ("{{ 'a' | center(10 ** 9) }}", Limit::Bytes),
        ("{{ '%999999999d' % 1 }}", Limit::Bytes),
        ("{{ '{:999999999}'.format(1) }}", Limit::Bytes),
        (
            "{% set a = 'a' * 10 ** 6 %}{{ a | replace('a', a) }}",
            Limit::Bytes,
        ),
        ("{{ 9 ** 99999 }}", Limit::Digits),
        (
            "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
            Limit::Steps,
        ),
        ("{{ [1] | slice(10 ** 12) | list }}", Limit::Steps),
    ];
    for (source, limit) in cases {
        assert_eq!(outcome(source), Err(Fault::Beyond(limit)), "{source}");
    }
}

#[test]
fn what_refers_to_itself_is_let_go() {
    let sources = [
        "{% set n = namespace() %}{% macro f() %}{% endmacro %}{% set n.f = f %}{{ n.f() }}",
        "{% set n = namespace() %}{% for i in [1] recursive %}{% set n.l = loop %}{% endfor %}x",
        "{% set n = namespace() %}{% for i in [1, 2] if n %}{% set n.l = loop %}{% endfor %}x",
    ];
    for source in sources {
        assert!(outcome(source).is_ok(), "{source}");
    }
    assert!(outcome("{% set n = namespace() %}{% set n.n = [n] %}").is_err());
}

/// Pieces of templates, so that what is put together is often one.
const PIECES: [&str; 48] = [
    "{{ ",
    " }}",
    "{%- ",
    " -%}",
    "{% if x %}",
    "{% endif %}",
    "{% for x in messages %}",
    "{% endfor %}",
    "{% set x = ",
    " %}",
    "{% macro f(a, b=1) %}",
    "{% endmacro %}",
    "f(1, 2)",
    "{% call f() %}",
    "{% endcall %}",
    "loop.index",
    "caller()",
    "x",
    "messages",
    "[0]",
    ".role",
    " | map('upper')",
    " | list",
    " | tojson",
    " is defined",
    " + ",
    " % ",
    " ** ",
    " ~ ",
    "'%s'",
    "'é\\n'",
    "1.5",
    "7",
    "(",
    ")",
    "[",
    "]",
    "{'a': 1}",
    ", ",
    "not ",
    " if ",
    " else ",
    "{# c #}",
    "{% raw %}",
    "{% endraw %}",
    "\n",
    ":-1",
    " | batch(2) | list",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_pieces_end_in_a_text_or_an_error(
        picked in prop::collection::vec(0..PIECES.len(), 0..14)
    ) {
        let source: String = picked.iter().map(|at| PIECES[*at]).collect();
        let _ = outcome(&source);
        let _ = outcome(&format!("{{{{ {source} }}}}"));
    }

    #[test]
    fn any_text_ends_in_a_text_or_an_error(source in "[{}%#a-z'\\\\ ().|\\[\\]\\-+0-9é\n]{0,60}") {
        let _ = outcome(&source);
    }
}
