//! Small chat templates render what transformers renders from them, or are refused by name (`golden/chat_templates.py`).

// The example needs the rest of it.
#[allow(dead_code)]
#[path = "../examples/check_templates/compare.rs"]
mod compare;

use compare::{Golden, Outcome};

/// What is refused though transformers renders it: a part of the template, and a part of the words that name it.
const REFUSED: [(&str, &str); 25] = [
    (r"\N{BULLET}", r"\N{...} in a string"),
    ("swapcase()", "str.swapcase of text that is not ASCII"),
    ("isalpha()", "str.isalpha of text that is not ASCII"),
    ("striptags", "striptags of text with '&'"),
    ("[2, 1] | truncate", "truncate of a list"),
    ("1e400", "the expression 1e400"),
    ("1e308 * 10", "a float that is not finite"),
    ("'inf' | float", "a float that is not finite"),
    ("(-8) ** 0.5", "a complex number"),
    ("1 is sameas 1", "sameas of a int"),
    ("encode()", "str.encode"),
    ("'%c'", "the format %c"),
    ("'%a'", "the format %a"),
    ("d=', ', d=1", "keyword argument repeated: d"),
    ("batch(0)", "batch(0)"),
    ("pprint", "the filter pprint"),
    ("random", "the filter random"),
    ("urlize", "the filter urlize"),
    ("wordwrap", "the filter wordwrap"),
    ("{% block a %}", "the tag block"),
    ("{% autoescape true %}", "the tag autoescape"),
    ("{% include 'x' %}", "the tag include"),
    ("1.real", "int.real"),
    ("|{{ self }}|", "the expression self"),
    ("{{ ﬁ }}", "the expression ﬁ"),
];

fn golden() -> Golden {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../golden/chat_templates.json");
    let text = std::fs::read_to_string(path).expect("chat_templates.json");
    serde_json::from_str(&text).expect("cases")
}

#[test]
fn every_text_is_that_of_transformers_or_refused_by_name() {
    let golden = golden();
    let mut equal = 0;
    let mut used = [false; REFUSED.len()];
    for it in golden.compare() {
        let source = &golden.templates[it.template];
        match it.outcome {
            Outcome::Equal => equal += 1,
            Outcome::BothRefuse => {}
            Outcome::Refused => {
                let words = it.found.as_ref().expect_err("it is refused");
                let known = REFUSED
                    .iter()
                    .position(|(part, name)| source.contains(part) && words.contains(name));
                match known {
                    Some(at) => used[at] = true,
                    None => panic!("{source:?} is refused: {words}; expected {:?}", it.expected),
                }
            }
            Outcome::Different => panic!(
                "{source:?}: expected {:?}, found {:?}",
                it.expected, it.found
            ),
        }
    }
    assert!(700 < equal, "only {equal} texts are equal");
    for (refused, is_used) in REFUSED.iter().zip(used) {
        assert!(is_used, "{refused:?} is not refused any more");
    }
}
