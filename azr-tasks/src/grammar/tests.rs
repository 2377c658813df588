//! What the reader accepts, what it refuses, and that hostile text costs it nothing.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

const FENCED: Grammar = Grammar {
    format: AnswerFormat::Fenced,
    text_bytes_max: 64 << 10,
};
const TAGGED: Grammar = Grammar {
    format: AnswerFormat::Tagged,
    text_bytes_max: 64 << 10,
};

fn bodies(text: &str) -> Vec<(&str, &str)> {
    fences(text).map(|it| (it.label, it.body)).collect()
}

#[test]
fn fences_are_found_in_order_with_their_labels_and_bodies() {
    let text = "words\n```python\ndef f(x):\n    return x\n```\nmore\n  ``` input \r\n1, 2\r\n```\r\n```output\n5```\n```\nplain\n```";
    let found = [
        ("python", "def f(x):\n    return x"),
        ("input", "1, 2"),
        ("output", "5"),
        ("", "plain"),
    ];
    assert_eq!(bodies(text), found);
}

#[test]
fn an_unclosed_fence_is_not_a_fence() {
    assert_eq!(bodies("```python\ndef f(x): return x\n"), []);
    assert_eq!(
        bodies("```python\ndef f(x): return x\n```input\n1\n```\n"),
        [("input", "1")]
    );
    assert_eq!(bodies("use ```python``` or ``` inline\n"), []);
    assert_eq!(bodies("```"), []);
    assert_eq!(bodies("``````\n"), []);
}

#[test]
fn no_body_holds_a_line_of_backticks() {
    assert_eq!(bodies("````python\na\n```\nb\n````\n"), [("", "b")]);
    assert_eq!(
        bodies("```python\ns = '''\n```\n'''\n```\n"),
        [("python", "s = '''")]
    );
}

#[test]
fn a_fenced_proposal_is_its_last_program_and_last_input() {
    let text = "```python\ndef f(a):\n    return 0\n```\nNo, better:\n```Python\ndef f(a):\n    return 1\n```\n```INPUT\n7\n```";
    let proposal = FENCED.read_triplet(text).unwrap();
    assert_eq!(proposal.program, "def f(a):\n    return 1");
    assert_eq!(proposal.inputs, ["7"]);
    assert_eq!(
        FENCED.read_triplet("```python\ndef f(a): 1\n```"),
        Err(Malformed::NoInput)
    );
    assert_eq!(
        FENCED.read_triplet("```input\n1\n```"),
        Err(Malformed::NoProgram)
    );
    assert_eq!(
        FENCED.read_triplet("```python\n\n```\n```input\n1\n```"),
        Err(Malformed::NoProgram)
    );
    assert_eq!(
        FENCED
            .read_triplet("```\ndef f(a): 1\n```\n```input\n1\n```")
            .unwrap()
            .program,
        "def f(a): 1"
    );
}

#[test]
fn a_tagged_text_must_begin_with_thought_and_answer() {
    let good = " <think>so\n</think> \n <answer>```output\n4\n```</answer> tail";
    assert_eq!(TAGGED.read_answer(good, Part::Output), Ok("4"));
    for bad in [
        "```output\n4\n```",
        "<answer>4</answer>",
        "<think>a</think>then<answer>4</answer>",
        "<think>a<answer>4</answer>",
        "<think>a</think><answer>4",
        "x<think>a</think><answer>4</answer>",
        "",
    ] {
        assert_eq!(
            TAGGED.read_answer(bad, Part::Output),
            Err(Malformed::NoAnswer),
            "{bad}"
        );
    }
}

#[test]
fn the_last_complete_answer_element_counts() {
    let text = "<think>a</think><answer>1</answer> no <answer>2</answer> or <answer>3";
    assert_eq!(TAGGED.read_answer(text, Part::Output), Ok("2"));
}

#[test]
fn a_bare_answer_counts_only_between_tags() {
    assert_eq!(
        TAGGED.read_answer("<think></think><answer> [1] </answer>", Part::Output),
        Ok("[1]")
    );
    assert_eq!(
        FENCED.read_answer("[1]", Part::Output),
        Err(Malformed::NoOutput)
    );
    let other_part = "<think></think><answer>```input\n1\n```</answer>";
    assert_eq!(
        TAGGED.read_answer(other_part, Part::Output),
        Err(Malformed::NoOutput)
    );
}

#[test]
fn answers_may_run_over_several_lines() {
    let text = "```input\n[1,\n 2],\n'a'\n```";
    assert_eq!(FENCED.read_answer(text, Part::Input), Ok("[1,\n 2],\n'a'"));
}

#[test]
fn all_inputs_are_read_in_order_and_the_message_may_be_missing() {
    let text = "```input\n1\n```\n```input\n2\n```\n```message\nAdd.\nTwice.\n```";
    assert_eq!(
        FENCED.read_inputs(text),
        Ok((vec!["1".into(), "2".into()], "Add.\nTwice.".into()))
    );
    assert_eq!(
        FENCED.read_inputs("```input\n1\n```"),
        Ok((vec!["1".into()], String::new()))
    );
    assert_eq!(
        FENCED.read_inputs("```message\nhello\n```"),
        Err(Malformed::NoInput)
    );
    let many: String = (0..1000).map(|n| format!("```input\n{n}\n```\n")).collect();
    let (inputs, _) = FENCED.read_inputs(&many).unwrap();
    assert_eq!((inputs.len(), inputs[0].as_str()), (INPUTS_MAX, "744"));
}

#[test]
fn a_text_over_the_limit_is_malformed() {
    let text = "x".repeat(FENCED.text_bytes_max + 1);
    assert_eq!(FENCED.read_triplet(&text), Err(Malformed::TextTooLarge));
}

#[test]
fn hostile_texts_of_a_megabyte_are_read_in_linear_time() {
    let roomy = [AnswerFormat::Fenced, AnswerFormat::Tagged].map(|format| Grammar {
        format,
        text_bytes_max: usize::MAX,
    });
    let pieces = [
        "```",
        "```\n",
        "```python\n",
        "<think>",
        "</think> ",
        "<answer>",
        "</answer>",
        "<think></think>\n",
        "`",
        "\n",
        " ",
    ];
    for piece in pieces {
        let text = format!("<think>{}", piece.repeat((1 << 20) / piece.len()));
        let start = Instant::now();
        for grammar in roomy {
            let _ = grammar.read_triplet(&text);
            let _ = grammar.read_inputs(&text);
            let _ = grammar.read_answer(&text, Part::Output);
        }
        // Linear reading takes a few milliseconds a megabyte; a quadratic one takes minutes.
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{piece:?} took {:?}",
            start.elapsed()
        );
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(
        pieces in prop::collection::vec(
            prop_oneof![
                Just("```".to_owned()), Just("\n".to_owned()), Just("python".to_owned()), Just("input".to_owned()),
                Just("<think>".to_owned()), Just("</think>".to_owned()), Just("<answer>".to_owned()),
                Just("</answer>".to_owned()), Just("\r".to_owned()), ".{0,4}",
            ],
            0..40,
        )
    ) {
        let text = pieces.concat();
        for grammar in [FENCED, TAGGED] {
            let _ = grammar.read_triplet(&text);
            let _ = grammar.read_inputs(&text);
            for part in [Part::Program, Part::Input, Part::Output, Part::Message] {
                if let Ok(found) = grammar.read_answer(&text, part) {
                    prop_assert!(text.contains(found));
                }
            }
        }
        for fence in fences(&text) {
            prop_assert!(fence.body.lines().all(|line| !line.trim().starts_with("```")));
        }
    }
}
