//! The lexical view against source that is meant to confuse it.

use super::{Function, Source};

fn source(text: &str) -> Source {
    Source::new("azr-rl/src/example.rs", text)
}

#[test]
fn words_in_comments_and_literals_are_not_code() {
    let text = concat!(
        "// unsafe\n/* unsafe /* unsafe */ unsafe */\n",
        "let a = \"unsafe \\\" unsafe\"; let b = r#\"unsafe \" unsafe\"#; let c = br\"unsafe\";\n",
        "let d = '\"'; let e: &'static str = \"unsafe\"; let f = '\\''; let g = 'é'; unsafe {}\n",
    );
    let source = source(text);
    assert_eq!(
        source
            .words("unsafe")
            .map(|at| source.line(at))
            .collect::<Vec<_>>(),
        [4],
        "{}",
        source.code
    );
    assert_eq!(source.code.len(), text.len());
}

#[test]
fn a_word_inside_a_longer_word_is_not_that_word() {
    let source = source("unsafely(not_unsafe, unsafe_code)");
    assert_eq!(source.words("unsafe").count(), 0);
}

#[test]
fn functions_are_measured_from_fn_to_closing_brace() {
    let source = source(
        "struct S;\nimpl S {\n    fn a(x: [u8; 4]) -> fn(u8) -> u8 {\n        if true {\n        }\n    }\n}\nfn b();\n",
    );
    assert_eq!(
        source.functions(),
        [Function {
            name: "a".into(),
            line: 3,
            lines: 4
        }]
    );
}

#[test]
fn test_items_and_test_files_are_marked() {
    let source = source("fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n");
    assert_eq!(
        (1..=6).map(|line| source.is_test(line)).collect::<Vec<_>>(),
        [false, true, true, true, true, false]
    );
    assert!(Source::new("azr-rl/tests/whole.rs", "fn a() {}\n").is_test(1));
    assert!(Source::new("azr-rl/src/reward/tests.rs", "fn a() {}\n").is_test(1));
}

#[test]
fn a_test_module_in_its_own_file_marks_nothing_after_it() {
    let source = source("#[cfg(test)]\nmod tests;\nfn c() {}\n");
    assert!(!source.is_test(3));
}

#[test]
fn patterns_are_what_stands_before_an_arrow_and_not_what_stands_after() {
    let source = source("match x { A => B, C | D if e => { F } G { h: I } => (J, K), _ => L, }");
    let (_, patterns) = &source.patterns()[0];
    let patterns: Vec<&str> = patterns.iter().map(|it| it.trim()).collect();
    assert_eq!(patterns, ["A", "C | D if e", "G { h: I }", "_"]);
}

#[test]
fn if_let_and_matches_are_patterns_too() {
    let source = source("if let A::B = x {} let c = matches!(x, A::D);");
    let all: Vec<String> = source
        .patterns()
        .into_iter()
        .flat_map(|(_, patterns)| patterns)
        .collect();
    assert!(
        all.iter().any(|it| it.contains("A::B")) && all.iter().any(|it| it.contains("A::D")),
        "{all:?}"
    );
}
